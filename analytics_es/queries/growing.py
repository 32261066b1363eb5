"""Rows in memory of one definition and one period, which grow with the log: only what came since is folded.

Rows add up, so what was folded stays, unless what it was folded from is no longer what the log holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field, frozen

from analytics_es.errors import RebuildLost
from analytics_es.events.event import key_of_time
from analytics_es.log import REWRITTEN, EventLog, Horizon, LogSlice
from analytics_es.process import Later
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Fold, Folded, succeeded
from analytics_es.projection.loading import Day, Micros
from analytics_es.read_models import ReadModels, Seeds, Tiling
from analytics_es.read_models.halving import AT_FAULT
from analytics_es.read_models.temporary import derive
from analytics_es.types import Progress, arrays

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = Later("pyarrow")

THREADS = 2
FEW = 5_000  # events, of which it takes less to read all than to find those of a period


@frozen
class NoSeeds(Seeds):
    """No seeds: what is sealed is of one entity and one zone. Its time is as if it were no longer kept."""

    def horizon(self) -> Horizon:
        """Return a horizon before which there is nothing."""
        sealed = super().horizon()
        return evolve(sealed, hours=max(sealed.hours, sealed.until), days=max(sealed.days, sealed.until), timezone="")

    def __call__(self, declaration: Declaration) -> Iterator[Folded]:
        """Yield nothing."""
        return iter(())

    def days(self) -> list[Day]:
        """Return no days."""
        return []

    def complete(self, declaration: Declaration) -> bool:
        """Say that nothing is missing: what is sealed is not asked for."""
        return True


@define(eq=False)
class Built:
    """Read models that are built when they are asked for first, and stay as they are; for one thread."""

    build: Callable[[], ReadModels]
    _read_models: ReadModels | None = field(default=None, init=False)

    def read_models(self) -> ReadModels:
        """Return them."""
        if self._read_models is None:
            self._read_models = self.build()
        return self._read_models

    def close(self) -> None:
        """Let go of them; they are built again when they are asked for."""
        read_models, self._read_models = self._read_models, None
        if read_models:
            read_models.close()


@define(eq=False)
class Growing:
    """What was folded of a period, and, once somebody compares, of the period before, up to a position; for one thread.

    It is begun again where events were masked or sealed meanwhile, where the log has gone back, and where an event
    fails that would fail among others.
    """

    log: EventLog
    declaration: Declaration
    tiling: Tiling
    _read_models: ReadModels | None = field(default=None, init=False)
    _position: int = field(default=0, init=False)
    _compared: bool = field(default=False, init=False)
    _stands_on: Any = field(default=None, init=False)

    def read_models(self, *, compared: bool = False, progress: Progress | None = None) -> ReadModels:
        """Return the rows of all that the log holds by now; also of the period before, where that is `compared`."""
        try:
            return self._grown(compared, progress)
        except BaseException:  # they may hold a part of what was to be added
            self.close()
            raise

    def _grown(self, compared: bool, progress: Progress | None) -> ReadModels:
        while True:
            stands_on, head = self._about_log(), self.log.head()
            read_models = self._read_models
            if read_models is None or stands_on != self._stands_on or head < self._position:
                read_models = self._begun(head, compared, progress)
            else:
                try:
                    self._add(read_models, head, compared, progress)
                except AT_FAULT:  # which event is at fault depends on those before it
                    read_models = self._begun(head, compared, progress)
            if self._about_log() == stands_on:
                self._stands_on = stands_on
                return read_models

    def _about_log(self) -> Any:
        """Return what says that events which were read are still as they were."""
        return self.log.seals.horizon(), self.log.noted(REWRITTEN)

    def _begun(self, head: int, compared: bool, progress: Progress | None) -> ReadModels:
        compared = compared or self._compared
        self.close()
        tiling = self.tiling.with_before() if compared else self.tiling
        part = LogSlice(self.log, upto=head)
        with closing(self._fold()) as fold:
            self._read_models = derive(part, [self.declaration], fold, tiling, seeds=NoSeeds(part), progress=progress)
        self._position, self._compared = head, compared
        return self._read_models

    def _add(self, read_models: ReadModels, head: int, compared: bool, progress: Progress | None) -> None:
        """Add what came since, and the period before where nobody compared until now."""
        if head > self._position:
            whole = self.tiling.with_before() if self._compared else self.tiling
            self._take(read_models, whole, self._position, head, progress)
            self._position = head
        if compared and not self._compared:
            before = self.tiling.part(self.tiling.before().start, self.tiling.start)
            self._take(read_models, before, 0, head, progress)
            self._compared = True

    def _take(self, read_models: ReadModels, tiling: Tiling, after: int, upto: int, progress: Progress | None) -> None:
        """Fold what lies in (after, upto] and occurred in a stretch of time; rows then stand on its end."""
        position, name, within = self._position, self.declaration.name, tiling.within
        with closing(self._fold()) as fold:
            for events in _events(self.log, within, after, upto):
                folded = succeeded(fold(events, [name], within=within)[name])
                last = events.column("position")[-1].as_py()
                reached = max(last, position)  # what came before is added to what stands further on
                if not read_models.commit(self.declaration, folded, expected=position, position=reached):
                    raise RebuildLost(projection=name)
                position = reached
                if progress:
                    progress("deriving", last, upto)
        if position < upto:
            nothing = Folded(rows=[], unreadable=[])
            read_models.commit(self.declaration, nothing, expected=position, position=upto)

    def _fold(self) -> Fold:
        return Fold([self.declaration], self.tiling.calendar, threads=THREADS)

    def close(self) -> None:
        """Let go of the rows; they are derived again when they are asked for."""
        read_models, self._read_models = self._read_models, None
        self._position, self._compared = 0, False
        if read_models:
            read_models.close()


def _events(log: EventLog, within: Micros, after: int, upto: int) -> Iterator[pa.Table]:
    """Yield what occurred in a stretch of time; where few events came since, none but these are looked at."""
    if upto - after > FEW:
        yield from log.scan_period(*within, after=after, upto=upto)
        return
    events = log.scan(after=after, upto=upto, limit=FEW)
    first, end = key_of_time(within[0]), key_of_time(within[1] + 999)  # a key is exact to the millisecond
    inside = [first <= key < end for key in events.column("key").to_pylist()]
    if any(inside):
        yield events.filter(arrays.make(inside, pa.bool_()))
