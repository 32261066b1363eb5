"""The buffer: recording that returns at once; its writer commits what came in."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial
from types import TracebackType
from typing import Any, Literal
from uuid import UUID

from attrs import asdict

from analytics_es.errors import AnalyticsError, BufferClosed, RefusedEvent
from analytics_es.events.event import CORRECTED
from analytics_es.ingest import termination
from analytics_es.ingest.door import Admitted, Door
from analytics_es.ingest.outcomes import Outcomes
from analytics_es.ingest.timed import Timed
from analytics_es.ingest.writer import Append, OnFailure, Writer
from analytics_es.process import forks, leaving
from analytics_es.types import Attempt, BufferStats, OperationResult, Succeeded

logger = logging.getLogger("analytics_es")

PATIENCE = 10.0  # seconds for what is left when the buffer is closed

WhenFull = Literal["block", "drop", "raise"]
_ACCEPTED: OperationResult[None] = Succeeded(None)


class Buffer(termination.Closing):
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
        check: Callable[[Admitted], object] | None = None,
        outcomes: Callable[[], Outcomes] = Outcomes,
    ) -> None:
        if max_events < 1 or max_delay < 0 or when_full not in ("block", "drop", "raise"):
            raise ValueError(f"a buffer of {max_events} events, {max_delay} s and when_full={when_full!r} cannot be")
        self._door, self._max_events, self._when_full, self._max_wait = door, max_events, when_full, max_wait
        self._outcomes = outcomes
        self._check = check  # what the log says of a correction
        self._new_writer = partial(Writer, append, on_failure, max_events=max_events, max_delay=max_delay)
        self._writer = self._new_writer()
        termination.watch(self, on_sigterm=on_sigterm)
        forks.register(self)

    def record_event(
        self,
        event_type: str,
        data: Mapping[str, Any],
        *,
        occurred_at: datetime | date | str | None = None,
        id: str | int | UUID | None = None,
        source: str | None = None,
    ) -> OperationResult[None]:
        """Check an event and accept it: it is checked and copied here, and durable soon.

        A full buffer blocks, or drops the event and returns the failure `buffer_full`, or raises BufferFull.
        """
        try:
            event = self._door().admit(event_type, data, occurred_at=occurred_at, id=id, source=source)
            if event.type == CORRECTED and self._check:
                self._ask_log(event)
        except AnalyticsError as error:
            with self._writer.lock:
                self._writer.counts.refused += 1
            self._outcomes().note(error, event_type)
            return Attempt.failed(error)
        writer = self._writer
        with writer.lock:
            if writer.closed or writer.size() >= self._max_events:
                failure = self._wait_for_room()
                if failure:
                    return failure
            writer.put(event)
        return _ACCEPTED

    def timed(self, activity: str, /, *, source: str | None = None, **fields: Any) -> Timed[None]:
        """Return what times an activity, as the service's `timed` does, and records its end through this buffer."""
        return Timed(self.record_event, activity, fields, source=source)

    def _ask_log(self, event: Admitted) -> None:
        """Raise what the log says against a correction by now; its writer asks again."""
        if self._check:
            try:
                self._check(event)
            except RefusedEvent:
                raise
            except AnalyticsError:  # a store that fails, which events wait for
                logger.debug("a correction was not checked before it is written", exc_info=True)

    def _wait_for_room(self) -> OperationResult[None] | None:
        """Do as was chosen; None where there is room in the end."""
        writer = self._writer
        if self._when_full == "block":
            writer.moved.wait_for(self._has_room, self._max_wait)
        if writer.closed:
            closed = BufferClosed()
            self._outcomes().note(closed)
            return Attempt.failed(closed)
        if self._has_room():
            return None
        full = writer.full()
        if self._when_full == "raise":
            raise full
        writer.counts.dropped += 1
        return Attempt.failed(full)

    def _has_room(self) -> bool:
        return self._writer.closed or self._writer.size() < self._max_events

    def stats(self) -> BufferStats:
        """Say what was accepted, what became of it, and what is still waiting."""
        writer = self._writer
        with writer.lock:
            return BufferStats(
                buffered=writer.size(),
                oldest_seconds=writer.age(),
                last_failure=Attempt.failed(writer.last_failure).failure if writer.last_failure else None,
                **asdict(writer.counts),
            )

    @property
    def closed(self) -> bool:
        """Whether it takes no more."""
        return self._writer.closed

    def flush(self, timeout: float | None = PATIENCE) -> OperationResult[None]:
        """Commit what was accepted before this call, now; the failure `not_flushed` after so many seconds.

        Where an event was lost since the last flush, such as one that is older than events are kept, the failure
        `events_lost` says how many were, and why the first was; of a closed buffer, of all.
        """
        return _outcome(self._writer.flush(timeout))

    def close(self, timeout: float = PATIENCE) -> OperationResult[None]:
        """Take no more and commit what is left.

        What cannot be committed for so many seconds is lost: logged, counted, and told to `on_failure`. The failure
        `events_lost` says how many events were lost since the buffer was opened, and why the first was.
        """
        if not self._writer.close(timeout):  # called by `on_failure`: the writer goes on with what is left
            return self.flush()
        termination.let_go(self)
        return _outcome(self._writer.end())

    def end(self) -> None:
        """Close it with the process."""
        self.close()

    def __enter__(self) -> Buffer:
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        with leaving(error):
            self.close().unwrap()

    # ── forks ───────────────────────────────────────────────────────────────────────────────────────────────────

    def before_fork(self) -> None:
        """Let nobody in."""
        self._writer.lock.acquire()

    def after_fork(self, *, child: bool) -> None:
        """Go on; in the child with nothing, because the parent writes what it has accepted."""
        if child:
            self._writer = self._new_writer(closed=self._writer.closed)
        else:
            self._writer.lock.release()


def _outcome(error: AnalyticsError | None) -> OperationResult[None]:
    return Attempt.failed(error) if error else _ACCEPTED
