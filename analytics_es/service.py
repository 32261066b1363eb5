"""AnalyticsService: what an application embeds. It puts the parts together and hands every call to one of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeVar

from attrs import evolve

from analytics_es import answers, asof, backup, diff, explain, export, ledger, queries, rebuild, retaining, verify
from analytics_es.algebra import Declaration, differences
from analytics_es.archive import Archive
from analytics_es.backfill import Backfill
from analytics_es.calendar import Calendar
from analytics_es.deadletters import DeadLetterDetails, DeadLetters
from analytics_es.door import Door
from analytics_es.errors import Closed, ProjectionsShadowed, UnknownTimezone
from analytics_es.explain import Answer, Row, place
from analytics_es.fold import Fold
from analytics_es.log import EventLog
from analytics_es.periods import Tiling
from analytics_es.pricebook import PriceBook
from analytics_es.priceentries import PriceEntry
from analytics_es.prices import UnitPrices
from analytics_es.projection import declarations_of
from analytics_es.publishing import Publications
from analytics_es.recording import OnRefused, Progress, Recorder
from analytics_es.replay import BATCH, replaying
from analytics_es.retention import RetentionPolicy
from analytics_es.runner import Progress as CatchUpProgress
from analytics_es.runner import Runner
from analytics_es.sealed import Seeds, sealed_until
from analytics_es.sources import OfArchive, OfLog, Opening, archived_days
from analytics_es.stores import SCHEMA, log_path, on_server, open_log, open_store
from analytics_es.types import (
    AggregationResult,
    AnswerDiff,
    BackupResult,
    BatchReceipt,
    CostBreakdown,
    DeadLetter,
    Explanation,
    ExportResult,
    LedgerCheck,
    MetricInfo,
    MetricSummary,
    OperationResult,
    PerformanceMetrics,
    ProjectionStatus,
    RebuildResult,
    Receipt,
    RetentionResult,
    RetryResult,
    TimePeriod,
    UnreadableValue,
    UsageStats,
    Verification,
)
from analytics_es.views import Snapshot, Views

T = TypeVar("T")
OUR_PROJECTIONS = "projections"


def _now() -> datetime:
    return datetime.now(UTC)


class AnalyticsService:
    """An event-sourced analytics service over one store; safe to use from several threads. Open it with `open`.

    Expected failures come back as `OperationResult` failures; `open`, `catch_up` and `wait_until_caught_up` raise them.
    """

    def __init__(
        self,
        log: EventLog,
        views: Views,
        calendar: Calendar,
        *,
        clock: Callable[[], datetime],
        opening: Opening | None = None,
        rebuild: Literal["auto", "manual"] = "auto",
        retention: RetentionPolicy | None = None,
    ) -> None:
        self._log, self._views, self._calendar = log, views, calendar
        self._declarations = tuple(views.declarations.values())
        self._fold = Fold(self._declarations, calendar)
        self._runner = Runner(log, views, self._fold, clock=clock)
        self._events = OfLog(log, opening)
        self._backfill = Backfill(log, views, self._runner, self._rebuilt) if rebuild == "auto" else None
        self._recorder = Recorder(log, Door(clock), self._runner.wake)
        self._publications = Publications(log, self._recorder)
        self._deriving = asof.Deriving(log=log, declarations=self._declarations, fold=self._fold, calendar=calendar)
        self._source = queries.Source(views=views, calendar=calendar, lag=self._runner.lag, clock=clock)
        self._letters = DeadLetters(log, views, self._fold, calendar)
        self._retention, self._clock, self._closed = retention or RetentionPolicy(), clock, False

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
        clock: Callable[[], datetime] = _now,
    ) -> AnalyticsService:
        """Open a store, creating it where there is none: `analytics.db`, `:memory:`, `postgresql://user@host/database`.

        A path is two SQLite files side by side: the log, and the read models (`analytics.views.db`), which may be
        deleted at any time. In PostgreSQL (extra `postgres`) it is one schema, shared by any number of processes.
        `timezone` is where hours and days begin. `projections` are the classes to keep, by default usage, performance
        and cost. With `follow`, a background thread keeps the read models up to date.
        A projection whose definition changed is filled again beside what serves and then swapped in, by whoever
        catches up or follows, and so is one that is new to a long log. With `rebuild="manual"` a changed one waits for
        `rebuild` or the command of that name, and a new one is filled where it is.
        An event is known by source, id and the millisecond it occurred; with `strict_ids`, from then on, by source and
        id alone, for producers that send an event again with another time (appends are several times slower).
        `retention` is what `retain` goes by, by default nothing is ever let go.
        Raises CannotOpen, with nothing created or damaged, BadDeclaration and BadRetention.
        """
        policy = RetentionPolicy.of(retention or {})
        declarations = declarations_of(_ours() if projections is None else projections)
        try:
            calendar = Calendar(timezone)
        except ValueError:
            raise UnknownTimezone(name=timezone) from None
        log, views = open_store(url_or_path, declarations, schema=schema, timezone=timezone, strict_ids=strict_ids)
        in_memory = not on_server(url_or_path) and log_path(url_or_path) is None
        opening = None if in_memory else (open_log, (_absolute(url_or_path), schema))
        service = cls(log, views, calendar, clock=clock, opening=opening, rebuild=rebuild, retention=policy)
        if follow:
            service._follow()
        return service

    def _follow(self) -> None:
        self._runner.follow()
        if self._backfill:
            self._backfill.follow()

    def close(self) -> None:
        """Stop following and close the store; what was recorded is durable already."""
        if not self._closed:
            self._closed = True
            if self._backfill:
                self._backfill.close()
            self._runner.close()
            self._fold.close()
            self._views.close()
            self._log.close()

    def __enter__(self) -> AnalyticsService:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _result(self, work: Callable[[], T]) -> OperationResult[T]:
        def unless_closed() -> T:
            self._check_open()
            return work()

        return OperationResult.of(unless_closed)

    def _check_open(self) -> None:
        if self._closed:
            raise Closed

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

    # ── keeping up ──────────────────────────────────────────────────────────────────────────────────────────────

    def catch_up(self, progress: CatchUpProgress | None = None) -> int:
        """Fold everything recorded so far, here and now; returns the position reached. Raises FoldFailed."""
        self._check_open()
        if self._backfill:
            self._backfill.now(progress)
        return self._runner.catch_up(progress)

    def wait_until_caught_up(self, timeout: float = 30.0) -> int:
        """Wait until everything recorded so far is in the read models; raises NotCaughtUp, FoldFailed."""
        self._check_open()
        return self._runner.wait_until_caught_up(timeout)

    def projections(self) -> OperationResult[list[ProjectionStatus]]:
        """Say how far every projection is, how large, and what stopped it, if anything did."""
        return self._result(self._status)

    def _status(self) -> list[ProjectionStatus]:
        with self._views.read() as snapshot:
            return [self._status_of(snapshot, each) for each in self._declarations]

    def _status_of(self, snapshot: Snapshot, declared: Declaration) -> ProjectionStatus:
        name, live = declared.name, snapshot.live[declared.name]
        behind, waiting = self._runner.lag(snapshot.positions[name])
        changed = differences(live, declared)
        return ProjectionStatus(
            name=name,
            version=live.version,
            position=snapshot.positions[name],
            lag_events=behind,
            lag_seconds=waiting,
            rows=snapshot.size(live),
            unreadable=snapshot.unreadable(name),
            error=self._runner.problem(name),
            stale=f"definition changed ({', '.join(changed)})" if changed else None,
        )

    def unreadable_values(self, limit: int = 100) -> OperationResult[list[UnreadableValue]]:
        """List the first values that projections could not read and left out."""

        def listed() -> list[UnreadableValue]:
            with self._views.read() as snapshot:
                rows = snapshot.unreadable_values(limit)
            return [UnreadableValue(projection=name, position=position, field=field) for name, position, field in rows]

        return self._result(listed)

    # ── dead letters ────────────────────────────────────────────────────────────────────────────────────────────

    def dead_letters(
        self, *, projection: str | None = None, limit: int = 100, discarded: bool = False
    ) -> OperationResult[list[DeadLetter]]:
        """List the first values that projections could not read; with `discarded`, also those that were accepted."""
        return self._result(lambda: self._letters.listed(projection=projection, discarded=discarded, limit=limit))

    def dead_letter(self, position: int) -> OperationResult[DeadLetterDetails]:
        """Show what is stored at a position, and why projections could not use it."""
        return self._result(lambda: self._letters.details(position))

    def retry_dead_letters(
        self, position: int | None = None, *, projection: str | None = None
    ) -> OperationResult[RetryResult]:
        """Derive again what dead letters lie in, at one position or all: a newer version may read them now."""
        return self._result(lambda: self._letters.retry(position=position, projection=projection))

    def discard_dead_letters(
        self, position: int, *, projection: str | None = None
    ) -> OperationResult[list[DeadLetter]]:
        """Accept what could not be read at a position: it stays counted, but is no longer listed."""
        return self._result(lambda: self._letters.discard(position, projection=projection))

    # ── questions ───────────────────────────────────────────────────────────────────────────────────────────────

    def list_metrics(self) -> OperationResult[list[MetricInfo]]:
        """List every metric that `get_summary` and `export_data` know."""
        return self._result(lambda: queries.metrics(self._declarations))

    def get_summary(
        self,
        metric: str,
        period: TimePeriod,
        *,
        group_by: Sequence[str] = (),
        where: Mapping[str, str] | None = None,
    ) -> OperationResult[MetricSummary]:
        """Sum up one metric, such as `performance.duration`, over a period: figures, series, groups, period before."""
        return self._result(lambda: queries.summary(self._source, metric, period, group_by=group_by, where=where or {}))

    def get_usage_stats(
        self, entity_type: str | None, entity_id: str | None, period: TimePeriod
    ) -> OperationResult[UsageStats]:
        """Say how much one entity, all entities of a type (id None), or everyone (both None) used."""
        return self._result(lambda: answers.usage(self._source, entity_type, entity_id, period))

    def get_performance_metrics(self, period: TimePeriod) -> OperationResult[PerformanceMetrics]:
        """Say how fast and how reliable each operation was."""
        return self._result(lambda: answers.performance(self._source, period))

    def get_cost_breakdown(
        self, period: TimePeriod, *, by: Sequence[str] = ("model",)
    ) -> OperationResult[CostBreakdown]:
        """Say what was charged for what: by provider, model, operation, and one of the entities, such as user."""
        return self._result(lambda: answers.cost(self._source, period, by))

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
        progress: CatchUpProgress | None = None,
    ) -> OperationResult[Explanation]:
        """List the events behind one number of a read model: the first `limit` by position, or the `largest` first.

        The number is a metric over a period where keys have values, in the words of `get_summary`; or a figure of an
        answer, passed in the place of the period, or of one `row` of that answer:
        `explain("cost.reported_cost", breakdown, row=breakdown.rows[0])`. An answer says which period and keys it is
        about, but a summary not what it was filtered by: pass that as `where` again.
        Money of several currencies is never added: the failure names them, ask for one of them.
        """

        def explained() -> Explanation:
            stretch, keys = place(period, row)
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

    # ── as the log stood ────────────────────────────────────────────────────────────────────────────────────────────

    def as_of(self, at: int | datetime) -> asof.AsOf:
        """Return what answers every question as the log stood at a position, or at a time of recording.

        Its answers are the same bytes for ever, whatever is recorded later (a time must have passed for this).
        Raises NoSuchPosition and NotAPosition.
        """
        self._check_open()
        return asof.AsOf(self._deriving, asof.position_at(self._log, at), self._check_open)

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

    # ── the log again ───────────────────────────────────────────────────────────────────────────────────────────

    def run_aggregation(
        self, period: TimePeriod, projections: Sequence[str] | None = None
    ) -> OperationResult[AggregationResult]:
        """Derive the rows of a period again from the log, of which only that stretch is read, and swap them in.

        Of the named projections, by default of all; beside a running follower.
        """
        return self._result(
            lambda: rebuild.run_aggregation(
                self._log,
                self._views,
                self._fold,
                Tiling.of(self._calendar, period),
                period,
                self._named(projections),
            )
        )

    def rebuild(
        self,
        projections: Sequence[str] | None = None,
        *,
        workers: int = 1,
        executor: Executor | None = None,
        batch_size: int = BATCH,
        set_aside: bool = False,
        archive: str | Path | None = None,
        progress: CatchUpProgress | None = None,
    ) -> OperationResult[RebuildResult]:
        """Derive read models again from the whole log, beside the live ones, which serve until the new are swapped in.

        All named projections (by default all) share one pass. `workers` processes of this machine fold parts of the
        log, or those of an `executor` of the standard library's protocol, such as a Dask cluster's: they must reach the
        log. A program that uses workers guards its main module (`if __name__ == "__main__"`). An event that a
        projection cannot use stops it, unless it is to be `set_aside`, as a follower does. On failure nothing changes.
        `archive` is a directory of Parquet files that `export_data` wrote: it is checked, and read in the place of the
        log for the stretch of time that it holds.
        """
        return self._result(
            lambda: self._rebuilt(
                self._named(projections),
                progress,
                workers=workers,
                executor=executor,
                size=batch_size,
                set_aside=set_aside,
                source=self._archived(Path(archive)) if archive else None,
            )
        )

    def _archived(self, directory: Path) -> OfArchive:
        kept = Archive.open(directory, log=self._log.identity)
        kept.check()
        return OfArchive(self._log, kept, self._events.opening)

    def _named(self, projections: Sequence[str] | None) -> list[str]:
        known = [each.name for each in self._declarations]
        for name in projections or ():
            self._source.declaration(name)
        return [name for name in known if projections is None or name in projections]

    def _rebuilt(
        self,
        names: Sequence[str],
        progress: CatchUpProgress | None,
        *,
        set_aside: bool = True,
        source: OfArchive | None = None,
        **how: Any,
    ) -> RebuildResult:
        seeds = Seeds(self._log, without=archived_days(self._log, source, self._calendar)) if source else None
        result = rebuild.rebuild(
            self._log,
            self._views,
            names,
            lambda beside: replaying(source or self._events, beside, self._calendar, **how),
            set_aside=set_aside,
            seeds=seeds,
            progress=progress,
        )
        return result if source else evolve(result, sealed_until=sealed_until(self._log, self._calendar))

    def verify(
        self,
        projections: Sequence[str] | None = None,
        period: TimePeriod | None = None,
        *,
        sample: int | None = None,
        seed: int | None = None,
        limit: int = 20,
        workers: int = 1,
        progress: CatchUpProgress | None = None,
    ) -> OperationResult[Verification]:
        """Fold events again and compare with the live read models at the position they have reached, while they serve.

        All of the log, or the hours of a `period` and the days they lie in, or a `sample` of so many days, drawn at
        random: with the same `seed`, the same days. Read models are verified as they are defined, today or before.
        Of what differs, the first `limit` rows of each projection are listed, with the events they are made of.
        """
        return self._result(
            lambda: verify.verify(
                self._log,
                self._views,
                self._fold,
                self._named(projections),
                lambda declarations: replaying(self._events, declarations, self._calendar, workers=workers),
                period=period,
                sample=sample,
                seed=seed,
                limit=limit,
                progress=progress,
            )
        )

    # ── retention ───────────────────────────────────────────────────────────────────────────────────────────────────

    def retain(
        self,
        policy: Mapping[str, str] | None = None,
        *,
        archive: str | Path | None = None,
        dry_run: bool = False,
        progress: retaining.Progress | None = None,
    ) -> OperationResult[RetentionResult]:
        """Seal and delete the events, and let go of the hours and days, that are older than they are to be kept.

        By the policy given here, else the one the store was opened with: {"events": "90d", "tool.*": "30d", "hourly":
        "400d", "daily": "forever"}. What events add to every projection is verified, kept as sealed rows in the log and
        stays in every answer; from then on older events are refused. With `archive`, a directory, they are written
        there as Parquet first. A `dry_run` only says what would be done. Others go on recording and asking meanwhile.
        """

        def retained() -> RetentionResult:
            wanted = self._retention if policy is None else RetentionPolicy.of(policy)
            if archive:
                wanted = RetentionPolicy.of({**wanted.told(), "archive": str(archive)})
            if not dry_run:
                self.catch_up()
            with nullcontext() if dry_run else self._views.rebuilding():
                run = self._retaining(wanted, progress)
                return run.plan() if dry_run else run.run()

        return self._result(retained)

    def _retaining(self, policy: RetentionPolicy, progress: retaining.Progress | None) -> retaining.Retaining:
        def verified(period: TimePeriod) -> Verification:
            return self.verify(period=period).unwrap()

        def archived(period: TimePeriod) -> ExportResult | None:
            to = Path(policy.archive) if policy.archive else None
            return retaining.archived(self._log, self._declarations, self._fold, self._calendar, period, to)

        return retaining.Retaining(
            log=self._log,
            views=self._views,
            fold=self._fold,
            calendar=self._calendar,
            policy=policy,
            now=self._clock(),
            catch_up=self._runner.catch_up,
            verify=verified,
            tell=self._recorder.tell,
            archive=archived,
            progress=progress,
        )

    def check_ledger(
        self, projections: Sequence[str] | None = None, *, progress: CatchUpProgress | None = None
    ) -> OperationResult[list[LedgerCheck]]:
        """Compare, day by day, which events read models have taken in with those in the log: quick, nothing is folded.

        It finds events that were missed, counted twice, or are others than those in the log; not a row that was
        changed afterwards, which `verify` finds.
        """
        return self._result(
            lambda: ledger.check(self._log, self._views, self._fold, self._named(projections), progress=progress)
        )

    def back_up(
        self, to: str | Path, *, progress: Callable[[int, int], None] | None = None
    ) -> OperationResult[BackupResult]:
        """Copy the log as it is now into a new file, while everybody goes on; read models are derived again from it.

        The file appears under its name only when it is complete, and never replaces another. It is a store: open it.
        """
        return self._result(lambda: backup.back_up(self._log, Path(to), progress))

    def export_data(
        self,
        format: str,
        period: TimePeriod,
        metrics: Sequence[str] | None = None,
        *,
        to: str | Path | None = None,
        progress: Progress | None = None,
    ) -> OperationResult[ExportResult]:
        """Write the events of a period, or the series of metrics, replayed from the log, as csv, json or parquet.

        The file appears under its name only when it is complete, and never replaces another. Without `to` it is named
        after its content, in the working directory.
        """
        return self._result(
            lambda: export.export_data(
                self._log,
                self._declarations,
                self._fold,
                Tiling.of(self._calendar, period),
                period,
                format,
                metrics,
                to=None if to is None else Path(to),
                progress=progress,
            )
        )


def _absolute(url_or_path: str | Path) -> str:
    """Return an address that means the same in another working directory."""
    path = None if on_server(url_or_path) else log_path(url_or_path)
    return str(path.absolute() if path else url_or_path)


def _ours() -> Sequence[type]:
    """Find the projections of this distribution by name: they know this package, it does not know them."""
    module = importlib.import_module(OUR_PROJECTIONS)
    try:
        return [getattr(module, name) for name in ("Cost", "Performance", "Usage")]
    except AttributeError:
        found = getattr(module, "__file__", None) or next(iter(module.__path__))
        raise ProjectionsShadowed(path=found) from None
