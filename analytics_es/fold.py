"""Events → additive rows: one batch is decoded once and folded for every projection."""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
from attrs import Factory, evolve, frozen

from analytics_es import engine
from analytics_es.algebra import Declaration
from analytics_es.calendar import Calendar
from analytics_es.errors import FoldFailed
from analytics_es.events import EARLIEST, LATEST, facts, matches, microseconds
from analytics_es.foldsql import ProjectionSql, decoding
from analytics_es.vocabulary import FAMILIES

Row = tuple[Any, ...]
Span = tuple[int, int]

WORKERS = 2


@frozen(kw_only=True)
class Folded:
    """What a batch adds to one projection.

    A row is the values of `row_key`, then of the measures' columns. An unreadable value is its event's position, the
    start of its hour (0 where even that cannot be read), and the measure that left it out.
    """

    rows: list[Row]
    unreadable: list[tuple[int, int, str]]


# What is stored may say a time that no event can have, for which there are no hours.
TIMED = f"occurred_at >= {microseconds(EARLIEST)} AND occurred_at < {microseconds(LATEST)}"
UNTIMED = f"({TIMED}) IS NOT TRUE"

# What a batch is like: its time, events without one, and events with values that are not numbers.
ABOUT_DECODED = (
    f"SELECT min(occurred_at) FILTER ({TIMED}), max(occurred_at) FILTER ({TIMED}), count(*) FILTER ({UNTIMED}), "
    "count(*) FILTER (len(unread) > 0) FROM decoded"
)


@frozen
class _Decoded:
    first: int | None
    last: int | None
    untimed: int
    unread: int
    broken: list[tuple[int, str]] = Factory(list)


class Fold:
    """Folds batches for a set of projections; holds an engine, and may be called from several threads."""

    def __init__(self, declarations: Sequence[Declaration], calendar: Calendar) -> None:
        self._declarations = {declaration.name: declaration for declaration in declarations}
        self._calendar = calendar
        # Most batches are small, where a query costs planning, not work: one engine thread, projections side by side.
        self._engine = engine.connect(threads=1)
        self._workers = ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="analytics-es-fold")
        self._lock = threading.Lock()
        self._decoding = decoding(declarations)
        self._facts = functools.lru_cache(maxsize=4096)(self._facts_of)

    def __call__(
        self, events: pa.Table, names: Sequence[str] | None = None, *, within: Span | None = None
    ) -> dict[str, Folded | FoldFailed]:
        """Fold events (position, type, state) for the named projections, or all; `within`: only these microseconds.

        A projection whose fold fails gets the error in the place of its rows; the others are not touched by it.
        """
        wanted = [self._declarations[name] for name in (self._declarations if names is None else names)]
        with self._lock:
            try:
                decoded = self._load(events, within)
            except engine.EngineError as error:
                return {each.name: _failed(each, error) for each in wanted}
            if decoded.first is None or decoded.last is None:
                return {each.name: Folded(rows=[], unreadable=_listed(each, decoded.broken)) for each in wanted}
            buckets = self._calendar.sql("occurred_at", decoded.first // 1_000_000, decoded.last // 1_000_000 + 1)
            folds = {each.name: self._workers.submit(self._fold, each, buckets, decoded) for each in wanted}
            return {name: fold.result() for name, fold in folds.items()}

    def close(self) -> None:
        """Let go of threads and engine."""
        self._workers.shutdown()
        self._engine.close()

    def _load(self, events: pa.Table, within: Span | None) -> _Decoded:
        """Fill the engine's table `decoded`; what is stored but is not an event is set aside."""
        rows = [self._facts(event_type) for event_type in events.column("type").unique().to_pylist()]
        self._engine.register("types", pa.Table.from_pylist(rows, schema=self._schema()))
        try:
            decoded = self._decode(events, within)
        except (engine.EngineError, pa.ArrowInvalid):
            events, broken = self._without_broken(events)
            decoded = evolve(self._decode(events, within), broken=broken)
        if not decoded.untimed:
            return decoded
        untimed = self._engine.execute(f"DELETE FROM decoded WHERE {UNTIMED} RETURNING position, type")
        return evolve(decoded, broken=decoded.broken + untimed.fetchall())

    def _decode(self, events: pa.Table, within: Span | None) -> _Decoded:
        self._engine.register("batch", events.set_column(2, "state", events.column("state").cast(pa.string())))
        self._engine.execute(f"CREATE OR REPLACE TABLE decoded AS {self._decoding}")
        if within:
            self._engine.execute("DELETE FROM decoded WHERE occurred_at < ? OR occurred_at >= ?", within)
        return _Decoded(*self._engine.execute(ABOUT_DECODED).fetchall()[0])

    def _without_broken(self, events: pa.Table) -> tuple[pa.Table, list[tuple[int, str]]]:
        """Set aside, one by one, what is stored but is no JSON."""
        states = [_text(state) for state in events.column("state").to_pylist()]
        self._engine.register("batch", events.set_column(2, "state", pa.array(states, pa.string())))
        valid = self._engine.execute("SELECT position, type, coalesce(json_valid(state), false) FROM batch").fetchall()
        fine = pa.array([ok for _, _, ok in valid], pa.bool_())
        return events.filter(fine), [(position, event_type) for position, event_type, ok in valid if not ok]

    def _schema(self) -> pa.Schema:
        texts = [(name, pa.string()) for name in ("type", "family", "activity", "verdict")]
        return pa.schema([*texts, ("open", pa.bool_()), *((f"for_{name}", pa.bool_()) for name in self._declarations)])

    def _facts_of(self, event_type: str) -> dict[str, Any]:
        what = facts(event_type)
        consumers = {f"for_{name}": consumes(each, event_type) for name, each in self._declarations.items()}
        return {
            "type": event_type,
            "family": what.family,
            "activity": what.activity,
            "verdict": what.verdict,
            "open": what.family not in FAMILIES,
            **consumers,
        }

    def _fold(self, declaration: Declaration, buckets: tuple[str, str], decoded: _Decoded) -> Folded | FoldFailed:
        sql = ProjectionSql(declaration, *buckets)
        unreadable = _listed(declaration, decoded.broken)
        try:
            with self._engine.cursor() as cursor:
                rows = cursor.execute(sql.rows()).fetchall()
                if decoded.unread or sql.may_fail():
                    unreadable += cursor.execute(sql.unreadable()).fetchall()
        except engine.EngineError as error:
            return _failed(declaration, error)
        return Folded(rows=rows, unreadable=unreadable)


def consumes(declaration: Declaration, event_type: str) -> bool:
    """Say whether a projection takes events of this type."""
    return any(matches(pattern, event_type) for pattern in declaration.consumes)


def _failed(declaration: Declaration, error: Exception) -> FoldFailed:
    return FoldFailed(projection=declaration.name, problem=str(error).splitlines()[0])


def _listed(declaration: Declaration, broken: list[tuple[int, str]]) -> list[tuple[int, int, str]]:
    return [(position, 0, "event") for position, event_type in broken if consumes(declaration, event_type)]


def _text(state: bytes) -> str | None:
    try:
        return state.decode()
    except UnicodeDecodeError:
        return None
