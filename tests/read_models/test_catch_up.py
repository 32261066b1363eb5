"""The runner: one pass for all, exactly once whoever else runs, and what it says when it cannot go on."""

from __future__ import annotations

import sqlite3
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import Closed, FoldFailed, NotCaughtUp
from analytics_es.log.sqlite import SQLiteLog
from analytics_es.projection import count, fold, key, projection, total
from analytics_es.projection.fold_sql import ProjectionSql
from analytics_es.projections import Performance, Usage
from analytics_es.read_models.catch_up import Runner
from analytics_es.testing import NOON, job_failed, provider_call, tool_call
from analytics_es.types import ProjectionStatus
from tests.stores import (
    OURS,
    PATIENCE,
    append,
    contents,
    derived,
    engine,
    eventually,
    log_of,
    runner_of,
    stored,
    views_of,
)

pytestmark = pytest.mark.usefixtures("full_privacy")  # what was read is told by positions, from 1 on

DAY = TimePeriod(NOON - timedelta(hours=12), NOON + timedelta(hours=12))


@projection(version=1, consumes=("job.>", "tool.>"))
class Mine:
    """A user's projection."""

    family: str = key("family")
    events: int = count()


@pytest.fixture
def unfoldable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the SQL of one projection be wrong, however few the events."""
    rows = ProjectionSql.rows
    monkeypatch.setattr(fold, "SMALL", 0)
    monkeypatch.setattr(
        ProjectionSql, "rows", lambda self: "SELECT nothing" if self.declaration.name == "mine" else rows(self)
    )


def events_of(service: AnalyticsService) -> int | None:
    return service.get_summary("usage.events", DAY).unwrap().figures.count


def status_of(service: AnalyticsService) -> dict[str, ProjectionStatus]:
    return {each.name: each for each in service.projections().unwrap()}


# ── one pass ────────────────────────────────────────────────────────────────────────────────────────────────────


class Scans:
    """A log that remembers which stretches were read."""

    def __init__(self, log: SQLiteLog) -> None:
        self.log, self.seen = log, list[tuple[int, int]]()

    def head(self) -> int:
        return self.log.head()

    def scan(self, *, after: int, limit: int, upto: int, checked: bool) -> Any:
        self.seen.append((after, upto))
        return self.log.scan(after=after, limit=limit, upto=upto, checked=checked)


def test_one_pass_over_the_log_serves_all_projections_at_the_same_position() -> None:
    with log_of(tool_call(user_id=f"user-{n}") for n in range(7)) as log, views_of(log) as read_models:
        scans = Scans(log)
        Runner(scans, read_models, engine(), batch=3).catch_up()  # type: ignore[arg-type]

        assert scans.seen == [(0, 7), (3, 7), (6, 7)]
        with read_models.read() as snapshot:
            assert snapshot.positions == {"budgets": 7, "cost": 7, "performance": 7, "usage": 7}


def test_nothing_is_read_where_there_is_nothing_to_do() -> None:
    with log_of([tool_call()]) as log, views_of(log) as read_models:
        runner_of(log, read_models).catch_up()
        scans = Scans(log)

        assert Runner(scans, read_models, engine()).catch_up() == 1  # type: ignore[arg-type]
        assert scans.seen == []


def test_each_projection_goes_on_from_its_own_checkpoint_the_last_one_first() -> None:
    with log_of(tool_call(user_id=f"user-{n}") for n in range(6)) as log, views_of(log) as read_models:
        empty = engine()(log.scan(after=99, limit=1))["usage"]
        read_models.commit("usage", empty, expected=0, position=4)  # type: ignore[arg-type]
        scans = Scans(log)
        Runner(scans, read_models, engine(), batch=2).catch_up()  # type: ignore[arg-type]

        assert scans.seen[0] == (0, 6)
        with read_models.read() as snapshot:
            assert snapshot.positions == {"budgets": 6, "cost": 6, "performance": 6, "usage": 6}
        found = contents(read_models)
        assert sum(row[4] for row in found["performance"] if row[0] == "hour") == 6
        assert sum(row[5] for row in found["usage"] if row[:2] == ("hour", "")) == 2


def test_a_gap_in_the_positions_is_passed_over() -> None:
    with log_of([tool_call(), job_failed(), tool_call(user_id="bob")]) as log, views_of(log) as read_models:
        with log._database.write() as cursor:
            cursor.execute("DELETE FROM stored_events WHERE rowid = 2")
        runner_of(log, read_models, batch=1).catch_up()

        with read_models.read() as snapshot:
            assert snapshot.positions == {"budgets": 3, "cost": 3, "performance": 3, "usage": 3}
        assert contents(read_models) == derived(log)


def test_progress_is_told_as_position_and_head() -> None:
    told: list[tuple[int, ...]] = []
    with log_of(tool_call(user_id=f"user-{n}") for n in range(5)) as log, views_of(log) as read_models:
        runner_of(log, read_models, batch=2).catch_up(lambda _, *at: told.append(at))

    assert told == [(2, 5), (4, 5), (5, 5)]


# ── several runners ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_runner_that_was_overtaken_changes_nothing() -> None:
    with log_of([tool_call(), job_failed()]) as log, views_of(log) as read_models:
        late = engine()(log.scan(after=0, limit=1))
        runner_of(log, read_models).catch_up()
        before = contents(read_models)

        for name, fold in late.items():
            assert not read_models.commit(name, fold, expected=0, position=1)  # type: ignore[arg-type]

        assert contents(read_models) == before == derived(log)


def test_runners_side_by_side_count_every_event_once(path: Path) -> None:
    with log_of(path=path) as log, views_of(log, path=path.with_name("views.db")) as read_models:
        runners = [runner_of(log, read_models, batch=size) for size in (1, 2, 3)]
        threads = [threading.Thread(target=runner.catch_up) for runner in runners]
        append(log, *(tool_call(user_id=f"user-{n % 3}", duration_ms=n) for n in range(15)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)

        assert not any(thread.is_alive() for thread in threads)
        assert [runner.errors for runner in runners] == [{}, {}, {}]
        assert contents(read_models) == derived(log)


# ── what cannot go on ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_projection_that_fails_does_not_stop_the_others(unfoldable: None) -> None:
    with AnalyticsService.open(":memory:", projections=[Performance, Mine], follow=False) as service:
        service.record_event(**tool_call()).unwrap()
        service.record_event(**tool_call(user_id="bob")).unwrap()

        with pytest.raises(FoldFailed) as caught:
            service.catch_up()

        status = status_of(service)
        assert status["mine"].error == str(caught.value)
        assert (status["mine"].position, status["mine"].lag_events) == (0, 2)
        performance = status["performance"]
        assert (performance.position, performance.lag_events, performance.error) == (2, 0, None)
        assert service.get_summary("performance.calls", DAY).unwrap().figures.count == 2
        assert service.get_summary("mine.events", DAY).unwrap().completeness.lag_events == 2


def test_what_cannot_go_on_is_tried_again_and_goes_on_once_it_can() -> None:
    with log_of([tool_call()]) as log, views_of(log) as read_models:
        fold = engine()
        failing = {"usage": FoldFailed(projection="usage", problem="no room")}

        def failing_once(events: Any, names: list[str]) -> Any:
            return {**fold(events, names), **{name: failing.pop(name) for name in names if name in failing}}

        runner = Runner(log, read_models, failing_once)  # type: ignore[arg-type]
        with pytest.raises(FoldFailed, match="no room"):
            runner.catch_up()
        assert set(runner.errors) == {"usage"}

        runner.catch_up()

        assert runner.errors == {}
        assert contents(read_models) == derived(log)


def test_waiting_for_a_projection_that_cannot_go_on_raises_its_error(unfoldable: None) -> None:
    with AnalyticsService.open(":memory:", projections=[Performance, Mine], follow=True) as service:
        service.record_event(**tool_call()).unwrap()
        service.record_event(**tool_call(user_id="bob")).unwrap()

        with pytest.raises(FoldFailed):
            service.wait_until_caught_up(PATIENCE)

        eventually(lambda: status_of(service)["performance"].position == 2)
        assert eventually(lambda: status_of(service)["mine"].error)


# ── following ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_follower_makes_an_event_visible_without_being_asked() -> None:
    with AnalyticsService.open(":memory:") as service:
        service.record_event(**tool_call()).unwrap()

        assert service.wait_until_caught_up(PATIENCE) == 1
        assert events_of(service) == 1
        service.record_events([job_failed(), provider_call()]).unwrap()
        assert eventually(lambda: events_of(service) == 3)


def test_events_that_another_service_appends_are_followed(path: Path) -> None:
    with AnalyticsService.open(path) as follower, AnalyticsService.open(path, follow=False) as writer:
        writer.record_event(**tool_call()).unwrap()
        writer.record_event(**job_failed()).unwrap()

        assert eventually(lambda: events_of(follower) == 2)
        assert events_of(writer) == 2


def test_two_followers_on_the_same_files_count_every_event_once(path: Path) -> None:
    with AnalyticsService.open(path) as one, AnalyticsService.open(path) as other:
        for n in range(20):
            (one, other)[n % 2].record_event(**tool_call(user_id=f"user-{n % 4}")).unwrap()
        one.wait_until_caught_up(PATIENCE)
        other.wait_until_caught_up(PATIENCE)

        assert (events_of(one), events_of(other)) == (20, 20)
        assert contents(one.store.read_models) == derived(one.store.log)


def test_a_follower_goes_on_after_the_read_models_were_busy(path: Path) -> None:
    with AnalyticsService.open(path) as service:
        blocker = threading.Event()
        holding = threading.Thread(target=_hold, args=(path.with_name("analytics.views.db"), blocker))
        holding.start()
        service.record_event(**tool_call()).unwrap()
        time.sleep(0.05)
        blocker.set()
        holding.join(PATIENCE)

        assert service.wait_until_caught_up(PATIENCE) == 1


def _hold(read_models: Path, until: threading.Event) -> None:
    connection = sqlite3.connect(read_models, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    until.wait(PATIENCE)
    connection.execute("ROLLBACK")
    connection.close()


# ── waiting ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_waiting_without_a_follower_ends_with_how_far_behind_it_is(analytics: AnalyticsService) -> None:
    analytics.record_events([tool_call(), job_failed()]).unwrap()

    with pytest.raises(NotCaughtUp, match=r"still 2 events behind after 0\.05 s: wait longer, or call catch_up\(\)"):
        analytics.wait_until_caught_up(0.05)


def test_waiting_for_nothing_returns_at_once(analytics: AnalyticsService) -> None:
    assert analytics.wait_until_caught_up(0) == 0
    analytics.record_event(**tool_call()).unwrap()
    assert analytics.catch_up() == 1
    assert analytics.wait_until_caught_up(0) == 1


@pytest.mark.parametrize("follow", [True, False])
def test_a_closed_service_says_so_at_once(follow: bool) -> None:
    service = AnalyticsService.open(":memory:", follow=follow)
    service.close()
    service.close()

    for ask in (service.catch_up, service.wait_until_caught_up):
        with pytest.raises(Closed):
            ask()
    for result in (
        service.record_event(**tool_call()),
        service.projections(),
        service.unreadable_values(),
        service.list_metrics(),
        service.get_summary("usage.events", DAY),
        service.run_aggregation(DAY),
    ):
        assert result.failure is not None
        assert result.failure.code == "closed"


def test_closing_ends_the_follower(path: Path) -> None:
    with AnalyticsService.open(path) as service:
        service.record_events(tool_call(user_id=f"user-{n}") for n in range(50)).unwrap()

    assert not [each for each in threading.enumerate() if each.name == "analytics-es-follower" and each.is_alive()]
    with AnalyticsService.open(path, follow=False) as service:
        service.catch_up()
        assert events_of(service) == 50


def test_lag_is_told_in_events_and_in_seconds_since_the_first_was_recorded() -> None:
    now = [NOON]
    with AnalyticsService.open(":memory:", follow=False, clock=lambda: now[0]) as service:
        service.record_event(**tool_call()).unwrap()
        now[0] += timedelta(seconds=30)
        service.record_event(**job_failed()).unwrap()
        now[0] += timedelta(seconds=12)
        status = status_of(service)["usage"]
        assert (status.position, status.lag_events, status.lag_seconds) == (0, 2, 42.0)

        service.catch_up()

        status = status_of(service)["usage"]
        assert (status.position, status.lag_events, status.lag_seconds) == (2, 0, 0.0)


def test_lag_is_told_although_the_next_event_cannot_be_read() -> None:
    with AnalyticsService.open(":memory:", follow=False) as service:
        append(service.store.log, ("tool.call.completed", b"{"))

        status = status_of(service)["usage"]
        assert (status.lag_events, status.lag_seconds) == (1, 0.0)
        service.catch_up()
        assert status_of(service)["usage"].unreadable == 1


# ── other projections, other definitions, other logs ────────────────────────────────────────────────────────────


def test_a_projection_new_to_a_log_is_filled_from_the_beginning_while_others_go_on(path: Path) -> None:
    with AnalyticsService.open(path, follow=False) as service:
        service.record_events([tool_call(), job_failed(), provider_call()]).unwrap()
        service.catch_up()

    with AnalyticsService.open(path, projections=[*OURS, Mine], follow=False) as service:
        status = status_of(service)
        assert {name: each.position for name, each in status.items()} == {
            "budgets": 3,
            "cost": 3,
            "performance": 3,
            "usage": 3,
            "mine": 0,
        }
        service.record_event(**tool_call(user_id="bob")).unwrap()
        service.catch_up()

        assert service.get_summary("mine.events", DAY).unwrap().figures.count == 3
        assert events_of(service) == 4
        assert contents(service.store.read_models) == derived(service.store.log, (*OURS, Mine))


def test_a_projection_left_out_for_a_while_goes_on_where_it_was(path: Path) -> None:
    def opened(*classes: type) -> AnalyticsService:
        return AnalyticsService.open(path, projections=classes, follow=False)

    with opened(Usage, Mine) as service:
        service.record_event(**tool_call()).unwrap()
        service.catch_up()
    with opened(Usage) as service:
        service.record_event(**job_failed()).unwrap()
        service.catch_up()
    with opened(Usage, Mine) as service:
        assert status_of(service)["mine"].position == 1
        service.catch_up()
        assert service.get_summary("mine.events", DAY).unwrap().figures.count == 2


def changed(version: int = 1, **fields: Any) -> type:
    body = {"family": key("family"), "events": count(), **fields}
    cls = type("Mine", (), {"__annotations__": dict.fromkeys(body, Any), **body})
    return projection(version=version, consumes=("job.>", "tool.>"))(cls)


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        (changed(family=key("type")), "changed key family"),
        (changed(events=count(where="outcome = 'ok'")), "changed measure events"),
        (changed(more=total("duration_ms")), "added measure more"),
        (changed(version=2), "version 1 → 2"),
    ],
)
def test_a_changed_definition_serves_as_it_was_until_it_is_derived_again_and_nothing_else_is(
    path: Path, definition: type, told: str
) -> None:
    with AnalyticsService.open(path, projections=[Mine, Usage], follow=False) as service:
        service.record_events([tool_call(), job_failed()]).unwrap()
        append(service.store.log, ("tool.call.completed", b"{"))
        service.catch_up()
        before = contents(service.store.read_models)

    with AnalyticsService.open(path, projections=[definition, Usage], follow=False) as service:
        status = status_of(service)
        assert {name: each.position for name, each in status.items()} == {"mine": 3, "usage": 3}
        assert (status["mine"].stale, status["usage"].stale) == (f"definition changed ({told})", None)
        assert contents(service.store.read_models) == before
        assert service.get_summary("mine.events", DAY).unwrap().figures.count == 2
        service.catch_up()
        assert status_of(service)["mine"].stale is None
        assert contents(service.store.read_models) == derived(service.store.log, (definition, Usage))


def test_an_unchanged_definition_is_not_derived_again(path: Path) -> None:
    with AnalyticsService.open(path, projections=[Mine], follow=False) as service:
        service.record_events([tool_call(), job_failed()]).unwrap()
        service.catch_up()

    with AnalyticsService.open(path, projections=[changed()], follow=False) as service:
        assert status_of(service)["mine"].position == 2


def test_read_models_of_another_log_are_derived_again_even_when_left_out_meanwhile(tmp_path: Path) -> None:
    read_models = tmp_path / "views.db"
    with (
        log_of([tool_call(), tool_call(user_id="bob")]) as log,
        views_of(log, (Mine, Usage), path=read_models) as models,
    ):
        runner_of(log, models, classes=(Mine, Usage)).catch_up()

    with log_of([job_failed()]) as log:
        with views_of(log, (Usage,), path=read_models) as models:
            runner_of(log, models, classes=(Usage,)).catch_up()
            assert contents(models) == derived(log, (Usage,))
        with views_of(log, (Mine, Usage), path=read_models) as models:
            runner_of(log, models, classes=(Mine, Usage)).catch_up()
            assert contents(models) == derived(log, (Mine, Usage))


def test_a_late_event_lands_in_the_hour_it_happened(analytics: AnalyticsService) -> None:
    analytics.record_event(**provider_call()).unwrap()
    analytics.catch_up()
    analytics.record_event(**provider_call(occurred_at=NOON - timedelta(hours=3))).unwrap()
    analytics.catch_up()

    series = analytics.get_summary("cost.calls", DAY).unwrap().series
    assert [(point.start.hour, point.figures.count) for point in series if point.figures.count] == [(9, 1), (12, 1)]


def test_a_store_that_stood_still_for_counts_that_nobody_can_mean_goes_on() -> None:
    """An earlier version let them in, summed them in 64 bits, and stopped."""
    tokens = [2**63 - 1, 2**63 - 1, *[1_764_000_000_000_000_000] * 6, 7]
    with AnalyticsService.open(":memory:", follow=False) as service:
        append(service.store.log, *(stored("provider.call.completed", input_tokens=n, model="m") for n in tokens))

        assert service.catch_up() == len(tokens)

        figures = service.get_summary("usage.input_tokens", DAY).unwrap().figures
        assert figures.total == sum(tokens)
        assert service.get_summary("usage.events", DAY).unwrap().completeness.unreadable == 0
        assert service.verify().unwrap().identical
        assert service.rebuild().unwrap().unreadable == 0
        assert service.retain({"events": "1d"}).unwrap().stuck == []
        assert service.get_summary("usage.input_tokens", DAY).unwrap().figures.total == sum(tokens)
