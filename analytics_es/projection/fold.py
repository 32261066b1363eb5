"""Events → additive rows: few events are folded in Python, many, and what is not sure there, by the engine."""

from __future__ import annotations

import copy
import functools
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import Factory, frozen

from analytics_es.errors import EventsNotFolded, FoldFailed
from analytics_es.events.event import MICRO
from analytics_es.events.fields import LEFT_OUT
from analytics_es.process import Helpers, Later
from analytics_es.projection import engine
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.certain import Unsure
from analytics_es.projection.declaration import Declaration, consumes, shortened
from analytics_es.projection.engine import Engine
from analytics_es.projection.fold_sql import ProjectionSql, narrowed
from analytics_es.projection.loading import Day, Decoded, Loading, Micros
from analytics_es.projection.rows import Row, Rows, scaled_up
from analytics_es.projection.small_fold import SmallFold
from analytics_es.projection.typed import TypedDecoding, TypedEvents, typed_decoding
from analytics_es.types import arrays

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc
else:
    pa, pc = Later("pyarrow"), Later("pyarrow.compute")

logger = logging.getLogger("analytics_es")

WHOLE = "event"  # stands for the measure where an event is left out as a whole

SMALL = 4_000  # events: from somewhat above, the engine's planning costs less than Python's work (docs/benchmarks.md)

READ = 1_000_000  # rows are read as a reader's: made a table at once, they lose their order


@frozen(kw_only=True)
class Folded:
    """What a batch adds to one projection.

    A row is the values of `row_key`, then of the measures' columns. An unreadable value is its event's position, the
    start of its hour (0 where even that cannot be read), and the measure that left it out. `days` tells, by the time in
    their keys, how many events of each day were in the batch, consumed or not, and the sum of their checksums.
    """

    rows: Sequence[Row]
    unreadable: list[tuple[int, int, str]]
    days: list[Day] = Factory(list)


Result = dict[str, Folded | FoldFailed]


class Fold:
    """Folds batches for a set of projections; holds an engine, and may be called from several threads."""

    def __init__(self, declarations: Iterable[Declaration], calendar: Calendar, *, threads: int = 1) -> None:
        self.calendar = calendar
        # Most batches are small, where a query costs planning, not work: one engine thread, projections side by side.
        self._engine = Engine(threads=threads)
        self._define(declarations)

    def _define(self, declarations: Iterable[Declaration]) -> None:
        self._declarations = {declaration.name: declaration for declaration in declarations}
        self._typed = functools.cache(lambda: typed_decoding(list(self._declarations.values())))
        self._loading = Loading(self._engine, self._declarations, self.calendar)
        self._small: SmallFold | None = None

    @property
    def small(self) -> SmallFold:
        """The fold in Python, compiled when it is needed."""
        if self._small is None:
            self._small = SmallFold(self._declarations, self.calendar)
        return self._small

    def __call__(self, events: pa.Table, names: Sequence[str] | None = None, *, within: Micros | None = None) -> Result:
        """Fold events (position, type, state) for the named projections, or all; `within`: only these microseconds.

        A projection whose fold fails gets the error in the place of its rows; EventsNotFolded may lie in the events.
        """
        declarations = [self._declarations[name] for name in (self._declarations if names is None else names)]
        self._engine.check()
        sure = self._in_python(events, declarations, within) if events.num_rows <= SMALL else Result()
        left = [declaration for declaration in declarations if declaration.name not in sure]
        result = sure | self._in_engine(events, left, within) if left else sure
        return {declaration.name: result[declaration.name] for declaration in declarations}

    def _in_python(self, events: pa.Table, declarations: Sequence[Declaration], within: Micros | None) -> Result:
        """Fold for those of the projections of whose rows it is sure that the engine would give them."""
        try:
            small = self.small
            days = small.count_days(_keys(events)) if within is None else []
            rows = small(events, [declaration.name for declaration in declarations], within)
        except Unsure:
            return Result()
        except Exception:  # what is not thought of is not sure either
            logger.debug("a small fold failed", exc_info=True)
            return Result()
        return {name: Folded(rows=own, unreadable=[], days=days) for name, own in rows.items()}

    def _in_engine(self, events: pa.Table, declarations: Sequence[Declaration], within: Micros | None) -> Result:
        """Fold for the projections that take any of these events; the others have nothing to be asked for."""
        types = events.column("type").unique().to_pylist()
        taking = [own for own in declarations if any(consumes(own, kind or "") for kind in types)]
        with self._engine.alone():
            try:
                days = self._loading.days(events) if within is None else []
            except (engine.EngineError, pa.ArrowException) as error:
                return {declaration.name: _failed(declaration, error) for declaration in declarations}
            none: Result = {own.name: Folded(rows=[], unreadable=[], days=days) for own in declarations}
            return none | self._taken(events, taking, within, days) if taking else none

    def _taken(
        self, events: pa.Table, declarations: Sequence[Declaration], within: Micros | None, days: list[Day]
    ) -> Result:
        try:
            decoded = self._loading.load(events, within)
        except (engine.EngineError, pa.ArrowException) as error:
            return {declaration.name: _failed(declaration, error) for declaration in declarations}
        if decoded.first is None or decoded.last is None:
            unreadable = {declaration.name: _listed(declaration, decoded.broken) for declaration in declarations}
            return {name: Folded(rows=[], unreadable=listed, days=days) for name, listed in unreadable.items()}
        buckets = self.calendar.sql("occurred_at", decoded.first // MICRO, decoded.last // MICRO + 1)
        return self._side_by_side(declarations, buckets, decoded, days)

    def _side_by_side(
        self, declarations: Sequence[Declaration], buckets: tuple[str, str], decoded: Decoded, days: list[Day]
    ) -> Result:
        """Fold for each projection, whichever of two threads comes to it first."""
        waiting, folds = deque(declarations), Result()

        def work() -> None:
            while waiting:
                with suppress(IndexError):  # the other was faster
                    declaration = waiting.popleft()
                    folds[declaration.name] = self._fold(declaration, buckets, decoded, days)

        with Helpers("analytics-es-fold") as helpers:
            other = helpers.submit(work)
            work()
            other.result()
        return {declaration.name: folds[declaration.name] for declaration in declarations}

    @property
    def typed(self) -> TypedDecoding | None:
        """How columns of an archive are decoded for these projections; None where they cannot be."""
        return self._typed()

    def of_columns(self, events: TypedEvents) -> Result | None:
        """Fold events whose fields are columns; None where they are to be folded as they are stored."""
        typed, declarations = self.typed, list(self._declarations.values())
        with self._engine.alone():
            try:
                decoded = typed and self._loading.load_columns(events, typed.sql)
                if not decoded or decoded.untimed or decoded.first is None or decoded.last is None:
                    return None
                days = self._loading.days_of_columns(events)
            except (engine.EngineError, pa.ArrowException):
                return None
            buckets = self.calendar.sql("occurred_at", decoded.first // MICRO, decoded.last // MICRO + 1)
            return self._side_by_side(declarations, buckets, decoded, days)

    def of(self, declarations: Iterable[Declaration]) -> Fold:
        """Return the fold of other definitions: it shares the engine, and is closed with this one."""
        declarations = list(declarations)
        own = {declaration.definition for declaration in self._declarations.values()}
        if {declaration.definition for declaration in declarations} == own:
            return self
        other = copy.copy(self)
        other._define(declarations)
        return other

    def by_event(
        self, events: pa.Table, declaration: Declaration, where: Mapping[str, str], *, within: Micros | None = None
    ) -> pa.Table:
        """Return what each event adds to rows of any definition where keys have these values; raises FoldFailed.

        A row, by position, is its position, when it occurred (`OCCURRED`), keys, and columns of measures: what
        it adds, None where nothing; read them by `integers`. A histogram's buckets are the index of the one that it
        adds to.
        """
        declaration, where = narrowed(declaration, where)
        fold, own = self.of([declaration]), consumed(events, declaration)
        parts = list(fold._by_halves(own, declaration, where, within))
        return scaled_up(pa.concat_tables(parts or [fold._by_event(own.slice(0, 0), declaration, where, within)]))

    def _by_halves(
        self, events: pa.Table, declaration: Declaration, where: Mapping[str, str], within: Micros | None
    ) -> Iterator[pa.Table]:
        """Leave out an event that fails alone: it is a dead letter and adds nothing."""
        try:
            yield self._by_event(events, declaration, where, within)
        except EventsNotFolded:
            if events.num_rows > 1:
                for half in (events.slice(0, events.num_rows // 2), events.slice(events.num_rows // 2)):
                    yield from self._by_halves(half, declaration, where, within)

    def _by_event(
        self, events: pa.Table, declaration: Declaration, where: Mapping[str, str], within: Micros | None
    ) -> pa.Table:
        sql = ProjectionSql(declaration, "0", "0", unread=bool(declaration.known))  # no buckets
        keys, by_event = [shortened(text) for text in where.values()], sql.by_event(where)
        with self._engine.alone():
            with suppress(engine.EngineError, pa.ArrowException):  # then what is no event is to be set aside
                if within and not any("\0" in text for text in keys):
                    decoded = self._loading.attach(events)
                    read = f"WITH decoded AS MATERIALIZED ({decoded}) {by_event}"
                    return self._engine.select(self._connection, read, READ, [*within, *keys])
            try:
                self._loading.load(events, within)
                with self._connection.cursor() as cursor:
                    return cursor.sql(by_event, params=keys).to_arrow_reader(READ).read_all()
            except engine.EngineError as error:
                raise _failed(declaration, error) from error

    def count_days(self, keys: Sequence[str]) -> list[Day]:
        """Count events by the days that their keys name, and add up their checksums."""
        if len(keys) <= SMALL:
            with suppress(Unsure):
                return self.small.count_days(keys)
        with self._engine.alone():
            return self._loading.days(pa.table({"key": arrays.make(keys, pa.string())}))

    def close(self) -> None:
        """Let go of the engine, when nobody folds any more."""
        self._engine.close()

    @property
    def _connection(self) -> engine.Connection:
        return self._engine.connection

    def _fold(
        self, declaration: Declaration, buckets: tuple[str, str], decoded: Decoded, days: list[Day]
    ) -> Folded | FoldFailed:
        unread = bool(declaration.known) and not decoded.fields.issubset((*declaration.known, LEFT_OUT))
        sql = ProjectionSql(declaration, *buckets, unread=unread)
        unreadable = _listed(declaration, decoded.broken)
        try:
            with self._connection.cursor() as cursor:
                rows = Rows(self._engine.select(cursor, sql.rows(), READ))
                if decoded.unread or sql.may_fail():
                    unreadable += cursor.execute(sql.unreadable()).fetchall()
        except engine.EngineError as error:
            return _failed(declaration, error)
        return Folded(rows=rows, unreadable=unreadable, days=days)


def consumed(events: pa.Table, declaration: Declaration) -> pa.Table:
    """Return the events whose type a projection takes."""
    every = events.column("type").unique().to_pylist()
    types = [kind for kind in every if consumes(declaration, kind or "")]
    if len(types) == len(every):
        return events
    return events.filter(pc.is_in(events.column("type"), arrays.make(types, pa.string())))


def _keys(events: pa.Table) -> list[str]:
    return events.column("key").to_pylist() if "key" in events.column_names else []


def succeeded(result: Folded | FoldFailed) -> Folded:
    """Return what was folded; raises FoldFailed where it failed."""
    if isinstance(result, FoldFailed):
        raise result
    return result


def _failed(declaration: Declaration, error: Exception) -> FoldFailed:
    of_events = isinstance(error, pa.ArrowException) or engine.lies_in_values(error)
    kind = EventsNotFolded if of_events else FoldFailed
    return kind(projection=declaration.name, problem=(str(error) or type(error).__name__).splitlines()[0])


def _listed(declaration: Declaration, broken: list[tuple[int, str]]) -> list[tuple[int, int, str]]:
    return [(position, 0, WHOLE) for position, event_type in sorted(broken) if consumes(declaration, event_type)]
