"""Runs of retention killed at random moments: after each, nothing has changed but what is gone."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import Any

from attrs import frozen

from analytics_es import AnalyticsService
from analytics_es.read_models import beside
from analytics_es.testing import NOON
from tests.faults import worker
from tests.faults.storm import processes
from tests.stores import PATIENCE

EVENTS_A_DAY = 60
FIRST, LONGEST = 1.0, 3.0  # seconds, and how often as long as a run took: some are over by then, some are not


@frozen(kw_only=True)
class Retained:
    """What became of the runs: how often events were sealed, and how many are left."""

    seed: int
    seals: int
    left: int


def kill_retains(url: str, *, kills: int, seed: int) -> Retained:
    """Kill so many lives of a process that retains, a day later each; after each, no read model has changed."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    took = processes.Value("d", FIRST, lock=False)  # who is killed would keep one
    with AnalyticsService.open(url, follow=False, privacy="full") as service:
        service.record_events(
            {**worker.event(0, day * EVENTS_A_DAY + n), "occurred_at": NOON + timedelta(days=day, minutes=n)}
            for day in range(kills + 2)
            for n in range(EVENTS_A_DAY)
        ).unwrap()
        service.catch_up()
        before = _rows(service)
        for day in range(1, kills + 1):
            _one_life(url, day, took, chance.uniform(0, LONGEST))
            service.catch_up()
            assert _rows(service) == before
        worker.retained(service, kills + 1)
        verified = service.verify().unwrap()
        assert verified.identical, verified
        assert _rows(service) == before
        left = service.store.log.scan(after=0, limit=10**6)
        of_events = [each for each in left.column("type").to_pylist() if not each.startswith("analytics.")]
        assert len(of_events) == EVENTS_A_DAY
        return Retained(seed=seed, seals=service.store.log.seals.horizon().seal, left=len(of_events))


def _rows(service: AnalyticsService) -> Any:
    beside.settle(service.store.read_models)  # as whoever opens the store does
    service.catch_up()
    with service.store.read_models.read() as snapshot:
        return {name: snapshot.rows(each) for name, each in snapshot.live.items()}


def _one_life(url: str, day: int, took: Any, part: float) -> None:
    at_work = processes.Event()
    process = processes.Process(target=worker.retain, args=(url, day, at_work, took), daemon=True)
    process.start()
    try:
        assert at_work.wait(PATIENCE), f"ended by itself with {process.exitcode}"
        time.sleep(part * took.value)
    finally:
        process.kill()
        process.join()
