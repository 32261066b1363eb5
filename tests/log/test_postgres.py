"""The log on PostgreSQL: who follows is woken, what fails is told or heals, and no password is ever shown."""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import Mock
from urllib.parse import quote, urlsplit

import psycopg
import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import CannotOpen, StoreUnavailable, UnknownScheme
from analytics_es.log import redacted
from analytics_es.log.postgres import database as databases
from analytics_es.log.postgres import pooled, recorder, starting
from analytics_es.log.postgres.listening import Listener
from analytics_es.log.strict import Strict
from analytics_es.testing import NOON, tool_call
from tests.servers import Server, own_server
from tests.service.test_postgres import DAY, Opening, calls, code, events_of, exact
from tests.stores import entry, eventually

pytestmark = pytest.mark.usefixtures("full_privacy")  # events are counted and found by their positions


# ── secrets ─────────────────────────────────────────────────────────────────────────────────────────────────────

SECRET = "s3cr:et/@?"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://user:{quote(SECRET, safe='')}@127.0.0.1:1/db",
        f"postgres://user:{quote(SECRET, safe='')}@127.0.0.1:1/db?connect_timeout=1",
        f"postgresql://user@127.0.0.1:1/db?password={quote(SECRET, safe='')}",
        f"postgresql://user:{quote(SECRET, safe='')}@127.0.0.1:none/db",
        f"postgresql://user:{quote(SECRET, safe='')}@127.0.0.1:1/db?nosuch=1",
        f"mysql://user:{quote(SECRET, safe='')}@127.0.0.1/db",
        "postgresql://user:%zz@127.0.0.1/db",
    ],
)
def test_a_password_is_never_shown(url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "ABSENT_SECONDS", 0.2)
    caplog.set_level(logging.DEBUG)
    with pytest.raises((StoreUnavailable, CannotOpen, UnknownScheme)) as caught:
        AnalyticsService.open(url)

    shown = f"{caught.value} {caught.value!r} {caught.value.__cause__!r} {caught.value.details} {caplog.text}"
    for secret in (SECRET, quote(SECRET, safe=""), "%zz"):
        assert secret not in shown
    assert SECRET not in redacted(url)


def test_without_the_packages_it_is_said_which_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("analytics_es.log.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delattr("analytics_es.log.postgres", raising=False)

    with pytest.raises(CannotOpen, match=r"pip install 'analytics-es\[postgres\]'"):
        AnalyticsService.open("postgresql://localhost/db")


# ── following ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_follower_is_woken_by_what_another_process_appends(opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    follower, writer = opening(), opening(follow=False)
    eventually(lambda: follower.store.log._listener.connected)  # type: ignore[attr-defined]
    follower.wait_until_caught_up()
    monkeypatch.setattr(type(follower.store.log), "poll_seconds", 3600.0)  # from now on only a notification helps
    follower.store.runner.wake()
    time.sleep(0.2)

    writer.record_event(**tool_call()).unwrap()

    eventually(lambda: events_of(follower) == 1)


def backends(server: Server, what: str) -> list[int]:
    """Return the server's processes that run or last ran such a statement."""
    found = server.run("SELECT pid FROM pg_stat_activity WHERE query LIKE %s AND pid <> pg_backend_pid()", what)
    return [pid for (pid,) in found]


def test_a_listener_that_lost_its_connection_comes_back(
    opening: Opening, postgres: Server, caplog: pytest.LogCaptureFixture
) -> None:
    service = opening()
    listener = service.store.log._listener  # type: ignore[attr-defined]
    eventually(lambda: listener.connected)

    for pid in backends(postgres, f"LISTEN%{service.store.log._database.schema}%"):  # type: ignore[attr-defined]
        postgres.run("SELECT pg_terminate_backend(%s)", pid)
    eventually(lambda: "interrupted" in caplog.text)

    eventually(lambda: listener.connected)
    assert "Listening for events again" in caplog.text
    service.record_event(**tool_call()).unwrap()
    eventually(lambda: events_of(service) == 1)


def test_a_listener_that_is_refused_pauses_between_attempts(
    opening: Opening, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(
        "tenacity.sleep_using_event", lambda _: lambda seconds: (pauses.append(seconds), time.sleep(0.05))
    )
    service = opening(follow=False)
    monkeypatch.setattr(Listener, "_begin", Mock(side_effect=StoreUnavailable(problem="no LISTEN here")))
    service.store.log.listen(lambda: None)

    eventually(lambda: len(pauses) > 2)

    assert "Listening for events again" not in caplog.text
    assert caplog.text.count("interrupted") == 1  # however long it lasts
    assert service.store.log.poll_seconds == 0.1


def test_a_writer_held_in_its_transaction_makes_no_follower_skip_it(opening: Opening, postgres: Server) -> None:
    service = opening()
    schema = service.store.log._database.schema  # type: ignore[attr-defined]
    held = opening(follow=False)
    recorder = held.store.log._recorder  # type: ignore[attr-defined]
    holding, plain = threading.Event(), recorder._notify_channel

    def slowly(cursor: Any) -> None:
        plain(cursor)
        cursor.execute("SELECT pg_sleep(1)")
        holding.set()

    recorder._notify_channel = slowly
    writer = threading.Thread(target=lambda: held.record_events(calls(5, "held")).unwrap())
    writer.start()
    holding.wait()
    locked = "SELECT 1 FROM pg_locks WHERE mode = 'ExclusiveLock' AND relation = %s::regclass"
    eventually(lambda: postgres.run(locked, f"{schema}.stored_events"))

    service.record_events(calls(5, "other")).unwrap()
    writer.join()

    service.wait_until_caught_up()
    assert events_of(service) == 10
    exact(service)


# ── faults ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_connections_that_are_terminated_lose_and_double_nothing(opening: Opening, postgres: Server) -> None:
    service = opening()
    schema = service.store.log._database.schema  # type: ignore[attr-defined]
    done, acknowledged = threading.Event(), list[str]()

    def write() -> None:
        n = 0
        while not done.is_set():
            batch = list(calls(20, f"b{n}"))
            if service.record_events(batch).ok:
                acknowledged.extend(each["id"] for each in batch)
                n += 1

    writer = threading.Thread(target=write)
    writer.start()
    kill = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    killed = 0
    while killed < 25:
        killed += postgres.run(kill)[0][0]
        time.sleep(0.1)
    done.set()
    writer.join()

    stored = postgres.run(f"SELECT convert_from(state, 'UTF8')::json ->> 'id' FROM {schema}.stored_events")
    found = sorted(each for (each,) in stored)
    assert len(found) == len({*found})
    assert {*acknowledged} <= {*found}
    assert len({*found} - {*acknowledged}) in (0, 20)  # stored, but its answer was lost
    exact(service)


def test_a_restart_of_the_server_under_load_heals_by_itself(opening: Opening) -> None:
    with own_server() as own, AnalyticsService.open(own.url) as service:
        service.record_events(calls(10, "before")).unwrap()
        done, failures, written = threading.Event(), list[str](), list[int]()

        def write() -> None:
            n = 0
            while not done.is_set():
                result = service.record_events(calls(10, f"during-{n}"))
                if result.ok:
                    written.append(n)
                    n += 1
                else:
                    failures.append(code(result))

        writer = threading.Thread(target=write)
        writer.start()
        for mode in ("fast", "immediate"):
            own.stop(mode)
            own.start()
            before = len(written)
            eventually(lambda before=before: len(written) > before + 3)
        done.set()
        writer.join()

        assert set(failures) <= {"store_unavailable", "store_busy"}
        service.wait_until_caught_up()
        assert events_of(service) == 10 + 10 * len(written)
        exact(service)


def test_opening_waits_for_a_server_that_is_being_restarted(caplog: pytest.LogCaptureFixture, vault_key: None) -> None:
    """First nobody answers, then the server says that it is not ready yet, then the store is open."""
    with own_server() as own, ThreadPoolExecutor(1) as pool:
        own.stop("immediate")
        opening = pool.submit(AnalyticsService.open, own.url, follow=False)
        eventually(lambda: "Trying again" in caplog.text)
        own.start(ready=False)
        eventually(lambda: re.search("the database system is (starting up|not accepting|not yet)", caplog.text))
        own.let_in()

        with opening.result() as service:
            assert service.record_event(**tool_call()).ok


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"path": "/nosuch"}, 'database "nosuch" does not exist'),
        ({"netloc": "nobody:@"}, 'role "nobody" does not exist'),
    ],
)
def test_opening_does_not_wait_where_the_server_answers(
    postgres: Server, caplog: pytest.LogCaptureFixture, wrong: dict[str, str], told: str
) -> None:
    with pytest.raises(StoreUnavailable, match=told):
        AnalyticsService.open(urlsplit(postgres.url)._replace(**wrong).geturl())

    assert "Trying again" not in caplog.text


def test_opening_waits_a_little_where_nobody_answers_and_says_so(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "ABSENT_SECONDS", 0.3)

    with pytest.raises(StoreUnavailable, match="refused"):
        AnalyticsService.open("postgresql://user@127.0.0.1:1/db")

    assert "refused" in caplog.text
    assert "Trying again" in caplog.text


def test_a_lock_that_is_held_too_long_is_told_and_nothing_was_changed(
    opening: Opening, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "LOCK_TIMEOUT", 1)
    service = opening(follow=False)
    schema = service.store.log._database.schema  # type: ignore[attr-defined]

    with psycopg.connect(postgres.url) as other:
        other.execute(f"LOCK TABLE {schema}.stored_events IN EXCLUSIVE MODE".encode())
        result = service.record_event(**tool_call())
        assert (code(result), service.store.log.head()) == ("store_busy", 0)
    assert service.record_event(**tool_call()).unwrap().position == 1


def test_a_transaction_that_idles_too_long_changes_nothing(opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "IDLE_TIMEOUT", 1)
    service = opening(follow=False)
    service.record_events(calls(3)).unwrap()
    service.catch_up()

    with pytest.raises(StoreUnavailable), service.store.read_models.replacing("usage") as (cursor, live):
        time.sleep(1.5)
        folded = service.store.fold(service.store.log.scan(after=0, limit=9))["usage"]
        service.store.read_models.merge(cursor, live.declaration, folded)  # type: ignore[arg-type]

    exact(service)


def test_a_table_that_was_dropped_fails_no_append_on_its_connection(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver lets the server forget what it has prepared, after the next statement."""
    monkeypatch.setattr(pooled, "CHECK_SECONDS", 3600.0)  # which would be that statement
    service = opening(follow=False)
    database = service.store.log._database  # type: ignore[attr-defined]
    everywhere = 2 * databases.WRITERS  # connections go round
    for _ in range(everywhere):
        service.record_event(**tool_call()).unwrap()
    with database.connect() as connection:
        connection.execute("CREATE TABLE of_before (n int)")
    with database.write() as cursor:
        cursor.execute("DROP TABLE of_before")

    for _ in range(everywhere):
        service.record_event(**tool_call()).unwrap()


def test_a_transaction_that_an_interrupt_has_left_open_is_ended_when_its_connection_comes_back(
    opening: Opening,
) -> None:
    service = opening(follow=False)
    pool = service.store.log._database.writing.pool  # type: ignore[attr-defined]
    connection = pool.getconn()
    connection.execute(f"BEGIN; LOCK TABLE {service.store.log._table}")  # type: ignore[attr-defined]
    pool.putconn(connection)

    assert service.record_event(**tool_call()).unwrap().position == 1


def test_when_all_connections_are_in_use_it_is_told(opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooled, "LOCK_TIMEOUT", 1)
    monkeypatch.setattr(databases, "RETRY_SECONDS", 0.5)
    service = opening(follow=False)
    pool = service.store.log._database.writing.pool  # type: ignore[attr-defined]
    with ExitStack() as stack:
        for _ in range(databases.WRITERS):
            stack.enter_context(pool.connection())
        result = service.record_event(**tool_call())
        assert code(result) == "store_unavailable"
        assert "all connections are in use" in str(result.failure)
        assert events_of(service) == 0  # readers have connections of their own
    assert service.record_event(**tool_call()).unwrap().position == 1


def test_what_was_stored_before_the_connection_was_lost_is_no_duplicate(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = opening(follow=False)
    recorder = service.store.log._recorder  # type: ignore[attr-defined]
    plain, tries = recorder.append, list[int]()

    def lost_after_commit(*args: Any, **options: Any) -> Any:
        found = plain(*args, **options)
        tries.append(1)
        if len(tries) == 1:
            raise psycopg.OperationalError("the connection is lost")
        return found

    monkeypatch.setattr(recorder, "append", lost_after_commit)
    receipt = service.record_event(**tool_call(), id="1").unwrap()

    assert (len(tries), receipt.position, receipt.duplicate) == (2, 1, False)
    assert service.store.log.head() == 1


def test_a_closed_store_says_so(opening: Opening) -> None:
    service = opening()
    log = service.store.log
    service.close()

    assert code(service.record_event(**tool_call())) == "closed"
    for call in (log.head, lambda: log.scan(after=0, limit=1)):
        with pytest.raises(Exception, match="closed: open it again"):
            call()


def test_times_are_utc_whatever_the_server_thinks(opening: Opening) -> None:
    service = opening(timezone="Asia/Kathmandu", follow=False)
    service.record_event(**tool_call()).unwrap()
    service.catch_up()

    first = service.get_summary("usage.events", DAY).unwrap().series[0].start
    assert isinstance(first, datetime)
    assert first.utcoffset() == timedelta(hours=5, minutes=45)


def test_who_appends_without_the_lock_makes_nobody_fail(opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    service = opening(follow=False)
    log = service.store.log
    entries = [entry(NOON, **call) for call in calls(4)]
    log.append(entries[:2])
    statement, made = recorder.append_statement, list[bool]()

    def blind(strict: Strict, *, doubtful: bool = False) -> str:
        made.append(doubtful)  # where it is not, as if these had come in since it has looked
        return statement(strict, doubtful=doubtful).replace(
            "NOT EXISTS", "NOT EXISTS" if doubtful else "true OR EXISTS"
        )

    monkeypatch.setattr(recorder, "append_statement", blind)

    assert [(place.position, place.duplicate) for place in log.append(entries)] == [
        (1, True),
        (2, True),
        (3, False),
        (4, False),
    ]
    assert made == [False, True]


@pytest.mark.parametrize("strict_ids", [False, True, ["plat*", "other"]])
def test_the_plan_that_is_kept_of_an_append_reads_no_table_to_its_end(opening: Opening, strict_ids: Any) -> None:
    service = opening(follow=False, strict_ids=strict_ids)
    statement = recorder.append_statement(service.store.log.strict)
    for number in (1, 2, 3, 4):
        statement = statement.replace("%b", f"${number}", 1)
    for size in (1, 11):  # nothing is known of so small a table, which is when plans are made
        service.record_events(calls(size)).unwrap()
        with service.store.log.database.connection() as connection:
            connection.execute("SET plan_cache_mode = force_generic_plan")
            connection.execute(f"PREPARE append (text[], text[], bytea[], bigint[]) AS {statement}".encode())
            rows = connection.execute("EXPLAIN EXECUTE append ('{k}', '{t}', '{x}', '{1}')").fetchall()
            connection.execute("DEALLOCATE append")
            connection.execute("RESET plan_cache_mode")

        assert "Seq Scan on stored_events" not in str(rows)
