"""Upkeep: what is done with the log and the read models of an open store, beside recording and asking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from analytics_es.errors import FoldFailed, StoreFailed
from analytics_es.service.inspection import Inspection
from analytics_es.types import (
    AggregationResult,
    Attempt,
    BackupResult,
    ChecksumsWritten,
    ExportResult,
    LastVerification,
    LedgerCheck,
    Listing,
    OperationResult,
    Progress,
    RebuildResult,
    RetentionResult,
    SqlView,
    Verification,
)
from analytics_es.types.arguments import Period, bad, reading_arguments
from analytics_es.types.defaults import BATCH
from analytics_es.types.lifecycle import Format

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from analytics_es.service.parts import Parts

T = TypeVar("T")


class Upkeep(Inspection):
    """Keeps read models up to date, right and within their retention; copies and exports the log."""

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

        Whoever catches up or follows does so as well, but waits no longer than a second. In memory there are none.
        """

        def listed(parts: Parts) -> Listing[SqlView]:
            parts.view_costs.look()
            with parts.store.read_models.reading() as cursor:
                views = parts.store.read_models.shown.views(cursor)
            return Listing((SqlView(name=view.name, columns=list(view.columns)) for view in views), of=SqlView)

        return self._result(listed)

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

        if projections is not None and not projections:
            nothing: OperationResult[RebuildResult] = Attempt.failed(
                bad("projections", "at least one name", projections)
            )
            return nothing
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
        Of what differs, the first `limit` rows of each projection are listed, with the events they are made of; it is
        looked at twice, the second time while nobody rebuilds, retains or forgets. What was found is noted beside the
        read models, for `last_verifications`.
        """
        from analytics_es.audit.verified import note_verified, standing
        from analytics_es.audit.verify import verify

        def verified(parts: Parts) -> Verification:
            names = parts.store.selected(projections)
            before = standing(parts.store, names)
            verification = verify(
                parts.store,
                names,
                period=None if period is None else parts.contexts.period(period),
                sample=sample,
                seed=seed,
                limit=limit,
                workers=workers,
                progress=progress,
            )
            note_verified(parts.store, verification, before)
            return verification

        return self._result(verified)

    def last_verifications(self) -> OperationResult[Listing[LastVerification]]:
        """List what was found when each read model was verified last; what never was, or is filled anew, is not listed.

        Of all of it, and of a part where that was looked at later.
        """
        from analytics_es.audit.verified import last_verifications

        return self._result(lambda parts: last_verifications(parts.store, parts.store.selected(None)))

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

    @reading_arguments
    def write_checksums(
        self, position: int | None = None, *, progress: Progress | None = None
    ) -> OperationResult[ChecksumsWritten]:
        """Give checksums to the events that have none since a version before recorded them; verify first.

        Or to the one event at a position, which was mended by hand: what is stored of it is taken as right. Then
        `retry_dead_letters(position)`. A run that was stopped is gone on with by the next.
        """
        from analytics_es.audit.checksums import write_checksums

        return self._result(lambda parts: write_checksums(parts.store, position, progress=progress))

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

        from analytics_es.audit.refolding import refolding
        from analytics_es.audit.verify import verify
        from analytics_es.lifecycle import RetentionPolicy, Sealing

        def retained(parts: Parts) -> RetentionResult:
            chosen = (parts.retention if policy is None else RetentionPolicy.of(policy)).with_archive(archive)
            if not dry_run:
                parts.tell_retention()
                with suppress(FoldFailed, StoreFailed):  # of one projection, which must not stop the rest
                    parts.catch_up()
            sealing = Sealing(
                store=parts.store,
                policy=chosen,
                verify=lambda names, days: verify(parts.store, names, period=days, alone=True),
                refolding=partial(refolding, parts.store),
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
        sources: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> OperationResult[ExportResult]:
        """Write the events of a period, or the series of metrics, replayed from the log, as csv, json or parquet.

        The file appears under its name only when it is complete, and never replaces another. Without `to` it is named
        after its content, in the working directory. With `sources` it holds the events of these alone. JSON is packed
        where the name ends with .gz.
        """
        from analytics_es.lifecycle import export_data

        return self._result(
            lambda parts: export_data(
                parts.store,
                format,
                parts.contexts.period(period),
                metrics,
                to=None if to is None else Path(to),
                sources=sources,
                progress=progress,
            )
        )
