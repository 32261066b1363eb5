"""Inspection: what is asked about the parts of an open store, rather than about what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from analytics_es.service.contexts import Contexts
from analytics_es.service.health import Bounds, Watch
from analytics_es.service.questions import Questions
from analytics_es.types import (
    Attempt,
    DeadLetter,
    DoubtfulCorrection,
    Health,
    LeftOutField,
    Listing,
    OperationResult,
    Progress,
    ProjectionStatus,
    Receipt,
    RejectedMessage,
    RetryResult,
    UnreadableValue,
    UnreadAnnouncement,
    UnreadField,
)
from analytics_es.types.arguments import reading_arguments
from analytics_es.types.defaults import MAX_LAG

if TYPE_CHECKING:
    from analytics_es.audit.dead_letters import DeadLetterDetails, DeadLetters
    from analytics_es.service.parts import Lifetime, Parts
    from analytics_es.store import Store

T = TypeVar("T")


class Inspection(Questions):
    """Says how far projections are, and what they could not use or did not read."""

    def __init__(self, lifetime: Lifetime) -> None:
        self._lifetime, self._watch = lifetime, Watch(lifetime.parts)

    @property
    def store(self) -> Store:
        """The parts of the open store, for operators and tests, who answer for what they do. Raises Closed."""
        return self._parts.store

    @property
    def _parts(self) -> Parts:
        return self._lifetime.parts()

    def close(self) -> None:
        """End subscriptions, stop following and close the store; what was recorded is durable already.

        Buffers are closed first; raises EventsLost, after the rest is closed, if they could not store what they held.
        """
        self._lifetime.close()

    def _contexts(self) -> Contexts:
        return self._parts.contexts

    def _result(self, work: Callable[[Parts], T]) -> OperationResult[T]:
        return Attempt.of(lambda: work(self._parts))

    def _shown(self, work: Callable[[Parts], T]) -> OperationResult[T]:
        """The same, of what may change the costs that SQL views show."""

        def shown(parts: Parts) -> T:
            outcome = work(parts)
            parts.show()
            return outcome

        return self._result(shown)

    def projections(self) -> OperationResult[Listing[ProjectionStatus]]:
        """Say how far every projection is, how large, and what stopped it, if anything did."""
        from analytics_es.read_models.status import projection_status

        return self._result(
            lambda parts: projection_status(
                parts.store.read_models, parts.store.runner, parts.store.fold, parts.problem
            )
        )

    @reading_arguments
    def check_health(
        self, *, max_lag: float | timedelta | None = MAX_LAG, max_lag_events: int | None = None
    ) -> OperationResult[Health]:
        """Say whether the store is ready, as machines ask it: a few milliseconds, also beside a long writer.

        It is not where it cannot be read, where an event could not be recorded now (which is tried, and records
        nothing), where read models are further behind than so many seconds or events, or where events that were to go
        by the retention are still there a day later. A service that is closed is not ready either: that is no failure.
        """
        seconds = max_lag.total_seconds() if isinstance(max_lag, timedelta) else max_lag
        return Attempt.of(lambda: self._watch.look(Bounds(seconds=seconds, events=max_lag_events)))

    @reading_arguments
    def unreadable_values(self, limit: int = 100) -> OperationResult[Listing[UnreadableValue]]:
        """List the first values that projections could not read and left out."""
        from analytics_es.read_models.status import unreadable_values

        return self._result(lambda parts: unreadable_values(parts.store.read_models, limit))

    @reading_arguments
    def unread_fields(self, limit: int = 100, *, here: bool = False) -> OperationResult[Listing[UnreadField]]:
        """List what events of our families say that no projection reads, and types that are meant to be others.

        By type and field, the most frequent first, with what it was most likely meant to be. The projection `usage`
        counts it; without that the list is empty. With `here`: of what came in through this service.
        """
        from analytics_es.service.unread import unread_fields

        return self._result(lambda parts: unread_fields(parts.store, limit, here=here))

    @reading_arguments
    def left_out_fields(
        self, limit: int = 100, *, position: int | None = None
    ) -> OperationResult[Listing[LeftOutField]]:
        """List what the policy of privacy left out of events, with the rule that keeps it from now on.

        By type and field, the most frequent first: texts, and what may say who somebody is. What a rule drops by its
        path is not listed. The projection `usage` counts it; without that the list is empty. With `position`: of the
        event there, as soon as it is recorded.
        """
        from analytics_es.service.unread import left_out_fields

        return self._result(lambda parts: left_out_fields(parts.store, limit, position=position))

    def unread_announcements(self) -> OperationResult[Listing[UnreadAnnouncement]]:
        """List events of the service's own kind (`analytics.…`) that do not say what the service says; it ignores them.

        Nobody can record one any more; a log may hold some of before.
        """
        from analytics_es.service.announcements import unread_announcements

        return self._result(lambda parts: unread_announcements(parts.store.log))

    @reading_arguments
    def doubtful_corrections(self, *, progress: Progress | None = None) -> OperationResult[Listing[DoubtfulCorrection]]:
        """List corrections of costs that fit no call: those that wait for it, and those of before, which are counted.

        All of the log is looked through.
        """
        from analytics_es.audit.corrections import doubtful_corrections

        return self._result(lambda parts: doubtful_corrections(parts.store.log, progress))

    # ── what could not be recorded ──────────────────────────────────────────────────────────────────────────────

    @reading_arguments
    def rejected_messages(
        self, *, limit: int = 100, recorded: bool = False
    ) -> OperationResult[Listing[RejectedMessage]]:
        """List the last messages that gave no event, the newest first, with what is kept of each.

        With `recorded`, also those whose events were recorded since.
        """
        from analytics_es.ingest.rejected import RejectedMessages

        def listed(parts: Parts) -> Listing[RejectedMessage]:
            messages = RejectedMessages(parts.store.recorder).listed(limit, recorded=recorded)
            return Listing(messages, of=RejectedMessage)

        return self._result(listed)

    @reading_arguments
    def record_rejected(
        self,
        position: int,
        changes: Mapping[str, Any] | None = None,
        *,
        event_type: str | None = None,
        occurred_at: datetime | str | None = None,
        id: str | None = None,
    ) -> OperationResult[Receipt]:
        """Record the event of the rejected message at a position, with other fields; one that is None is left out.

        What the policy of privacy left of it is recorded as it is, or as that of now leaves it. Its source, id and
        time are those of the message, unless said otherwise, so that doing it again changes nothing.
        """
        from analytics_es.ingest.rejected import RejectedMessages

        def recorded(parts: Parts) -> Receipt:
            parts.store.recorder.follow_policy()
            messages, said = RejectedMessages(parts.store.recorder), {} if changes is None else changes
            return messages.record(position, said, event_type=event_type, occurred_at=occurred_at, id=id)

        return self._result(recorded)

    # ── dead letters ────────────────────────────────────────────────────────────────────────────────────────────

    @reading_arguments
    def dead_letters(
        self, *, projection: str | None = None, limit: int = 100, discarded: bool = False
    ) -> OperationResult[Listing[DeadLetter]]:
        """List the first values that projections could not read; with `discarded`, also those that were accepted."""
        return self._result(
            lambda parts: _dead_letters(parts).listed(projection=projection, discarded=discarded, limit=limit)
        )

    @reading_arguments
    def dead_letter(self, position: int) -> OperationResult[DeadLetterDetails]:
        """Show what is stored at a position, and why projections could not use it."""
        return self._result(lambda parts: _dead_letters(parts).details(position))

    @reading_arguments
    def retry_dead_letters(
        self, position: int | None = None, *, projection: str | None = None
    ) -> OperationResult[RetryResult]:
        """Derive again what dead letters lie in, at one position or all: a newer version may read them now."""
        return self._result(lambda parts: _dead_letters(parts).retry(position=position, projection=projection))

    @reading_arguments
    def discard_dead_letters(
        self, position: int, *, projection: str | None = None
    ) -> OperationResult[Listing[DeadLetter]]:
        """Accept what could not be read at a position: it stays counted, but is no longer listed."""
        return self._result(lambda parts: _dead_letters(parts).discard(position, projection=projection))


def _dead_letters(parts: Parts) -> DeadLetters:
    from analytics_es.audit.dead_letters import DeadLetters

    return DeadLetters(parts.store)
