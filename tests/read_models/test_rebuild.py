"""Rebuilding: new read models are filled beside the live ones and promoted, whatever happens meanwhile."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.events import codec
from analytics_es.projection import count, key, projection
from analytics_es.projection.fold import Folded
from analytics_es.read_models import beside
from analytics_es.read_models.backfill import Backfill
from analytics_es.testing import NOON, job_failed, provider_call, tool_call
from tests.stores import PATIENCE, append, contents, derived, eventually, only_live

EVENTS = 60


def events(first: int, number: int) -> list[dict[str, Any]]:
    """Return so many events of three kinds, numbered."""
    makers = (provider_call, tool_call, job_failed)
    return [
        makers[n % 3](occurred_at=NOON + timedelta(minutes=20 * (n % 50)), user_id=f"user-{n % 4}", duration_ms=n)
        for n in range(first, first + number)
    ]


pytestmark = [
    pytest.mark.store("sqlite", "postgres", events=events(0, EVENTS)),
    pytest.mark.usefixtures("full_privacy"),  # events are numbered by their positions
]

ALWAYS = TimePeriod(NOON - timedelta(days=2), NOON + timedelta(days=2), "total")
BROKEN = ("provider.call.completed", b"no JSON")


once = pytest.mark.store("sqlite")  # where databases make no difference


def record(service: AnalyticsService, number: int = 1) -> None:
    service.record_events(events(service.store.log.head(), number)).unwrap()


def held(service: AnalyticsService) -> Any:
    return contents(service.store.read_models)  # type: ignore[arg-type]


def right(service: AnalyticsService) -> Any:
    return derived(service.store.log)  # type: ignore[arg-type]


def generations(service: AnalyticsService) -> dict[str, int]:
    return {name: each.declaration.generation for name, each in service.store.read_models.live().items()}


def write(service: AnalyticsService, *statements: str) -> None:
    with service.store.read_models.writing() as cursor:
        for statement in statements:
            cursor.execute(statement)


# ── what a rebuild gives ────────────────────────────────────────────────────────────────────────────────────────


def test_twice_is_as_once(analytics: AnalyticsService) -> None:
    before = held(analytics)

    for n in (1, 2):
        result = analytics.rebuild().unwrap()

        assert (result.events, result.position, result.unreadable) == (EVENTS, EVENTS, 0)
        assert result.rows == sum(len(rows) for rows in before.values())
        assert held(analytics) == before == right(analytics)
        assert set(generations(analytics).values()) == {n}
        only_live(analytics.store.read_models)


@once
def test_one_is_rebuilt_and_the_others_are_left_alone(analytics: AnalyticsService) -> None:
    write(analytics, "UPDATE cost_v4 SET calls = 99", "UPDATE performance_v3 SET calls = 99")
    planted = held(analytics)

    result = analytics.rebuild(["cost"]).unwrap()

    assert result.projections == ["cost"]
    assert held(analytics) == planted | {"cost": right(analytics)["cost"]}
    assert generations(analytics) == {"budgets": 0, "cost": 1, "performance": 0, "usage": 0}
    only_live(analytics.store.read_models)


@once
def test_state_that_no_replay_gives_is_removed(analytics: AnalyticsService) -> None:
    write(
        analytics,
        "DELETE FROM performance_v3 WHERE grain = 'day'",
        "UPDATE usage_v4 SET entity_id = 'ghost' WHERE entity_id = 'ada'",
        "UPDATE usage_v4 SET entity_type = 'ghost' WHERE entity_type = 'user'",
        "UPDATE cost_v4 SET reported_cost = reported_cost + 1",
        "INSERT INTO unreadable VALUES ('usage_v4', 0, 1, 'planted')",
        "UPDATE ledger SET events = events + 7",
    )
    assert held(analytics) != right(analytics)

    analytics.rebuild().unwrap()

    assert held(analytics) == right(analytics)
    with analytics.store.read_models.read() as snapshot:
        assert {sum(day[1] for day in snapshot.ledger(name)) for name in snapshot.live} == {EVENTS}


@once
def test_an_empty_log_is_no_error(url: str) -> None:
    with AnalyticsService.open(url, follow=False) as service:
        result = service.rebuild().unwrap()

        assert (result.events, result.rows, result.position) == (0, 0, 0)
        only_live(service.store.read_models)
        record(service, 3)
        service.catch_up()
        assert held(service) == right(service)


@once
def test_an_unknown_projection_is_refused(analytics: AnalyticsService) -> None:
    failure = analytics.rebuild(["usage", "nonsense"]).failure

    assert failure
    assert failure.code == "missing_projection"
    assert set(generations(analytics).values()) == {0}


@once
@pytest.mark.parametrize("how", [{"batch_size": 7}, {"batch_size": 1000}], ids=str)
def test_the_size_of_parts_changes_no_byte(analytics: AnalyticsService, how: dict[str, Any]) -> None:
    seen: list[tuple[int, ...]] = []

    analytics.rebuild(**how, progress=lambda _, *at: seen.append(at)).unwrap()

    assert held(analytics) == right(analytics)
    assert seen == [
        (min(done, EVENTS), EVENTS) for done in range(how["batch_size"], EVENTS + how["batch_size"], how["batch_size"])
    ]


def test_workers_change_no_byte(analytics: AnalyticsService) -> None:
    analytics.rebuild(batch_size=13, workers=2).unwrap()

    assert held(analytics) == right(analytics)


@once
def test_old_events_are_upcast(analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(codec.UPCASTERS, "tool.call.completed", lambda data: {**data, "tool": "renamed"})
    before = held(analytics)

    analytics.rebuild().unwrap()

    assert held(analytics) == right(analytics) != before
    assert "renamed" in {row[3] for row in held(analytics)["performance"]}


# ── meanwhile ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("followed", [True, False])
def test_what_is_appended_meanwhile_is_neither_skipped_nor_doubled(
    analytics: AnalyticsService, followed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote, promoted = beside.promote, []

    def happens(*_: Any) -> None:
        if analytics.store.log.head() < EVENTS + 8:
            record(analytics)
            if followed:
                analytics.store.runner.step()

    def late(*arguments: Any) -> bool:
        happens()
        promoted.append(promote(*arguments))
        return promoted[-1]

    monkeypatch.setattr(beside, "promote", late)
    result = analytics.rebuild(batch_size=EVENTS // 4, progress=happens).unwrap()

    assert promoted == ([False] * (len(promoted) - 1) if followed else []) + [True]
    assert len(promoted) > 2 or not followed
    assert result.position == analytics.store.read_models.live()["usage"].position == result.events
    assert analytics.store.log.head() > EVENTS
    analytics.catch_up()
    assert held(analytics) == right(analytics)
    only_live(analytics.store.read_models)


@once
def test_a_follower_that_folded_for_the_old_goes_on_with_the_new(analytics: AnalyticsService) -> None:
    record(analytics, 5)
    fold = analytics.store.runner._fold

    def overtaken(*batch: Any) -> Any:
        folded = fold(*batch)
        analytics.store.runner._fold = fold
        analytics.rebuild().unwrap()
        record(analytics, 5)
        return folded

    analytics.store.runner._fold = overtaken  # type: ignore[assignment]
    analytics.catch_up()

    assert set(generations(analytics).values()) == {1}
    analytics.catch_up()
    assert held(analytics) == right(analytics)


def test_who_asks_sees_no_gap_and_no_mix(url: str) -> None:
    with AnalyticsService.open(url) as service, AnalyticsService.open(url, follow=False) as other:
        record(service, 30)
        service.wait_until_caught_up()
        ended, answers = threading.Event(), list[int]()
        wrong: list[Any] = []

        def ask() -> None:
            before = 0
            while not ended.is_set():
                result = other.get_summary("usage.events", ALWAYS)
                if not result.ok:
                    wrong.append(result.failure)
                    continue
                answer = result.unwrap()
                position = answer.completeness.position
                if position < before or answer.figures.count != position:
                    wrong.append((before, position, answer.figures.count))
                before = position
                answers.append(position)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(4):
            record(service, 3)
            service.rebuild(batch_size=20).unwrap()
        ended.set()
        for thread in threads:
            thread.join()

        assert wrong == []
        assert len(answers) > 4
        service.wait_until_caught_up()
        assert held(service) == right(service)
        assert beside.clear_away(service.store.read_models) == []
        only_live(service.store.read_models)


def test_an_answer_under_way_is_finished_from_what_it_began_with(analytics: AnalyticsService) -> None:
    before = held(analytics)
    rebuilt = threading.Thread(target=lambda: analytics.rebuild().unwrap())

    with analytics.store.read_models.read() as snapshot:
        rebuilt.start()
        eventually(lambda: set(generations(analytics).values()) == {1})
        time.sleep(0.2)  # the old ones go now, or wait for us
        found = {name: snapshot.rows(each) for name, each in snapshot.live.items()}
    rebuilt.join()

    assert found | {"unreadable": []} == before == held(analytics)
    only_live(analytics.store.read_models)


def test_a_period_derived_again_beside_rebuilds_is_exact(url: str) -> None:
    with AnalyticsService.open(url) as service:
        record(service, 30)
        rebuilds: list[Any] = []
        thread = threading.Thread(target=lambda: rebuilds.extend(service.rebuild(batch_size=10) for _ in range(2)))
        thread.start()
        while thread.is_alive():
            record(service)
            service.run_aggregation(ALWAYS).unwrap()
        thread.join()

        assert [each.failure for each in rebuilds] == [None] * 2
        service.wait_until_caught_up()
        assert held(service) == right(service)


@pytest.mark.store("postgres")  # SQLite lets nobody come between
def test_a_period_is_derived_again_where_a_promote_comes_between(analytics: AnalyticsService, url: str) -> None:
    with AnalyticsService.open(url, follow=False) as other:
        hold, left = analytics.store.read_models.checkpoints.hold, [other.rebuild]
        other.store.read_models.rebuilding = nullcontext  # type: ignore[method-assign]  # as who opens a store promotes

        def overtaken(cursor: Any, name: str) -> int:
            while left:
                left.pop()().unwrap()
            return hold(cursor, name)

        write(analytics, "UPDATE cost_v4 SET calls = 99")
        analytics.store.read_models.checkpoints.hold = overtaken  # type: ignore[method-assign]
        result = analytics.run_aggregation(ALWAYS).unwrap()

    assert result.position == EVENTS
    assert generations(analytics) == {"budgets": 1, "cost": 1, "performance": 1, "usage": 1}
    assert held(analytics) == right(analytics)


def test_only_one_rebuilds_at_a_time(analytics: AnalyticsService, url: str) -> None:
    codes: list[Any] = []
    with AnalyticsService.open(url, follow=False) as other:

        def too(*_: object) -> None:
            codes.extend(result.failure and result.failure.code for result in (other.rebuild(), analytics.rebuild()))

        analytics.rebuild(progress=too).unwrap()

        assert codes == ["rebuild_running"] * 2
        assert other.rebuild().ok
    assert held(analytics) == right(analytics)


# ── what goes wrong ─────────────────────────────────────────────────────────────────────────────────────────────


@once
def test_a_value_that_cannot_be_used_stops_it_and_changes_nothing(analytics: AnalyticsService) -> None:
    append(analytics.store.log, BROKEN)  # type: ignore[arg-type]
    record(analytics, 5)
    analytics.catch_up()
    before, was = held(analytics), generations(analytics)
    assert before["unreadable"]

    failure = analytics.rebuild(batch_size=10).failure

    assert failure
    assert failure.code == "rebuild_stopped"
    assert failure.details == {
        "projection": "budgets",
        "position": EVENTS + 1,
        "type": "provider.call.completed",
        "field": "event",
    }
    assert (held(analytics), generations(analytics)) == (before, was)
    only_live(analytics.store.read_models)


@once
def test_a_value_that_cannot_be_used_can_be_set_aside(analytics: AnalyticsService) -> None:
    append(analytics.store.log, BROKEN)  # type: ignore[arg-type]
    analytics.catch_up()
    before = held(analytics)

    result = analytics.rebuild(set_aside=True).unwrap()

    assert result.unreadable == len(before["unreadable"]) > 0
    assert held(analytics) == before == right(analytics)


@once
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
@pytest.mark.parametrize("at", ["progress", "promote"])
def test_an_end_at_any_moment_changes_nothing_and_leaves_nothing(
    analytics: AnalyticsService, error: type[BaseException], at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(analytics, "UPDATE usage_v4 SET events = events + 1")
    before = held(analytics)

    def fail(*_: Any) -> Any:
        raise error

    if at == "promote":
        monkeypatch.setattr(beside, "promote", fail)
    with pytest.raises(error):
        analytics.rebuild(batch_size=20, progress=fail if at == "progress" else None)

    assert held(analytics) == before
    assert set(generations(analytics).values()) == {0}
    only_live(analytics.store.read_models)
    monkeypatch.undo()
    analytics.rebuild().unwrap()
    assert held(analytics) == right(analytics)


def test_what_was_cleared_away_meanwhile_ends_it(analytics: AnalyticsService) -> None:
    before = held(analytics)

    def cleared_away(*_: Any) -> None:
        beside.clear_away(analytics.store.read_models)

    failure = analytics.rebuild(batch_size=20, progress=cleared_away).failure

    assert failure
    assert failure.code == "rebuild_lost"
    assert held(analytics) == before
    only_live(analytics.store.read_models)


@once
def test_the_read_models_may_be_deleted_meanwhile(analytics: AnalyticsService, tmp_path: Path) -> None:
    def delete(*_: object) -> None:
        for file in tmp_path.glob("analytics.views.db*"):
            file.unlink()

    failure = analytics.rebuild(batch_size=20, progress=delete).failure

    assert failure
    analytics.catch_up()
    assert analytics.rebuild().ok
    assert held(analytics) == right(analytics)
    only_live(analytics.store.read_models)


@once
def test_what_a_process_left_is_removed_by_the_next_start(analytics: AnalyticsService, url: str) -> None:
    begun = beside.begin(analytics.store.read_models, ["usage", "cost"])
    analytics.store.read_models.commit(
        begun[0], Folded(rows=[], unreadable=[(1, 0, "x")], days=[(0, 1, 1)]), expected=0, position=1
    )

    with AnalyticsService.open(url, follow=False) as service:
        only_live(service.store.read_models)
        assert held(service) == right(service)


@once
def test_a_worker_that_dies_ends_it_and_changes_nothing(analytics: AnalyticsService) -> None:
    before = held(analytics)
    killed: list[int] = []

    def kill(*_: object) -> None:
        for child in [] if killed else children():
            killed.append(child)
            os.kill(child, signal.SIGKILL)
        time.sleep(0.1)

    failure = analytics.rebuild(batch_size=2, workers=2, progress=kill).failure

    assert killed
    assert failure
    assert failure.code == "worker_lost"
    assert held(analytics) == before
    only_live(analytics.store.read_models)


def children() -> list[int]:
    """Return the processes that fold for this one."""
    import multiprocessing

    return [child.pid for child in multiprocessing.active_children() if child.pid and "Spawn" in child.name]


# ── what is owed ────────────────────────────────────────────────────────────────────────────────────────────────


def thing(*, version: int = 1, where: str | None = None) -> type:
    """Return a projection of tools, in one edition of its code."""

    class Thing:
        tool: str = key("tool")
        calls: int = count(where=where)

    return projection(version=version, consumes=("tool.>",))(Thing)


OLD, NEW = thing(), thing(where="duration_ms > 30")
Open = Callable[..., AnalyticsService]


def counted(service: AnalyticsService) -> int | None:
    return service.get_summary("thing.calls", ALWAYS).unwrap().figures.count


def now(service: AnalyticsService) -> str:
    return (
        "new"
        if service.store.read_models.live()["thing"].declaration.definition == NEW.__analytics__.definition
        else "old"
    )  # type: ignore[attr-defined]


def opened(url: str, *classes: type, **how: Any) -> AnalyticsService:
    return AnalyticsService.open(url, projections=classes, **{"follow": False, **how})


@pytest.fixture
def old(url: str) -> Iterator[AnalyticsService]:
    """Return a service of the old code, over a log of 20 calls of tools, of which 10 took longer than 30 ms."""
    with opened(url, OLD) as service:
        record(service, EVENTS)
        service.catch_up()
        yield service


@once
@pytest.mark.parametrize(("least", "generation"), [(EVENTS + 1, 0), (EVENTS, 1)])
def test_a_new_projection_of_a_long_log_is_filled_beside_and_promoted(
    old: AnalyticsService, url: str, monkeypatch: pytest.MonkeyPatch, least: int, generation: int
) -> None:
    monkeypatch.setattr("analytics_es.read_models.backfill.LEAST", least)

    class Other:
        tool: str = key("tool")
        calls: int = count()

    with opened(url, OLD, projection(version=1, consumes=("tool.>",))(Other)) as service:
        service.catch_up()

        assert generations(service) == {"other": generation, "thing": 0}
        assert held(service)["other"] == held(service)["thing"]
        only_live(service.store.read_models)


@once
def test_a_changed_definition_is_rebuilt_by_who_catches_up(old: AnalyticsService, url: str) -> None:
    with opened(url, NEW) as service:
        assert (now(service), counted(service)) == ("old", 20)

        service.catch_up()

        assert (now(service), counted(service)) == ("new", 10)
        only_live(service.store.read_models)


@once
def test_a_changed_definition_waits_for_a_command_where_it_is_to(old: AnalyticsService, url: str) -> None:
    with opened(url, NEW, rebuild="manual") as service:
        record(service, 3)
        service.catch_up()
        assert (now(service), counted(service)) == ("old", 21)
        assert service.projections().unwrap()[0].stale == "definition changed (changed measure calls)"

        service.rebuild().unwrap()

        assert (now(service), counted(service)) == ("new", 11)
        assert service.projections().unwrap()[0].stale is None


def test_two_editions_of_the_code_do_not_fight(old: AnalyticsService, url: str) -> None:
    with opened(url, NEW) as new:
        for _ in range(3):
            record(new, 3)
            new.catch_up()
            record(old, 3)
            old.catch_up()

            assert {now(old), now(new)} == {"new"}
            assert generations(old) == {"thing": 1}
            assert counted(old) == counted(new) == counted_anew(new, NEW)


def counted_anew(service: AnalyticsService, cls: type) -> int | None:
    return sum(row[3] for row in derived(service.store.log, (cls,))["thing"] if row[0] == "hour")  # type: ignore[arg-type]


@once
def test_who_holds_the_old_definition_still_can_be_told_to_go_back(old: AnalyticsService, url: str) -> None:
    with opened(url, NEW) as new:
        new.catch_up()

        old.rebuild().unwrap()

        assert (now(old), counted(new)) == ("old", 20)
        new.catch_up()
        assert now(new) == "old"  # it was live before: only a command brings it back
        new.rebuild().unwrap()
        assert (now(old), counted(old)) == ("new", 10)


@once
def test_an_older_version_is_never_brought_back_by_itself(url: str) -> None:
    with opened(url, thing(version=2)) as newer:
        record(newer, EVENTS)
        newer.catch_up()
        with opened(url, NEW) as older:
            older.catch_up()

            assert older.store.read_models.live()["thing"].declaration.version == 2
            assert counted(older) == 20


def test_a_follower_rebuilds_in_the_background_while_the_others_go_on(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other:
        tool: str = key("tool")
        calls: int = count()

    other = projection(version=1, consumes=("tool.>",))(Other)
    with opened(url, OLD, other) as before:
        record(before, EVENTS)
        before.catch_up()
    at_work, go_on = threading.Event(), threading.Event()
    stop_when_closing = Backfill._stop_when_closing

    def slowly(self: Backfill, *progress: Any) -> None:
        at_work.set()
        assert go_on.wait(PATIENCE)
        stop_when_closing(self, *progress)

    monkeypatch.setattr(Backfill, "_stop_when_closing", slowly)
    with opened(url, NEW, other, follow=True) as service:
        assert at_work.wait(PATIENCE)
        record(service, 3)
        eventually(lambda: service.store.read_models.live()["other"].position == EVENTS + 3)
        assert now(service) == "old"

        go_on.set()
        eventually(lambda: now(service) == "new")
        assert service.wait_until_caught_up() == EVENTS + 3
        assert counted(service) == 11


@once
def test_closing_ends_a_rebuild_in_the_background_and_leaves_nothing(
    old: AnalyticsService, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work = threading.Event()
    stop_when_closing = Backfill._stop_when_closing

    def slowly(self: Backfill, *progress: Any) -> None:
        at_work.set()
        assert self._closing.wait(PATIENCE)
        stop_when_closing(self, *progress)

    monkeypatch.setattr(Backfill, "_stop_when_closing", slowly)
    service = opened(url, NEW, follow=True)
    assert at_work.wait(PATIENCE)
    service.close()

    assert now(old) == "old"
    only_live(old.store.read_models)


def test_who_follows_with_the_old_definition_goes_on_after_another_promoted(url: str) -> None:
    with opened(url, OLD, follow=True) as old:
        record(old, EVENTS)
        old.wait_until_caught_up()
        with opened(url, NEW) as new:
            new.catch_up()
        record(old, 3)

        assert old.wait_until_caught_up() == EVENTS + 3
        assert (now(old), counted(old)) == ("new", 11)
