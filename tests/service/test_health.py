"""Health: a store is ready where it can be written, its read models are near, and nothing is kept for too long."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import StoreFailed
from analytics_es.log import Entry
from analytics_es.service.health import BUSY_SECONDS, Watch
from analytics_es.testing import price, provider_call, tool_call
from analytics_es.types import Health, HealthCheck
from tests.stores import opened, record, recorded, set_clock

BOTH = pytest.mark.store("sqlite", "postgres")
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def looked(health: Health) -> dict[str, HealthCheck]:
    return {check.name: check for check in health.checks}


def states(health: Health) -> dict[str, str]:
    return {check.name: check.state for check in health.checks}


def of(analytics: AnalyticsService, **bounds: Any) -> Health:
    return analytics.check_health(**bounds).unwrap()


WELL = {"store": "ok", "log": "ok", "lag": "ok", "retention": "ok", "dead_letters": "ok"}


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


# ── retention ───────────────────────────────────────────────────────────────────────────────────────────────────


def retaining(url: str, at: datetime = NOW) -> AnalyticsService:
    return AnalyticsService.open(url, follow=False, retention={"events": "10d"}, clock=lambda: at)


@BOTH
def test_events_that_were_to_go_a_day_ago_keep_a_store_from_being_ready(url: str) -> None:
    with retaining(url) as analytics:
        record(analytics, tool_call(occurred_at=NOW))
        seen = {}
        for days in (9, 10, 11, 12, 13):
            set_clock(analytics, NOW + days * DAY)
            seen[days] = states(of(analytics))["retention"]
        late = looked(of(analytics))["retention"]
        analytics.retain().unwrap()

        assert seen == {9: "ok", 10: "ok", 11: "ok", 12: "failed", 13: "failed"}
        assert late.finding == ("Events from 2026-03-02 on are there that were to go by now (retention events 10d).")
        assert (of(analytics).ready, states(of(analytics))) == (True, WELL)


def test_events_of_long_ago_that_were_imported_today_have_until_the_night(path: Path) -> None:
    with retaining(str(path)) as analytics:
        record(analytics, tool_call(occurred_at=NOW - 300 * DAY))

        assert of(analytics).ready
        set_clock(analytics, NOW + DAY + timedelta(minutes=1))
        assert states(of(analytics))["retention"] == "failed"


def test_a_retention_that_was_said_just_now_has_until_the_night(path: Path) -> None:
    with opened(path, clock=lambda: NOW - 300 * DAY) as analytics:
        record(analytics, tool_call(occurred_at=NOW - 300 * DAY))
    with retaining(str(path)) as analytics:
        assert of(analytics).ready
        record(analytics, tool_call(occurred_at=NOW))
        assert of(analytics).ready
        set_clock(analytics, NOW + 2 * DAY)
        assert states(of(analytics))["retention"] == "failed"


def test_what_the_service_says_itself_is_never_overdue(path: Path) -> None:
    with retaining(str(path), NOW - 300 * DAY) as analytics:
        analytics.publish_prices([price()]).unwrap()
        analytics.record_event(**tool_call(occurred_at=NOW)).unwrap()
        set_clock(analytics, NOW)

        assert looked(of(analytics, max_lag=None))["retention"].finding == (
            "Events that are to be kept no longer are gone."
        )


@pytest.mark.store("sqlite", "postgres", retention={"events": "10d", "tool.*": "5d"})
def test_each_family_has_its_time(analytics: AnalyticsService) -> None:
    record(analytics, tool_call(occurred_at=NOW), provider_call(occurred_at=NOW))

    def first(**families: timedelta) -> str | None:
        times = {name: int((NOW + length).timestamp()) for name, length in families.items()}
        key = analytics.store.log.seals.first_before({"": 0, **times})
        event = analytics.store.log.find(key) if key else None
        return event and event["type"]

    assert (first(), first(tool=-DAY), first(tool=DAY)) == (None, None, "tool.call.completed")
    assert first(provider=DAY) == "provider.call.completed"


# ── dead letters, damage, and a disk without room ───────────────────────────────────────────────────────────────


@BOTH
def test_what_could_not_be_read_is_told_and_is_no_reason_to_wait(analytics: AnalyticsService) -> None:
    analytics.store.log.append([Entry(f"{'0' * 31}1", "tool.call.completed", b'{"source":')])
    analytics.catch_up()

    health = of(analytics)

    assert (health.ready, states(health)["dead_letters"]) == (True, "warning")
    assert "usage 1" in looked(health)["dead_letters"].finding
    with analytics.store.read_models.read() as snapshot:
        assert snapshot.open_letters("usage") == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of two megabytes, where that is allowed."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place]
    if os.geteuid() or subprocess.run(mount, check=False).returncode:
        pytest.skip("to mount a small file system takes root")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_on_a_full_disk_a_store_is_not_ready_and_is_again_once_there_is_room(small_disk: Path) -> None:
    with opened(small_disk / "analytics.db") as analytics:
        record(analytics, tool_call())
        analytics.store.log.scrub()  # what was written ahead would have room for some more
        with suppress(OSError), (small_disk / "other").open("wb", buffering=0) as other:
            while other.write(b"\0" * 4096):
                pass

        full = of(analytics)
        assert not analytics.record_events([tool_call() for _ in range(50)]).ok
        (small_disk / "other").unlink()

        assert (full.ready, states(full)) == (False, {**WELL, "log": "failed"})
        assert looked(full)["log"].finding == "The database reports: database or disk is full."
        assert "disk has room" in str(looked(full)["log"].advice)
        assert of(analytics).ready


def test_where_nothing_may_be_written_a_store_is_not_ready(path: Path) -> None:
    with opened(path) as analytics:
        record(analytics, tool_call())
        with analytics.store.log._database._trying.get_connection(commit=True) as connection:  # type: ignore[attr-defined]
            connection.cursor().execute("PRAGMA query_only = 1")  # as on a disk that is there to be read

        health = of(analytics)

    assert (health.ready, states(health)) == (False, {**WELL, "log": "failed"})
    assert "readonly" in looked(health)["log"].finding


@pytest.mark.store("postgres")
def test_a_server_that_takes_nothing_is_not_ready(analytics: AnalyticsService) -> None:
    record(analytics, tool_call())
    pool = analytics.store.log.database.reading.pool  # type: ignore[attr-defined]
    with ExitStack() as stack:
        connections = [stack.enter_context(pool.connection()) for _ in range(pool.max_size)]
        for connection in connections:
            connection.execute("SET default_transaction_read_only = on")  # as of a server that follows another

    health = of(analytics)

    assert (health.ready, states(health)) == (False, {**WELL, "log": "failed"})
    assert "read-only transaction" in looked(health)["log"].finding


@pytest.mark.store("postgres")
def test_who_holds_the_lock_of_a_server_keeps_others_waiting(analytics: AnalyticsService) -> None:
    record(analytics, tool_call())
    database = analytics.store.log.database  # type: ignore[attr-defined]
    with database.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE stored_events IN EXCLUSIVE MODE")
        held = looked(of(analytics))["log"]

    assert (held.state, held.code) == ("warning", "store_busy")
    assert states(of(analytics)) == WELL


@BOTH
def test_many_may_ask_at_once_beside_who_records(analytics: AnalyticsService) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(of, analytics, max_lag=None) for _ in range(40)]
        events = [pool.submit(analytics.record_event, **tool_call()) for _ in range(40)]

    assert {future.result().ready for future in asked} == {True}
    assert {future.result().ok for future in events} == {True}
