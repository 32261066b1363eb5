"""Upkeep: what is done with the log and the read models of an open store, beside recording and asking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

from attrs import evolve

from analytics_es.audit import ledger, verify
from analytics_es.audit.dead_letters import DeadLetterDetails, DeadLetters
from analytics_es.cost.budgets.accounts import BUDGETS
from analytics_es.cost.budgets.thresholds import Thresholds
from analytics_es.ingest.recorder import Recorder
from analytics_es.lifecycle import backup, copies, export
from analytics_es.lifecycle import sealing as retaining
from analytics_es.lifecycle.archive import Archive
from analytics_es.lifecycle.archive_source import ArchiveSource, archived_days
from analytics_es.lifecycle.erasure import refuse_forgotten
from analytics_es.lifecycle.retention import RetentionPolicy
from analytics_es.log import EventLog
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration, differences
from analytics_es.projection.fold import Fold
from analytics_es.queries.question import QuestionContext
from analytics_es.read_models import ReadModels, Snapshot, rebuild
from analytics_es.read_models.aggregation import run_aggregation
from analytics_es.read_models.backfill import Backfill
from analytics_es.read_models.catch_up import Runner
from analytics_es.read_models.replay import BATCH, replaying
from analytics_es.read_models.seeds import Seeds, sealed_until
from analytics_es.read_models.sources import LogSource
from analytics_es.read_models.tiling import Tiling
from analytics_es.service.questions import Questions
from analytics_es.types import (
    AggregationResult,
    BackupResult,
    DeadLetter,
    ExportResult,
    LedgerCheck,
    OperationResult,
    Progress,
    ProjectionStatus,
    RebuildResult,
    RetentionResult,
    RetryResult,
    TimePeriod,
    UnreadableValue,
    Verification,
)


class Upkeep(Questions):
    """Keeps read models up to date, right and within their retention; copies and exports the log."""

    _log: EventLog
    _read_models: ReadModels
    _calendar: Calendar
    _fold: Fold
    _runner: Runner
    _backfill: Backfill | None
    _events: LogSource
    _source: QuestionContext
    _recorder: Recorder
    _letters: DeadLetters
    _thresholds: Thresholds | None
    _retention: RetentionPolicy
    _clock: Callable[[], datetime]

    # ── keeping up ──────────────────────────────────────────────────────────────────────────────────────────────

    def catch_up(self, progress: Progress | None = None, *, thresholds: bool = True) -> int:
        """Fold everything recorded so far, here and now; returns the position reached. Raises FoldFailed.

        With `thresholds`, tell of those of budgets that were reached.
        """
        self._check_open()
        if self._backfill:
            self._backfill.now(progress)
        position = self._runner.catch_up(progress)
        told = self._thresholds.look() if self._thresholds and thresholds else 0
        return self._runner.catch_up(progress) if told else position

    def wait_until_caught_up(self, timeout: float = 30.0) -> int:
        """Wait until everything recorded so far is in the read models; raises NotCaughtUp, FoldFailed."""
        self._check_open()
        return self._runner.wait_until_caught_up(timeout)

    def projections(self) -> OperationResult[list[ProjectionStatus]]:
        """Say how far every projection is, how large, and what stopped it, if anything did."""
        return self._result(self._status)

    def _status(self) -> list[ProjectionStatus]:
        with self._read_models.read() as snapshot:
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
            error=self._runner.problem(name)
            or (self._thresholds and name == BUDGETS and self._thresholds.problem)
            or None,
            stale=f"definition changed ({', '.join(changed)})" if changed else None,
        )

    def _untold(self, name: str) -> str | None:
        return self._thresholds.problem if self._thresholds and name == BUDGETS else None

    def unreadable_values(self, limit: int = 100) -> OperationResult[list[UnreadableValue]]:
        """List the first values that projections could not read and left out."""

        def listed() -> list[UnreadableValue]:
            with self._read_models.read() as snapshot:
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

    # ── the log again ───────────────────────────────────────────────────────────────────────────────────────────

    def run_aggregation(
        self, period: TimePeriod, projections: Sequence[str] | None = None
    ) -> OperationResult[AggregationResult]:
        """Derive the rows of a period again from the log, of which only that stretch is read, and swap them in.

        Of the named projections, by default of all; beside a running follower.
        """
        return self._result(
            lambda: run_aggregation(
                self._log,
                self._read_models,
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
        progress: Progress | None = None,
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

    def _archived(self, directory: Path) -> ArchiveSource:
        kept = Archive.open(directory, log=self._log.identity)
        kept.check()
        refuse_forgotten(self._log, kept)
        return ArchiveSource(self._log, kept, self._events.opening)

    def _named(self, projections: Sequence[str] | None) -> list[str]:
        known = [each.name for each in self._declarations]
        for name in projections or ():
            self._source.declaration(name)
        return [name for name in known if projections is None or name in projections]

    def _rebuilt(
        self,
        names: Sequence[str],
        progress: Progress | None,
        *,
        set_aside: bool = True,
        source: ArchiveSource | None = None,
        **how: Any,
    ) -> RebuildResult:
        seeds = Seeds(self._log, without=archived_days(self._log, source, self._calendar)) if source else None
        result = rebuild.rebuild(
            self._log,
            self._read_models,
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
        progress: Progress | None = None,
    ) -> OperationResult[Verification]:
        """Fold events again and compare with the live read models at the position they have reached, while they serve.

        All of the log, or the hours of a `period` and the days they lie in, or a `sample` of so many days, drawn at
        random: with the same `seed`, the same days. Read models are verified as they are defined, today or before.
        Of what differs, the first `limit` rows of each projection are listed, with the events they are made of.
        """
        return self._result(
            lambda: verify.verify(
                self._log,
                self._read_models,
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
        progress: Progress | None = None,
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
                wanted = RetentionPolicy.of({**wanted.to_dict(), "archive": str(archive)})
            if not dry_run:
                self.catch_up()
            with nullcontext() if dry_run else self._read_models.rebuilding():
                run = self._retaining(wanted, progress)
                return run.plan() if dry_run else run.run()

        return self._result(retained)

    def _retaining(self, policy: RetentionPolicy, progress: Progress | None) -> retaining.Sealing:
        def verified(period: TimePeriod) -> Verification:
            return self.verify(period=period).unwrap()

        def archived(period: TimePeriod) -> ExportResult | None:
            to = Path(policy.archive) if policy.archive else None
            return retaining.archived(self._log, self._declarations, self._fold, self._calendar, period, to)

        return retaining.Sealing(
            log=self._log,
            read_models=self._read_models,
            fold=self._fold,
            calendar=self._calendar,
            policy=policy,
            now=self._clock(),
            catch_up=self._runner.catch_up,
            verify=verified,
            announce=self._recorder.announce,
            archive=archived,
            progress=progress,
        )

    def check_ledger(
        self, projections: Sequence[str] | None = None, *, progress: Progress | None = None
    ) -> OperationResult[list[LedgerCheck]]:
        """Compare, day by day, which events read models have taken in with those in the log: quick, nothing is folded.

        It finds events that were missed, counted twice, or are others than those in the log; not a row that was
        changed afterwards, which `verify` finds.
        """
        return self._result(
            lambda: ledger.check(self._log, self._read_models, self._fold, self._named(projections), progress=progress)
        )

    def back_up(self, to: str | Path, *, progress: Progress | None = None) -> OperationResult[BackupResult]:
        """Copy the log as it is now into a new file, while everybody goes on; read models are derived again from it.

        The file appears under its name only when it is complete, and never replaces another. It is a store: open it.
        """
        return self._result(
            lambda: copies.announce_backup(self._recorder.announce, backup.back_up(self._log, Path(to), progress))
        )

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

        def exported() -> ExportResult:
            result = export.export_data(
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
            return result if metrics else copies.announce_export(self._recorder.announce, result, period)

        return self._result(exported)
