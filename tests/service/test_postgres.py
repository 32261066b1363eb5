"""A store on PostgreSQL: the same answers as on SQLite, shared, prepared once, and healing by itself."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.parse import quote

import psycopg
import pyarrow as pa
import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es import store as stores
from analytics_es.cli.demo_week import platform_events
from analytics_es.errors import BadSchema, CannotOpen, NotMigrated, NotOurs, StoreUnavailable, UnknownScheme
from analytics_es.events.codec import to_json
from analytics_es.lifecycle.archive import Archive
from analytics_es.log.postgres import database as databases
from analytics_es.log.postgres import migrations
from analytics_es.log.postgres.listening import Listener
from analytics_es.testing import NOON, provider_call, tool_call
from analytics_es.types import OperationResult
from tests.servers import Server
from tests.stores import contents, derived, eventually

DAY = TimePeriod(NOON - timedelta(hours=12), NOON + timedelta(hours=12))
WEEK = TimePeriod(NOON, NOON + timedelta(days=3))

Opening = Callable[..., AnalyticsService]


@pytest.fixture
def opening(postgres: Server) -> Iterator[Opening]:
    """Open the store of a schema of its own, any number of times."""
    schema = postgres.schema()
    with ExitStack() as stack:

        def opened(**options: Any) -> AnalyticsService:
            url = options.pop("url", postgres.url)
            return stack.enter_context(AnalyticsService.open(url, schema=options.pop("schema", schema), **options))

        yield opened


def events_of(service: AnalyticsService) -> int | None:
    return service.get_summary("usage.events", DAY).unwrap().figures.count


def code(result: OperationResult[Any]) -> str:
    return result.failure.code if result.failure else "ok"


def calls(count: int, name: str = "call") -> Iterator[dict[str, Any]]:
    return ({**tool_call(), "id": f"{name}-{n}"} for n in range(count))


def exact(service: AnalyticsService) -> None:
    """Assert that the read models are what one fold of the log gives, to the byte."""
    service.wait_until_caught_up()
    expected = derived(service.store.log)
    with service.store.read_models.read() as snapshot:
        found = {name: snapshot.rows(each) for name, each in service.store.read_models.declarations.items()}
    assert found == {name: rows for name, rows in expected.items() if name != "unreadable"}


# ── the same as SQLite ──────────────────────────────────────────────────────────────────────────────────────────


def asked(service: AnalyticsService) -> dict[str, str]:
    """Ask everything, as JSON."""
    answers: dict[str, Any] = {metric.name: service.get_summary(metric.name, WEEK) for metric in _metrics(service)}
    for entity in (None, "user", "tenant", "tool", "model", "task"):
        answers[f"usage of {entity}"] = service.get_usage_stats(entity, None, WEEK)
    answers["performance"] = service.get_performance_metrics(WEEK)
    answers["projections"] = service.projections()
    for by in ("model", "user", "tenant"):
        answers[f"cost by {by}"] = service.get_cost_breakdown(WEEK, by=(by,))
    answers["by hour and user"] = service.get_summary("usage.events", WEEK, group_by=["user", "event_type"])
    return {name: to_json(answer.unwrap()) for name, answer in answers.items()}


def _metrics(service: AnalyticsService) -> list[Any]:
    return service.list_metrics().unwrap()


def test_answers_and_exports_are_those_of_sqlite_byte_for_byte(opening: Opening, tmp_path: Path) -> None:
    events = list(platform_events(seed=7, start=NOON, days=3, jobs=120))
    now = NOON + timedelta(days=4)
    with AnalyticsService.open(":memory:", clock=lambda: now, follow=False) as other:
        service = opening(clock=lambda: now, follow=False)
        for store in (service, other):
            for batch in (events[:700], events[300:900], events[900:]):  # some come twice
                store.record_events(batch).unwrap()
            store.catch_up()

        assert asked(service) == asked(other)
        assert contents_of(service) == contents(other.store.read_models)
        stored = service.store.log.scan(after=0, limit=10_000)  # without the events that tell of exports
        for name, store in (("a", service), ("b", other)):
            store.export_data("json", WEEK, to=tmp_path / f"{name}.jsonl").unwrap()
        assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
        (tmp_path / "archive").mkdir()
        service.export_data("parquet", WEEK, to=tmp_path / "archive" / "week.parquet").unwrap()
        archived = Archive.open(tmp_path / "archive", log=service.store.log.identity)
        assert pa.concat_tables(archived.batches(500)).slice(0, len(stored)) == stored
        service.run_aggregation(WEEK).unwrap()
        assert contents_of(service) == contents(other.store.read_models)


def contents_of(service: AnalyticsService) -> dict[str, Any]:
    with service.store.read_models.read() as snapshot:
        found: dict[str, Any] = {
            name: snapshot.rows(each) for name, each in service.store.read_models.declarations.items()
        }
    with service.store.read_models.reading() as cursor:
        cursor.execute("SELECT * FROM unreadable ORDER BY 1, 2, 3, 4")
        return found | {"unreadable": cursor.fetchall()}


def test_ids_as_long_as_they_may_be_are_kept_apart_and_found(opening: Opening) -> None:
    service = opening(follow=False)
    long = {name: f"{name}-" + "ß" * 1000 for name in ("user", "tenant", "agent", "job", "task")}
    texts = {f"{name}_id": text for name, text in long.items()}
    service.record_event(**provider_call(**texts, model="m" * 1024, provider="p" * 1024, operation="o" * 1024)).unwrap()
    service.record_event(**tool_call(user_id=long["user"] + "!")).unwrap()
    service.catch_up()

    for name, text in long.items():
        assert service.get_usage_stats(name, text, DAY).unwrap().totals.events == 1
    assert service.get_usage_stats("user", long["user"] + "!", DAY).unwrap().totals.events == 1


def test_strict_ids_hold_across_times(opening: Opening) -> None:
    service = opening(strict_ids=True, follow=False)
    later = {**tool_call(occurred_at=NOON + timedelta(hours=1)), "id": "1"}

    service.record_event(**tool_call(), id="1").unwrap()

    assert service.record_event(**later).unwrap().duplicate
    assert opening(follow=False).record_event(**later).unwrap().duplicate
    assert service.record_event(**tool_call(), id="2").unwrap().position == 2


def test_strict_ids_are_refused_where_ids_are_shared(opening: Opening) -> None:
    service = opening(follow=False)
    service.record_event(**tool_call(), id="1").unwrap()
    service.record_event(**tool_call(occurred_at=NOON + timedelta(hours=1)), id="1").unwrap()

    with pytest.raises(CannotOpen, match="share source and id"):
        opening(strict_ids=True)


# ── prepared once ───────────────────────────────────────────────────────────────────────────────────────────────


def test_many_processes_may_open_a_new_schema_at_once(postgres: Server) -> None:
    schema = postgres.schema()
    program = (
        "import sys; from analytics_es import AnalyticsService\n"
        "from analytics_es.testing import tool_call\n"
        "with AnalyticsService.open(sys.argv[1], schema=sys.argv[2], follow=False, privacy='full') as a:\n"
        "    a.record_event(**tool_call(), id=sys.argv[3]).unwrap()\n"
    )
    command = [sys.executable, "-c", program, postgres.url, schema]
    running = [subprocess.Popen([*command, str(n)], stderr=subprocess.PIPE) for n in range(4)]
    failed = [done[1] for each in running if (done := each.communicate()) and each.returncode]

    assert failed == []
    with AnalyticsService.open(postgres.url, schema=schema, follow=False) as service:
        assert service.store.log.head() == 4


def test_twenty_may_open_a_new_schema_at_once(opening: Opening) -> None:
    with ThreadPoolExecutor(20) as pool:
        identities = {service.store.log.identity for service in pool.map(lambda _: opening(follow=False), range(20))}

    assert len(identities) == 1


def test_a_role_that_may_not_create_tables_can_do_everything_else(opening: Opening, postgres: Server) -> None:
    service = opening(follow=False)
    schema = service.store.log._database.schema  # type: ignore[attr-defined]
    role = f"role_{schema}"
    postgres.run(f"CREATE ROLE {role} LOGIN")
    postgres.run(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    url = postgres.url.replace("postgres:@", f"{role}@")
    try:
        postgres.run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}")
        user = opening(url=url)
        user.record_events(calls(10)).unwrap()
        user.wait_until_caught_up()
        user.run_aggregation(DAY).unwrap()
        assert events_of(user) == 10
        with pytest.raises(NotMigrated, match=r"run `analytics-es migrate` with one that may create tables"):
            opening(url=url, schema=f"{schema}_new")
    finally:
        postgres.run(f"DROP OWNED BY {role}")
        postgres.run(f"DROP ROLE {role}")


def test_tables_of_another_application_are_left_alone(opening: Opening, postgres: Server) -> None:
    schema = postgres.schema()
    postgres.run(f"CREATE SCHEMA {schema}")
    postgres.run(f"CREATE TABLE {schema}.stored_events (a int)")

    with pytest.raises(NotOurs, match="a table stored_events of another application"):
        opening(schema=schema)
    tables = postgres.run("SELECT tablename FROM pg_tables WHERE schemaname = %s", schema)
    assert tables == [("stored_events",)]


def test_a_schema_of_a_newer_version_is_left_alone(opening: Opening, postgres: Server) -> None:
    service = opening(follow=False)
    schema = service.store.log._database.schema  # type: ignore[attr-defined]
    postgres.run(f"INSERT INTO {schema}.analytics_es_migrations VALUES ({len(migrations.MIGRATIONS) + 1})")

    with pytest.raises(CannotOpen, match="newer analytics_es"):
        opening()


@pytest.mark.parametrize("schema", ["", "A", "a b", "pg_own", "1a", "a" * 41, 'a"; DROP SCHEMA public; --', "a.b", "é"])
def test_a_schema_has_a_plain_name(postgres: Server, schema: str) -> None:
    with pytest.raises(BadSchema, match="cannot name a schema"):
        AnalyticsService.open(postgres.url, schema=schema)


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
def test_a_password_is_never_shown(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises((StoreUnavailable, CannotOpen, UnknownScheme)) as caught:
        AnalyticsService.open(url)

    shown = f"{caught.value} {caught.value!r} {caught.value.__cause__!r} {caught.value.details} {caplog.text}"
    for secret in (SECRET, quote(SECRET, safe=""), "%zz"):
        assert secret not in shown
    assert SECRET not in stores.redacted(url)


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
    assert caplog.text.count("interrupted") <= len(pauses) + 1
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


def test_one_of_several_followers_does_the_work_and_another_takes_over(opening: Opening) -> None:
    services = [opening() for _ in range(3)]
    writer = opening(follow=False)
    for n in range(30):
        writer.record_events(calls(20, f"batch-{n}")).unwrap()
    writer.wait_until_caught_up()
    busiest = max(services, key=lambda each: len(each.store.runner._last_seen))
    busiest.close()

    writer.record_events(calls(20, "last")).unwrap()
    writer.wait_until_caught_up()

    assert events_of(writer) == 620
    exact(writer)


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
    killed = sum(postgres.run(kill)[0][0] + (time.sleep(0.1) or 0) for _ in range(25))
    done.set()
    writer.join()

    assert killed >= 25
    stored = postgres.run(f"SELECT convert_from(state, 'UTF8')::json ->> 'id' FROM {schema}.stored_events")
    found = sorted(each for (each,) in stored)
    assert len(found) == len({*found})
    assert {*acknowledged} <= {*found}
    assert len({*found} - {*acknowledged}) in (0, 20)  # stored, but its answer was lost
    exact(service)


def test_a_restart_of_the_server_under_load_heals_by_itself(opening: Opening) -> None:
    from tests.servers import server

    with server() as own:
        if not own.ours:
            pytest.skip("the server that was given is not ours to restart")
        with AnalyticsService.open(own.url) as service:
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


def test_when_all_connections_are_in_use_it_is_told(opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "LOCK_TIMEOUT", 1)
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
    service.close()

    assert code(service.record_event(**tool_call())) == "closed"
    for call in (service.store.log.head, lambda: service.store.log.scan(after=0, limit=1)):
        with pytest.raises(Exception, match="closed: open it again"):
            call()


def test_times_are_utc_whatever_the_server_thinks(opening: Opening) -> None:
    service = opening(timezone="Asia/Kathmandu", follow=False)
    service.record_event(**tool_call()).unwrap()
    service.catch_up()

    first = service.get_summary("usage.events", DAY).unwrap().series[0].start
    assert isinstance(first, datetime)
    assert first.utcoffset() == timedelta(hours=5, minutes=45)
