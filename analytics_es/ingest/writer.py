"""What a buffer has accepted, and the thread that commits it, group by group."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from attrs import mutable

from analytics_es.errors import (
    AnalyticsError,
    BufferFull,
    EventsLost,
    NotFlushed,
    RefusedEvent,
    StoreFailed,
    without_frames,
)
from analytics_es.ingest.door import Admitted
from analytics_es.ingest.problems import reason
from analytics_es.log import Appended, Entry
from analytics_es.process import Trouble, endings, started

logger = logging.getLogger(__name__)

GROUP = 4000  # most events of a commit; and so many that are waiting are committed at once
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0  # seconds between attempts
REPORT_SECONDS = 10.0  # how often dropped events are logged

OnFailure = Callable[[AnalyticsError], None]
Append = Callable[[Sequence[Entry]], list[Appended]]


@mutable
class Counts:
    """Events of a buffer, by what became of them."""

    accepted: int = 0
    recorded: int = 0
    duplicates: int = 0
    differing: int = 0
    refused: int = 0
    dropped: int = 0
    lost: int = 0
    failed_commits: int = 0


class Writer:
    """Commits what is put into it, however often it takes. `lock` guards all of it; what waits is told by `moved`."""

    def __init__(
        self, append: Append, on_failure: OnFailure | None, *, max_events: int, max_delay: float, closed: bool = False
    ) -> None:
        self._append, self._on_failure, self._max_events, self._max_delay = append, on_failure, max_events, max_delay
        # Reentrant: a signal's handler may come here out of the middle of any method of a buffer.
        self.lock = threading.RLock()
        self.moved, self._work = threading.Condition(self.lock), threading.Condition(self.lock)
        self.counts = Counts()
        self.closed = closed
        self.last_failure: AnalyticsError | None = None
        self._first_lost = self._first_untold = ""  # why the first event was lost: of all, of which no flush has told
        self._told = 0  # of how many lost events a flush has told
        self._group = max(1, min(GROUP, max_events // 2))
        self._waiting: deque[Admitted] = deque()
        self._since = 0.0  # when the first of them came
        self._under_way: list[Admitted] = []
        self._under_way_since = 0.0
        self._thread: threading.Thread | None = None
        self._due_count = 0  # so many of the accepted events are due now
        self._asleep, self._giving_up = True, False
        self._trouble = Trouble(logger, "Buffered events")
        self._dropped_reported, self._report_at = 0, 0.0

    # ── what it holds ───────────────────────────────────────────────────────────────────────────────────────────

    def put(self, event: Admitted) -> None:
        """Take an event, to be committed soon."""
        self.counts.accepted += 1
        if self._thread is None:
            self._thread = started("analytics-es-buffer", self._write, follows=True)
            endings.hook()
        if self._thread is None:
            self._commit_at_once(event)
            return
        self._waiting.append(event)
        size = len(self._waiting)
        if size == 1:
            self._since = time.monotonic()
        if (self._asleep and size == 1) or size == self._group:
            self._work.notify()

    def _commit_at_once(self, event: Admitted) -> None:
        """Commit an event here, where the process is ending and no thread can be started any more."""
        self._under_way, self._under_way_since = [event], time.monotonic()
        try:
            self._append_group([event.write()])
        except Exception as error:  # whatever it is: nobody can try it again
            self._fail(error)
            self._give_up()

    def size(self) -> int:
        """Return how many events are accepted and not committed."""
        return len(self._waiting) + len(self._under_way)

    def age(self) -> float:
        """Return the seconds that the oldest of them has waited."""
        since = self._under_way_since if self._under_way else self._since
        return time.monotonic() - since if self.size() else 0.0

    def full(self) -> BufferFull:
        """Return the error that there is no room."""
        return BufferFull(limit=self._max_events, dropped=self.counts.dropped, problem=self.problem())

    def problem(self) -> str:
        """Say why events are waiting."""
        return str(self.last_failure or "its commits take longer")

    # ── waiting for it ──────────────────────────────────────────────────────────────────────────────────────────

    def flush(self, timeout: float | None) -> AnalyticsError | None:
        """Commit what was accepted before this call, now; returns what kept some of it from being stored.

        That is NotFlushed after so many seconds, and EventsLost where some was lost of which no flush has told before.
        """
        with self.lock:
            accepted, told = self.counts.accepted, self._told
            self._due_count = accepted
            if self._done() < accepted and not self._is_this_thread():
                self._work.notify()
                self.moved.wait_for(lambda: self._done() >= accepted, timeout)
            if missing := max(accepted - self._done(), 0):
                return NotFlushed(count=missing, seconds=timeout, problem=self.problem())
            if self.closed:
                return self.end()
            if self.counts.lost == told:
                return None
            why, self._first_untold, self._told = self._first_untold or self._first_lost, "", self.counts.lost
            return EventsLost(count=self.counts.lost - told, problem=why)

    def end(self) -> EventsLost | None:
        """Return what tells of all that was lost, None where nothing was."""
        lost = self.counts.lost
        return EventsLost(count=lost, problem=self._first_lost) if lost else None

    def close(self, timeout: float) -> bool:
        """Take no more and commit what is left, giving up after so many seconds; False in its own thread: it goes on.

        An attempt that is being made by then may still succeed.
        """
        with self.lock:
            self.closed = True
            self._work.notify()
            self.moved.notify_all()
            if self._is_this_thread():
                return False
            self.moved.wait_for(lambda: not self.size(), timeout)
            self._giving_up = True
            self._work.notify()
        if self._thread:
            self._thread.join()
        self._give_up()
        return True

    def _done(self) -> int:
        return self.counts.recorded + self.counts.duplicates + self.counts.lost

    def _is_this_thread(self) -> bool:
        return threading.current_thread() is self._thread

    def _give_up(self) -> None:
        with self.lock:
            lost, why = self.size(), self.problem()
            if not lost:
                return
            self._waiting.clear()
            self._under_way = []
            self._lose(lost, why)
        failure = EventsLost(count=lost, problem=why)
        self._report(failure, problem=self.last_failure.for_logs() if self.last_failure else why)

    def _lose(self, events: int, why: str) -> None:
        """Count events as lost, and remember why the first one was."""
        self.counts.lost += events
        self._first_lost = self._first_lost or why
        self._first_untold = self._first_untold or why
        self.moved.notify_all()

    # ── in its thread ───────────────────────────────────────────────────────────────────────────────────────────

    def _write(self) -> None:
        while self._take_group():
            if self._commit():
                self._report_dropped()

    def _take_group(self) -> bool:
        """Wait until events are due and take them; False where nothing comes any more."""
        with self.lock:
            lingered = False
            while not self._due():
                if self.closed or self._giving_up:
                    return False
                if self._waiting:
                    self._work.wait(self._since + self._max_delay - time.monotonic())
                elif not lingered:  # in a stream of events, none has to wake this thread, which takes time
                    lingered = True
                    self._work.wait(self._max_delay)
                else:
                    self._asleep = True
                    self._work.wait()
                    self._asleep = False
            self._under_way = [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]
            self._under_way_since = self._since
        return True

    def _due(self) -> bool:
        if not self._waiting or self._giving_up:
            return False
        at_once = self.closed or self._done() < self._due_count or len(self._waiting) >= self._group
        return at_once or time.monotonic() >= self._since + self._max_delay

    def _commit(self) -> bool:
        """Commit what is under way, however often it takes; False where the buffer was closed before it succeeded."""
        pause = FIRST_PAUSE
        while True:
            try:
                self._append_group([event.write() for event in self._under_way])
                return True
            except Exception as error:  # whatever it is: this thread goes on
                self._fail(error)
            self._report_dropped()
            with self.lock:
                closed = self.closed
                self._work.wait_for(lambda: self._giving_up or self.closed != closed, pause)  # noqa: B023
                if self._giving_up:
                    return False
            pause = min(2 * pause, FIRST_PAUSE if self.closed else LONGEST_PAUSE)

    def _append_group(self, entries: list[Entry]) -> None:
        """Append entries; those that are too old by now, and corrections that turn out wrong, are left out."""
        try:
            self._count(self._append(entries))
        except RefusedEvent as error:
            if len(entries) > 1:
                half = len(entries) // 2
                self._append_group(entries[:half])
                self._append_group(entries[half:])
                return
            with self.lock:
                self._under_way = self._under_way[1:]
                self.last_failure = without_frames(error)
                self._lose(1, str(error))
            self._report(error)

    def _count(self, appended: Sequence[Appended]) -> None:
        duplicates = sum(place.duplicate for place in appended)
        with self.lock:
            self.counts.recorded += len(appended) - duplicates
            self.counts.duplicates += duplicates
            self.counts.differing += sum(place.differs for place in appended) if duplicates else 0
            self._under_way = self._under_way[len(appended) :]
            self.moved.notify_all()
        self._trouble.over()

    def _fail(self, error: Exception) -> None:
        failure = error if isinstance(error, AnalyticsError) else StoreFailed(problem=reason(error))
        with self.lock:
            self.counts.failed_commits += 1
            self.last_failure = without_frames(failure)
        self._trouble.begins(failure)
        self._call(failure)

    def _report_dropped(self) -> None:
        """Report that events are dropped, now and then."""
        with self.lock:
            dropped = self.counts.dropped
            if dropped == self._dropped_reported or not (self.closed or time.monotonic() >= self._report_at):
                return
            self._dropped_reported, self._report_at = dropped, time.monotonic() + REPORT_SECONDS
            full = self.full()
        self._report(full)

    def _report(self, failure: AnalyticsError, **instead: str) -> None:
        logger.error("Buffered events: %s", failure.for_logs(**instead))
        self._call(failure)

    def _call(self, failure: AnalyticsError) -> None:
        if self._on_failure:
            try:
                self._on_failure(failure)
            except BaseException:  # not even one that would end a thread
                logger.exception("on_failure of a buffer failed")
