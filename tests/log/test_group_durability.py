"""Waiting for the disk together: what is acknowledged survives a crash of the server; what is seen may be ahead."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import NoGroups
from analytics_es.log.postgres import Database, PostgresLog, recorder
from analytics_es.testing import NOON, tool_call
from tests.servers import Server, lazy_server
from tests.service.test_postgres import events_of, exact
from tests.stores import entry, eventually, opened

# Whether something that was written is not on the disk yet.
BEHIND = "SELECT pg_current_wal_flush_lsn() < pg_current_wal_insert_lsn()"
# How many wait for a replica.
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
NOT_AT_ALL = "SELECT NULL"  # in the place of waiting for the disk

pytestmark = pytest.mark.usefixtures("full_privacy", "vault_key")


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    with lazy_server() as server:
        yield server


def crash(server: Server) -> None:
    server.stop("immediate")
    server.start()


def calls(count: int, name: str) -> list[dict[str, Any]]:
    return [{**tool_call(), "id": f"{name}-{number}"} for number in range(count)]


def test_what_is_acknowledged_survives_a_crash(own: Server) -> None:
    schema = own.schema()
    with opened(own.url, schema=schema, durability="group") as service:
        service.record_events(calls(5, "many")).unwrap()
        service.record_event(**calls(1, "one")[0]).unwrap()
        crash(own)

    with opened(own.url, schema=schema) as service:
        assert service.record_events([*calls(5, "many"), *calls(1, "one")]).unwrap().duplicates == 6


def test_what_another_still_waits_for_is_durable_where_it_is_told_to_be_there(
    own: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = own.schema()
    with opened(own.url, schema=schema, durability="group") as group, opened(own.url, schema=schema) as usual:
        usual.record_event(**tool_call()).unwrap()
        with monkeypatch.context() as patch:
            patch.setattr(recorder, "FLUSH", NOT_AT_ALL)
            group.record_events(calls(3, "waiting")).unwrap()
        assert usual.record_events(calls(3, "waiting")).unwrap().duplicates == 3
        crash(own)

    with opened(own.url, schema=schema) as service:
        assert service.record_events(calls(3, "waiting")).unwrap().duplicates == 3


def test_events_are_seen_before_they_are_durable_and_read_models_are_never_ahead_of_them(
    own: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = own.schema()
    with opened(own.url, schema=schema, durability="group") as service, opened(own.url, schema=schema) as other:
        service.record_events(calls(5, "durable")).unwrap()
        monkeypatch.setattr(recorder, "FLUSH", NOT_AT_ALL)
        service.record_events(calls(5, "seen")).unwrap()
        assert own.run(BEHIND) == [(True,)]
        other.catch_up()
        assert events_of(other) == 10
        crash(own)

    monkeypatch.undo()
    with opened(own.url, schema=schema) as service:
        service.catch_up()
        assert 5 <= events_of(service) == sum(row["type"].startswith("tool.") for row in rows(service)) <= 10
        exact(service)
        assert service.record_events([*calls(5, "durable"), *calls(5, "seen")]).unwrap().duplicates >= 5


def rows(service: AnalyticsService) -> list[dict[str, Any]]:
    return service.store.log.scan(after=0, limit=1000).to_pylist()


def test_where_commits_wait_for_a_replica_a_group_does_too_though_this_disk_has_everything(own: Server) -> None:
    own.run("CHECKPOINT")
    own.run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    own.run("SELECT pg_reload_conf()")
    with ThreadPoolExecutor(1) as pool:
        try:
            flushed = pool.submit(own.run, recorder.FLUSH)
            eventually(lambda: own.run(WAITING) == [(1,)] or flushed.done())
            assert not flushed.done()
        finally:
            own.run("ALTER SYSTEM RESET synchronous_standby_names")
            own.run("SELECT pg_reload_conf()")  # it lets go who waits


def test_where_each_event_is_does_not_depend_on_it(own: Server) -> None:
    entries = [entry(NOON, **call) for call in calls(6, "same")]
    batches = [entries[:3], entries[1:5], entries[:2], [entries[5], entries[5]]]
    results = []
    for durability in ("commit", "group"):
        with closing(PostgresLog(Database(own.url, own.schema()), durability=durability)) as log:  # type: ignore[arg-type]
            results.append([log.append(batch) for batch in batches])

    assert results[0] == results[1]


@pytest.mark.parametrize("place", [":memory:", "analytics.db"])
def test_a_store_in_files_has_nobody_to_wait_with(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoGroups, match="Leave durability out"):
        AnalyticsService.open(place, durability="group")

    assert list(tmp_path.iterdir()) == []
