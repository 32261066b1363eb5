"""One state: who reads sees one state of the database in a turn of his own, and what a driver says is ours."""

from __future__ import annotations

from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import Forked, StoreFailed, StoreMoved, StoreUnavailable
from analytics_es.log.postgres import database as servers
from analytics_es.log.postgres.arrow import _state
from analytics_es.log.sqlite import database as files
from analytics_es.testing import tool_call

pytestmark = [pytest.mark.store("sqlite", "postgres"), pytest.mark.usefixtures("vault_key")]

EVENTS = "SELECT count(*) FROM stored_events"


@pytest.fixture
def database(analytics: AnalyticsService) -> Any:
    log: Any = analytics.store.log
    return log.database if hasattr(log, "database") else log._database


@pytest.mark.parametrize("kind", ["read", "look", "read_long"])
def test_what_is_recorded_meanwhile_is_seen_by_the_next_one(
    analytics: AnalyticsService, database: Any, kind: str
) -> None:
    with getattr(database, kind)() as cursor:
        before = cursor.execute(EVENTS).fetchone()[0]
        recorded = analytics.record_event(**tool_call()).unwrap().position
        assert cursor.execute(EVENTS).fetchone()[0] == before < recorded
    with getattr(database, kind)() as cursor:
        assert cursor.execute(EVENTS).fetchone()[0] == recorded


@pytest.mark.parametrize("kind", ["read", "look"])
def test_who_finds_no_place_to_read_waits_while_others_look(
    database: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = servers if isinstance(database, servers.Database) else files
    places = {"read": room.READERS, "look": room.LOOKERS}
    (other,) = places.keys() - {kind}
    monkeypatch.setattr(database._to_read, "_seconds", 0.01)
    monkeypatch.setattr(database._to_look, "_seconds", 0.01)
    with ExitStack() as stack:
        for _ in range(places[kind]):
            stack.enter_context(getattr(database, kind)()).execute(EVENTS).fetchone()
        with pytest.raises(StoreUnavailable, match=f"all {places[kind]} "), getattr(database, kind)():
            pass
        with getattr(database, other)() as cursor:
            assert cursor.execute(EVENTS).fetchone()
    with getattr(database, kind)() as cursor:
        assert cursor.execute(EVENTS).fetchone()


@pytest.mark.parametrize("kind", ["read", "look"])
def test_what_a_driver_says_is_an_error_of_ours(database: Any, kind: str) -> None:
    with pytest.raises(StoreFailed, match="nowhere"), getattr(database, kind)() as cursor:
        cursor.execute("SELECT * FROM nowhere").fetchone()
    with getattr(database, kind)() as cursor:
        assert cursor.execute(EVENTS).fetchone()


@pytest.mark.parametrize("kind", ["read", "look"])
def test_a_store_that_was_left_in_a_fork_is_not_read(database: Any, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(database, "_left", True)
        with pytest.raises(Forked), getattr(database, kind)():
            pass


@pytest.mark.store("sqlite")
@pytest.mark.parametrize("kind", ["read", "look"])
def test_a_file_that_was_moved_is_not_read_by_a_connection_that_is_open(database: Any, kind: str) -> None:
    with getattr(database, kind)() as cursor:
        assert cursor.execute(EVENTS).fetchone()
    moved = database.path.rename(database.path.with_name("moved.db"))
    with pytest.raises(StoreMoved), getattr(database, kind)():
        pass
    moved.rename(database.path)


@pytest.mark.parametrize(
    ("code", "state"),
    [("42P01", "42P01"), ("22003\0", "22003"), ("57P01", ""), ("57P03", ""), ("08006", ""), ("\0" * 5, ""), (None, "")],
)
def test_what_does_not_come_from_the_server_or_is_its_good_bye_has_no_state(code: str | None, state: str) -> None:
    assert _state(SimpleNamespace(sqlstate=code)) == state
