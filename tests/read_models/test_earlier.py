"""What a period is compared with: the one before, or, while it goes on, the same stretch of it."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cost.budgets.drafts import EVER
from analytics_es.projection.calendar import Calendar
from analytics_es.read_models import Tiling
from analytics_es.testing import NOON, provider_call
from analytics_es.types import CostBreakdown, MetricSummary
from tests.examples import examples
from tests.stores import opened, record

BERLIN = "Europe/Berlin"


def compared(text: str, now: str, zone: str = BERLIN) -> str:
    """Return what a period is compared with at a time, on the clocks of its zone."""
    at, tz = datetime.fromisoformat(now), ZoneInfo(zone)
    at = at if at.tzinfo else at.replace(tzinfo=tz)
    before = Tiling.of(Calendar(zone), TimePeriod.parse(text, zone, now=at)).before(at.timestamp())
    return " – ".join(f"{before.local(bound):%Y-%m-%d %H:%M}" for bound in (before.start, before.end))


@pytest.mark.parametrize(
    ("text", "now", "before"),
    [
        # over: whole months with whole months, whole days with as many
        ("2026-11", "2026-12-01", "2026-10-01 00:00 – 2026-11-01 00:00"),
        ("2026-02", "2027-01-01", "2026-01-01 00:00 – 2026-02-01 00:00"),
        ("2026-Q1", "2027-01-01", "2025-10-01 00:00 – 2026-01-01 00:00"),
        ("2028", "2030-01-01", "2027-01-01 00:00 – 2028-01-01 00:00"),
        ("2026-W45", "2027-01-01", "2026-10-26 00:00 – 2026-11-02 00:00"),
        ("2026-03-29", "2026-04-01", "2026-03-28 00:00 – 2026-03-29 00:00"),
        ("2026-11-02T10:00/2026-11-02T12:00", "2027-01-01", "2026-11-02 08:00 – 2026-11-02 10:00"),
        # going on: the same stretch, in whole hours
        ("this-month", "2026-11-29T15:20", "2026-10-01 00:00 – 2026-10-29 16:00"),
        ("this-month", "2026-11-29T16:00", "2026-10-01 00:00 – 2026-10-29 16:00"),
        ("this-month", "2026-11-01T00:20", "2026-10-01 00:00 – 2026-10-01 01:00"),
        ("this-month", "2026-03-30T12:00", "2026-02-01 00:00 – 2026-03-01 00:00"),
        ("this-month", "2026-03-28T12:00", "2026-02-01 00:00 – 2026-02-28 12:00"),
        ("this-month", "2026-04-29T02:00", "2026-03-01 00:00 – 2026-03-29 03:00"),  # there is no 02:00
        ("this-month", "2026-11-25T02:30", "2026-10-01 00:00 – 2026-10-25 03:00"),  # it comes twice: both
        ("this-year", "2028-02-29T12:00", "2027-01-01 00:00 – 2027-03-01 00:00"),
        ("this-year", "2026-07-15T12:00", "2025-01-01 00:00 – 2025-07-15 12:00"),
        ("this-quarter", "2026-12-31T12:00", "2026-07-01 00:00 – 2026-10-01 00:00"),
        ("this-week", "2026-03-29T12:00", "2026-03-16 00:00 – 2026-03-22 12:00"),
        ("this-week", "2026-10-26T09:00", "2026-10-19 00:00 – 2026-10-19 09:00"),
        ("today", "2026-03-29T12:00", "2026-03-28 00:00 – 2026-03-28 12:00"),
        ("today", "2026-10-26T12:00", "2026-10-25 00:00 – 2026-10-25 12:00"),
        ("7d", "2026-11-29T15:20", "2026-11-16 00:00 – 2026-11-22 16:00"),
        ("2026-11-02T10:00/2026-11-02T20:00", "2026-11-02T12:10", "2026-11-02 00:00 – 2026-11-02 03:00"),
        # not begun
        ("2026-11", "2026-10-15", "2026-10-01 00:00 – 2026-10-01 00:00"),
    ],
)
def test_a_period_is_compared_with_the_one_before_or_as_much_of_it_as_has_passed(
    text: str, now: str, before: str
) -> None:
    assert compared(text, now) == before


def test_zones_with_half_hours_and_days_that_were_left_out_are_compared_by_their_days() -> None:
    assert compared("this-month", "2026-11-29T15:20", "Asia/Kathmandu") == "2026-10-01 00:00 – 2026-10-29 16:00"
    assert compared("this-month", "2012-01-31T15:20", "Pacific/Apia") == "2011-12-01 00:00 – 2012-01-01 00:00"
    assert compared("2009-11-01", "2009-11-01T02:40Z", "America/St_Johns") == "2009-10-31 00:00 – 2009-10-31 00:00"


@st.composite
def moments(draw: st.DrawFn) -> datetime:
    zone = ZoneInfo(draw(st.sampled_from(["UTC", BERLIN, "America/New_York", "Asia/Kolkata", "America/Chicago"])))
    day = draw(st.dates(date(1992, 1, 1), date(2099, 12, 1)))
    return datetime(day.year, day.month, day.day, draw(st.integers(0, 23)), draw(st.integers(0, 59)), tzinfo=zone)


def the_same(now: datetime, day: date) -> datetime:
    """Return the whole hour that clocks show, or will show, on another day."""
    shown = now.replace(tzinfo=None) + timedelta(minutes=-now.minute % 60)
    return datetime.combine(day + (shown.date() - now.date()), shown.time(), now.tzinfo)


@examples(300)
@given(moments(), st.sampled_from(["this-month", "today", "this-week", "3d"]))
def test_the_stretch_before_is_what_plain_dates_say(now: datetime, text: str) -> None:
    now = now.astimezone(UTC).astimezone(now.tzinfo)  # one that there is
    zone, today = now.tzinfo, now.date()
    if text == "this-month":
        last = today.replace(day=1) - timedelta(days=1)
        first, days = last.replace(day=1), monthrange(last.year, last.month)[1]
        limit = today.replace(day=1)
        end = the_same(now, last.replace(day=today.day)) if today.day <= days else None
    else:
        length = {"today": 1, "this-week": 7, "3d": 3}[text]
        begin = today - timedelta(days={"today": 0, "this-week": today.weekday(), "3d": 2}[text])
        first, limit = begin - timedelta(days=length), begin
        end = the_same(now, today - timedelta(days=length))
    midnight = datetime.combine(limit, datetime.min.time(), zone)
    expected = min(midnight, end, key=lambda bound: bound.timestamp()) if end else midnight

    period = TimePeriod.parse(text, zone, now=now)  # type: ignore[arg-type]  # a ZoneInfo
    before = Tiling.of(Calendar(str(zone)), period).before(now.timestamp())

    assert before.start == datetime.combine(first, datetime.min.time(), zone).timestamp()
    assert before.end == expected.timestamp()


# ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────────

NOVEMBER_29 = datetime(2026, 11, 29, 15, 20, tzinfo=ZoneInfo(BERLIN))


def asked(analytics: AnalyticsService, period: Any) -> tuple[CostBreakdown, MetricSummary]:
    return analytics.get_cost_breakdown(period).unwrap(), analytics.get_summary("cost.calls", period).unwrap()


def test_a_month_that_goes_on_is_compared_with_the_same_days_of_the_month_before() -> None:
    berlin = ZoneInfo(BERLIN)
    october = [datetime(2026, 10, day, hour, tzinfo=berlin) for day, hour in ((1, 0), (29, 15), (29, 16), (31, 12))]
    november = [datetime(2026, 11, day, 12, tzinfo=berlin) for day in (1, 15, 29)]
    with opened(timezone=BERLIN, clock=lambda: NOVEMBER_29) as analytics:
        record(analytics, *(provider_call(occurred_at=at, cost="1") for at in [*october, *november]))

        cost, calls = asked(analytics, TimePeriod.this_month(now=NOVEMBER_29))
        over, _ = asked(analytics, TimePeriod.last_month(now=NOVEMBER_29))
        to_come, none = asked(analytics, TimePeriod.month("2027-01"))

    assert (cost.totals[0].previous_cost, cost.totals[0].change) == (2, 0.5)
    assert (calls.previous.count, calls.change) == (2, 0.5)
    stretch = "2026-10-01T00:00:00+02:00/2026-10-29T16:00:00+01:00"
    assert (str(cost.compared_with), str(calls.compared_with)) == (stretch, stretch)
    assert (over.totals[0].cost, over.totals[0].previous_cost) == (4, None)
    assert str(over.compared_with) == "2026-09-01T00:00:00+02:00/2026-10-01T00:00:00+02:00"
    assert (to_come.compared_with, none.compared_with, none.previous.count) == (None, None, None)


def test_as_of_a_position_a_period_goes_on_until_then() -> None:
    clock = [NOON + timedelta(days=1)]
    with opened(clock=lambda: clock[0]) as analytics:
        record(analytics, *(provider_call(occurred_at=NOON + timedelta(hours=n)) for n in (0, 6, 24)))
        position = analytics.store.log.head()
        clock[0] += timedelta(days=40)
        record(analytics, provider_call(occurred_at=NOON + timedelta(hours=23)))

        with analytics.as_of(position) as then:
            answer = then.get_summary("cost.calls", TimePeriod.day(date(2026, 3, 3))).unwrap()

    assert str(answer.compared_with) == "2026-03-02T00:00:00+00:00/2026-03-02T12:00:00+00:00"
    assert (answer.figures.count, answer.previous.count) == (1, 0)


@pytest.mark.parametrize(("now", "hours"), [(3, 3.0), (12.25, 12.25), (24, 24.0), (100, 24.0)])
def test_a_rate_is_over_what_has_passed(now: float, hours: float) -> None:
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    with opened(clock=lambda: midnight + timedelta(hours=now)) as analytics:
        record(analytics, *(provider_call(occurred_at=midnight + timedelta(hours=n)) for n in (0, 1, 1.5)))

        (speed,) = analytics.get_performance_metrics(TimePeriod.day(midnight.date())).unwrap().operations

    assert speed.calls_per_second == 3 / (hours * 3600)
    assert speed.busy_calls_per_second == 3 / 7200


def test_a_busy_hour_that_goes_on_counts_as_far_as_it_has_passed() -> None:
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    with opened(clock=lambda: midnight + timedelta(hours=1.25)) as analytics:
        record(analytics, *(provider_call(occurred_at=midnight + timedelta(hours=n)) for n in (0, 1)))
        today, tomorrow = (TimePeriod.day(midnight.date() + timedelta(days=n)) for n in (0, 1))

        (speed,) = analytics.get_performance_metrics(today).unwrap().operations
        record(analytics, provider_call(occurred_at=midnight + timedelta(days=1)))
        (to_come,) = analytics.get_performance_metrics(tomorrow).unwrap().operations

    assert (speed.calls_per_second, speed.busy_calls_per_second) == (2 / 4500, 2 / 4500)
    assert to_come.calls_per_second is None


@pytest.mark.parametrize("zone", ["UTC", BERLIN])
def test_before_all_time_there_is_nothing_to_derive(zone: str) -> None:
    year = Tiling.of(Calendar(zone), TimePeriod.parse("2026", zone))
    ever = Tiling.of(Calendar(zone), EVER)

    assert ever.with_before() == ever
    assert year.with_before().start < year.start
