"""AnalyticsService: what an application embeds. It puts the parts together and hands every call to one of them.

Importing it is quick, so the rooms that do the work are imported by the calls that need them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from analytics_es.errors import Closed
from analytics_es.process import endings  # noqa: F401  # its hook: too late when the first store is opened by another
from analytics_es.service.people import People
from analytics_es.types import (
    AnswerDiff,
    BatchReceipt,
    OperationResult,
    Progress,
    Receipt,
    ServiceStats,
)
from analytics_es.types.arguments import Moment, Period, reading_arguments
from analytics_es.types.defaults import FAMILIES, SCHEMA

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID
    from zoneinfo import ZoneInfo

    from analytics_es.cost.budgets.thresholds import OnThreshold
    from analytics_es.cost.price_log import PriceLog
    from analytics_es.ingest import Buffer, Importer, MessageBus, PrivacyPolicy, Subscription, Timed, WhenFull
    from analytics_es.ingest.sessions.reader import SessionReader
    from analytics_es.ingest.tally import OnDuplicate, OnRefused, TakeOver
    from analytics_es.ingest.writer import OnFailure
    from analytics_es.log import Appended, Entry
    from analytics_es.log.strict import StrictIds
    from analytics_es.service.as_of import AsOf
    from analytics_es.service.parts import Parts


R = TypeVar("R")


def _now() -> datetime:
    return datetime.now(UTC)


class AnalyticsService(People):
    """An event-sourced analytics service over one store; safe to use from several threads. Open it with `open`.

    Expected failures come back as `OperationResult` failures; `open`, `subscribe_to`, `catch_up` and
    `wait_until_caught_up` raise them.
    """

    @classmethod
    def open(
        cls,
        url_or_path: str | Path,
        *,
        schema: str = SCHEMA,
        timezone: str | ZoneInfo = "UTC",
        projections: Sequence[type] | type | None = None,
        follow: bool = True,
        strict_ids: StrictIds | None = None,
        durability: Literal["commit", "group"] = "commit",
        strict: bool | None = None,
        rebuild: Literal["auto", "manual"] = "auto",
        retention: Mapping[str, str] | None = None,
        tags: Sequence[str] | None = None,
        privacy: str | Mapping[str, Any] | PrivacyPolicy | None = None,
        vault_key: str | Path | None = None,
        settings: str | Path | None = None,
        on_threshold: OnThreshold | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> AnalyticsService:
        """Open a store, creating it where there is none: `analytics.db`, `:memory:`, `postgresql://user@host/database`.

        A path is two SQLite files side by side: the log, and the read models (`analytics.views.db`), which may be
        deleted at any time. In PostgreSQL (extra `postgres`) it is one schema, shared by any number of processes.
        `timezone` is where hours and days begin. `projections` are the classes to keep, by default usage, performance,
        cost and budgets. With `follow`, a background thread keeps the read models up to date.
        A projection whose definition changed is filled again beside what serves and then swapped in, by whoever
        catches up or follows, and so is one that is new to a long log. With `rebuild="manual"` a changed one waits for
        `rebuild` or the command of that name, and a new one is filled where it is.
        An event is known by source, id and the millisecond it occurred; with `strict_ids`, from then on, by source and
        id alone, for producers that send an event again with another time: for some sources, `["agents", "otel:*"]`, or
        for all, `True` (appends of these are slower). With `durability="group"`, processes that record in PostgreSQL at
        a time wait for the disk together: what is recorded is durable when the call returns, as ever, and may be seen
        by others a moment before. `strict` refuses what no projection reads (`not_read`), such as
        `prompt_tokens`, which is counted else (`unread_fields`).
        `privacy` says what of an event is stored: "pseudonymous", "full", "anonymous", or a mapping of rules.
        `vault_key` is the file of the key to its pseudonyms. `retention` is what `retain` goes by. `tags` are
        attributes that cost is told apart by. Of these three, what is not said is what this store was told of last; a
        store that was told of none is "pseudonymous", lets nothing go and has no tags. `settings` is a TOML file that
        says all six; what is passed here wins. `on_threshold` is called once for every threshold of a budget that is
        reached, in a thread of its own or by `catch_up`, where that was recorded first.
        Raises CannotOpen, with nothing created or damaged, BadSettings, BadPolicy, BadRetention, BadTags and
        BadDeclaration. The guide says more of each: https://github.com/analytics-es/analytics-es/tree/main/docs
        """
        from analytics_es.service.opening import Opening

        service = cls(
            Opening(
                url_or_path=url_or_path,
                schema=schema,
                timezone=timezone,
                projections=projections,
                strict_ids=strict_ids,
                durability=durability,
                strict=strict,
                rebuild=rebuild,
                retention=retention,
                tags=tags,
                privacy=privacy,
                vault_key=vault_key,
                settings=settings,
                on_threshold=on_threshold,
                clock=clock,
            )
            .read()
            .begin()
        )
        if follow:
            service._parts.follow()
        return service

    # ── recording ───────────────────────────────────────────────────────────────────────────────────────────────

    def record_event(
        self,
        event_type: str,
        data: Mapping[str, Any],
        *,
        occurred_at: datetime | date | str | None = None,
        id: str | int | UUID | None = None,
        source: str | None = None,
    ) -> OperationResult[Receipt]:
        """Record one event, durably; the same source, id and time again changes nothing.

        What is refused is in the result, in `stats()`, and, the first of each kind, logged.
        """
        return self._recording(
            lambda parts: parts.store.recorder.record(event_type, data, occurred_at=occurred_at, id=id, source=source)
        )

    @reading_arguments
    def record_events(
        self,
        events: Iterable[Mapping[str, Any]],
        *,
        batch_size: int = 1000,
        skip_refused: bool = False,
        on_refused: OnRefused | None = None,
        on_duplicate: OnDuplicate | None = None,
        exported: bool = False,
        with_prices: bool = False,
        progress: Progress | None = None,
    ) -> OperationResult[BatchReceipt]:
        """Record any number of events, each a mapping of `record_event`'s arguments, one commit a batch.

        A batch that holds a refused event is not recorded and ends the call with a failure that names each refused
        one (batches before it stay recorded); with `skip_refused` everything else is recorded, and the receipt counts
        the refused ones. `on_refused` is called with each refused one, `on_duplicate` with each that was there before,
        which says where, and whether that is something else. Memory is constant for any iterable.
        `exported`: the events are of another store's export. What that store had to say itself (`analytics.…`) is
        skipped, and counted by type; with `with_prices`, the prices published there are published here, too, in their
        order and after those of here; one that is wrong is refused.
        """

        from analytics_es.ingest.tally import skip_own

        def take_over(prices: PriceLog) -> TakeOver | None:
            return prices.taken_over if with_prices else skip_own if exported else None

        return self._recording(
            lambda parts: parts.store.recorder.record_all(
                events,
                batch=batch_size,
                skip_refused=skip_refused,
                on_refused=on_refused,
                on_duplicate=on_duplicate,
                take_over=take_over(parts.prices),
                progress=progress,
            )
        )

    @reading_arguments
    def importing(self, *, with_prices: bool = False, pseudonyms_stay: bool = False) -> Importer:
        """Return what records the rows of files, as `analytics_es.ingest.files` reads them: one for each import.

        A row without an id is known by what it says, and by how many rows of its file say the same; so a file that is
        renamed, rolled or longer adds only what is new. What another store had to say itself is
        skipped and counted by type; with `with_prices`, the prices published there are published here, too. With
        `pseudonyms_stay`, what has the form of a pseudonym is one, of another store's vault, and gets no new one here.
        """
        from analytics_es.ingest import Importer
        from analytics_es.ingest.tally import skip_own

        parts = self._parts
        recorder = parts.store.recorder.with_pseudonyms_of_others() if pseudonyms_stay else parts.store.recorder
        take_over = parts.prices.taken_over if with_prices else skip_own
        return Importer(recorder, parts.store.vault, take_over)

    @reading_arguments
    def reading_sessions(self, *, state: Path | None = None, machine: str | None = None) -> SessionReader:
        """Return what reads the session logs of coding agents on this machine into the store, each call once.

        `state` is where it keeps what was read already, a file that may be lost; in the user's cache folder by default.
        `machine` is the name that events tell in their attribute `machine`; "" for none, by default that of the host.
        """
        from analytics_es.ingest.sessions import places
        from analytics_es.ingest.sessions.reader import SessionReader
        from analytics_es.ingest.sessions.state import State

        log = self._parts.store.log
        return SessionReader(
            log=log,
            record=self._parts.store.recorder.record_all,
            state=State(state or places.state_of(log.identity)),
            machine=places.machine_name() if machine is None else machine,
            user=places.user_name(),
        )

    @reading_arguments
    def subscribe_to(self, bus: MessageBus, families: Sequence[str] = FAMILIES) -> Subscription:
        """Record what a message bus delivers, until the subscription or this service is closed.

        A family such as `job.*` is all of its topics, however deep; other patterns are NATS's: `*` is one segment, a
        last `>` all that follow. A message is acknowledged when it is durable. One that cannot be recorded is kept as
        an event `analytics.message.rejected` with the reason. Any bus with `subscribe(pattern, handler)` fits, see
        `analytics_es.ingest`; `analytics_es.ingest.nats.NatsBus` is NATS JetStream, `InProcessBus` beside it one
        within the process. Raises NotABus, BadPattern, OverlappingPatterns, and what the bus raises.
        """
        from analytics_es.ingest.subscription import subscribe

        parts = self._parts
        subscription = subscribe(bus, families, parts.store.recorder, owner=self._lifetime)
        parts.subscriptions.append(subscription)
        return subscription

    @reading_arguments
    def buffered(
        self,
        *,
        max_events: int = 10_000,
        max_delay: float = 0.05,
        when_full: WhenFull = "block",
        max_wait: float | None = None,
        on_failure: OnFailure | None = None,
        on_sigterm: bool = True,
    ) -> Buffer:
        """Return a buffer: its `record_event` returns in microseconds, and a thread commits what came in, in groups.

        An event is durable `max_delay` seconds later, a little more in a busy process. Of more than `max_events` that
        are not stored yet, the next one waits ("block", with `max_wait` no longer than so many seconds), is dropped,
        counted and returned as a failure ("drop"), or raises BufferFull ("raise"). `on_failure` is called, in the
        thread that writes, with each failed commit, which is tried again; with events dropped; and with events lost.
        A buffer is written when it is closed, at exit and, with `on_sigterm`, before SIGTERM does what it did before;
        that can be had by the main thread only.
        """
        from analytics_es.ingest import Buffer

        self._lifetime.parts()  # raises Closed
        buffer = Buffer(
            self._lifetime.door,
            self._append,
            max_events=max_events,
            max_delay=max_delay,
            when_full=when_full,
            max_wait=max_wait,
            on_failure=on_failure,
            on_sigterm=on_sigterm,
            check=lambda event: self.store.recorder.fitted(event.write(), {}),
            outcomes=self._lifetime.outcomes,
        )
        self._lifetime.hold(buffer)
        return buffer

    def stats(self) -> ServiceStats:
        """Say what became of everything that this process handed in, also where nobody looked at the result.

        Quick: the database is asked for the lag alone. Other processes count for themselves.
        """
        return self._lifetime.stats()

    def _recording(self, work: Callable[[Parts], R]) -> OperationResult[R]:
        result = self._result(work)
        if not result.ok and result.failure.code in ("closed", "forked"):  # the rest is noted where it is refused
            self._lifetime.outcomes().note(Closed())
        return result

    def _append(self, entries: Sequence[Entry]) -> list[Appended]:
        return self.store.recorder.take(entries)

    def timed(self, activity: str, /, *, source: str | None = None, **fields: Any) -> Timed[Receipt]:
        """Return what times an activity, such as "tool.call", with fields of its event: use it by `with`, or decorate.

        `with analytics.timed("tool.call", tool="bash") as call:` records at its end `tool.call.completed`, `….failed`
        or `….cancelled` with `duration_ms`, and `error_type` of what was raised, which goes on. `call.add(…)` adds
        fields, `call.result` is what became of the event. It waits for the disk: in an event loop use a buffer's.
        """
        from analytics_es.ingest import Timed

        return Timed(self.record_event, activity, fields, source=source)

    # ── as the log stood ────────────────────────────────────────────────────────────────────────────────────────

    def as_of(self, at: int | Moment, *, now: Moment | None = None, from_log: bool = False) -> AsOf:
        """Return what answers every question as the log stood at a position, or at a time of recording.

        Its answers are the same bytes for ever, whatever is recorded later (a time must have passed for this). `now` is
        the time that it is for them: which period is open, how long a budget lasts; by default, when the event at the
        position was recorded. `from_log`: they are folded from the log alone, whatever the read models of now hold.
        Raises NoSuchPosition, NotAPosition and BadArgument.
        """
        from analytics_es.queries.as_of import position_at
        from analytics_es.service.as_of import AsOf

        parts = self._parts
        return AsOf(
            parts.store,
            position_at(parts.store.log, at, parts.store.calendar.zone),
            self._lifetime.parts,
            parts.prices,
            now=None if now is None else parts.contexts.moment("now", now),
            from_log=from_log,
        )

    @reading_arguments
    def diff(
        self,
        period: Period,
        before: int | Moment,
        after: int | Moment | None = None,
        *,
        metric: str | None = None,
        limit: int = 100,
    ) -> OperationResult[AnswerDiff]:
        """Say what changed in the answers about a period between two positions, without `after` up to now.

        It tells late events, corrections and erasures apart, and lists the first `limit` of the events.
        """

        from analytics_es.audit.diff import diff
        from analytics_es.queries.as_of import position_at

        def compared(parts: Parts) -> AnswerDiff:
            log = parts.store.log
            when, zone = parts.contexts.period(period), parts.store.calendar.zone
            earlier, later = (position_at(log, at, zone) for at in (before, log.head() if after is None else after))
            return diff(parts.store, earlier, later, when, metric=metric, limit=limit)

        return self._result(compared)
