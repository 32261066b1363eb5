"""Rebuild: whole read models derived again from the log beside the live ones, which serve until then."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import define

from analytics_es.errors import AnalyticsError, DamagedEvent, EventsMissing, RebuildStopped
from analytics_es.log import EventLog, damaged_at
from analytics_es.process.cycles import relaxed
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Folded, Result
from analytics_es.read_models import beside
from analytics_es.read_models.halving import Intake, into
from analytics_es.read_models.registry import Live
from analytics_es.read_models.seeds import Seeds
from analytics_es.read_models.store import ReadModels
from analytics_es.types import Progress, RebuildResult

if TYPE_CHECKING:
    from analytics_es.read_models.replay import Replay

    OpenReplay = Callable[[Sequence[Declaration]], AbstractContextManager[Replay]]


def rebuild(
    log: EventLog,
    read_models: ReadModels,
    names: Sequence[str],
    replaying: OpenReplay,
    *,
    set_aside: bool = False,
    seeds: Seeds | None = None,
    progress: Progress | None = None,
    patience: float | None = None,
) -> RebuildResult:
    """Fill new read models beside the live ones, in one pass over the log for all, and promote them in one transaction.

    The live ones serve and are followed until then; whatever goes wrong, they stay as they are. A value that cannot be
    read stops it, unless it is to be `set_aside` as a follower does. They begin with the rows of sealed events, or with
    other `seeds`. Raises RebuildRunning, after so many seconds of `patience`, DamagedSealing, RebuildStopped,
    FoldFailed.
    """
    began = time.monotonic()
    with read_models.rebuilding(patience), relaxed():
        log.seals.check()
        beside.clear_away(read_models)
        try:
            declarations = beside.begin(read_models, names, seeds)
            with replaying(declarations) as replay:
                intake = Intake(replay.here.fold)
                filling = _Filling(log, read_models, declarations, replay, intake, set_aside, progress)
                position = filling.catch_up()
                filling.check()
                read_models.expire(declarations)
                # Where a follower was faster, what it added since is merged.
                while not beside.promote(read_models, declarations):
                    position = filling.catch_up()
        finally:
            with suppress(AnalyticsError):  # else the next start does it
                beside.clear_away(read_models)
    with read_models.read() as snapshot:
        rows = sum(snapshot.size(snapshot.live[name]) for name in names)
    seconds = time.monotonic() - began
    return RebuildResult(
        projections=list(names),
        events=filling.events,
        rows=rows,
        position=position,
        unreadable=filling.unreadable,
        seconds=round(seconds, 3),
        events_per_second=round(filling.events / seconds) if seconds else 0,
    )


@define
class _Filling:
    """Brings read models that are set aside up to the log's head."""

    log: EventLog
    read_models: ReadModels
    declarations: Sequence[Declaration]
    replay: Replay
    intake: Intake
    set_aside: bool
    progress: Progress | None
    position: int = 0
    events: int = 0
    unreadable: int = 0

    def catch_up(self) -> int:
        """Fold and commit what the log holds beyond what is done; returns the position reached."""
        head = self.log.head()
        for part, result in self.replay(self.position, head):
            self._commit(part, result)
            self.position = part.upto
            if self.progress:
                self.progress("rebuilding", min(self.events, head), head)
        return self.position

    def check(self) -> None:
        """Make sure that no event is missing: up to a position there are as many, but for what was sealed."""
        with self.read_models.read() as snapshot:
            taken = min((snapshot.taken(declaration) for declaration in self.declarations), default=self.position)
        if taken < self.position and not self.set_aside:
            raise EventsMissing(count=self.position - taken, position=self.position)

    def _commit(self, part: Any, result: Result) -> None:
        days = next((folded.days for folded in result.values() if isinstance(folded, Folded)), [])
        self.events += sum(events for _, events, _ in days)
        for declaration in self.declarations:
            take = partial(self._take, declaration, part.upto)
            self.intake(declaration, result[declaration.name], partial(self.replay.here.read, part), take)

    def _take(self, declaration: Declaration, upto: int, folded: Folded, at: int | None) -> None:
        if folded.unreadable and not self.set_aside:
            self._stop_at(declaration.name, folded)
        into(self.read_models, declaration, expected=self.position, position=upto)(folded, at)
        self.unreadable += len(folded.unreadable)

    def _stop_at(self, name: str, folded: Folded) -> None:
        """Stop at the first value that is not accepted as it is."""
        with self.read_models.read() as snapshot:
            accepted = snapshot.discarded()
        for position, _, field in sorted(folded.unreadable):
            if (name, position, field) not in accepted:
                if damaged := damaged_at(self.log, sorted({at for at, *_ in folded.unreadable})):
                    raise DamagedEvent.of(damaged)
                row = self.log.at(position) or {"type": "of the archive"}
                raise RebuildStopped(projection=name, position=position, type=row["type"], field=field)


def owed(read_models: ReadModels, live: Mapping[str, Live], head: int, *, least: int) -> list[str]:
    """Name the projections that a follower rebuilds by itself: changed ones, and new ones where the log is long.

    A definition that was live before is not: another process may still hold it, and both would rebuild for ever.
    """
    declared, far = read_models.declarations, head - least
    return [name for name, read_model in live.items() if _owed(declared[name], read_model, far)]


def _owed(declared: Declaration, live: Live, far: int) -> bool:
    if declared.definition == live.declaration.definition:
        return live.position == 0 and far >= 0
    return declared.version >= live.declaration.version and declared.fingerprint not in live.retired
