"""Verify: a live read model and its events folded again, up to the same position, row for row, while it serves."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from functools import partial

from analytics_es.audit.ledger import FIRST, LAST
from analytics_es.audit.refolding import LOOKED_AT, Attempt, attempting
from analytics_es.errors import BadSample
from analytics_es.log import damaged_upto
from analytics_es.read_models import Tiling
from analytics_es.read_models.seeds import sealed_until
from analytics_es.store import Store
from analytics_es.types import Progress, ProjectionVerification, TimePeriod, Verification


def verify(
    store: Store,
    names: Sequence[str],
    *,
    period: TimePeriod | None = None,
    sample: int | None = None,
    seed: int | None = None,
    limit: int = 20,
    workers: int = 1,
    progress: Progress | None = None,
    alone: bool = False,
) -> Verification:
    """Fold again what live read models hold, and compare: all of the log, a period, or a sample of days.

    Nothing is written but a private file, and nobody has to stop: what a follower adds meanwhile is folded too. Where
    something differs, it is looked again while nobody rebuilds, retains or forgets, who takes from the one side before
    the other; who is `alone` already need not. All of a log also means what it is kept in. Raises BadSample,
    StoreDamaged, DamagedSealing, FoldFailed, WorkerLost, RebuildRunning.
    """
    began = time.monotonic()
    if sample is not None and (sample < 1 or period):
        raise BadSample(days=sample)
    tilings = [Tiling.of(store.calendar, period)] if period else []
    if sample:
        seed = random.randrange(2**32) if seed is None else seed  # noqa: S311  # which days is no secret
        tilings = _drawn(store, names, sample, seed)
    if not tilings:
        store.log.check_store()
    store.log.seals.check()
    look = partial(_verified, store, names, tilings, limit, workers, progress)
    attempt, projections = look()
    if not (alone or all(projection.identical for projection in projections)):
        with store.read_models.rebuilding():
            attempt, projections = look()
    # Of what no read model has taken in yet, nothing was folded.
    ahead = [] if tilings else damaged_upto(store.log, store.log.head(), attempt.upto)
    damaged = [*attempt.damaged, *ahead][:LOOKED_AT]
    return Verification(
        identical=all(projection.identical for projection in projections) and not damaged,
        projections=projections,
        damaged=damaged,
        unsummed=store.log.unsummed(),
        period=tilings[0].period(period) if period else None,
        sampled=[day.local(day.start) for day in tilings] if sample else None,
        seed=seed if sample else None,
        events=attempt.events,
        seconds=round(time.monotonic() - began, 3),
        sealed_until=sealed_until(store.log, store.calendar),
    )


def _verified(
    store: Store, names: Sequence[str], tilings: Sequence[Tiling], limit: int, workers: int, progress: Progress | None
) -> tuple[Attempt, list[ProjectionVerification]]:
    while True:
        with store.read_models.making_sense(), attempting(store, names, workers, progress) as attempt:
            for tiling in tilings:
                attempt.confine(tiling, [tiling.whole_days()])  # a day's row is of the whole day
            compared = attempt.compared(limit)
            if compared is not None:
                return attempt, [attempt.verification(projection) for projection in compared]


def _drawn(store: Store, names: Sequence[str], count: int, seed: int) -> list[Tiling]:
    """Draw so many of the days that read models have taken events of."""
    with store.read_models.read() as snapshot:
        taken = {day for name in names for day, *_ in snapshot.ledger(name)}
    every = sorted(day for day in taken if FIRST <= day < LAST)
    drawn = random.Random(seed).sample(every, min(count, len(every)))  # noqa: S311
    return [Tiling(store.calendar, day, store.calendar.next_day(day)) for day in sorted(drawn)]
