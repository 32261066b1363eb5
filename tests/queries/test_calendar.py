"""Weeks and months: their series add up to the range, in every zone, and each point is the answer about its bucket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.testing import provider_call, tool_call
from tests.examples import examples
from tests.stores import opened, record

# Half hours, a date that was left out, midnights that come twice or not at all, a day that goes on in the one before.
ZONES = {
    "Europe/Berlin": datetime(2026, 10, 25, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2026, 4, 4, tzinfo=UTC),
    "Asia/Kathmandu": datetime(2026, 2, 27, tzinfo=UTC),
    "Pacific/Apia": datetime(2011, 12, 30, 10, tzinfo=UTC),
    "America/St_Johns": datetime(2009, 11, 1, 2, tzinfo=UTC),
    "Pacific/Kiritimati": datetime(1994, 12, 31, 10, tzinfo=UTC),
    "America/Sao_Paulo": datetime(2018, 2, 18, tzinfo=UTC),
}
HOUR = timedelta(hours=1)


def call(at: datetime, number: int) -> dict[str, Any]:
    return provider_call(occurred_at=at, cost=f"0.{number + 1:03}", duration_ms=7**number % 9_001)


@st.composite
def histories(draw: st.DrawFn) -> tuple[str, str, list[dict[str, Any]], datetime, datetime]:
    """Return the zone of a store, that of a question, calls around odd days, and a range."""
    zone = draw(st.sampled_from(sorted(ZONES)))
    asked = draw(st.sampled_from([zone, zone, "Europe/London", "Asia/Tokyo"]))
    hours = st.integers(-70 * 24, 70 * 24)
    times = draw(st.lists(hours | st.integers(-3, 3), min_size=1, max_size=12))
    minutes = st.sampled_from([0, 1, 29, 30, 31, 59])
    events = [call(ZONES[zone] + n * HOUR + timedelta(minutes=draw(minutes)), place) for place, n in enumerate(times)]
    start, length = draw(hours), draw(st.integers(1, 140 * 24))
    first = ZONES[zone] + start * HOUR
    return zone, asked, events, first.astimezone(ZoneInfo(asked)), (first + length * HOUR).astimezone(ZoneInfo(asked))


def figures(answer: Any) -> list[Any]:
    return [answer.figures.count, answer.figures.total]


@examples(12)
@given(histories())
def test_hours_days_weeks_and_months_add_up_to_the_range_in_every_zone(history: Any) -> None:
    zone, asked, events, start, end = history
    with opened(timezone=zone) as analytics:
        record(analytics, *events)
        for unit in ("day", "week", "month"):
            period = TimePeriod(start, end, unit)
            _check_sums(analytics, period)
            _check_points(analytics, period, ZoneInfo(asked), unit)


def _check_sums(analytics: AnalyticsService, period: TimePeriod) -> None:
    usage = analytics.get_usage_stats(None, None, period).unwrap()
    cost = analytics.get_cost_breakdown(period).unwrap()
    speed = analytics.get_performance_metrics(period).unwrap()
    events = analytics.get_summary("usage.events", period).unwrap()

    assert sum(point.totals.events for point in usage.series) == usage.totals.events
    assert sum(point.calls for point in speed.series) == sum(row.calls for row in speed.operations)
    assert sum(point.figures.count or 0 for point in events.series) == events.figures.count == usage.totals.events
    costs = [point.cost for point in cost.series if point.cost is not None]
    assert sum(costs, Decimal(0)) == sum((total.cost for total in cost.totals), Decimal(0))
    assert sum(point.calls for point in cost.series) == cost.calls
    for series in (usage.series, speed.series, events.series):
        starts = [point.start.timestamp() for point in series]
        assert starts == sorted(set(starts))
        assert starts[0] == usage.period.start.timestamp()


def _check_points(analytics: AnalyticsService, period: TimePeriod, zone: ZoneInfo, unit: str) -> None:
    """Assert that each point is what is answered about its bucket alone, percentiles too."""
    answer = analytics.get_summary("performance.duration", period).unwrap()
    ends = [*(point.start for point in answer.series), answer.period.end]
    for point, (start, end) in zip(answer.series, pairwise(ends), strict=True):
        alone = TimePeriod(start.astimezone(UTC).astimezone(zone), end.astimezone(zone), "total")
        if point.figures.count or start == answer.series[-1].start:
            assert analytics.get_summary("performance.duration", alone).unwrap().figures == point.figures
        local = start.astimezone(zone)
        if start != answer.series[0].start and unit == "week":
            assert (local - timedelta(minutes=61)).isocalendar()[:2] != local.isocalendar()[:2]


@pytest.mark.store(timezone="Europe/Berlin")
def test_the_first_point_begins_where_the_period_does_and_the_others_with_their_week(
    analytics: AnalyticsService,
) -> None:
    record(analytics, *(tool_call(occurred_at=datetime(2026, 10, day, 12, tzinfo=UTC)) for day in (21, 25, 26, 31)))
    period = TimePeriod.parse("2026-10-21/2026-11-03", "Europe/Berlin", granularity="week")

    series = analytics.get_summary("usage.events", period).unwrap().series

    assert [(point.start.isoformat(), point.figures.count) for point in series] == [
        ("2026-10-21T00:00:00+02:00", 2),
        ("2026-10-26T00:00:00+01:00", 2),
        ("2026-11-02T00:00:00+01:00", 0),
    ]


@pytest.mark.store(timezone="Europe/Berlin")
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Europe/Athens"])
def test_a_long_series_reads_the_edges_of_its_weeks_together(analytics: AnalyticsService, zone: str) -> None:
    first = datetime(2024, 1, 3, 12, tzinfo=ZoneInfo(zone))  # within a week and within a day
    hours = (1, -20)  # on Wednesday, and on the whole day before
    record(analytics, *(call(first + timedelta(weeks=week, hours=n), week) for week in range(95, 105) for n in hours))

    for weeks in (98, 99, 100, 101, 105):  # so many are read by one statement
        period = TimePeriod(first, first + timedelta(weeks=weeks, hours=5), "week")
        answer = analytics.get_summary("usage.events", period).unwrap()
        cost = analytics.get_cost_breakdown(period).unwrap()
        assert sum(point.figures.count or 0 for point in answer.series) == answer.figures.count
        assert sum(point.calls for point in cost.series) == cost.calls == answer.figures.count


@pytest.mark.store(timezone="Europe/Berlin")
def test_a_period_of_the_calendar_is_in_the_zone_of_the_store(analytics: AnalyticsService) -> None:
    late = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)  # November in Berlin
    record(analytics, call(late, 1), call(late - HOUR, 2))

    november = analytics.get_cost_breakdown(TimePeriod.this_month(now=late)).unwrap()
    day = analytics.get_usage_stats(None, None, TimePeriod.parse("2026-11-01")).unwrap()
    in_utc = analytics.get_cost_breakdown(TimePeriod.month("2026-11", "UTC")).unwrap()

    assert (november.calls, day.totals.events, in_utc.calls) == (1, 1, 0)
    assert str(november.period) == "2026-11-01T00:00:00+01:00/2026-12-01T00:00:00+01:00"
    assert type(november.period) is TimePeriod


@pytest.mark.store(timezone="Europe/Berlin")
def test_years_of_days_in_another_zone_are_no_more_than_a_statement_takes(analytics: AnalyticsService) -> None:
    first = datetime(2024, 1, 3, tzinfo=ZoneInfo("Europe/Athens"))
    record(analytics, call(first + HOUR, 1), call(first + timedelta(days=599), 2))

    cost = analytics.get_cost_breakdown(TimePeriod(first, first + timedelta(days=600), "day")).unwrap()

    assert (len(cost.series), cost.calls) == (600, 2)
