import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import pytest

from analytics_es.cli.periods import length, moment, until
from analytics_es.errors import BadWord
from analytics_es.presentation.asked import Asked
from analytics_es.testing import tool_call
from tests.cli.conftest import Cli
from tests.stores import opened, record

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2024, 4, 2, 10, 30, tzinfo=UTC)


def period(zone: ZoneInfo = BERLIN, named: dict[str, str] | None = None, **said: Any) -> Any:
    times = {name: moment(text) for name, text in said.items() if name in ("start", "end", "since")}
    asked = Asked(
        named=named or {},
        mark="--",
        **times,
        until=until(said["until"]) if "until" in said else None,
        length=length(said["last"]) if "last" in said else None,
    )
    period = asked.period(zone, None, NOW)
    return period.start, period.end


def berlin(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BERLIN)


def test_without_options_a_period_is_the_last_seven_days() -> None:
    assert period() == (berlin(2024, 3, 27), berlin(2024, 4, 3))


@pytest.mark.parametrize(
    ("last", "start", "end"),
    [
        ("1d", berlin(2024, 4, 2), berlin(2024, 4, 3)),
        ("7d", berlin(2024, 3, 27), berlin(2024, 4, 3)),
        ("2w", berlin(2024, 3, 20), berlin(2024, 4, 3)),
        ("1m", berlin(2024, 3, 3), berlin(2024, 4, 3)),
        ("1y", berlin(2023, 4, 3), berlin(2024, 4, 3)),
        ("24h", NOW - timedelta(hours=24), NOW),
    ],
)
def test_the_last_days_are_whole_ones_and_today_is_one_of_them(last: str, start: datetime, end: datetime) -> None:
    assert period(last=last) == (start, end)


def test_today_is_that_of_the_zone() -> None:
    assert period(ZoneInfo("Pacific/Kiritimati"), last="1d")[0] == datetime(
        2024, 4, 3, tzinfo=ZoneInfo("Pacific/Kiritimati")
    )


def test_dates_are_midnights_in_the_zone_and_the_end_is_not_in_it() -> None:
    assert period(start="2024-03-01", end="2024-03-08") == (berlin(2024, 3, 1), berlin(2024, 3, 8))


def test_until_a_day_has_that_day_and_until_a_time_has_not() -> None:
    assert period(since="2024-03-01", until="2024-03-31") == (berlin(2024, 3, 1), berlin(2024, 4, 1))
    assert period(since="20240301", until="20240331") == (berlin(2024, 3, 1), berlin(2024, 4, 1))
    assert period(since="2024-03-01", until="2024-03-31T12:00") == (berlin(2024, 3, 1), berlin(2024, 3, 31, 12))


def test_a_time_that_brings_a_zone_keeps_it() -> None:
    assert period(start="2024-03-01T12:00Z", end="2024-03-08T00:00+05:00") == (
        datetime(2024, 3, 1, 12, tzinfo=UTC),
        datetime(2024, 3, 7, 19, tzinfo=UTC),
    )


def test_from_alone_lasts_until_now() -> None:
    assert period(start="2024-03-30") == period(since="2024-03-30") == (berlin(2024, 3, 30), NOW)


def test_to_alone_has_a_week_before_it() -> None:
    assert period(end="2024-03-08") == period(until="2024-03-07") == (berlin(2024, 3, 1), berlin(2024, 3, 8))


def test_last_goes_before_to_or_after_from() -> None:
    assert period(end="2024-03-08", last="2d") == (berlin(2024, 3, 6), berlin(2024, 3, 8))
    assert period(start="2024-03-08", last="2w") == (berlin(2024, 3, 8), berlin(2024, 3, 22))
    assert period(end="2024-03-31", last="1m") == (berlin(2024, 2, 29), berlin(2024, 3, 31))
    assert period(since="2024-01-31", last="1m") == (berlin(2024, 1, 31), berlin(2024, 2, 29))


def test_days_are_of_the_calendar_and_hours_of_the_clock() -> None:
    after_the_change = "2024-04-01"  # clocks went forward on 31 March

    assert period(end=after_the_change, last="1d") == (berlin(2024, 3, 31), berlin(2024, 4, 1))
    assert period(end=after_the_change, last="24h") == (berlin(2024, 3, 30, 23), berlin(2024, 4, 1))
    assert period(start="2024-03-31", last="24h") == (berlin(2024, 3, 31), berlin(2024, 4, 1, 1))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"start": "2024-03-01", "end": "2024-03-08", "last": "7d"}, "--last goes with --from or with --to, not with"),
        ({"since": "2024-03-01", "until": "2024-03-08", "last": "7d"}, "--last goes with --since or with --until, not"),
        ({"start": "2024-03-01", "since": "2024-03-08"}, "--from and --since say the same: leave out one of them."),
        ({"end": "2024-03-01", "until": "2024-03-08"}, "--to and --until say the same: leave out one of them."),
        ({"named": {"today": "today"}, "last": "7d"}, "--today is a whole period: leave out --last, or --today."),
        (
            {"named": {"today": "today", "month": "2024-03"}, "since": "2024-03-01"},
            "--today is a whole period: leave out --month, --since, or --today.",
        ),
        ({"named": {"month": "March"}}, "'March' is not a period: write the month as 2026-11."),
        ({"named": {"month": "2024"}}, "'2024' is not a period: write the month as 2026-11."),
        ({"named": {"period": "soon"}}, "'soon' is not a period: write it as 2026-11-01/2026-11-08, "),
        ({"named": {"period": "2024-03-29T15:00"}}, "it is a time, and does not say how long: write its day, "),
        ({"start": "2024-03-08", "end": "2024-03-01"}, "--from must be before --to."),
        ({"since": "2024-03-08", "until": "2024-03-01"}, "--since must be before --until."),
        ({"start": "2025-03-08"}, "--from must be before now."),
        ({"since": "2025-03-08"}, "--since must be before now."),
    ],
)
def test_what_does_not_go_together_is_told(said: dict[str, Any], told: str) -> None:
    with pytest.raises(BadWord, match=re.escape(told)):
        period(**said)


@pytest.mark.parametrize("text", ["7", "d", "7 d", "-7d", "0h", "1.5d", "7days", "", "٣d"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="write 24h, 7d, 2w, 1m or 1y"):
        length(text)


# ── on the command line ─────────────────────────────────────────────────────────────────────────────────────────

KIRITIMATI = ZoneInfo("Pacific/Kiritimati")  # where it is tomorrow, half of the time


@pytest.fixture(scope="module")
def today_db(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a store with an event of now, of yesterday and of 40 days ago, in a zone far from UTC."""
    path = tmp_path_factory.mktemp("today") / "today.db"
    now = datetime.now(KIRITIMATI)
    with opened(path, timezone=KIRITIMATI.key) as service:
        record(service, *(tool_call(occurred_at=now - timedelta(days=days)) for days in (0, 1, 40)))
    return str(path)


def starts(now: datetime) -> dict[tuple[str, ...], tuple[date, date]]:
    """Return the days that options mean, as plain dates say."""
    today, monday, first = now.date(), now.date() - timedelta(days=now.weekday()), now.date().replace(day=1)
    following, before = ((first + timedelta(days=days)).replace(day=1) for days in (32, -1))
    day, week = timedelta(days=1), timedelta(days=7)
    return {
        ("--today",): (today, today + day),
        ("--yesterday",): (today - day, today),
        ("--this-week",): (monday, monday + week),
        ("--last-week",): (monday - week, monday),
        ("--this-month",): (first, following),
        ("--last-month",): (before, first),
        ("--month", "2026-02"): (date(2026, 2, 1), date(2026, 3, 1)),
        ("--period", "2026-W45"): (date(2026, 11, 2), date(2026, 11, 9)),
        ("--last", "7d"): (today - 6 * day, today + day),
        (): (today - 6 * day, today + day),
        ("--since", "2026-01-01", "--until", "2026-01-31"): (date(2026, 1, 1), date(2026, 2, 1)),
    }


def test_options_name_the_periods_that_people_pay_by_in_the_zone_of_the_store(cli: Cli, today_db: str) -> None:
    for options, days in starts(datetime.now(KIRITIMATI)).items():
        result = cli("usage", *options, "--db", today_db, "--json")

        told = json.loads(result.stdout)["period"]
        assert (options, told["start"][:10], told["end"][:10]) == (options, *map(str, days))
        assert {told["start"][10:], told["end"][10:]} == {"T00:00:00+14:00"}


COMMANDS = [
    *(("usage",), ("performance",), ("cost",), ("report",), ("unit-costs",), ("summary", "usage.events")),
    *(("explain", "usage.events"), ("aggregate",), ("diff", "--before", "1"), ("export", "json", "-o", "a.jsonl")),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_that_takes_a_period_takes_all_of_them(cli: Cli, today_db: str, command: tuple[str, ...]) -> None:
    assert cli(*command, "--today", "--last", "7d", "--db", today_db).exit_code == 2
    assert cli(*command, "--month", "2026-02", "--db", today_db).exit_code == 0
    help_text = cli(*command[:1], "--help").stdout
    for option in ("--yesterday", "--this-week", "--last-month", "--since", "--until", "--granularity"):
        assert option in help_text


def test_a_part_of_the_log_is_verified_and_rebuilt_by_the_same_options(cli: Cli, own: str) -> None:
    verified = cli("projections", "verify", "--month", "2024-03", "--db", own, "--json")
    before = cli("projections", "verify", "--until", "2024-03-04", "--db", own, "--json")
    rebuilt = cli("projections", "rebuild", "usage", "--period", "2024-W10", "--db", own, "--yes")

    assert json.loads(verified.stdout)["period"]["end"] == "2024-04-01T00:00:00+00:00"
    assert json.loads(before.stdout)["period"]["start"] == "1990-01-01T00:00:00+00:00"
    assert json.loads(before.stdout)["period"]["end"] == "2024-03-05T00:00:00+00:00"
    assert "of 2024-03-04T00:00:00+00:00/2024-03-11T00:00:00+00:00" in rebuilt.stdout
    assert cli("projections", "verify", "--today", "--sample", "2", "--db", own).exit_code == 2
    assert cli("projections", "rebuild", "--today", "--workers", "2", "--db", own, "--yes").exit_code == 2


# ── series ──────────────────────────────────────────────────────────────────────────────────────────────────────


def rows_of(output: str, title: str) -> list[str]:
    """Return the lines of a table, from its titles on."""
    lines = output.splitlines()
    first = lines.index(title) + 1
    return [line.strip() for line in lines[first : lines.index("", first)]]


def test_a_long_series_is_told_by_weeks_or_months_on_a_screen_and_as_asked_elsewhere(cli: Cli, db: str) -> None:
    quarter = ("--from", "2024-01-01", "--to", "2024-04-01", "--db", db)

    output = cli("usage", *quarter).stdout
    rows = rows_of(output, "By week")
    assert rows[1].startswith("… 9 weeks without events")
    assert rows[2].startswith("Mon 2024-03-04")
    assert rows[-2].split()[:2] == ["total", "13"]
    assert rows[-1] == "by the week: --granularity day for each day"
    assert "By month" in cli("cost", "--from", "2023-01-01", "--to", "2024-04-01", "--db", db).stdout
    assert "By day" in cli("cost", "--from", "2024-02-20", "--to", "2024-03-20", "--db", db).stdout
    assert "By day" in cli("usage", *quarter, "--granularity", "day").stdout
    assert len(json.loads(cli("usage", *quarter, "--json").stdout)["series"]) == 91


@pytest.mark.parametrize("command", [("usage",), ("performance",), ("cost",), ("summary", "usage.events")])
def test_hours_of_nothing_are_one_line_and_the_total_is_the_last(cli: Cli, db: str, command: tuple[str, ...]) -> None:
    output = cli(*command, "--from", "2024-03-04", "--to", "2024-03-07", "--db", db).stdout

    rows = rows_of(output, "By hour")
    empty = [row for row in rows if row.startswith("…")]
    assert empty[0].startswith("… 12 hours without ")
    assert len(rows) < 20
    assert rows[-1].startswith("total ")


def test_what_may_be_to_come_is_not_told_to_be_nothing(cli: Cli, today_db: str) -> None:
    this_month = rows_of(cli("usage", "--this-month", "--db", today_db, "--granularity", "day").stdout, "By day")
    yesterday = cli("usage", "--yesterday", "--db", today_db).stdout

    last_of_month = (datetime.now(KIRITIMATI) + timedelta(days=1)).day == 1
    assert last_of_month or this_month[-2].endswith(" without events so far")
    assert "so far" not in yesterday


def test_a_total_row_has_what_all_its_rows_have(cli: Cli, db: str) -> None:
    output = cli("cost", "--from", "2024-03-04", "--to", "2024-03-07", "--granularity", "day", "--db", db).stdout

    header, *days, total = rows_of(output, "By day")
    assert header.split() == ["start", "in", "USD", "in", "EUR", "calls", "unknown", "cost"]
    assert len(days) == 3
    assert total.split()[0] == "total"
    calls = [int(row.split()[-2]) for row in days]
    assert int(total.split()[-2]) == sum(calls) == 6


def test_times_are_read_in_the_zone_of_the_store(cli: Cli) -> None:
    cli("record", "job.completed", "--data", "{}", "--occurred-at", "2024-03-04T00:30", "--tz", "Europe/Berlin")

    answer = json.loads(cli("usage", "--from", "2024-03-04", "--to", "2024-03-05", "--json").stdout)

    assert answer["totals"]["first_seen"] == "2024-03-04T00:30:00+01:00"
    assert answer["period"]["start"] == "2024-03-04T00:00:00+01:00"


def test_a_zone_that_is_asked_for_is_that_of_the_answer_and_leaves_the_store_as_it_is(cli: Cli) -> None:
    cli("record", "job.completed", "--data", "{}", "--tz", "Europe/Berlin")

    result = cli("usage", "--from", "2024-03-04", "--to", "2024-03-05", "--tz", "America/New_York")

    assert "2024-03-04 00:00 – 2024-03-05 00:00 (America/New_York)" in result.stdout
    assert "(Europe/Berlin)" in cli("usage", "--from", "2024-03-04").stdout


def test_an_hour_that_comes_twice_has_its_offset(cli: Cli) -> None:
    cli("record", "job.completed", "--data", "{}", "--occurred-at", "2024-10-27T02:30+02:00", "--tz", "Europe/Berlin")

    cli("record", "job.completed", "--data", "{}", "--occurred-at", "2024-10-27T02:30+01:00")

    output = cli("usage", "--from", "2024-10-27", "--to", "2024-10-28").stdout

    assert "Sun 2024-10-27 02:00 +0200" in output
    assert "Sun 2024-10-27 02:00 +0100" in output
    assert "… 21 hours without events" in output


def test_only_the_first_day_of_a_series_may_begin_late(cli: Cli, db: str) -> None:
    output = cli("usage", "--from", "2024-03-01T12:00", "--to", "2024-03-08", "--db", db).stdout

    assert "  Fri 2024-03-01 12:00 " in output
    assert "  Sat 2024-03-02  " in output


def test_a_store_in_the_folder_is_found_by_its_url(cli: Cli, tmp_path: Path) -> None:
    cli("record", "job.completed", "--data", "{}", "--db", "x.db")

    assert cli("usage", "--db", f"sqlite:///{tmp_path}/x.db").exit_code == 0
