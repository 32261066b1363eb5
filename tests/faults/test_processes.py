"""Processes killed at any moment: nothing acknowledged is lost, nothing is counted twice, nobody is stuck."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from analytics_es import AnalyticsService
from tests.faults import worker
from tests.faults.rebuilds import kill_rebuilds
from tests.faults.retains import kill_retains
from tests.faults.storm import identities, storm, writing
from tests.stores import PATIENCE, contents, derived, eventually

pytestmark = pytest.mark.store("sqlite", "postgres")


def test_processes_killed_at_random_lose_nothing_and_count_nothing_twice(url: str, tmp_path: Path) -> None:
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(2**32))

    left = storm(url, tmp_path, seconds=6, kills=20, seed=seed)

    assert (left.lost, left.doubled) == (frozenset(), frozenset())
    assert left.counted == left.logged >= left.acknowledged > 0
    assert_derivable(url)


def test_what_was_recorded_but_never_acknowledged_is_sent_again_and_is_one_event(url: str, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    first = writing(url, 1, notes, seed=1, deadly=True)
    first.start()
    first.join(PATIENCE)
    with AnalyticsService.open(url, follow=False, privacy="full") as service:
        unacknowledged = service.store.log.head()
        assert worker.acknowledged(notes) == (0, 0)

    second = writing(url, 1, notes, seed=2)
    second.start()
    eventually(lambda: worker.acknowledged(notes)[0] > unacknowledged or not second.is_alive())
    assert second.is_alive()
    second.kill()
    second.join()

    assert unacknowledged > 0
    assert worker.acknowledged(notes)[1] == unacknowledged
    with AnalyticsService.open(url, follow=False, privacy="full") as service:
        found = identities(service.store.log)
        assert len(found) == len(set(found))


def assert_derivable(url: str) -> None:
    """Compare the read models, to the byte, with one fold of the log."""
    with AnalyticsService.open(url, follow=False, privacy="full") as service:
        service.catch_up()
        assert contents(service.store.read_models) == derived(service.store.log)  # type: ignore[arg-type]


def test_rebuilds_killed_at_random_leave_the_old_or_the_new_and_never_a_mix(url: str) -> None:
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(2**32))

    left = kill_rebuilds(url, kills=24 if url.startswith("sqlite") else 6, seed=seed)

    assert left.promoted > 0


def test_runs_of_retention_killed_at_random_change_no_read_model(url: str) -> None:
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(2**32))

    left = kill_retains(url, kills=5, seed=seed)

    assert left.seals > 0
