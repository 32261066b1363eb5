"""Halving: events that cannot be folded, or not merged, are found among others and set aside one by one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field

from analytics_es.errors import AnalyticsError, EventsNotFolded, FoldFailed, NothingFolds, RebuildLost, RowsRefused
from analytics_es.events import codec
from analytics_es.events.event import EARLIEST, LATEST
from analytics_es.log import EventLog
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import WHOLE, Fold, Folded, consumed, succeeded
from analytics_es.projection.loading import Micros
from analytics_es.read_models.store import ReadModels

if TYPE_CHECKING:
    import pyarrow as pa

logger = logging.getLogger("analytics_es")

# What may lie in the events. Everything else (a store that is busy, a disk that is full, SQL that cannot run) does not.
AT_FAULT = (EventsNotFolded, RowsRefused)
# So many events that fail one by one, with none between them that does not, say that it is the projection.
IN_A_ROW = 100
LOOKED_AT = 50_000  # events among which they are, with those of other types

# Takes what events add, and the position of the last of them, None where they are the rest of a batch.
Take = Callable[[Folded, int | None], None]


@define
class Halving:
    """Takes events in for one projection, in order of position: half as many after a failure, twice after a success.

    An event that fails alone, after all before it, is set aside. So which ones are depends on the log, not on batches.
    """

    declaration: Declaration
    fold: Fold  # of definitions of which this is one
    size: int
    in_a_row: int = 0
    level: int = logging.DEBUG  # at which it is logged what was set aside
    earlier: Callable[[int], int] = lambda position: 0  # how many in a row were set aside before a position

    def take_in(self, events: pa.Table, take: Take, *, within: Micros | None = None) -> None:
        """Hand over all events, piece by piece, each with what it adds; raises what does not lie in them."""
        while events.num_rows:
            events = events.slice(self.step(events, take, within=within))

    def step(self, events: pa.Table, take: Take, *, within: Micros | None = None) -> int:
        """Try the first events, and return how many were handed over: none where they are too many."""
        piece = events.slice(0, self.size)
        at = None if piece.num_rows == events.num_rows else piece.column("position")[-1].as_py()
        own = consumed(piece, self.declaration)
        try:
            take(self._folded(piece, own, within), at)
        except AT_FAULT as error:
            if own.num_rows > 1:
                self.size = max(piece.num_rows // 2, 1)
                return 0
            if not own.num_rows:
                raise
            self._refuse_in_a_row(own, error)
            take(self._set_aside(piece, own, error, within), at)
            self.in_a_row += 1
            return int(piece.num_rows)
        if own.num_rows:
            self.in_a_row = 0
        self.size = piece.num_rows * 2
        return int(piece.num_rows)

    def _folded(self, piece: pa.Table, own: pa.Table, within: Micros | None) -> Folded:
        """Fold what the projection consumes: what it does not cannot fail for it."""
        folded = succeeded(self.fold(own, [self.declaration.name], within=within)[self.declaration.name])
        return evolve(folded, days=self._days(piece, within))

    def _days(self, piece: pa.Table, within: Micros | None) -> list[tuple[int, int, int]]:
        if within is not None or "key" not in piece.column_names:
            return []
        return self.fold.count_days(piece.column("key").to_pylist())

    def _refuse_in_a_row(self, own: pa.Table, error: AnalyticsError) -> None:
        if not isinstance(error, EventsNotFolded):  # a sum that is full refuses all that come, and is not the SQL's
            return
        position = own.column("position")[0].as_py()
        if max(self.in_a_row, self.earlier(position)) >= IN_A_ROW:
            problem = error.details["problem"]
            raise NothingFolds(projection=self.declaration.name, count=IN_A_ROW, problem=problem) from error

    def _set_aside(self, piece: pa.Table, own: pa.Table, error: AnalyticsError, within: Micros | None) -> Folded:
        stored = own.to_pylist()[0]
        logger.log(
            self.level,
            "%s: the event at position %s was set aside as a dead letter: %s",
            self.declaration.name,
            stored["position"],
            error.details["problem"],
        )
        return Folded(rows=[], unreadable=[letter(stored, self.fold.calendar)], days=self._days(piece, within))


def following(log: EventLog, read_models: ReadModels, declaration: Declaration, fold: Fold, failed: int) -> Halving:
    """Return the search of a follower for which so many events have failed: it goes on where another one was ended."""

    def earlier(position: int) -> int:
        with read_models.read() as snapshot:
            positions = snapshot.set_aside(declaration, position, IN_A_ROW)
        if len(positions) < IN_A_ROW:
            return 0
        events = log.scan(after=positions[-1] - 1, limit=LOOKED_AT, upto=position - 1, checked=True)
        return IN_A_ROW if consumed(events, declaration).num_rows == IN_A_ROW else 0

    return Halving(declaration, fold, max(failed // 2, 1), earlier=earlier, level=logging.WARNING)


def letter(stored: Mapping[str, Any], calendar: Calendar) -> tuple[int, int, str]:
    """Return what stands for an event that is left out as a whole: its position, and the start of its hour, if any."""
    position = stored["position"]
    try:
        occurred_at = codec.decode(position, stored["type"], stored["state"]).occurred_at
        timed = EARLIEST <= occurred_at < LATEST
    except Exception:  # whatever it is, it has no time
        timed = False
    return position, calendar.hour_start(int(occurred_at.timestamp() // 1)) if timed else 0, WHOLE


@define
class Intake:
    """Hands over what batches add to projections: at once, or piece by piece to one that they fail for."""

    fold: Callable[[], Fold]  # of the projections, asked for only where one has failed
    _halvings: dict[str, Halving] = field(factory=dict)

    def __call__(
        self,
        declaration: Declaration,
        result: Folded | FoldFailed,
        events: pa.Table | Callable[[], pa.Table],
        take: Take,
        *,
        within: Micros | None = None,
    ) -> None:
        """Hand over a batch that was folded; raises what does not lie in its events."""
        try:
            folded = succeeded(result)
            take(folded, None)
            if folded.rows:
                self._halvings.pop(declaration.name, None)
        except AT_FAULT:
            batch = events() if callable(events) else events
            halving = self._halvings.setdefault(declaration.name, Halving(declaration, self.fold(), 1))
            halving.size = max(batch.num_rows // 2, 1)
            halving.take_in(batch, take, within=within)


def into(read_models: ReadModels, declaration: Declaration, *, expected: int, position: int) -> Take:
    """Return what commits to a read model that nobody else fills: its checkpoint moves at the end of a batch."""

    def take(folded: Folded, at: int | None) -> None:
        reached = position if at is None else expected
        if not read_models.commit(declaration, folded, expected=expected, position=reached):
            raise RebuildLost(projection=declaration.name)

    return take
