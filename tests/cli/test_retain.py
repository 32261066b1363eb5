"""retain says what goes before it goes; run does it every night."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from analytics_es.cli import run
from analytics_es.cli.run import Nightly
from tests.cli.conftest import WEEK, Cli


def test_a_dry_run_shows_what_would_go(cli: Cli, own: str) -> None:
    result = cli("retain", "--events", "30d", "--dry-run", "--db", own)

    assert result.exit_code == 0
    assert "all others" in result.stdout
    assert "13 events would be sealed and deleted; nothing was done" in result.stdout
    assert json.loads(cli("usage", *WEEK, "--db", own, "--json").stdout)["completeness"]["sealed_until"] is None


def test_without_a_retention_everything_is_kept(cli: Cli, own: str) -> None:
    assert cli("retain", "--yes", "--db", own).stdout.startswith("sealed 0 events into 0 rows")
    assert "everything is kept for ever; pass --events" in cli("retain", "--dry-run", "--db", own).stdout


def test_what_goes_is_told_and_no_figure_changes(cli: Cli, own: str) -> None:
    whole = ("--from", "2024-03-04", "--to", "2024-03-06", "--granularity", "day")
    before = json.loads(cli("usage", *whole, "--db", own, "--json").stdout)

    result = cli("retain", "--events", "30d", "--family", "tool=20d", "--hourly", "60d", "--yes", "--db", own)
    after = json.loads(cli("usage", *whole, "--db", own, "--json").stdout)

    assert result.exit_code == 0
    assert "sealed 13 events into " in result.stdout
    assert "figures by the hour from " in result.stdout
    assert after["totals"] == before["totals"]
    assert "sealed before " in cli("usage", *whole, "--db", own).stdout
    assert "; before " in cli("projections", "verify", "--db", own).stdout


def test_a_result_can_be_read_by_a_program(cli: Cli, own: str) -> None:
    found = json.loads(cli("retain", "--events", "30d", "--archive", "kept", "--yes", "--json", "--db", own).stdout)

    assert (found["events"], found["seals"], found["dry_run"]) == (13, 1, False)
    assert Path(found["archive"]["path"]).exists()
    assert found["archive"]["rows"] == 13


def test_nobody_there_to_be_asked_is_an_error_and_nothing_goes(cli: Cli, own: str) -> None:
    result = cli("retain", "--events", "30d", "--db", own)

    assert result.exit_code == 2
    assert "pass --yes" in result.stderr
    assert "13 events would be" in cli("retain", "--events", "30d", "--dry-run", "--db", own).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--events", "90"], 1, "The retention of events is '90': write 90d"),
        (["--hourly", "9d"], 1, "hourly is 9d, but events stay for ever"),
        (["--family", "tool"], 2, "'tool' is not FAMILY=LENGTH"),
        (["--family", "Tool=3d"], 1, "Tool.* is none of events"),
    ],
)
def test_what_cannot_be_meant_is_told_in_a_line(
    cli: Cli, own: str, arguments: list[str], code: int, message: str
) -> None:
    result = cli("retain", *arguments, "--yes", "--db", own)

    assert result.exit_code == code
    assert message in result.stderr


def test_a_night_is_due_once_in_the_zone_of_the_store() -> None:
    now = datetime(2026, 3, 28, 23, tzinfo=ZoneInfo("Europe/Berlin"))
    nightly = Nightly(lambda: now)
    due = []
    for _ in range(30):  # the clocks are set forward that night
        now = (now.astimezone(UTC) + timedelta(hours=1)).astimezone(ZoneInfo("Europe/Berlin"))
        if nightly.due():
            due.append(now.hour)

    assert due == [3, 3]


def test_run_retains_at_night_and_tells(cli: Cli, own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    nights = iter([True])
    monkeypatch.setattr(Nightly, "due", lambda _: next(nights, False))
    monkeypatch.setattr(run, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(run, "watch", lambda stopping, *_, **__: stopping.wait(0.01) or _until(told))
    monkeypatch.setattr(run, "say_retention", lambda result: told.append(str(result.unwrap().events)))

    Path("keep.toml").write_text('[retention]\nevents = "90d"')

    cli("run", "--db", own, "--config", "keep.toml")

    assert told == ["13"]


def _until(told: list[str]) -> None:
    while not told:
        pass
