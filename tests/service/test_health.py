"""Health: a store is ready where it can be written, its read models are near, and nothing is kept for too long."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import StoreFailed
from analytics_es.service.health import BUSY_SECONDS, Watch
from analytics_es.testing import tool_call
from tests.service.health import BOTH, WELL, looked, of, states
from tests.stores import opened, record, recorded


@BOTH
def test_a_store_that_is_up_to_date_is_ready(analytics: AnalyticsService) -> None:
    record(analytics, tool_call())

    health = of(analytics)

    assert (health.ready, states(health)) == (True, WELL)
    assert (health.position, health.lag_events, health.lag_seconds) == (2, 0, 0.0)


@BOTH
def test_to_try_whether_an_event_can_be_recorded_records_nothing(analytics: AnalyticsService) -> None:
    record(analytics, tool_call())
    before = (analytics.store.log.head(), analytics.store.log.notes(""), recorded(analytics))

    for _ in range(3):
        assert looked(of(analytics))["log"].state == "ok"

    assert (analytics.store.log.head(), analytics.store.log.notes(""), recorded(analytics)) == before
    assert analytics.record_event(**tool_call()).unwrap().position == 3


# ── lag ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@BOTH
def test_read_models_that_are_behind_for_too_long_are_not_ready(analytics: AnalyticsService) -> None:
    analytics.record_event(**tool_call()).unwrap()
    later = datetime.now(UTC) + timedelta(minutes=5)
    analytics.store.runner._clock = lambda: later

    health = of(analytics, max_lag=60)

    assert (health.ready, states(health)) == (False, {**WELL, "lag": "failed"})
    assert (health.lag_events, health.lag_seconds > 60) == (2, True)
    assert "nothing follows here" in str(looked(health)["lag"].advice)
    assert of(analytics, max_lag=timedelta(hours=1)).ready
    assert of(analytics, max_lag=None).ready
    analytics.catch_up()
    assert of(analytics, max_lag=0).ready


def test_a_bound_may_be_so_many_events(analytics: AnalyticsService) -> None:
    analytics.record_events([tool_call() for _ in range(3)]).unwrap()

    assert not of(analytics, max_lag=None, max_lag_events=3).ready
    assert of(analytics, max_lag=None, max_lag_events=4).ready


def test_who_follows_is_not_told_to(path: Path) -> None:
    with AnalyticsService.open(path) as analytics:
        analytics.wait_until_caught_up()
        assert of(analytics).ready
        analytics.store.runner.close()
        analytics.record_event(**tool_call()).unwrap()

        assert "nothing follows here" in str(looked(of(analytics, max_lag_events=0))["lag"].advice)


def test_what_stopped_a_projection_is_told_before_it_is_too_far_behind(analytics: AnalyticsService) -> None:
    analytics.record_event(**tool_call()).unwrap()
    analytics.store.runner.errors["cost"] = StoreFailed(problem="made up")

    near, far = of(analytics), of(analytics, max_lag_events=1)

    assert (near.ready, states(near)["lag"]) == (True, "warning")
    assert (far.ready, states(far)["lag"]) == (False, "failed")
    assert looked(near)["lag"].advice == looked(far)["lag"].advice == "The database reports: made up."


# ── the log can be written ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.store("sqlite")
def test_who_writes_for_long_keeps_a_store_from_being_ready_and_a_moment_does_not(
    analytics: AnalyticsService, path: Path
) -> None:
    now = 0.0
    analytics._watch = Watch(analytics._lifetime.parts, clock=lambda: now)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    first = looked(of(analytics))["log"]
    now = BUSY_SECONDS - 1
    second = looked(of(analytics))["log"]
    now = BUSY_SECONDS
    third = of(analytics)
    other.execute("ROLLBACK")
    over = looked(of(analytics))["log"]

    assert [check.state for check in (first, second, looked(third)["log"], over)] == [
        "warning",
        "warning",
        "failed",
        "ok",
    ]
    assert (third.ready, looked(third)["log"].code) == (False, "store_busy")
    other.close()


def test_a_service_that_is_closed_is_not_ready(path: Path) -> None:
    analytics = opened(path)
    analytics.close()

    health = of(analytics)

    assert (health.ready, health.position) == (False, None)
    assert [(check.name, check.state, check.code) for check in health.checks] == [("store", "failed", "closed")]


@pytest.mark.store("sqlite")
def test_a_store_that_was_deleted_is_not_ready(analytics: AnalyticsService, path: Path) -> None:
    path.unlink()

    assert [(check.name, check.code) for check in of(analytics).checks] == [("store", "store_moved")]


@pytest.mark.parametrize(("name", "value"), [("max_lag", "soon"), ("max_lag", -1), ("max_lag_events", 0.5)])
def test_a_bound_that_is_none_is_refused(analytics: AnalyticsService, name: str, value: Any) -> None:
    result = analytics.check_health(**{name: value})

    assert (result.ok, result.failure.code if result.failure else None) == (False, "bad_argument")
