"""Dead letters, damage, a disk without room, and a server that takes nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from analytics_es import AnalyticsService
from analytics_es.log import Entry
from analytics_es.testing import tool_call
from tests.service.health import BOTH, WELL, looked, of, states
from tests.stores import opened, record


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
