"""AnalyticsService: what an application embeds. It puts the parts together and hands every call to one of them."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from analytics_es import forks
from analytics_es.audit import diff, explain
from analytics_es.audit import explain_cost as bill
from analytics_es.audit.dead_letters import DeadLetters
from analytics_es.audit.explain import Answer, Row, place
from analytics_es.cost.budgets.accounts import BUDGETS
from analytics_es.cost.budgets.thresholds import OnThreshold, Thresholds
from analytics_es.cost.corrections import Corrections
from analytics_es.cost.price_log import PriceLog
from analytics_es.cost.prices.book import PriceBook
from analytics_es.cost.prices.entries import PriceEntry
from analytics_es.cost.prices.prices import UnitPrices
from analytics_es.cost.tags import checked, declare
from analytics_es.cost.tags import tagged as with_tags
from analytics_es.errors import Closed, Forked, ProjectionsShadowed, UnknownTimezone
from analytics_es.events.fields import named_by
from analytics_es.ingest import Buffer, MessageBus, PrivacyPolicy, Subscription, WhenFull
from analytics_es.ingest.bus import FAMILIES
from analytics_es.ingest.door import Door
from analytics_es.ingest.privacy import DEFAULT, kind_of
from analytics_es.ingest.recorder import OnRefused, Recorder
from analytics_es.ingest.subscription import subscribe
from analytics_es.ingest.vault import Vault, is_pseudonym
from analytics_es.ingest.writer import OnFailure
from analytics_es.lifecycle.erasure import Erasure
from analytics_es.lifecycle.retention import RetentionPolicy
from analytics_es.log import Appended, Entry, EventLog, LogSlice
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declare import declarations_of
from analytics_es.projection.fold import Fold
from analytics_es.queries import question as queries
from analytics_es.queries.as_of import Deriving, position_at
from analytics_es.queries.derived import Crossings, folded
from analytics_es.read_models import ReadModels
from analytics_es.read_models.backfill import Backfill
from analytics_es.read_models.catch_up import Runner
from analytics_es.read_models.sources import LogSource, Opening
from analytics_es.service import as_of as asof
from analytics_es.service.settings import Settings, read_settings
from analytics_es.service.upkeep import Upkeep
from analytics_es.store import SCHEMA, log_path, on_server, open_log, open_store, open_vault
from analytics_es.types import (
    AnswerDiff,
    BatchReceipt,
    CostCorrection,
    CostExplanation,
    Explanation,
    ForgetReceipt,
    OperationResult,
    Progress,
    Receipt,
    TimePeriod,
)

OUR_PROJECTIONS = "projections"
PRIVACY = DEFAULT


def _now() -> datetime:
    return datetime.now(UTC)


class AnalyticsService(Upkeep):
    """An event-sourced analytics service over one store; safe to use from several threads. Open it with `open`.

    Expected failures come back as `OperationResult` failures; `open`, `subscribe_to`, `catch_up` and
    `wait_until_caught_up` raise them.
    """

    def __init__(
        self,
        log: EventLog,
        read_models: ReadModels,
        calendar: Calendar,
        *,
        clock: Callable[[], datetime],
        opening: Opening | None = None,
        rebuild: Literal["auto", "manual"] = "auto",
        retention: RetentionPolicy,
        policy: PrivacyPolicy,
        vault: Vault,
        on_threshold: OnThreshold | None = None,
    ) -> None:
        self._log, self._read_models, self._calendar = log, read_models, calendar
        self._policy, self._vault = policy, vault
        self._declarations = tuple(read_models.declarations.values())
        self._fold = Fold(self._declarations, calendar)
        self._runner = Runner(log, read_models, self._fold, clock=clock)
        self._events = LogSource(log, opening)
        self._backfill = Backfill(log, read_models, self._runner, self._rebuilt) if rebuild == "auto" else None
        self._recorder = Recorder(log, Door(clock, policy, vault.pseudonym), self._runner.wake)
        self._publications = PriceLog(log, self._recorder)
        self._deriving = Deriving(
            log=log, declarations=self._declarations, fold=self._fold, calendar=calendar, known_as=self._known_as
        )
        self._source = queries.QuestionContext(
            read_models=read_models,
            calendar=calendar,
            lag=self._runner.lag,
            clock=clock,
            known_as=self._known_as,
            prices=self._publications,
            derive=lambda declaration, tiling, upto: folded(LogSlice(log, upto=upto), declaration, tiling),
        )
        self._thresholds = self._watching(on_threshold)
        self._crossings = Crossings()
        self._letters = DeadLetters(log, read_models, self._fold, calendar)
        self._subscriptions: list[Subscription] = []
        self._buffers: list[Buffer] = []
        self._retention, self._clock = retention, clock
        self._closed = self._forked = False
        self._again: Callable[[], AnalyticsService] | None = None
        self._reopening = threading.Lock()
        forks.register(self)

    @classmethod
    def open(
        cls,
        url_or_path: str | Path,
        *,
        schema: str = SCHEMA,
        timezone: str = "UTC",
        projections: Sequence[type] | None = None,
        follow: bool = True,
        strict_ids: bool = False,
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
        id alone, for producers that send an event again with another time (appends are several times slower).
        `privacy` says what of an event is stored: "pseudonymous" (unless said otherwise), "full", "anonymous", or rules
        (docs/privacy.md). `vault_key` is the file of the key to its pseudonyms. `retention` is what `retain` goes by;
        unless said otherwise, nothing is ever let go. `tags` are attributes that cost is told apart by, unless said
        otherwise those that this store was told of last (docs/dimensions.md). `settings` is a TOML file that says
        all four; what is passed here wins. `on_threshold` is called once for every threshold of a budget that is
        reached (docs/budgets.md), in a thread of its own or by `catch_up`, where that was recorded first.
        Raises CannotOpen, with nothing created or damaged, BadSettings, BadPolicy, BadRetention, BadTags and
        BadDeclaration.
        """
        told = read_settings(Path(settings)) if settings else Settings()
        policy = told.privacy or PrivacyPolicy.of(PRIVACY) if privacy is None else PrivacyPolicy.of(privacy)
        key = told.vault_key if vault_key is None else Path(vault_key)
        kept = told.retention if retention is None else RetentionPolicy.of(retention)
        tagged = told.tags if tags is None else checked(tags)
        declarations = declarations_of(_ours() if projections is None else projections)
        try:
            calendar = Calendar(timezone)
        except ValueError:
            raise UnknownTimezone(name=timezone) from None
        log, read_models = open_store(
            url_or_path,
            lambda log: with_tags(declarations, tagged, log),
            schema=schema,
            timezone=timezone,
            strict_ids=strict_ids,
        )
        in_memory = not on_server(url_or_path) and log_path(url_or_path) is None
        opening = None if in_memory else (open_log, (_absolute(url_or_path), schema))
        service = cls(
            log,
            read_models,
            calendar,
            clock=clock,
            opening=opening,
            rebuild=rebuild,
            retention=kept,
            policy=policy,
            vault=open_vault(url_or_path, log, key),
            on_threshold=on_threshold,
        )
        if opening:
            service._again = lambda: cls.open(
                opening[1][0],
                schema=schema,
                timezone=timezone,
                projections=projections,
                follow=False,
                strict_ids=strict_ids,
                rebuild=rebuild,
                retention=retention,
                tags=tags,
                privacy=privacy,
                vault_key=vault_key,
                settings=settings,
                on_threshold=on_threshold,
                clock=clock,
            )
        if tagged is not None:
            declare(service._recorder, tagged)
        if follow:
            service._follow()
        return service

    def _watching(self, on_threshold: OnThreshold | None) -> Thresholds | None:
        if not any(each.name == BUDGETS for each in self._declarations):
            return None
        return Thresholds(self._deriving, self._source, self._publications, self._recorder, on_threshold)

    def _follow(self) -> None:
        if self._thresholds:
            self._runner.moved = self._thresholds.wake
            self._thresholds.follow()
        self._runner.follow()
        if self._backfill:
            self._backfill.follow()

    def close(self) -> None:
        """End subscriptions, stop following and close the store; what was recorded is durable already.

        Buffers are closed first; raises EventsLost, after the rest is closed, if they could not store what they held.
        """
        if not self._closed:
            ends = [buffer.close() for buffer in self._buffers]
            self._closed = True
            if self._forked:
                return
            with ExitStack() as closing:  # the last first, whatever one of them raises
                store = (self._log, self._vault, self._read_models, self._fold, self._crossings)
                for part in (*store, self._runner, self._backfill, self._thresholds, *self._subscriptions):
                    if part:
                        closing.callback(part.close)
            for end in ends:
                end.unwrap()

    def _check_open(self) -> None:
        if self._closed:
            raise Closed
        if self._forked:
            self._open_again()

    # ── forks ───────────────────────────────────────────────────────────────────────────────────────────────────

    def before_fork(self) -> None:
        """Nothing to do: the parts of a service are told themselves."""

    def after_fork(self, *, child: bool) -> None:
        """In the child, open the store again when it is used: nothing that was opened before may be."""
        if child:
            self._forked, self._reopening = True, threading.Lock()

    def _open_again(self) -> None:
        """Take the parts of a service that is opened now. It follows nothing: the parent does."""
        if self._again is None:
            raise Forked(place="a store in memory", problem="it is another's memory; open one here")
        with self._reopening:
            if self._forked:
                forks.leave(dict(vars(self)))
                kept = self._buffers, self._reopening, self._again
                vars(self).update(vars(self._again()))
                self._buffers, self._reopening, self._again = kept

    # ── recording ───────────────────────────────────────────────────────────────────────────────────────────────

    def record_event(
        self,
        event_type: str,
        data: Mapping[str, Any],
        *,
        occurred_at: datetime | None = None,
        id: str | None = None,
        source: str | None = None,
    ) -> OperationResult[Receipt]:
        """Record one event, durably; the same source, id and time again changes nothing."""
        return self._result(lambda: self._recorder.one(event_type, data, occurred_at=occurred_at, id=id, source=source))

    def record_events(
        self,
        events: Iterable[Mapping[str, Any]],
        *,
        batch_size: int = 1000,
        skip_refused: bool = False,
        on_refused: OnRefused | None = None,
        progress: Progress | None = None,
    ) -> OperationResult[BatchReceipt]:
        """Record any number of events, each a mapping of `record_event`'s arguments, one commit a batch.

        A batch that holds a refused event is not recorded and ends the call with a failure that names each refused
        one (batches before it stay recorded); with `skip_refused` everything else is recorded, and the receipt counts
        the refused ones. Memory is constant for any iterable.
        """
        return self._result(
            lambda: self._recorder.many(
                events, batch=batch_size, skip_refused=skip_refused, on_refused=on_refused, progress=progress
            )
        )

    def subscribe_to(self, bus: MessageBus, families: Sequence[str] = FAMILIES) -> Subscription:
        """Record what a message bus delivers, until the subscription or this service is closed.

        A family such as `job.*` is all of its topics, however deep; other patterns are NATS's: `*` is one segment, a
        last `>` all that follow. A message is acknowledged when it is durable. One that cannot be recorded is kept as
        an event `analytics.message.rejected` with the reason. Any bus with `subscribe(pattern, handler)` fits, see
        `analytics_es.ingest`; `analytics_es.ingest.nats.NatsBus` is NATS JetStream, `InProcessBus` beside it one
        within the process. Raises NotABus, BadPattern, OverlappingPatterns, and what the bus raises.
        """
        self._check_open()
        subscription = subscribe(bus, families, self._recorder)
        self._subscriptions.append(subscription)
        return subscription

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
        self._check_open()
        buffer = Buffer(
            self._door,
            self._append,
            max_events=max_events,
            max_delay=max_delay,
            when_full=when_full,
            max_wait=max_wait,
            on_failure=on_failure,
            on_sigterm=on_sigterm,
        )
        self._buffers = [each for each in self._buffers if not each.closed] + [buffer]
        return buffer

    def _door(self) -> Door:
        if self._forked:
            self._check_open()
        return self._recorder.door

    def _append(self, entries: Sequence[Entry]) -> list[Appended]:
        self._check_open()
        return self._recorder.append(entries)

    # ── privacy ─────────────────────────────────────────────────────────────────────────────────────────────────

    def forget(
        self,
        subject: str,
        *,
        entity: str = "user",
        fields: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> OperationResult[ForgetReceipt]:
        """Forget a subject: nothing ties it to its pseudonym any more, and where the log names it, it is masked.

        The subject is named as it was recorded; `entity` is what it is, a user or another entity that the policy
        pseudonymises. Masked are the fields that say who somebody is; in `fields`, by path, every occurrence in a text.
        Totals stay. The days of what was masked are derived again. The receipt says where the subject may still be.
        """
        forgetting = Erasure(
            log=self._log,
            read_models=self._read_models,
            fold=self._fold,
            calendar=self._calendar,
            vault=self._vault,
            policy=self._policy,
            announce=self._recorder.announce,
            catch_up=self._runner.catch_up,
        )
        return self._result(lambda: forgetting.forget(subject, entity=entity, fields=fields, progress=progress))

    def _known_as(self, entity: str, value: str) -> str:
        """Return the name under which the log knows an entity: its pseudonym, where it has one."""
        if not self._policy.pseudonymises(entity) or is_pseudonym(value):
            return value
        return self._vault.find(kind_of(".".join(named_by(entity))), value) or value

    # ── asking the log ──────────────────────────────────────────────────────────────────────────────────────────

    def _answering(
        self,
        projection: str,
        period: TimePeriod,
        words: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> AbstractContextManager[queries.QuestionContext]:
        declared = self._source.declaration(projection)
        return self._crossings.answering(self._source, self._log, declared, period, words, progress)

    # ── prices ──────────────────────────────────────────────────────────────────────────────────────────────────

    def publish_prices(
        self, entries: Iterable[PriceEntry | Mapping[str, Any]], *, note: str | None = None
    ) -> OperationResult[Receipt]:
        """Publish prices of models, each from a time on, past or future; all of them, or none with a BadPrice.

        An entry is a mapping such as {"provider": "acme", "model": "llama-*", "currency": "EUR", "effective_from":
        "2026-01-01T00:00:00Z", "per_mtok": {"input_tokens": "0.2", "output_tokens": "0.4"}} (docs/cost.md). Of those
        about a model that hold at a time the one published last counts; none is ever edited.
        """
        return self._result(lambda: self._publications.publish(entries, note=note))

    def price_book(self) -> OperationResult[PriceBook]:
        """Return the price book of now: every entry that was published, with its position, and the default prices."""
        return self._result(self._publications.book)

    def price(
        self, provider: str | None, model: str, at: datetime | None = None, *, batch: bool = False
    ) -> OperationResult[UnitPrices]:
        """Say what calls of a model cost at a time, by default now: each kind, its tiers, since when, from where.

        `provider` and `model` are named as events name them. The failure is UnknownModel, with names that are close.
        """
        return self._result(lambda: self._publications.price(provider, model, at or self._clock(), batch=batch))

    def correct_cost(
        self, position: int, cost: Decimal | str, *, note: str, currency: str | None = None, dry_run: bool = False
    ) -> OperationResult[CostCorrection]:
        """Say that the call at a position had cost something else than it reported, and why.

        That is an event of its own, at the time of the call; the call stays as it is, and `as_of` gives the old
        figures. A call may be corrected again; the cost that is in force already changes nothing. `currency` is
        checked against the call's. `explain` lists positions. With `dry_run` nothing is recorded. The failure is
        NotCorrectable where there is no reported cost, and BeforeHorizon where the call is sealed.
        """
        corrections = Corrections(self._log, self._recorder)
        return self._result(lambda: corrections.correct(position, cost, note=note, currency=currency, dry_run=dry_run))

    # ── explaining ──────────────────────────────────────────────────────────────────────────────────────────────

    def explain(
        self,
        metric: str,
        period: TimePeriod | Answer,
        *,
        row: Row | None = None,
        where: Mapping[str, str] | None = None,
        limit: int = 100,
        largest: bool = False,
        progress: Progress | None = None,
    ) -> OperationResult[Explanation]:
        """List the events behind one number of a read model: the first `limit` by position, or the `largest` first.

        The number is a metric over a period where keys have values, in the words of `get_summary`; or a figure of an
        answer, passed in the place of the period, or of one `row` of that answer:
        `explain("cost.reported_cost", breakdown, row=breakdown.rows[0])`. An answer says which period and keys it is
        about, but a summary not what it was filtered by: pass that as `where` again.
        Money of several currencies is never added: the failure names them, ask for one of them.
        """

        def explained() -> Explanation:
            stretch, keys = place(period, row, metric=metric)
            return explain.explain(
                self._source,
                self._log,
                self._fold,
                metric,
                stretch,
                where={**keys, **(where or {})},
                limit=limit,
                largest=largest,
                progress=progress,
            )

        return self._result(explained)

    def explain_cost(
        self,
        period: TimePeriod | Answer,
        *,
        row: Row | None = None,
        where: Mapping[str, str] | None = None,
        limit: int = 100,
        largest: bool = True,
        progress: Progress | None = None,
    ) -> OperationResult[CostExplanation]:
        """List the calls behind a cost, each with how it comes about: reported, or computed at which price, or unknown.

        The cost is that of a period where keys have values, or of a breakdown, or of one `row` of it:
        `explain_cost(breakdown, row=breakdown.rows[0])`. What all calls cost adds up to it, to the last digit. A
        breakdown does not say what it was filtered by: pass that as `where` again. `where={"currency": ""}` are the
        calls of which the cost is not known. What is only supposed cannot be explained.
        """

        def explained() -> CostExplanation:
            stretch, keys = place(period, row, metric=bill.METRIC)
            return bill.explain_cost(
                self._source,
                self._log,
                self._fold,
                stretch,
                where={**keys, **(where or {})},
                limit=limit,
                largest=largest,
                progress=progress,
            )

        return self._result(explained)

    # ── as the log stood ────────────────────────────────────────────────────────────────────────────────────────────

    def as_of(self, at: int | datetime) -> asof.AsOf:
        """Return what answers every question as the log stood at a position, or at a time of recording.

        Its answers are the same bytes for ever, whatever is recorded later (a time must have passed for this).
        Raises NoSuchPosition and NotAPosition.
        """
        self._check_open()
        return asof.AsOf(self._deriving, position_at(self._log, at), self._check_open, self._publications.then)

    def diff(
        self,
        period: TimePeriod,
        before: int | datetime,
        after: int | datetime | None = None,
        *,
        metric: str | None = None,
        limit: int = 100,
    ) -> OperationResult[AnswerDiff]:
        """Say what changed in the answers about a period between two positions, without `after` up to now.

        It tells late events, corrections and erasures apart, and lists the first `limit` of the events.
        """

        def compared() -> AnswerDiff:
            with self.as_of(before) as one, self.as_of(self._log.head() if after is None else after) as other:
                return diff.diff(self._deriving, one, other, period, metric=metric, limit=limit)

        return self._result(compared)


def _absolute(url_or_path: str | Path) -> str:
    """Return an address that means the same in another working directory."""
    path = None if on_server(url_or_path) else log_path(url_or_path)
    return str(path.absolute() if path else url_or_path)


def _ours() -> Sequence[type]:
    """Find the projections of this distribution by name: they know this package, it does not know them."""
    module = importlib.import_module(OUR_PROJECTIONS)
    try:
        return [getattr(module, name) for name in ("Budgets", "Cost", "Performance", "Usage")]
    except AttributeError:
        found = getattr(module, "__file__", None) or next(iter(module.__path__))
        raise ProjectionsShadowed(path=found) from None
