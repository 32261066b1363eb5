"""AnalyticsService: what an application embeds. It puts the parts together and hands every call to one of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from analytics_es import answers, backup, export, queries, rebuild
from analytics_es.calendar import Calendar
from analytics_es.deadletters import DeadLetterDetails, DeadLetters
from analytics_es.errors import Closed, ProjectionsShadowed, UnknownTimezone
from analytics_es.fold import Fold
from analytics_es.log import EventLog
from analytics_es.periods import Tiling
from analytics_es.projection import declarations_of
from analytics_es.recording import OnRefused, Progress, Recorder
from analytics_es.runner import Progress as CatchUpProgress
from analytics_es.runner import Runner
from analytics_es.stores import SCHEMA, open_store
from analytics_es.types import (
    AggregationResult,
    BackupResult,
    BatchReceipt,
    CostBreakdown,
    DeadLetter,
    ExportResult,
    MetricInfo,
    MetricSummary,
    OperationResult,
    PerformanceMetrics,
    ProjectionStatus,
    Receipt,
    RetryResult,
    TimePeriod,
    UnreadableValue,
    UsageStats,
)
from analytics_es.views import Views

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
    ) -> None:
        self._log, self._views, self._calendar = log, views, calendar
        self._declarations = tuple(views.declarations.values())
        self._fold = Fold(self._declarations, calendar)
        self._runner = Runner(log, views, self._fold, clock=clock)
        self._recorder = Recorder(log, clock, self._runner.wake)
        self._source = queries.Source(views=views, calendar=calendar, lag=self._runner.lag, clock=clock)
        self._letters = DeadLetters(log, views, self._fold, calendar)
        self._closed = False

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
        clock: Callable[[], datetime] = _now,
    ) -> AnalyticsService:
        """Open a store, creating it where there is none: `analytics.db`, `:memory:`, `postgresql://user@host/database`.

        A path is two SQLite files side by side: the log, and the read models (`analytics.views.db`), which may be
        deleted at any time. In PostgreSQL (extra `postgres`) it is one schema, shared by any number of processes.
        `timezone` is where hours and days begin. `projections` are the classes to keep, by default usage, performance
        and cost. With `follow`, a background thread keeps the read models up to date.
        An event is known by source, id and the millisecond it occurred; with `strict_ids`, from then on, by source and
        id alone, for producers that send an event again with another time (appends are several times slower).
        Raises CannotOpen, with nothing created or damaged, and BadDeclaration.
        """
        declarations = declarations_of(_ours() if projections is None else projections)
        try:
            calendar = Calendar(timezone)
        except ValueError:
            raise UnknownTimezone(name=timezone) from None
        log, views = open_store(url_or_path, declarations, schema=schema, timezone=timezone, strict_ids=strict_ids)
        service = cls(log, views, calendar, clock=clock)
        if follow:
            service._runner.follow()
        return service

    def close(self) -> None:
        """Stop following and close the store; what was recorded is durable already."""
        if not self._closed:
            self._closed = True
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
            return [
                ProjectionStatus(
                    name=each.name,
                    version=each.version,
                    position=snapshot.positions[each.name],
                    lag_events=(lag := self._runner.lag(snapshot.positions[each.name]))[0],
                    lag_seconds=lag[1],
                    rows=snapshot.size(each),
                    unreadable=snapshot.unreadable(each.name),
                    error=self._runner.problem(each.name),
                )
                for each in self._declarations
            ]

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

    # ── the log again ───────────────────────────────────────────────────────────────────────────────────────────

    def run_aggregation(self, period: TimePeriod) -> OperationResult[AggregationResult]:
        """Derive the rows of a period again from the log and swap them in, beside a running follower."""
        return self._result(
            lambda: rebuild.run_aggregation(
                self._log, self._views, self._fold, Tiling.of(self._calendar, period), period
            )
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


def _ours() -> Sequence[type]:
    """Find the projections of this distribution by name: they know this package, it does not know them."""
    module = importlib.import_module(OUR_PROJECTIONS)
    try:
        return [getattr(module, name) for name in ("Cost", "Performance", "Usage")]
    except AttributeError:
        found = getattr(module, "__file__", None) or next(iter(module.__path__))
        raise ProjectionsShadowed(path=found) from None
