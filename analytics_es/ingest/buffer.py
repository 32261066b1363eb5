"""The buffer: recording that returns at once, and a thread that commits what came in, group by group."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Literal

from attrs import asdict, mutable

from analytics_es import forks
from analytics_es.errors import (
    AnalyticsError,
    BeforeHorizon,
    BufferClosed,
    BufferFull,
    EventsLost,
    NotFlushed,
    StoreFailed,
)
from analytics_es.ingest import termination
from analytics_es.ingest.door import Admitted, Door, reason
from analytics_es.log import Appended, Entry
from analytics_es.types import BufferStats, OperationResult

logger = logging.getLogger("analytics_es")

GROUP = 4000  # most events of a commit; and so many that are waiting are committed at once
PATIENCE = 10.0  # seconds for what is left when the buffer is closed
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0  # seconds between attempts
TELL_SECONDS = 10.0  # how often dropped events are logged

WhenFull = Literal["block", "drop", "raise"]
OnFailure = Callable[[AnalyticsError], None]
Append = Callable[[Sequence[Entry]], list[Appended]]
_ACCEPTED: OperationResult[None] = OperationResult()


@mutable
class _Counts:
    accepted: int = 0
    recorded: int = 0
    duplicates: int = 0
    differing: int = 0
    refused: int = 0
    dropped: int = 0
    lost: int = 0
    failed_commits: int = 0


class Buffer:
    """Takes events in microseconds and commits them in groups from a thread of its own; safe to use from many threads.

    What it has accepted is durable after `max_delay` seconds, or after `flush`; a killed process loses what it held.
    """

    def __init__(
        self,
        door: Callable[[], Door],
        append: Append,
        *,
        max_events: int,
        max_delay: float,
        when_full: WhenFull,
        max_wait: float | None = None,
        on_failure: OnFailure | None = None,
        on_sigterm: bool = True,
    ) -> None:
        if max_events < 1 or max_delay < 0 or when_full not in ("block", "drop", "raise"):
            raise ValueError(f"a buffer of {max_events} events, {max_delay} s and when_full={when_full!r} cannot be")
        self._door, self._append, self._on_failure = door, append, on_failure
        self._max_events, self._max_delay, self._when_full, self._max_wait = max_events, max_delay, when_full, max_wait
        self._group = max(1, min(GROUP, max_events // 2))
        self._begin()
        termination.watch(self, on_sigterm=on_sigterm)
        forks.register(self)

    def _begin(self) -> None:
        # Reentrant: a signal's handler may come here out of the middle of any of these methods.
        self._lock = threading.RLock()
        self._work, self._moved = threading.Condition(self._lock), threading.Condition(self._lock)
        self._waiting: deque[Admitted] = deque()
        self._since = 0.0  # when the first of them came
        self._under_way: list[Admitted] = []
        self._under_way_since = 0.0
        self._counts = _Counts()
        self._last_failure: AnalyticsError | None = None
        self._told_of = 0  # how many dropped events were logged
        self._tell_at = 0.0
        self._thread: threading.Thread | None = None
        self._wanted = 0  # so many of the accepted events are wanted now
        self._asleep, self._closed, self._giving_up = True, False, False
        self._end: OperationResult[None] = _ACCEPTED

    # ── recording ───────────────────────────────────────────────────────────────────────────────────────────────

    def record_event(
        self,
        event_type: str,
        data: Mapping[str, Any],
        *,
        occurred_at: datetime | None = None,
        id: str | None = None,
        source: str | None = None,
    ) -> OperationResult[None]:
        """Check an event and accept it: it is checked and copied here, and durable soon.

        A full buffer blocks, or drops the event and returns the failure `buffer_full`, or raises BufferFull.
        """
        try:
            event = self._door().admit(event_type, data, occurred_at=occurred_at, id=id, source=source)
        except AnalyticsError as error:
            with self._lock:
                self._counts.refused += 1
            return OperationResult.failed(error)
        with self._lock:
            waiting = self._waiting  # stays one object
            if self._closed or len(waiting) + len(self._under_way) >= self._max_events:
                failure = self._wait_for_room()
                if failure:
                    return failure
            if self._thread is None:
                self._start()
            waiting.append(event)
            self._counts.accepted += 1
            size = len(waiting)
            if size == 1:
                self._since = time.monotonic()
            if (self._asleep and size == 1) or size == self._group:
                self._work.notify()
        return _ACCEPTED

    def _start(self) -> None:
        thread = threading.Thread(target=self._write, name="analytics-es-buffer", daemon=True)
        thread.start()
        self._thread = thread
        termination.close_with_worker()

    def _wait_for_room(self) -> OperationResult[None] | None:
        """Do as was chosen; None where there is room in the end."""
        if self._when_full == "block":
            self._moved.wait_for(self._has_room, self._max_wait)
        if self._closed:
            return OperationResult.failed(BufferClosed())
        if self._has_room():
            return None
        full = self._full()
        if self._when_full == "raise":
            raise full
        self._counts.dropped += 1
        return OperationResult.failed(full)

    def _has_room(self) -> bool:
        return self._closed or self._size() < self._max_events

    def _size(self) -> int:
        return len(self._waiting) + len(self._under_way)

    def _full(self) -> BufferFull:
        return BufferFull(limit=self._max_events, dropped=self._counts.dropped, problem=self._problem())

    def _problem(self) -> str:
        return str(self._last_failure or "its commits take longer")

    # ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _write(self) -> None:
        while self._take_group():
            if self._commit():
                self._tell_of_dropped()

    def _take_group(self) -> bool:
        """Wait until events are due and take them; False where nothing comes any more."""
        with self._lock:
            lingered = False
            while not self._due():
                if self._closed or self._giving_up:
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
        wanted = self._closed or self._done() < self._wanted or len(self._waiting) >= self._group
        return wanted or time.monotonic() >= self._since + self._max_delay

    def _done(self) -> int:
        return self._counts.recorded + self._counts.duplicates + self._counts.lost

    def _commit(self) -> bool:
        """Commit what is under way, however often it takes; False where the buffer was closed before it succeeded."""
        pause = FIRST_PAUSE
        while True:
            try:
                self._append_group([event.write() for event in self._under_way])
                return True
            except Exception as error:  # whatever it is: this thread goes on
                self._fail(error)
            self._tell_of_dropped()
            with self._lock:
                closed = self._closed
                self._work.wait_for(lambda: self._giving_up or self._closed != closed, pause)  # noqa: B023
                if self._giving_up:
                    return False
            pause = min(2 * pause, FIRST_PAUSE if self._closed else LONGEST_PAUSE)

    def _append_group(self, entries: list[Entry]) -> None:
        """Append entries; those that have become too old since they were accepted are left out, one by one."""
        try:
            self._count(self._append(entries))
        except BeforeHorizon as error:
            if len(entries) > 1:
                half = len(entries) // 2
                self._append_group(entries[:half])
                self._append_group(entries[half:])
                return
            with self._lock:
                self._counts.lost += 1
                self._under_way = self._under_way[1:]
                self._last_failure = error
                self._moved.notify_all()
            self._tell(error)

    def _count(self, appended: Sequence[Appended]) -> None:
        duplicates = sum(each.duplicate for each in appended)
        with self._lock:
            self._counts.recorded += len(appended) - duplicates
            self._counts.duplicates += duplicates
            self._counts.differing += sum(each.differs for each in appended) if duplicates else 0
            self._under_way = self._under_way[len(appended) :]
            self._moved.notify_all()

    def _fail(self, error: Exception) -> None:
        failure = error if isinstance(error, AnalyticsError) else StoreFailed(problem=reason(error))
        with self._lock:
            self._counts.failed_commits += 1
            self._last_failure = failure
        self._tell(failure)

    def _tell_of_dropped(self) -> None:
        """Tell that events are dropped, now and then."""
        with self._lock:
            if self._counts.dropped == self._told_of or not (self._closed or time.monotonic() >= self._tell_at):
                return
            self._told_of, self._tell_at = self._counts.dropped, time.monotonic() + TELL_SECONDS
            full = self._full()
        self._tell(full)

    def _tell(self, failure: AnalyticsError) -> None:
        logger.error("Buffered events: %s", failure)
        if self._on_failure:
            try:
                self._on_failure(failure)
            except BaseException:  # not even one that would end a thread
                logger.exception("on_failure of a buffer failed")

    # ── looking, waiting, closing ───────────────────────────────────────────────────────────────────────────────

    def stats(self) -> BufferStats:
        """Say what was accepted, what became of it, and what is still waiting."""
        with self._lock:
            since = self._under_way_since if self._under_way else self._since
            return BufferStats(
                buffered=self._size(),
                oldest_seconds=time.monotonic() - since if self._size() else 0.0,
                last_failure=OperationResult.failed(self._last_failure).failure if self._last_failure else None,
                **asdict(self._counts),
            )

    @property
    def closed(self) -> bool:
        """Whether it takes no more."""
        return self._closed

    def flush(self, timeout: float | None = PATIENCE) -> OperationResult[None]:
        """Commit what was accepted before this call, now; the failure `not_flushed` after so many seconds."""
        with self._lock:
            wanted = self._wanted = self._counts.accepted
            if self._done() < wanted and not self._in_writer():
                self._work.notify()
                self._moved.wait_for(lambda: self._done() >= wanted, timeout)
            missing = wanted - self._done()
            if missing > 0:
                return OperationResult.failed(NotFlushed(count=missing, seconds=timeout, problem=self._problem()))
        return _ACCEPTED if not self._counts.lost else self._end

    def close(self, timeout: float = PATIENCE) -> OperationResult[None]:
        """Take no more and commit what is left.

        What cannot be committed for so many seconds is lost: logged, counted, told to `on_failure`, and returned as the
        failure `events_lost`.
        """
        with self._lock:
            self._closed = True
            self._work.notify()
            self._moved.notify_all()
            if self._in_writer():  # called by `on_failure`: the thread goes on with what is left
                return self.flush()
            self._moved.wait_for(lambda: not self._size(), timeout)
            self._giving_up = True
            self._work.notify()
        if self._thread:
            self._thread.join()  # an attempt that is being made may still succeed
        self._give_up()
        termination.let_go(self)
        return self._end

    def _in_writer(self) -> bool:
        return threading.current_thread() is self._thread

    def _give_up(self) -> None:
        with self._lock:
            lost = self._size()
            if not lost:
                return
            self._waiting.clear()
            self._under_way = []
            self._counts.lost += lost
            error = EventsLost(count=lost, problem=self._problem())
            self._end = OperationResult.failed(error)
            self._moved.notify_all()
        self._tell(error)

    def __enter__(self) -> Buffer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        result = self.close()
        if kind is None:
            result.unwrap()

    # ── forks ───────────────────────────────────────────────────────────────────────────────────────────────────

    def before_fork(self) -> None:
        """Let nobody in."""
        self._lock.acquire()

    def after_fork(self, *, child: bool) -> None:
        """Go on; in the child with nothing, because the parent writes what it has accepted."""
        if child:
            closed = self._closed
            self._begin()
            self._closed = closed
        else:
            self._lock.release()
