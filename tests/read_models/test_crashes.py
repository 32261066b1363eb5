"""A server that crashes: read models lose their last commits and come back, what is not derived loses nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.log import Horizon
from analytics_es.log.postgres.seals import PostgresSeals
from analytics_es.testing import NOON, provider_call, tool_call
from tests.log.test_group_durability import BEHIND, crash
from tests.servers import Server, lazy_server
from tests.service.test_postgres import exact
from tests.stores import opened

OLD, NEW = NOON - timedelta(days=100), NOON - timedelta(days=1)
ALL = TimePeriod(OLD - timedelta(days=1), NOON, "day")
KEEP = {"events": "30d"}

pytestmark = pytest.mark.usefixtures("full_privacy", "vault_key")


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    with lazy_server() as server:
        yield server


def opening(server: Server, schema: str) -> AnalyticsService:
    return opened(server.url, schema=schema, clock=lambda: NOON)


def calls(count: int, name: str, at: Any = NEW) -> list[dict[str, Any]]:
    return [
        {**make(occurred_at=at + timedelta(minutes=n), user_id=f"user-{n % 2}"), "id": f"{name}-{n}"}
        for n in range(count)
        for make in (provider_call if n % 2 else tool_call,)
    ]


def positions(service: AnalyticsService) -> set[int]:
    return {live.position for live in service.store.read_models.live().values()}


def lagging(server: Server, service: AnalyticsService, events: Sequence[dict[str, Any]]) -> None:
    """Record events and take them in, which the disk knows nothing of so far."""
    service.record_events(events).unwrap()
    service.store.runner.catch_up()
    assert server.run(BEHIND) == [(True,)]


def answers(service: AnalyticsService) -> list[Any]:
    return [
        service.get_usage_stats("user", None, ALL).unwrap().top_entities,
        service.get_performance_metrics(ALL).unwrap().operations,
        service.get_cost_breakdown(ALL).unwrap().rows,
    ]


def is_right(service: AnalyticsService) -> bool:
    return service.verify().unwrap().identical and all(day.identical for day in service.check_ledger().unwrap())


def test_read_models_that_lost_their_last_commits_are_those_of_the_log_so_far_and_catch_up(own: Server) -> None:
    schema = own.schema()
    with opening(own, schema) as service:
        service.record_events(calls(4, "before")).unwrap()
        service.store.runner.catch_up()
        lagging(own, service, calls(6, "lost"))
        told, head = answers(service), service.store.log.head()
        crash(own)

    with opening(own, schema) as service:
        reached = positions(service)
        assert (len(reached), max(reached) < head) == (1, True)  # of all of them, none without its checkpoint
        assert is_right(service)
        assert service.catch_up() == head
        exact(service)
        assert (answers(service), is_right(service)) == (told, True)


@pytest.mark.parametrize("deletions", [0, 1])
def test_a_crash_beside_retain_loses_no_event_that_is_not_in_a_seal(
    own: Server, deletions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema, left = own.schema(), [deletions]
    delete = PostgresSeals.delete

    def deleted_before_a_crash(seals: PostgresSeals, limit: int) -> int:
        if not left[0]:
            crash(own)
            raise KeyboardInterrupt
        left[0] -= 1
        return delete(seals, 3)

    with opening(own, schema) as service:
        lagging(own, service, [*calls(8, "old", OLD), *calls(4, "new")])
        told = answers(service)
        monkeypatch.setattr(PostgresSeals, "delete", deleted_before_a_crash)
        with pytest.raises(KeyboardInterrupt):
            service.retain(KEEP)
        monkeypatch.undo()

    with opening(own, schema) as service:
        assert service.store.log.seals.horizon().seal == 1
        service.catch_up()
        assert (answers(service), is_right(service)) == (told, True)
        service.retain(KEEP).unwrap()
        service.rebuild().unwrap()
        assert (answers(service), is_right(service)) == (told, True)


def test_what_is_not_derived_is_durable_when_it_is_said(own: Server) -> None:
    schema, times = own.schema(), {"": 7}
    with opening(own, schema) as service:
        lagging(own, service, calls(2, "any"))
        seals, read_models = service.store.log.seals, service.store.read_models
        for write in (
            lambda: seals.seal(Horizon(sealed=times, seal=1), [], [], [(0, 3, 4)]),
            lambda: seals.count_refused(5),
            lambda: read_models.discard([("usage", 1, "model")]),
        ):
            write()
            assert own.run(BEHIND) == [(False,)]
        crash(own)

    with opening(own, schema) as service:
        seals = service.store.log.seals
        assert (seals.horizon().sealed, seals.days(), seals.refused()) == (times, [(0, 3, 4)], 5)
        assert own.run(f"SELECT * FROM {schema}.discarded") == [("usage", 1, "model")]
