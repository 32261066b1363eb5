"""Events → additive rows: one batch is decoded once and folded for every projection."""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from attrs import frozen

from analytics_es import codec, engine
from analytics_es.calendar import Calendar
from analytics_es.errors import FoldFailed
from analytics_es.events import facts, matches
from analytics_es.foldsql import ProjectionSql, decoding
from analytics_es.projection import Declaration

Row = tuple[Any, ...]
Span = tuple[int, int]


@frozen(kw_only=True)
class Folded:
    """What a batch adds to one projection.

    A row is the values of `row_key`, then of the measures' columns. An unreadable value is its event's position, the
    start of its hour (0 where even that cannot be read), and the measure that left it out.
    """

    rows: list[Row]
    unreadable: list[tuple[int, int, str]]


class Fold:
    """Folds batches for a set of projections; holds an engine, and may be called from several threads."""

    def __init__(self, declarations: Sequence[Declaration], calendar: Calendar) -> None:
        self._declarations = {declaration.name: declaration for declaration in declarations}
        self._calendar = calendar
        self._engine = engine.connect()
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
            broken = self._load(events, within)
            first, last = self._engine.execute("SELECT min(occurred_at), max(occurred_at) FROM decoded").fetchall()[0]
            if first is None:
                return {each.name: Folded(rows=[], unreadable=_listed(each, broken)) for each in wanted}
            buckets = self._calendar.sql("occurred_at", first // 1_000_000, last // 1_000_000 + 1)
            return {each.name: self._fold(each, buckets, broken) for each in wanted}

    def _load(self, events: pa.Table, within: Span | None) -> list[tuple[int, str]]:
        """Decode a batch into the engine; returns position and type of what is not an event at all."""
        rows = [self._facts(event_type) for event_type in events.column("type").unique().to_pylist()]
        self._engine.register("types", pa.Table.from_pylist(rows, schema=self._schema()))
        try:
            if self._decode(events, within):
                return []
        except (engine.EngineError, pa.ArrowInvalid):
            pass
        events, broken = _without_broken(events)
        self._decode(events, within)
        return broken

    def _decode(self, events: pa.Table, within: Span | None) -> bool:
        """Fill the table `decoded`; says whether every event had a time."""
        self._engine.register("batch", events.set_column(2, "state", events.column("state").cast(pa.string())))
        self._engine.execute(f"CREATE OR REPLACE TEMP TABLE decoded AS {self._decoding}")
        untimed = self._engine.execute("SELECT count(*) FROM decoded WHERE occurred_at IS NULL").fetchall()[0][0]
        if within:
            self._engine.execute("DELETE FROM decoded WHERE occurred_at < ? OR occurred_at >= ?", within)
        return not untimed

    def _schema(self) -> pa.Schema:
        texts = [(name, pa.string()) for name in ("type", "family", "activity", "verdict")]
        return pa.schema([*texts, *((f"for_{name}", pa.bool_()) for name in self._declarations)])

    def _facts_of(self, event_type: str) -> dict[str, Any]:
        what = facts(event_type)
        consumers = {f"for_{name}": consumes(each, event_type) for name, each in self._declarations.items()}
        return {
            "type": event_type,
            "family": what.family,
            "activity": what.activity,
            "verdict": what.verdict,
            **consumers,
        }

    def _fold(
        self, declaration: Declaration, buckets: tuple[str, str], broken: list[tuple[int, str]]
    ) -> Folded | FoldFailed:
        sql = ProjectionSql(declaration, *buckets)
        try:
            rows = self._engine.execute(sql.rows()).fetchall()
            unreadable = _listed(declaration, broken)
            listing = sql.unreadable()
            if listing:
                unreadable += self._engine.execute(listing).fetchall()
        except engine.EngineError as error:
            return FoldFailed(projection=declaration.name, problem=str(error).splitlines()[0])
        return Folded(rows=rows, unreadable=unreadable)


def consumes(declaration: Declaration, event_type: str) -> bool:
    """Say whether a projection takes events of this type."""
    return any(matches(pattern, event_type) for pattern in declaration.consumes)


def _listed(declaration: Declaration, broken: list[tuple[int, str]]) -> list[tuple[int, int, str]]:
    return [(position, 0, "event") for position, event_type in broken if consumes(declaration, event_type)]


def _without_broken(events: pa.Table) -> tuple[pa.Table, list[tuple[int, str]]]:
    """Set aside, one by one, what is stored but is not an event."""
    fine, broken = [], []
    for index, row in enumerate(events.to_pylist()):
        try:
            codec.decode(row["position"], row["type"], row["state"])
            fine.append(index)
        except Exception:  # noqa: BLE001  # whatever is wrong with it, it is listed
            broken.append((row["position"], row["type"]))
    return events.take(pa.array(fine, pa.int64())), broken
