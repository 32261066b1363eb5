import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import pytest

from analytics_es.cli.options import Question, length, moment
from analytics_es.cli.store import OpenStore, Place
from tests.cli.conftest import Cli

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2024, 4, 2, 10, 30, tzinfo=UTC)


def period(start: str | None = None, end: str | None = None, last: str | None = None, zone: ZoneInfo = BERLIN) -> Any:
    question = Question(
        db=Place("", ""),
        start=moment(start) if start else None,
        end=moment(end) if end else None,
        length=length(last) if last else None,
        granularity=None,
        as_json=False,
    )
    period = question.period(OpenStore(service=None, keeps="UTC", reads=zone), NOW)  # type: ignore[arg-type]  # not used
    return period.start, period.end


def berlin(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BERLIN)


def test_without_options_a_period_is_the_last_week() -> None:
    assert period(zone=ZoneInfo("UTC")) == (NOW - timedelta(days=7), NOW)


def test_dates_are_midnights_in_the_zone_and_the_end_is_not_in_it() -> None:
    assert period("2024-03-01", "2024-03-08") == (berlin(2024, 3, 1), berlin(2024, 3, 8))


def test_a_time_that_brings_a_zone_keeps_it() -> None:
    assert period("2024-03-01T12:00Z", "2024-03-08T00:00+05:00") == (
        datetime(2024, 3, 1, 12, tzinfo=UTC),
        datetime(2024, 3, 7, 19, tzinfo=UTC),
    )


def test_from_alone_lasts_until_now() -> None:
    assert period("2024-03-30") == (berlin(2024, 3, 30), NOW)


def test_to_alone_has_a_week_before_it() -> None:
    assert period(end="2024-03-08") == (berlin(2024, 3, 1), berlin(2024, 3, 8))


def test_last_goes_before_to_or_after_from() -> None:
    assert period(end="2024-03-08", last="2d") == (berlin(2024, 3, 6), berlin(2024, 3, 8))
    assert period("2024-03-08", last="2w") == (berlin(2024, 3, 8), berlin(2024, 3, 22))


def test_days_are_of_the_calendar_and_hours_of_the_clock() -> None:
    after_the_change = "2024-04-01"  # clocks went forward on 31 March

    assert period(end=after_the_change, last="1d") == (berlin(2024, 3, 31), berlin(2024, 4, 1))
    assert period(end=after_the_change, last="24h") == (berlin(2024, 3, 30, 23), berlin(2024, 4, 1))
    assert period("2024-03-31", last="24h") == (berlin(2024, 3, 31), berlin(2024, 4, 1, 1))


def test_both_ends_and_a_length_are_too_much() -> None:
    with pytest.raises(click.UsageError, match="not with both"):
        period("2024-03-01", "2024-03-08", "7d")


@pytest.mark.parametrize("text", ["7", "d", "7 d", "-7d", "0h", "1.5d", "7days", "", "٣d"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="write 24h, 7d or 2w"):
        length(text)


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

    output = cli("usage", "--from", "2024-10-27", "--to", "2024-10-28").stdout

    assert "Sun 2024-10-27 02:00 +0200" in output
    assert "Sun 2024-10-27 02:00 +0100" in output
    assert "Sun 2024-10-27 03:00 " in output


def test_only_the_first_day_of_a_series_may_begin_late(cli: Cli, db: str) -> None:
    output = cli("usage", "--from", "2024-03-01T12:00", "--to", "2024-03-08", "--db", db).stdout

    assert "  Fri 2024-03-01 12:00 " in output
    assert "  Sat 2024-03-02  " in output


def test_a_store_in_the_folder_is_found_by_its_url(cli: Cli, tmp_path: Path) -> None:
    cli("record", "job.completed", "--data", "{}", "--db", "x.db")

    assert cli("usage", "--db", f"sqlite:///{tmp_path}/x.db").exit_code == 0
