"""Retention while one projection cannot go on: the others are sealed, and nothing that it had taken in is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import FoldFailed
from analytics_es.projection import count, fold, key, projection
from analytics_es.projection.fold_sql import ProjectionSql
from analytics_es.projections import Usage
from analytics_es.testing import NOON, tool_call
from tests.stores import contents, record

NOW = NOON + timedelta(days=200)
KEEP = {"events": "180d"}
ALL = TimePeriod(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC), "day")
EVENTS = [tool_call(occurred_at=NOON + timedelta(days=n), user_id=f"user-{n % 3}") for n in range(40)]
OLD = 20  # of these are older than they are to be kept


@projection(version=1, consumes=("tool.>",))
class Mine:
    """A user's projection, of a function that is left to the engine."""

    person: str = key("left(user_id, 100)")
    calls: int = count()


pytestmark = [
    pytest.mark.store("sqlite", "postgres", projections=(Usage, Mine), clock=lambda: NOW),
    pytest.mark.usefixtures("full_privacy"),  # positions are counted from 1
]


@pytest.fixture
def broken() -> Iterator[Callable[[], Any]]:
    """Let the SQL of one projection be wrong from when this is called until it is undone."""
    patch = pytest.MonkeyPatch()
    rows = ProjectionSql.rows

    def now() -> pytest.MonkeyPatch:
        patch.setattr(
            ProjectionSql, "rows", lambda self: "SELECT nothing" if self.declaration.name == "mine" else rows(self)
        )
        return patch

    yield now
    patch.undo()


def calls(service: AnalyticsService, metric: str) -> int | None:
    return service.get_summary(metric, ALL).unwrap().figures.count


def sound(service: AnalyticsService) -> bool:
    return service.verify().unwrap().identical and all(each.identical for each in service.check_ledger().unwrap())


def test_what_it_had_taken_in_is_sealed_from_its_own_rows(analytics: AnalyticsService, broken: Any) -> None:
    record(analytics, *EVENTS)
    patch = broken()
    analytics.record_event(**tool_call(occurred_at=NOW)).unwrap()

    result = analytics.retain(KEEP).unwrap()

    assert (result.events, [(each.projection, each.lost) for each in result.stuck]) == (OLD, [("mine", 0)])
    assert "Binder Error" in result.stuck[0].problem
    assert (calls(analytics, "usage.events"), calls(analytics, "mine.calls")) == (40, 40)
    patch.undo()
    analytics.catch_up()
    assert sound(analytics)
    analytics.rebuild().unwrap()
    assert (calls(analytics, "usage.events"), calls(analytics, "mine.calls")) == (40, 40)
    answer = analytics.get_summary("mine.calls", ALL).unwrap()
    assert (answer.completeness.complete_from, sound(analytics)) == (None, True)
    assert analytics.retain({"events": "170d"}).unwrap().stuck == []


def test_what_it_had_not_taken_in_is_lost_to_it_and_told(analytics: AnalyticsService, broken: Any) -> None:
    record(analytics, *EVENTS[:12])
    patch = broken()
    analytics.record_events(EVENTS[12:]).unwrap()

    result = analytics.retain(KEEP).unwrap()

    assert (result.events, [(each.projection, each.lost) for each in result.stuck]) == (OLD, [("mine", OLD - 12)])
    assert (calls(analytics, "usage.events"), calls(analytics, "mine.calls")) == (40, 12)
    assert analytics.get_summary("mine.calls", ALL).unwrap().completeness.complete_from is not None
    assert analytics.get_summary("usage.events", ALL).unwrap().completeness.complete_from is None
    patch.undo()
    analytics.catch_up()
    assert calls(analytics, "mine.calls") == 40 - (OLD - 12)
    assert sound(analytics)
    analytics.rebuild().unwrap()
    assert calls(analytics, "mine.calls") == 40 - (OLD - 12)
    assert analytics.get_summary("mine.calls", ALL).unwrap().completeness.complete_from is not None
    assert sound(analytics)
    assert analytics.retain({"events": "170d"}).unwrap().stuck == []


def test_where_nothing_can_be_folded_nothing_is_sealed(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(analytics, *EVENTS)
    before = contents(analytics.store.read_models) if analytics.store.read_models.table_options else None

    def failing(self: ProjectionSql) -> str:
        raise duckdb.IOException("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(fold, "SMALL", 0)
        patch.setattr(ProjectionSql, "rows", failing)
        failure = analytics.retain(KEEP).failure

    assert failure is not None
    assert failure.code == "fold_failed"
    if before is not None:
        assert contents(analytics.store.read_models) == before
    assert analytics.retain(KEEP).unwrap().events == OLD


def test_the_others_are_caught_up_although_the_error_is_raised(analytics: AnalyticsService, broken: Any) -> None:
    broken()
    analytics.record_events(EVENTS).unwrap()

    with pytest.raises(FoldFailed):
        analytics.catch_up()

    assert calls(analytics, "usage.events") == 40
    assert analytics.rebuild(["usage"]).unwrap().rows
    assert analytics.verify(["usage"]).unwrap().identical
