"""Upkeep: what is done with the log and the read models of an open store, beside recording and asking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from analytics_es.errors import FoldFailed, StoreFailed
from analytics_es.service.contexts import Contexts
from analytics_es.service.questions import Questions
from analytics_es.types import (
    AggregationResult,
    Attempt,
    BackupResult,
    DeadLetter,
    DoubtfulCorrection,
    ExportResult,
    LedgerCheck,
    Listing,
    OperationResult,
    Progress,
    ProjectionStatus,
    RebuildResult,
    RetentionResult,
    RetryResult,
    SqlView,
    UnreadableValue,
    UnreadAnnouncement,
    UnreadField,
    Verification,
)
from analytics_es.types.arguments import Period, reading_arguments
from analytics_es.types.defaults import BATCH
from analytics_es.types.lifecycle import Format

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from analytics_es.audit.dead_letters import DeadLetterDetails, DeadLetters
    from analytics_es.service.parts import Lifetime, Parts
    from analytics_es.store import Store

T = TypeVar("T")


class Upkeep(Questions):
    """Keeps read models up to date, right and within their retention; copies and exports the log."""

    def __init__(self, lifetime: Lifetime) -> None:
        self._lifetime = lifetime

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

    # ── keeping up ──────────────────────────────────────────────────────────────────────────────────────────────

    @reading_arguments
    def catch_up(self, progress: Progress | None = None, *, thresholds: bool = True) -> int:
        """Fold everything recorded so far, here and now; returns the position reached. Raises FoldFailed.

        With `thresholds`, tell of those of budgets that were reached.
        """
        return self._parts.catch_up(progress, thresholds=thresholds)

    @reading_arguments
    def wait_until_caught_up(self, timeout: float = 30.0) -> int:
        """Wait until everything recorded so far is in the read models; raises NotCaughtUp, FoldFailed."""
        self._parts.corrections.settle()
        position = self.store.runner.wait_until_caught_up(timeout)
        self._parts.show()
        return position

    def sql_views(self) -> OperationResult[Listing[SqlView]]:
        """List the SQL views of the read models, with what they show of costs up to date.

        Whoever catches up or follows does so as well, but waits no longer than some seconds. In memory there are none.
        """

        def listed(parts: Parts) -> Listing[SqlView]:
            parts.view_costs.look()
            with parts.store.read_models.reading() as cursor:
                views = parts.store.read_models.shown.views(cursor)
            return Listing((SqlView(name=view.name, columns=list(view.columns)) for view in views), of=SqlView)

        return self._result(listed)

    def projections(self) -> OperationResult[Listing[ProjectionStatus]]:
        """Say how far every projection is, how large, and what stopped it, if anything did."""
        from analytics_es.read_models.status import projection_status

        return self._result(lambda parts: projection_status(parts.store.read_models, parts.store.runner, parts.problem))

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

    # ── the log again ───────────────────────────────────────────────────────────────────────────────────────────

    @reading_arguments
    def run_aggregation(
        self, period: Period, projections: Sequence[str] | None = None
    ) -> OperationResult[AggregationResult]:
        """Derive the rows of a period again from the log, of which only that stretch is read, and swap them in.

        Of the named projections, by default of all; beside a running follower.
        """
        return self._shown(
            lambda parts: parts.store.derive_again(parts.contexts.period(period), parts.store.selected(projections))
        )

    @reading_arguments
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
        from analytics_es.lifecycle import rebuild_from

        return self._shown(
            lambda parts: rebuild_from(
                parts.store,
                Path(archive) if archive else None,
                parts.store.selected(projections),
                progress,
                workers=workers,
                executor=executor,
                size=batch_size,
                set_aside=set_aside,
            )
        )

    @reading_arguments
    def verify(
        self,
        projections: Sequence[str] | None = None,
        period: Period | None = None,
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
        from analytics_es.audit.verify import verify

        return self._result(
            lambda parts: verify(
                parts.store,
                parts.store.selected(projections),
                period=None if period is None else parts.contexts.period(period),
                sample=sample,
                seed=seed,
                limit=limit,
                workers=workers,
                progress=progress,
            )
        )

    @reading_arguments
    def check_ledger(
        self, projections: Sequence[str] | None = None, *, progress: Progress | None = None
    ) -> OperationResult[Listing[LedgerCheck]]:
        """Compare, day by day, which events read models have taken in with those in the log: quick, nothing is folded.

        It finds events that were missed, counted twice, or are others than those in the log; not a row that was
        changed afterwards, which `verify` finds.
        """
        from analytics_es.audit.ledger import check_ledger

        return self._result(
            lambda parts: check_ledger(parts.store, parts.store.selected(projections), progress=progress)
        )

    # ── retention, copies ───────────────────────────────────────────────────────────────────────────────────────

    @reading_arguments
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

        from analytics_es.audit.verify import verify
        from analytics_es.lifecycle import RetentionPolicy, Sealing

        def retained(parts: Parts) -> RetentionResult:
            chosen = (parts.retention if policy is None else RetentionPolicy.of(policy)).with_archive(archive)
            if not dry_run:
                with suppress(FoldFailed, StoreFailed):  # of one projection, which must not stop the rest
                    parts.catch_up()
            sealing = Sealing(
                store=parts.store,
                policy=chosen,
                verify=lambda names, days: verify(parts.store, names, period=days),
                progress=progress,
            )
            return sealing.plan() if dry_run else sealing.run()

        return self._shown(retained)

    @reading_arguments
    def back_up(self, to: str | Path, *, progress: Progress | None = None) -> OperationResult[BackupResult]:
        """Copy the log as it is now into a new file, while everybody goes on; read models are derived again from it.

        The file appears under its name only when it is complete, and never replaces another. It is a store: open it.
        """
        from analytics_es.lifecycle import back_up

        return self._result(lambda parts: back_up(parts.store, Path(to), progress))

    @reading_arguments
    def export_data(
        self,
        format: Format,
        period: Period,
        metrics: Sequence[str] | None = None,
        *,
        to: str | Path | None = None,
        progress: Progress | None = None,
    ) -> OperationResult[ExportResult]:
        """Write the events of a period, or the series of metrics, replayed from the log, as csv, json or parquet.

        The file appears under its name only when it is complete, and never replaces another. Without `to` it is named
        after its content, in the working directory.
        """
        from analytics_es.lifecycle import export_data

        return self._result(
            lambda parts: export_data(
                parts.store,
                format,
                parts.contexts.period(period),
                metrics,
                to=None if to is None else Path(to),
                progress=progress,
            )
        )


def _dead_letters(parts: Parts) -> DeadLetters:
    from analytics_es.audit.dead_letters import DeadLetters

    return DeadLetters(parts.store)
