"""Clocks that jump, times at both ends, and logs of nothing, of one event, of one key, of as many keys as events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.testing import NOON, tool_call
from tests.faults.storm import ALWAYS
from tests.stores import contents, derived

pytestmark = pytest.mark.store("sqlite", "postgres", privacy="full")  # as many names as events would fill a vault

FIRST, LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2099, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
JUMPS = (0, 3600, -7200, 86_400 * 400, -86_400 * 800, 1, 0)  # seconds


def jumping() -> Callable[[], datetime]:
    seconds = cycle(JUMPS)
    return lambda: NOON + timedelta(seconds=next(seconds))


def caught_up(service: AnalyticsService) -> int | None:
    """Catch up, compare with one fold of the log, and return how many events are counted."""
    service.catch_up()
    assert contents(service.store.read_models) == derived(service.store.log)  # type: ignore[arg-type]
    return service.get_summary("usage.events", ALWAYS).unwrap().figures.count


def events(number: int, **changes: Callable[[int], Any]) -> Iterator[dict[str, Any]]:
    for n in range(number):
        yield {
            **tool_call(**{name: change(n) for name, change in changes.items()}),
            "source": "test",
            "id": str(n),
        }


def test_a_clock_that_jumps_back_and_forth_changes_neither_order_nor_counts(url: str) -> None:
    with AnalyticsService.open(url, follow=False, clock=jumping(), privacy="full") as service:
        positions = [service.record_event("job.completed", {}).unwrap().position for _ in range(3 * len(JUMPS))]
        again = [service.record_event(**each).unwrap().duplicate for each in [*events(5), *events(5)]]

        assert positions == list(range(1, 3 * len(JUMPS) + 1))
        assert again == [False] * 5 + [True] * 5
        assert caught_up(service) == 3 * len(JUMPS) + 5


def test_a_clock_that_jumps_never_gives_a_negative_lag(url: str) -> None:
    with AnalyticsService.open(url, follow=False, clock=jumping(), privacy="full") as service:
        service.record_event(**tool_call()).unwrap()
        lags = [each.lag_seconds for _ in JUMPS for each in service.projections().unwrap()]

    assert min(lags) == 0
    assert max(lags) > 0


def test_a_clock_set_back_under_a_follower_does_not_stop_it(url: str) -> None:
    with AnalyticsService.open(url, clock=jumping(), privacy="full") as service:
        for n in range(1, 2 * len(JUMPS)):
            service.record_event("job.completed", {}).unwrap()
            assert service.wait_until_caught_up() == n


def test_the_first_and_the_last_moment_that_can_be_recorded_are_counted_where_they_happened(
    analytics: AnalyticsService,
) -> None:
    for moment in (LAST, FIRST):
        analytics.record_event(**tool_call(occurred_at=moment)).unwrap()
    caught_up(analytics)

    for start, end in ((FIRST, FIRST + timedelta(hours=1)), (LAST - timedelta(hours=1), LAST), (FIRST, LAST)):
        found = analytics.get_summary("usage.events", TimePeriod(start, end, "total")).unwrap()
        assert found.figures.count == (2 if (start, end) == (FIRST, LAST) else 1)
    assert analytics.run_aggregation(TimePeriod(FIRST, LAST, "total")).unwrap().events == 2


def test_an_empty_log_answers_that_there_is_nothing(analytics: AnalyticsService) -> None:
    assert analytics.catch_up() == 0
    assert not caught_up(analytics)
    assert analytics.get_usage_stats("user", None, ALWAYS).ok
    assert analytics.get_performance_metrics(ALWAYS).ok
    assert analytics.get_cost_breakdown(ALWAYS).ok
    assert analytics.run_aggregation(ALWAYS).unwrap().events == 0


def test_events_that_no_projection_takes_are_passed_over(analytics: AnalyticsService) -> None:
    for n in range(10):
        analytics.record_event("custom.thing.happened", {"user_id": f"user-{n}"}).unwrap()
    caught_up(analytics)

    found = analytics.projections().unwrap()
    assert {(each.position, each.lag_events) for each in found} == {(10, 0)}
    assert {each.rows for each in found if each.name != "usage"} == {0}


def test_one_event_is_one(analytics: AnalyticsService) -> None:
    analytics.record_event(**tool_call()).unwrap()

    assert caught_up(analytics) == 1


def test_fifty_thousand_events_of_one_key_are_exact_as_are_a_million_in_the_soak(
    analytics: AnalyticsService,
) -> None:
    assert_exact(analytics, 50_000)


def assert_exact(analytics: AnalyticsService, number: int) -> None:
    """Record so many events of one key and compare what is told of them with what they are."""
    analytics.record_events(events(number, duration_ms=lambda n: n % 1000), batch_size=5000).unwrap()

    assert caught_up(analytics) == number
    found = analytics.get_summary("performance.duration", ALWAYS).unwrap().figures
    assert found.count == number
    assert found.total == number // 1000 * sum(range(1000))


def test_twenty_thousand_events_of_a_key_each_are_exact(analytics: AnalyticsService) -> None:
    analytics.record_events(events(20_000, user_id=lambda n: f"user-{n}"), batch_size=5000).unwrap()

    assert caught_up(analytics) == 20_000
    users = [row for row in contents(analytics.store.read_models)["usage"] if row[:2] == ("hour", "user")]  # type: ignore[arg-type]
    assert len([row for row in users if row[3]]) == 20_000  # and one of them all
    assert len(users) == 20_001
