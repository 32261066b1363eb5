"""A store on PostgreSQL: the same answers as on SQLite, shared, and prepared once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cli.demo_week import platform_events
from analytics_es.errors import BadSchema, CannotOpen, NotMigrated, NotOurs
from analytics_es.events.codec import to_json
from analytics_es.lifecycle.archive import Archive
from analytics_es.log.postgres import migrations
from analytics_es.testing import NOON, provider_call, tool_call
from analytics_es.types import OperationResult
from tests.children import ran
from tests.servers import Server
from tests.stores import contents, derived

pytestmark = pytest.mark.usefixtures("full_privacy")  # the two databases are compared event by event

DAY = TimePeriod(NOON - timedelta(hours=12), NOON + timedelta(hours=12))
WEEK = TimePeriod(NOON, NOON + timedelta(days=3))

Opening = Callable[..., AnalyticsService]


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
    with ThreadPoolExecutor(4) as pool:
        failed = [done.stderr for done in pool.map(lambda n: ran([*command, str(n)]), range(4)) if done.returncode]

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


# ── following ───────────────────────────────────────────────────────────────────────────────────────────────────


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
