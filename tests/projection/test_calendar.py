"""Rules of the reporting calendar: where hours and days begin, in every zone there is."""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es.projection.calendar import DAY, HOUR, Calendar
from analytics_es.types import TimePeriod

MINUTE = 60
ZONES = sorted(available_timezones() - {"localtime"})


def at(text):
    """Return the epoch seconds of an ISO time, UTC unless it brings an offset."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def local(calendar, starts):
    return [calendar.local(t).isoformat(timespec="minutes") for t in starts]


def hours_of(zone, day):
    """Return the hours of the day that contains an instant, as the zone's clocks show them."""
    calendar = Calendar(zone)
    return local(calendar, calendar.hours(calendar.day_start(day), calendar.next_day(day)))


def days_around(zone, moment):
    """Return the days from a day before an instant to a good day after it, as the zone's clocks show them."""
    calendar = Calendar(zone)
    return local(calendar, calendar.days(at(moment) - DAY, at(moment) + 26 * HOUR))


@cache
def engine():
    return duckdb.connect(":memory:")


def evaluate(expressions, instants):
    hour, day = expressions
    query = f"SELECT {hour}, {day} FROM (SELECT unnest(?::BIGINT[]) AS us)"
    return engine().execute(query, [instants]).fetchall()


# ── hours ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_hour_of_utc_is_plain_arithmetic():
    assert at("2024-05-01T13:00") == Calendar("UTC").hour_start(at("2024-05-01T13:59:59"))


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Asia/Kolkata", "2024-05-01T12:30"),
        ("Asia/Kathmandu", "2024-05-01T12:15"),
        ("Europe/Berlin", "2024-05-01T13:00"),
    ],
)
def test_an_hour_starts_when_the_local_clock_shows_the_full_hour(zone, start):
    assert at(start) == Calendar(zone).hour_start(at("2024-05-01T13:10"))


def test_a_repeated_hour_is_two_hours():
    passes = ["2024-10-27T02:00+02:00", "2024-10-27T02:00+01:00"]

    assert passes == hours_of("Europe/Berlin", at("2024-10-27T12:00"))[2:4]


def test_a_skipped_hour_does_not_exist():
    around = ["2024-03-31T01:00+01:00", "2024-03-31T03:00+02:00"]

    assert around == hours_of("Europe/Berlin", at("2024-03-31T12:00"))[1:3]


@pytest.mark.parametrize(
    ("noon", "hours"),
    [
        ("2024-04-07T01:00", ["01:00+11:00", "01:30+10:30", "02:00+10:30"]),
        ("2024-10-06T01:00", ["01:00+10:30", "02:30+11:00", "03:00+11:00"]),
    ],
)
def test_a_change_of_half_an_hour_begins_a_short_hour(noon, hours):
    assert hours == [hour[11:] for hour in hours_of("Australia/Lord_Howe", at(noon))[1:4]]


def test_the_next_hour_follows_from_any_instant_of_an_hour():
    calendar = Calendar("Australia/Lord_Howe")
    short = at("2024-04-07T01:30+10:30")

    assert [short + 30 * MINUTE] * 2 == [calendar.next_hour(short), calendar.next_hour(short + 29 * MINUTE)]


# ── days ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("day", "hours"), [("2024-03-31", 23), ("2024-10-27", 25), ("2024-10-28", 24)])
def test_a_day_has_the_hours_its_clocks_give_it(day, hours):
    assert hours == len(hours_of("Europe/Berlin", at(f"{day}T12:00")))


@pytest.mark.parametrize(
    ("zone", "change", "days"),
    [
        ("America/Sao_Paulo", "2017-10-15T03:00", ["14T00:00-03:00", "15T01:00-02:00", "16T00:00-02:00"]),
        ("Asia/Beirut", "2017-03-25T22:00", ["25T00:00+02:00", "26T01:00+03:00", "27T00:00+03:00"]),
    ],
)
def test_a_day_without_midnight_begins_where_the_clock_was_moved(zone, change, days):
    assert days == [day[8:] for day in days_around(zone, change)][: len(days)]


def test_a_day_with_two_midnights_begins_at_the_first():
    days = ["2023-11-04T00:00-04:00", "2023-11-05T00:00-04:00", "2023-11-06T00:00-05:00"]

    assert days == days_around("America/Havana", "2023-11-05T05:00")


def test_a_date_that_was_skipped_is_no_day():
    days = ["2011-12-29T00:00-10:00", "2011-12-31T00:00+14:00", "2012-01-01T00:00+14:00"]

    assert days == days_around("Pacific/Apia", "2011-12-30T10:00")


def test_a_clock_set_back_at_midnight_prolongs_the_day_before():
    days = ["2018-02-17T00:00-02:00", "2018-02-18T00:00-03:00", "2018-02-19T00:00-03:00"]

    assert days == days_around("America/Sao_Paulo", "2018-02-18T02:00")
    assert len(hours_of("America/Sao_Paulo", at("2018-02-18T02:00"))) == 25


@pytest.mark.parametrize(
    ("zone", "change", "days"),
    [
        ("America/St_Johns", "2010-11-07T02:31", ["06T00:00-02:30", "07T00:00-02:30", "08T00:00-03:30"]),
        ("Antarctica/Casey", "2010-03-04T15:00", ["04T00:00+11:00", "05T00:00+11:00"]),
    ],
)
def test_a_clock_set_back_after_midnight_does_not_bring_the_day_before_back(zone, change, days):
    assert days == [day[8:] for day in days_around(zone, change)][: len(days)]


def test_twenty_years_of_days_begin_at_the_midnights_of_a_plain_zone():
    zone = ZoneInfo("America/New_York")
    dates = [date(2010, 1, 1) + timedelta(days=n) for n in range(20 * 365)]
    midnights = [int(datetime(d.year, d.month, d.day, tzinfo=zone).timestamp()) for d in dates]

    assert midnights == Calendar(zone.key).days(midnights[0], midnights[-1] + 1)


def test_twenty_years_of_hours_are_the_hours_of_their_instants():
    calendar = Calendar("Australia/Lord_Howe")
    start, end = at("2010-01-01"), at("2030-01-01")

    assert list(dict.fromkeys(calendar.hour_start(t) for t in range(start, end, 30 * MINUTE))) == calendar.hours(
        start, end
    )


def test_an_empty_range_has_no_buckets():
    calendar = Calendar("Europe/Berlin")

    assert (calendar.hours(at("2024-05-01"), at("2024-05-01")), calendar.days(at("2024-05-01"), 0)) == ([], [])


# ── weeks and months ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_week_begins_on_monday_and_a_month_on_its_first_day():
    calendar = Calendar("Europe/Berlin")
    start, end = at("2026-10-24T12:00"), at("2026-11-03")

    assert local(calendar, calendar.starts("week", start, end)) == [
        "2026-10-19T00:00+02:00",
        "2026-10-26T00:00+01:00",
        "2026-11-02T00:00+01:00",
    ]
    assert local(calendar, calendar.starts("month", start, end)) == [
        "2026-10-01T00:00+02:00",
        "2026-11-01T00:00+01:00",
    ]


@pytest.mark.parametrize(
    ("zone", "unit", "instant", "start"),
    [
        # A minute after the month began, clocks went back to the last day of the one before: it goes on.
        ("America/St_Johns", "month", "2009-11-01T02:40", "2009-11-01T00:00-02:30"),
        ("America/St_Johns", "month", "2009-11-01T02:29", "2009-10-01T00:00-02:30"),
        ("Africa/Cairo", "week", "2010-08-09T22:00", "2010-08-09T00:00+03:00"),
        # New Year's Eve of 1994 was left out.
        ("Pacific/Kiritimati", "month", "1994-12-31T12:00", "1995-01-01T00:00+14:00"),
        ("Pacific/Apia", "week", "2011-12-31T12:00", "2011-12-26T00:00-10:00"),
        ("Asia/Kathmandu", "month", "2026-10-31T18:20", "2026-11-01T00:00+05:45"),
    ],
)
def test_weeks_and_months_are_made_of_days(zone, unit, instant, start):
    calendar = Calendar(zone)

    assert local(calendar, [calendar.start(unit, at(instant))]) == [start]


# ── zones ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Mars/Olympus",
        "Europe",
        "/etc/passwd",
        "../../etc/passwd",
        "Europe/Berlin\n",
        "a\0b",
        "\udc80",
        "zone.tab",
        "x" * 9999,
    ],
)
def test_a_name_that_is_no_zone_is_refused_in_one_short_line(name):
    with pytest.raises(ValueError, match="not an IANA time zone: ") as refusal:
        Calendar(name)

    assert len(str(refusal.value).splitlines()) == 1
    assert len(str(refusal.value)) < 120


@pytest.mark.parametrize("name", ["localtime", "right/Europe/Berlin", "posix/UTC", "posixrules"])
def test_a_zone_that_depends_on_the_machine_is_refused(name):
    with pytest.raises(ValueError, match="not an IANA time zone"):
        Calendar(name)


@given(st.text(max_size=20))
@settings(max_examples=30)
def test_any_text_is_a_zone_or_refused(name):
    try:
        assert name == Calendar(name).zone.key
    except ValueError as error:
        assert str(error).startswith("not an IANA time zone: ")


def test_an_instant_is_shown_with_the_offset_of_its_zone():
    assert Calendar("Europe/Berlin").local(at("2024-05-01T13:00")).isoformat() == "2024-05-01T15:00:00+02:00"


def test_a_segment_begins_at_the_second_the_offset_changes():
    segments = Calendar("Europe/Berlin").segments(at("2024-03-01"), at("2024-12-01"))

    assert [s.offset for s in segments] == [3600, 7200, 3600]
    assert [at("2024-03-31T01:00"), at("2024-10-27T01:00")] == [s.since for s in segments[1:]]


# ── SQL ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_sql_of_utc_is_plain_arithmetic():
    plain = ("((us) // 3600000000 * 3600)", "((us) // 86400000000 * 86400)")

    assert plain == Calendar("UTC").sql("us", at("1990-01-01"), at("2100-01-01"))


def test_a_range_without_a_change_needs_no_case():
    expressions = Calendar("Europe/Berlin").sql("us", at("2024-05-01"), at("2024-06-01"))

    assert not [sql for sql in expressions if "CASE" in sql]


def test_whole_hours_of_offset_need_no_case_for_hours():
    hour, day = Calendar("Europe/Berlin").sql("us", at("2024-01-01"), at("2025-01-01"))

    assert ("CASE" in hour, "CASE" in day) == (False, True)


def test_the_sql_takes_any_expression_and_gives_whole_seconds():
    noon = at("2024-05-01T12:00")
    hour, day = Calendar("UTC").sql("us + 1", noon, noon + 1)
    kinds = [("BIGINT", "BIGINT")]

    assert [(noon, noon - 12 * HOUR)] == evaluate((hour, day), [noon * 10**6 - 1])
    assert kinds == evaluate((f"typeof({hour})", f"typeof({day})"), [0])


def test_the_sql_covers_all_years():
    calendar = Calendar("Australia/Lord_Howe")
    start, end = at("1990-01-01"), at("2101-01-01")
    instants = [t for day in calendar.days(start, end)[1:] for t in (day - 1, day)]

    expected = [(calendar.hour_start(t), calendar.day_start(t)) for t in instants]
    assert expected == evaluate(calendar.sql("us", start, end), [t * 10**6 for t in instants])


# ── laws, in all zones ──────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def moments(draw):
    """Return a calendar and an instant, half of the time close to a change of offset."""
    calendar = Calendar(draw(st.sampled_from(ZONES)))
    t = draw(st.integers(at("1990-01-01"), at("2101-01-01")))
    changes = [s.since for s in calendar.segments(t, t + 366 * DAY)[1:]]
    if changes and draw(st.booleans()):
        t = draw(st.sampled_from(changes)) + draw(st.sampled_from([MINUTE, HOUR, DAY])) * draw(st.integers(-2, 2)) - 1
    return calendar, t


def spans():
    """Return lengths of periods, from seconds to years."""
    return st.one_of(st.integers(1, 3 * DAY), st.integers(1, 3 * 365 * DAY))


law = settings(max_examples=150)


@law
@given(moments())
def test_a_day_begins_at_the_earliest_instant_of_the_furthest_date_reached(moment):
    calendar, t = moment
    whole = t // MINUTE * MINUTE
    dates = {m: datetime.fromtimestamp(m, calendar.zone).date() for m in range(whole - 3 * DAY, whole + 1, MINUTE)}

    furthest = max(dates.values())
    assert next(m for m, date in dates.items() if date == furthest) == calendar.day_start(t)
    assert datetime.fromtimestamp(calendar.day_start(t) - 1, calendar.zone).date() < furthest


@law
@given(moments())
def test_an_hour_is_the_longest_run_of_one_local_hour_at_one_offset(moment):
    calendar, t = moment

    def shown(m):
        clock = datetime.fromtimestamp(m, calendar.zone)
        return clock.date(), clock.hour, clock.utcoffset()

    start, end = calendar.hour_start(t), calendar.next_hour(t)
    assert {shown(t)} == {shown(m) for m in [*range(start, end, MINUTE), end - 1]}
    assert shown(t) not in (shown(start - 1), shown(end))


@law
@given(moments(), st.integers(1, 3 * DAY))
def test_hours_tile_days(moment, span):
    calendar, t = moment
    days = calendar.days(t, t + span)
    days.append(calendar.next_day(days[-1]))

    assert calendar.hours(days[0], days[-1]) == [h for d, after in pairwise(days) for h in calendar.hours(d, after)]
    for hour in calendar.hours(days[0], days[-1]):
        assert calendar.day_start(hour) == calendar.day_start(calendar.next_hour(hour) - 1)


@law
@given(moments(), spans())
def test_days_tile_a_range(moment, span):
    calendar, t = moment
    days = calendar.days(t, t + span)

    assert days[0] <= t < t + span <= calendar.next_day(days[-1])
    assert [calendar.next_day(d) for d in days[:-1]] == days[1:]
    assert days == [calendar.day_start(d) for d in days]


@law
@given(moments(), spans(), spans())
def test_a_bucket_does_not_depend_on_the_range_asked(moment, before, after):
    calendar, t = moment
    hours, days = calendar.hours(t - before, t + after), calendar.days(t - before, t + after)

    assert calendar.hour_start(t) == hours[bisect_right(hours, t) - 1]
    assert calendar.day_start(t) == days[bisect_right(days, t) - 1]
    assert calendar.segments(t - before, t + after)[-1].offset == calendar.segments(t + after - 1, t + after)[0].offset


@law
@given(moments(), spans(), st.sampled_from(["week", "month"]))
def test_weeks_and_months_tile_a_range_in_whole_days(moment, span, unit):
    calendar, t = moment
    days = calendar.days(t - 40 * DAY, t + span)
    starts = calendar.starts(unit, t, t + span)

    def first(day):
        date = calendar.local(day).date()
        return date - timedelta(days=date.weekday()) if unit == "week" else date.replace(day=1)

    same = {day: next(other for other in days if first(other) == first(day)) for day in days if day > t - 2 * DAY}
    assert starts == sorted({same[calendar.day_start(t)], *(same[day] for day in same if t <= day < t + span)})
    assert starts[0] == calendar.start(unit, t)


@law
@given(st.sampled_from(ZONES), st.dates(date(1990, 2, 1), date(2100, 11, 1)))
def test_a_month_that_is_asked_for_is_one_month_of_the_calendar(zone, day):
    calendar, period = Calendar(zone), TimePeriod.month(day, ZoneInfo(zone))
    start, end = int(period.start.timestamp()), int(period.end.timestamp())

    assert calendar.starts("month", start, end) == [start]
    assert calendar.starts("month", start, end + 1) == [start, end]


@law
@given(moments(), spans(), st.lists(st.floats(0, 1, exclude_max=True), max_size=20))
def test_the_sql_gives_the_same_buckets(moment, span, places):
    calendar, t = moment
    changes = [
        m for s in calendar.segments(t, t + span)[1:] for m in (s.since - 1, s.since, s.since + HOUR, s.since + DAY)
    ]
    instants = [
        t,
        t + span - 1,
        *(t + int(span * place) for place in places),
        *(m for m in changes if t <= m < t + span),
    ]

    expected = [(calendar.hour_start(m), calendar.day_start(m)) for m in instants for _ in range(2)]
    micros = [m * 10**6 + part for m in instants for part in (0, 999_999)]
    assert expected == evaluate(calendar.sql("us", t, t + span), micros)
