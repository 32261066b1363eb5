"""Catch up, follow, lag: brings the read models up to the log's head, one pass for all projections at one position."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from attrs import frozen

from analytics_es.errors import AnalyticsError, NotCaughtUp, StoreBusy, StoreUnavailable, without_frames
from analytics_es.events import codec
from analytics_es.log import EventLog
from analytics_es.log.database import Cursor
from analytics_es.process import Background, Trouble, ahead
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Fold, Folded, Result, succeeded
from analytics_es.read_models.halving import AT_FAULT, Halving, following
from analytics_es.read_models.registry import Live
from analytics_es.read_models.store import ReadModels
from analytics_es.read_models.together import together
from analytics_es.types import Progress
from analytics_es.types.sentences import of_error

logger = logging.getLogger(__name__)

BATCH = 50_000
# After a step, let this much time pass for more to come.
PAUSE_SECONDS = 0.002
RETRY_SECONDS = 5.0
# Look this often for what another runner did, and leave it a projection that it moved this lately.
LOOK_SECONDS = 0.1
LEAVE_SECONDS = 2.0
# Look for events at fault in so many steps, before the others are looked after.
TRIES = 16

Clock = Callable[[], datetime]
now: Clock = partial(datetime.now, UTC)


@frozen
class _Batch:
    declarations: Mapping[str, Declaration]  # what it was folded for
    folded: Result
    expected: int
    last: int
    size: int


class _Overtaken(Exception):
    """Another runner was faster."""


class Runner:
    """Advances the checkpoints of all projections; any number of runners may, exactly one succeeds with each batch."""

    def __init__(
        self, log: EventLog, read_models: ReadModels, fold: Fold, *, clock: Clock = now, batch: int = BATCH
    ) -> None:
        self._log, self._read_models, self._fold = log, read_models, fold
        self.left_out: Collection[str] = ()  # what a rebuild is filling: not to be done twice
        self._clock, self._batch = clock, batch
        self._stepping = threading.Lock()
        self.background = Background("analytics-es-follower", self._follow)
        self._stopping, self._woken = self.background.stopping, self.background.woken
        self._moved = threading.Condition()
        self.errors: dict[str, AnalyticsError] = {}
        self._told, self._told_of = Trouble(logger, "The read models"), dict[str, Trouble]()
        self.trouble: AnalyticsError | None = None  # what keeps all of them from going on, for now
        self.moved: Callable[[], None] = lambda: None  # called after each commit
        self._last_seen: dict[str, int] = {}  # where projections were when last seen or moved here
        self._moved_elsewhere: dict[str, float] = {}  # when another runner was last seen to move them
        self._halvings: dict[str, Halving] = {}  # projections for which some of the next events are at fault

    def catch_up(self, progress: Progress | None = None) -> int:
        """Fold everything the log holds now, here and now; returns the position reached.

        Raises the error of a projection that cannot go on, after the others have caught up.
        """
        head = self.bring_up(progress)
        for error in self.errors.values():
            raise error
        return head

    def bring_up(self, progress: Progress | None = None) -> int:
        """Catch up as far as each projection can: `errors` says which cannot go on."""
        self.errors.clear()
        head = self._log.head()
        while self.step(head, progress):
            pass
        return head

    def step(self, head: int | None = None, progress: Progress | None = None, *, yielding: bool = False) -> bool:
        """Bring the projections that are furthest behind up to the head; False where there was nothing to do.

        `yielding` leaves to another runner what it is moving: any number may run, and one does the work.
        """
        with self._stepping:
            head = self._log.head() if head is None else head
            behind, halved = defaultdict(set), []
            live = self._look()
            for name, read_model in live.items():
                left = name in self.left_out or (
                    yielding and time.monotonic() - self._moved_elsewhere.get(name, -LEAVE_SECONDS) < LEAVE_SECONDS
                )
                if read_model.position < head and name not in self.errors and not left:
                    if name in self._halvings:
                        halved.append(name)
                    else:
                        behind[read_model.position].add(name)
            if not behind and not halved:
                return False
            if behind:
                self._pass(live, behind, head, progress)
            for name in halved:  # by and by, so that the others go on
                self._halve(live[name], head)
            self._tell()
        return True

    def _pass(
        self, live: Mapping[str, Live], behind: Mapping[int, set[str]], head: int, progress: Progress | None
    ) -> None:
        """Bring those that are furthest behind up to the head, batch by batch."""
        position = min(behind)
        names = behind[position]
        declarations = {name: read_model.declaration for name, read_model in live.items()}
        follows = self.background.is_this()
        folded = self._folded(declarations, frozenset(names), position, head, follows)
        with closing(folded if head - position <= self._batch else ahead("analytics-es-ahead", folded)) as batches:
            for batch in batches:
                names = self._commit(batch, names)
                if progress:
                    progress("folding", batch.last, head)
                if not names or (follows and self._stopping.is_set()):
                    break

    def _folded(
        self, live: Mapping[str, Declaration], names: Iterable[str], position: int, head: int, follows: bool
    ) -> Generator[_Batch, None, None]:
        """Scan and fold from a position up to the head, batch by batch, as the live read models are defined."""
        declared = self._read_models.declarations
        stale = any(live[name].definition != declared[name].definition for name in live)
        fold = self._fold.of(live.values()) if stale else self._fold
        while position < head:
            events = self._log.scan(after=position, limit=self._batch, upto=head, checked=True)
            last = events.column("position")[-1].as_py() if events.num_rows else head
            yield _Batch(live, fold(events, sorted(names)), position, last, events.num_rows)
            position = last
            if follows and self._stopping.is_set():
                return

    def _commit(self, batch: _Batch, names: set[str]) -> set[str]:
        """Commit a batch for these projections; returns those that may go on from there.

        One that another runner has moved meanwhile stops here, to be looked at again; so does one that failed.
        """
        going_on = self._commit_together(batch, names)
        for name in sorted(names - going_on):
            declaration = batch.declarations[name]
            with self._noting(name):
                try:
                    if self._take(declaration, succeeded(batch.folded[name]), batch.expected, batch.last):
                        going_on.add(name)
                except AT_FAULT:
                    self._halvings[name] = following(self._log, self._read_models, declaration, self._fold, batch.size)
        self._tell()
        return going_on

    def _commit_together(self, batch: _Batch, names: set[str]) -> set[str]:
        folded = {name: batch.folded[name] for name in names}
        at = {"expected": batch.expected, "position": batch.last}
        if not together(self._read_models, batch.declarations, folded, size=batch.size, **at):
            return set()
        for name in names:
            self._moved_here(name, batch.last)
        return set(names)

    def _take(self, declaration: Declaration, folded: Folded, expected: int, position: int) -> bool:
        if not self._read_models.commit(declaration, folded, expected=expected, position=position):
            self._moved_elsewhere[declaration.name] = time.monotonic()
            return False
        self._moved_here(declaration.name, position)
        return True

    def _moved_here(self, name: str, position: int) -> None:
        self._last_seen[name] = position
        if name in self._told_of:
            self._told_of.pop(name).over()

    def _take_or_leave(self, declaration: Declaration, expected: int, position: int, folded: Folded, _: object) -> None:
        if not self._take(declaration, folded, expected, position):
            raise _Overtaken

    @contextmanager
    def _noting(self, name: str) -> Iterator[None]:
        """Note what keeps a projection from going on, and let the others."""
        try:
            yield
        except (StoreUnavailable, StoreBusy):
            raise  # not its own fault: it goes on where it was
        except AnalyticsError as error:
            self._told_of.setdefault(name, Trouble(logger, f"The projection {name}")).begins(error)
            self.errors[name] = without_frames(error)

    def _tell(self) -> None:
        with self._moved:
            self._moved.notify_all()
        self.moved()

    # ── events at fault ─────────────────────────────────────────────────────────────────────────────────────────

    def _halve(self, live: Live, head: int) -> None:
        """Bring one projection some steps on, piece by piece, until its events are as good as any again."""
        name, position, tries = live.declaration.name, live.position, TRIES
        halving = self._halvings[name]
        halving.declaration, halving.fold = live.declaration, self._fold.of([live.declaration])
        with self._noting(name), suppress(_Overtaken):
            while tries and position < head and halving.size <= self._batch:
                if self.background.is_this() and self._stopping.is_set():
                    return
                events = self._log.scan(after=position, limit=halving.size, upto=head, checked=True)
                reached = events.column("position")[-1].as_py() if events.num_rows else head
                take = partial(self._take_or_leave, live.declaration, position, reached)
                position, tries = reached if halving.step(events, take) else position, tries - 1
            if tries:
                del self._halvings[name]

    def _look(self) -> dict[str, Live]:
        """Return what is live, and note which of them another runner has moved."""
        live = self._read_models.live()
        for name, read_model in live.items():
            if read_model.position != self._last_seen.setdefault(name, read_model.position):
                self._moved_elsewhere[name] = time.monotonic()
                self._last_seen[name] = read_model.position
        return live

    # ── following ───────────────────────────────────────────────────────────────────────────────────────────────

    def follow(self) -> None:
        """Follow the log in a background thread until closed."""
        self._log.listen(self.wake)
        self.background.start()

    def follows(self) -> bool:
        """Say whether it follows the log, here in this process."""
        return self.background.is_running()

    def wake(self) -> None:
        """Say that something was appended."""
        self._woken.set()

    def _follow(self) -> None:
        retry_at = 0.0
        while not self._stopping.is_set():
            self._woken.wait(self._log.poll_seconds)
            self._woken.clear()
            if self.errors and time.monotonic() >= retry_at:
                self.errors.clear()
                retry_at = time.monotonic() + RETRY_SECONDS
            try:
                while not self._stopping.is_set() and self.step(yielding=True):
                    self._stopping.wait(PAUSE_SECONDS)
                self.trouble = None
                self._told.over()
            except AnalyticsError as error:
                if not self._stopping.is_set():
                    self._told.begins(error)
                self.trouble = without_frames(error)
                self._stopping.wait(RETRY_SECONDS / 10)

    def wait_until_caught_up(self, timeout: float) -> int:
        """Wait until every event recorded before this call is in the read models; returns their position.

        Raises NotCaughtUp after `timeout` seconds, or the error of a projection that cannot go on.
        """
        head = self._log.head()
        deadline = time.monotonic() + timeout
        self.wake()
        while True:
            with self._moved:
                lowest = min((live.position for live in self._read_models.live().values()), default=head)
                if lowest >= head:
                    return lowest
                for error in list(self.errors.values()):
                    raise error
                if time.monotonic() >= deadline:
                    raise self.trouble or NotCaughtUp(lag=head - lowest, seconds=timeout)
                self._moved.wait(LOOK_SECONDS)

    def problem(self, name: str) -> str | None:
        """Say what keeps a projection from going on, None where nothing does."""
        error = self.errors.get(name) or self.trouble
        return of_error(error) if error else None

    def lag(self, position: int, cursor: Cursor | None = None) -> tuple[int, float]:
        """Return how many events the log holds beyond a position, and how many seconds the first of them has waited.

        A `cursor` in the log's own database counts those of that state of it.
        """
        head, first = self._log.ahead(position, cursor)
        if head <= position:
            return 0, 0.0
        waited = (self._clock() - recorded_at).total_seconds() if (recorded_at := _recorded_at(first)) else 0.0
        return head - position, max(waited, 0.0)

    def close(self) -> None:
        """Stop following; a batch under way is finished or was never begun."""
        self.background.close()


def _recorded_at(stored: Mapping[str, Any] | None) -> datetime | None:
    try:
        return codec.decode(stored["position"], stored["type"], stored["state"]).recorded_at if stored else None
    except Exception:  # whatever is wrong with what is stored, the fold will list it
        return None
