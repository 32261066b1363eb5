"""Periods: how they are written, which are none, and how long days are; results: values, failures, and neither."""

from __future__ import annotations

import pickle
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analytics_es.errors import AnalyticsError, BadField, BadPeriod, IdWithoutTime, UnknownTimezone
from analytics_es.testing import NOON
from analytics_es.types import Failure, OperationResult, TimePeriod

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NAIVE = datetime(2026, 3, 2, 12)


def utc(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def bounds(period: TimePeriod) -> tuple[datetime, datetime]:
    """Return the bounds in UTC."""
    return period.start.astimezone(UTC), period.end.astimezone(UTC)


def refused(work: Any) -> str:
    """Return what is told of something that is not a period."""
    with pytest.raises(BadPeriod) as caught:
        work()
    assert caught.value.code == "bad_period"
    return str(caught.value)


# ── periods ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("length", "granularity"),
    [(HOUR, "hour"), (3 * DAY, "hour"), (3 * DAY + timedelta(microseconds=1), "day"), (365 * DAY, "day")],
)
def test_up_to_three_days_are_told_by_the_hour(length: timedelta, granularity: str) -> None:
    assert TimePeriod(NOON, NOON + length).granularity == granularity


def test_three_calendar_days_are_told_by_the_hour_even_where_one_is_longer() -> None:
    assert TimePeriod.parse("2026-10-24/2026-10-27", "Europe/Berlin").granularity == "hour"


@pytest.mark.parametrize("granularity", ["hour", "day", "week", "month", "total"])
def test_a_granularity_can_be_asked_for(granularity: Any) -> None:
    periods = [
        TimePeriod(NOON, NOON + HOUR, granularity),
        TimePeriod.last(days=7, granularity=granularity),
        TimePeriod.day(date(2026, 3, 2), granularity=granularity),
        TimePeriod.parse("2026-03-02", granularity=granularity),
        TimePeriod.parse("7d", granularity=granularity),
        TimePeriod.parse("2026-03-02/2026-03-09", granularity=granularity),
    ]

    assert {period.granularity for period in periods} == {granularity}


@pytest.mark.parametrize("granularity", ["minute", "", "Hour", 1, None])
def test_other_granularities_are_refused(granularity: Any) -> None:
    told = refused(lambda: TimePeriod(NOON, NOON + HOUR, granularity))

    assert told == f"{granularity!r} is not a period: its granularity must be hour, day, week, month or total."


@pytest.mark.parametrize("end", [NOON, NOON - timedelta(microseconds=1), NOON.astimezone(BERLIN)])
def test_a_period_ends_after_it_starts(end: datetime) -> None:
    assert refused(lambda: TimePeriod(NOON, end)).endswith("is not a period: its start must be before its end.")


def test_what_counts_is_the_instant_where_clocks_go_back() -> None:
    first, second = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN), datetime(2026, 10, 25, 2, 15, tzinfo=BERLIN, fold=1)

    assert TimePeriod(first, second).granularity == "hour"
    refused(lambda: TimePeriod(second, first))


@pytest.mark.parametrize(
    ("start", "end", "which"),
    [(NAIVE, NOON + HOUR, "start"), (NOON, NAIVE + HOUR, "end"), (NAIVE, NAIVE + HOUR, "start")],
)
def test_both_times_of_a_period_have_a_zone(start: datetime, end: datetime, which: str) -> None:
    assert refused(lambda: TimePeriod(start, end)).endswith(f"is not a period: its {which} has no time zone.")


def test_a_period_is_written_as_it_is_read() -> None:
    period = TimePeriod(NOON, NOON + 30 * DAY)

    assert str(period) == "2026-03-02T12:00:00+00:00/2026-04-01T12:00:00+00:00"
    assert TimePeriod.parse(str(period)) == period


# ── the last … ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_last_days_end_now() -> None:
    assert bounds(TimePeriod.last(days=7, now=NOON)) == (NOON - 7 * DAY, NOON)
    assert bounds(TimePeriod.last(hours=1, minutes=30, now=NOON)) == (NOON - 1.5 * HOUR, NOON)


def test_now_is_taken_from_the_clock() -> None:
    before = datetime.now(UTC)
    end = TimePeriod.last(days=1).end

    assert before <= end <= datetime.now(UTC)


def test_now_has_a_zone() -> None:
    assert "has no time zone" in refused(lambda: TimePeriod.last(days=1, now=NAIVE))


@pytest.mark.parametrize("length", [{"days": 0}, {"days": -1}])
def test_a_length_is_more_than_nothing(length: dict[str, float]) -> None:
    assert "its start must be before its end" in refused(lambda: TimePeriod.last(now=NOON, **length))


@pytest.mark.parametrize(
    ("length", "told"),
    [({"weeks": 999_999}, "weeks=999999"), ({"days": 1e12, "hours": 1}, "days=1000000000000.0, hours=1")],
)
def test_the_last_ages_are_refused(length: dict[str, float], told: str) -> None:
    assert refused(lambda: TimePeriod.last(**length)) == f"'{told}' is not a period: it begins before the year 1."


@pytest.mark.parametrize(
    ("length", "problem"),
    [
        ({"fortnights": 1}, "fortnights is none of its units, which are microseconds, milliseconds, seconds, "),
        ({"days": "7"}, "each of its units must be a number"),
        ({"months": None}, "each of its units must be a number"),
        ({"months": 1.5}, "its months and years must be whole"),
        ({"hours": float("nan")}, "it begins before the year 1"),
        ({"years": 2026}, "it begins before the year 1"),
    ],
)
def test_what_is_no_length_is_told(length: dict[str, Any], problem: str) -> None:
    assert problem in refused(lambda: TimePeriod.last(**length))


@pytest.mark.parametrize(
    ("now", "length", "start"),
    [
        (utc(2026, 11, 29, 15), {"months": 1}, utc(2026, 10, 29, 15)),
        (utc(2026, 3, 31, 15), {"months": 1}, utc(2026, 2, 28, 15)),
        (utc(2028, 2, 29), {"years": 1}, utc(2027, 2, 28)),
        (utc(2026, 1, 31), {"months": 2, "days": 1}, utc(2025, 11, 29)),
    ],
)
def test_months_and_years_are_of_the_calendar_to_the_instant(
    now: datetime, length: dict[str, Any], start: datetime
) -> None:
    assert bounds(TimePeriod.last(now=now, **length)) == (start, now)


# Clocks change twice a year, at whole and half hours, at midnight too, and once a date was left out.
ZONES = ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Beirut"]
ZONES += ["America/Sao_Paulo", "America/Havana", "Africa/Cairo", "Pacific/Apia", "Pacific/Chatham", "UTC"]
INSTANTS = st.datetimes(datetime(1990, 1, 2), datetime(2040, 1, 1), timezones=st.just(UTC))


def near_a_change(at: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant within the following year and a half after which the clocks of a zone change, if they do."""
    days = (at + day * DAY for day in range(1, 550))
    changed = (day for day in days if (day - DAY).astimezone(zone).utcoffset() != day.astimezone(zone).utcoffset())
    return next(changed, at)


@given(INSTANTS, st.sampled_from(ZONES), st.floats(0.001, 100), st.integers(-30, 30))
def test_hours_are_hours_whatever_clocks_do(at: datetime, tz: str, hours: float, beside: int) -> None:
    now = (near_a_change(at, ZoneInfo(tz)) + beside * HOUR).astimezone(ZoneInfo(tz))

    for period in (TimePeriod.last(hours=hours, now=now), TimePeriod.last(seconds=hours * 3600, now=now)):
        assert abs((bounds(period)[1] - bounds(period)[0]) / HOUR - hours) < 1e-6
    assert bounds(TimePeriod.last(hours=24, now=now)) == bounds(TimePeriod.parse("24h", tz, now=now))
    assert TimePeriod.last(hours=72, now=now).granularity == TimePeriod.last(days=3, now=now).granularity == "hour"


@given(INSTANTS, st.sampled_from(ZONES), st.integers(1, 60), st.integers(-30, 30))
def test_days_are_of_the_calendar_whatever_clocks_do(at: datetime, tz: str, days: int, beside: int) -> None:
    now = (near_a_change(at, ZoneInfo(tz)) + beside * HOUR).astimezone(ZoneInfo(tz))
    on_the_clock = now.replace(tzinfo=None) - days * DAY

    period = TimePeriod.last(days=days, now=now)

    there_is = on_the_clock.replace(tzinfo=now.tzinfo).astimezone(UTC).astimezone(now.tzinfo)
    assume(there_is.replace(tzinfo=None) == on_the_clock)  # clocks were not put forward over it
    assert period.start.replace(tzinfo=None) == on_the_clock
    assert bounds(period) == bounds(TimePeriod.last(weeks=days // 7, days=days % 7, now=now))


def test_a_day_more_is_a_day_of_the_calendar_and_half_of_one_is_twelve_hours() -> None:
    now = datetime(2026, 3, 29, 12, tzinfo=BERLIN)  # clocks were put forward this night

    assert bounds(TimePeriod.last(days=1, now=now)) == (utc(2026, 3, 28, 11), utc(2026, 3, 29, 10))
    assert bounds(TimePeriod.last(days=0.5, now=now)) == (utc(2026, 3, 28, 22), utc(2026, 3, 29, 10))


@pytest.mark.parametrize("text", ["2026-03-29T15:00", "2026-03-29 15:00", "2026-03-29T15", "2026-03-29T15:00Z"])
def test_a_time_alone_is_no_period(text: str) -> None:
    for tz in (None, "Europe/Berlin"):
        assert refused(lambda tz=tz: TimePeriod.parse(text, tz)) == (
            f"'{text}' is not a period: it is a time, and does not say how long: write its day, 2026-11-01, or two "
            "times, 2026-11-01T15:00/2026-11-01T16:00."
        )
    assert TimePeriod.day(text, "UTC") == TimePeriod.parse("2026-03-29", "UTC")


@pytest.mark.parametrize(
    ("day", "tz", "begins"),
    [
        (date(2026, 3, 29), "Asia/Beirut", utc(2026, 3, 28, 22)),  # 00:00 is 01:00
        (date(2018, 11, 4), "America/Sao_Paulo", utc(2018, 11, 4, 3)),  # 00:00 is 01:00
        (date(2026, 11, 1), "America/Havana", utc(2026, 11, 1, 4)),  # 00:00 comes twice
    ],
)
def test_a_day_begins_with_its_first_instant(day: date, tz: str, begins: datetime) -> None:
    period = TimePeriod.parse(day.isoformat(), tz)

    assert bounds(period)[0] == begins
    assert bounds(period)[0] == bounds(TimePeriod.day(day - DAY, tz))[1]
    assert begins.astimezone(ZoneInfo(tz)).date() == day
    assert (begins - timedelta(microseconds=1)).astimezone(ZoneInfo(tz)).date() == day - DAY


# ── one day ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("day", "tz", "start", "hours"),
    [
        (date(2026, 3, 2), "UTC", utc(2026, 3, 2), 24),
        (date(2026, 3, 2), "Europe/Berlin", utc(2026, 3, 1, 23), 24),
        (date(2026, 3, 29), "Europe/Berlin", utc(2026, 3, 28, 23), 23),
        (date(2026, 10, 25), "Europe/Berlin", utc(2026, 10, 24, 22), 25),
        (date(2026, 10, 4), "Australia/Lord_Howe", utc(2026, 10, 3, 13) + HOUR / 2, 23.5),
        (date(2026, 3, 2), "Asia/Kathmandu", utc(2026, 3, 1, 18) + HOUR / 4, 24),
    ],
)
def test_a_day_is_as_long_as_it_is_in_its_zone(day: date, tz: str, start: datetime, hours: float) -> None:
    assert bounds(TimePeriod.day(day, tz)) == (start, start + hours * HOUR)


@given(st.dates(date(1990, 1, 1), date(2100, 12, 30)), st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns"]))
def test_days_follow_one_another(day: date, tz: str) -> None:
    assert bounds(TimePeriod.day(day, tz))[1] == bounds(TimePeriod.day(day + DAY, tz))[0]


@pytest.mark.parametrize("written", [("7d",), (7,), ()])
def test_a_length_is_told_by_its_units(written: Any) -> None:
    with pytest.raises(BadPeriod, match="say how long by units, such as days=7"):
        TimePeriod.last(*written)


def test_the_last_day_of_the_calendar_is_none() -> None:
    assert (
        refused(lambda: TimePeriod.day(date.max)) == "'9999-12-31' is not a period: it is not in the years 1 to 9999."
    )


# ── written periods ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-11-01/2026-11-08", utc(2026, 11, 1), utc(2026, 11, 8)),
        ("2026-11-01 / 2026-11-08", utc(2026, 11, 1), utc(2026, 11, 8)),
        ("2026-11-01", utc(2026, 11, 1), utc(2026, 11, 2)),
        ("2026-11-01T10:00/2026-11-01T12:00", utc(2026, 11, 1, 10), utc(2026, 11, 1, 12)),
        ("2026-11-01T10:00Z/2026-11-01T12:00+01:00", utc(2026, 11, 1, 10), utc(2026, 11, 1, 11)),
        ("2026-11-01/2026-11-01T06:00", utc(2026, 11, 1), utc(2026, 11, 1, 6)),
        ("20261101/20261108", utc(2026, 11, 1), utc(2026, 11, 8)),
        ("24h", NOON - DAY, NOON),
        ("7d", utc(2026, 2, 24), utc(2026, 3, 3)),
        ("2w", utc(2026, 2, 17), utc(2026, 3, 3)),
        ("1m", utc(2026, 2, 3), utc(2026, 3, 3)),
        ("1y", utc(2025, 3, 3), utc(2026, 3, 3)),
        ("2026-11", utc(2026, 11, 1), utc(2026, 12, 1)),
        ("2026-12", utc(2026, 12, 1), utc(2027, 1, 1)),
        ("2026-Q4", utc(2026, 10, 1), utc(2027, 1, 1)),
        ("2026", utc(2026, 1, 1), utc(2027, 1, 1)),
        ("2026-W01", utc(2025, 12, 29), utc(2026, 1, 5)),
        ("2026W53", utc(2026, 12, 28), utc(2027, 1, 4)),
        ("2026-11/2027-01", utc(2026, 11, 1), utc(2027, 1, 1)),
        ("today", utc(2026, 3, 2), utc(2026, 3, 3)),
        ("yesterday", utc(2026, 3, 1), utc(2026, 3, 2)),
        ("this-week", utc(2026, 3, 2), utc(2026, 3, 9)),
        ("last-week", utc(2026, 2, 23), utc(2026, 3, 2)),
        ("this_month", utc(2026, 3, 1), utc(2026, 4, 1)),
        ("Last Month", utc(2026, 2, 1), utc(2026, 3, 1)),
        ("this-quarter", utc(2026, 1, 1), utc(2026, 4, 1)),
        ("last-quarter", utc(2025, 10, 1), utc(2026, 1, 1)),
        ("this-year", utc(2026, 1, 1), utc(2027, 1, 1)),
        ("last-year", utc(2025, 1, 1), utc(2026, 1, 1)),
    ],
)
def test_a_period_can_be_written(text: str, start: datetime, end: datetime) -> None:
    assert bounds(TimePeriod.parse(text, now=NOON)) == (start, end)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-03-29", utc(2026, 3, 28, 23), utc(2026, 3, 29, 22)),
        ("2026-10-25/2026-10-26", utc(2026, 10, 24, 22), utc(2026, 10, 25, 23)),
        ("2026-11-01T10:00Z/2026-11-01T12:00", utc(2026, 11, 1, 10), utc(2026, 11, 1, 11)),
    ],
)
def test_times_without_a_zone_are_in_the_zone_given(text: str, start: datetime, end: datetime) -> None:
    assert bounds(TimePeriod.parse(text, "Europe/Berlin")) == (start, end)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "/",
            "tomorrow",
            "this-hour",
            "2026-13",
            "2026-00",
            "2026-W54",
            "2025-W53",
            "2026-Q5",
            "2026-13-01",
            "2026-02-30",
            "2026-11-01/",
            "/2026-11-08",
            "2026-11-01/x",
            "7",
            "d",
        ),
        *("0d", "-7d", "7x", "7 d", "1234567d", "07d", "7d/2026-11-01", "2026-11-01/2026-11-02/2026-11-03", "٧d"),
    ],
)
def test_what_is_not_a_period_is_told_how_to_write_one(text: str) -> None:
    assert refused(lambda: TimePeriod.parse(text)) == (
        f"{text!r} is not a period: write it as 2026-11-01/2026-11-08, 2026-11-01, 2026-11, 2026-W45, today, "
        "this-month, 24h or 7d."
    )


def test_a_period_is_not_written_backwards() -> None:
    assert refused(lambda: TimePeriod.parse("2026-11-08/2026-11-01")) == (
        "'2026-11-08T00:00:00+00:00/2026-11-01T00:00:00+00:00' is not a period: its start must be before its end."
    )


@pytest.mark.parametrize("text", ["999999w", "9999-12-31", "0001-01-01T00:00+14:00", "9999-12-31T23:00-12:00"])
def test_a_period_beyond_the_calendar_is_refused(text: str) -> None:
    refused(lambda: TimePeriod.parse(text))


@given(st.text(max_size=20) | st.from_regex(r"[0-9]{1,7}[hdw]", fullmatch=True) | st.datetimes().map(str))
def test_any_text_is_a_period_or_a_bad_one(text: str) -> None:
    with suppress(BadPeriod):
        assert isinstance(TimePeriod.parse(text), TimePeriod)


@given(
    st.datetimes(datetime(1900, 1, 1), timezones=st.timezones()),
    st.datetimes(datetime(1900, 1, 1), timezones=st.timezones()),
)
def test_any_two_instants_in_order_are_a_period(one: datetime, other: datetime) -> None:
    assume(one.timestamp() < other.timestamp() - 1)

    assert TimePeriod(one, other).start is one
    refused(lambda: TimePeriod(other, one))


# ── the calendar ────────────────────────────────────────────────────────────────────────────────────────────────

LATE = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)  # it is November in Berlin

CALENDAR: dict[str, Any] = {
    "today": (TimePeriod.today, date(2026, 11, 1), date(2026, 11, 2)),
    "yesterday": (TimePeriod.yesterday, date(2026, 10, 31), date(2026, 11, 1)),
    "this-week": (TimePeriod.this_week, date(2026, 10, 26), date(2026, 11, 2)),
    "last-week": (TimePeriod.last_week, date(2026, 10, 19), date(2026, 10, 26)),
    "this-month": (TimePeriod.this_month, date(2026, 11, 1), date(2026, 12, 1)),
    "last-month": (TimePeriod.last_month, date(2026, 10, 1), date(2026, 11, 1)),
}


@pytest.mark.parametrize("word", CALENDAR)
@pytest.mark.parametrize("tz", ["Europe/Berlin", BERLIN])
def test_a_period_of_the_calendar_begins_and_ends_with_days_of_its_zone(word: str, tz: Any) -> None:
    build, first, following = CALENDAR[word]
    midnights = (datetime(*first.timetuple()[:3], tzinfo=BERLIN), datetime(*following.timetuple()[:3], tzinfo=BERLIN))

    assert build(tz, now=LATE) == TimePeriod(*midnights) == TimePeriod.parse(word, tz, now=LATE)
    assert build(now=LATE).in_zone(tz) == TimePeriod(*midnights)
    assert build(now=LATE, granularity="total").in_zone(tz).granularity == "total"


@pytest.mark.parametrize("month", ["2026-11", date(2026, 11, 17)])
def test_a_month_is_written_or_that_of_a_date(month: Any) -> None:
    assert bounds(TimePeriod.month(month, "Europe/Berlin")) == (utc(2026, 10, 31, 23), utc(2026, 11, 30, 23))


@pytest.mark.parametrize("month", ["2026-13", "2026", "11", "", None, 11])
def test_what_is_no_month_is_told(month: Any) -> None:
    assert "write " in refused(lambda: TimePeriod.month(month))


@pytest.mark.parametrize("day", ["2026-13-01", "today", "7d", None, 1])
def test_what_is_no_day_is_told(day: Any) -> None:
    assert "write " in refused(lambda: TimePeriod.day(day))


def test_without_a_zone_a_period_is_in_that_of_who_is_asked_and_until_then_in_utc() -> None:
    month = TimePeriod.month("2026-11")

    assert bounds(month) == (utc(2026, 11, 1), utc(2026, 12, 1))
    assert bounds(month.in_zone(BERLIN)) == (utc(2026, 10, 31, 23), utc(2026, 11, 30, 23))
    assert month.start.tzinfo is UTC
    assert pickle.loads(pickle.dumps(month)) == month  # noqa: S301  # our own


@pytest.mark.parametrize("text", ["24h", "2026-11-01T00:00Z/2026-11-02T00:00+01:00"])
def test_instants_have_no_calendar(text: str) -> None:
    period = TimePeriod.parse(text, now=NOON)

    assert type(period) is TimePeriod
    assert period.in_zone("Asia/Tokyo") is period


@pytest.mark.parametrize("times", [("2026-11-01", NOON), (NOON, date(2027, 1, 1)), (None, None)])
def test_what_is_no_time_is_told(times: Any) -> None:
    assert "is no time (datetime)" in refused(lambda: TimePeriod(*times))


ZONES = ["Nowhere/City", "", "Europe", "../../etc/passwd", "/etc/passwd", "europe/berlin ", "a\0b", "x" * 300, "UTC+1"]


@pytest.mark.parametrize("tz", ZONES)
def test_an_unknown_zone_is_told_by_name(tz: str) -> None:
    for work in (lambda: TimePeriod.day(date(2026, 3, 2), tz), lambda: TimePeriod.parse("2026-03-02", tz)):
        with pytest.raises(UnknownTimezone) as caught:
            work()
        assert str(caught.value) == f"{tz!r} is not a time zone of the IANA database, such as Europe/Berlin."


# ── results ─────────────────────────────────────────────────────────────────────────────────────────────────────


def refuse() -> int:
    raise BadField(field="cost", problem="must be a number")


def test_a_success_holds_its_value() -> None:
    result = OperationResult.of(lambda: 42)

    assert (result.ok, result.value, result.failure, result.unwrap()) == (True, 42, None, 42)


def test_a_failure_says_code_message_and_what_it_is_about() -> None:
    result = OperationResult.of(refuse)

    assert not result.ok
    assert result.value is None
    assert result.failure == Failure(
        code="bad_field",
        message="cost: must be a number.",
        details={"field": "cost", "problem": "must be a number"},
    )


def test_unwrapping_a_failure_raises_it() -> None:
    with pytest.raises(BadField) as caught:
        OperationResult.of(refuse).unwrap()

    assert str(caught.value) == "cost: must be a number."


def test_a_success_goes_on() -> None:
    assert OperationResult.of(lambda: 42).then(str).unwrap() == "42"


def test_a_success_of_nothing_goes_on() -> None:
    assert OperationResult.of(lambda: None).then(lambda value: [value]).unwrap() == [None]


def test_a_step_may_fail() -> None:
    def step(_: int) -> int:
        raise IdWithoutTime

    result = OperationResult.of(lambda: 42).then(step)

    assert result.failure is not None
    assert result.failure.code == "id_without_time"


def test_a_failure_goes_no_further() -> None:
    def never(_: int) -> int:
        raise AssertionError("no step follows a failure")

    result = OperationResult.of(refuse)

    assert result.then(never) == result
    with pytest.raises(BadField):
        result.then(never).unwrap()


@pytest.mark.parametrize("error", [ValueError, KeyError, ZeroDivisionError, KeyboardInterrupt])
def test_programming_errors_pass(error: type[BaseException]) -> None:
    def wrong(*_: object) -> int:
        raise error

    with pytest.raises(error):
        OperationResult.of(wrong)
    with pytest.raises(error):
        OperationResult.of(lambda: 1).then(wrong)


def test_a_result_can_be_sent_to_another_process() -> None:
    sent = pickle.loads(pickle.dumps(OperationResult.of(refuse)))  # noqa: S301  # our own bytes

    assert sent == OperationResult.of(refuse)
    with pytest.raises(AnalyticsError, match="cost: must be a number"):
        sent.unwrap()


def test_a_period_does_not_know_which_zone_it_was_written_in() -> None:
    east = timezone(timedelta(hours=1))

    assert TimePeriod(NOON.astimezone(east), NOON + HOUR) == TimePeriod(NOON, NOON + HOUR)
