"""The ledger's answer where history is long, no longer kept by the hour, or on a server."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from analytics_es import AnalyticsService
from analytics_es.ingest.sessions.places import default_store
from tests.cli.agents.conftest import NOON, Home, call
from tests.cli.conftest import Cli
from tests.servers import Server


def night_and_day(home: Home, days: int) -> None:
    """Let an agent work without a pause: a call in each hour until now."""
    hours = range(24 * days, -1, -1)
    home.session("s-1", *(call(f"{hour}", NOON - timedelta(hours=hour)) for hour in hours))


def starts_of_blocks(cli: Cli, *options: str) -> list[str]:
    (of_claude,) = json.loads(cli("agents", "--json", *options).stdout)["blocks"]
    return [block["start"] for block in of_claude["blocks"]]


@pytest.mark.parametrize("days", [6, 11])
def test_blocks_of_a_period_begin_where_those_of_all_time_do_however_long_there_was_no_pause(
    cli: Cli, home: Home, days: int
) -> None:
    night_and_day(home, days)

    of_all, of_a_day = (starts_of_blocks(cli, "--since", since) for since in ("1y", "1d"))

    assert of_a_day == of_all[-len(of_a_day) :]
    assert len(of_a_day) in (3, 4)


def test_a_ledger_that_keeps_no_hours_of_before_is_shown_with_the_blocks_that_are_sure(cli: Cli, home: Home) -> None:
    night_and_day(home, 12)
    home.session("s-2", call("after a pause", NOON + timedelta(hours=6)))
    cli("agents", "--final")
    with AnalyticsService.open(
        default_store(),
        timezone="Europe/Berlin",
        follow=False,
        retention={"events": "3d", "hourly": "4d"},
        clock=lambda: NOON + timedelta(hours=7),
    ) as analytics:
        analytics.catch_up()
        assert analytics.retain().unwrap().events > 0

    result = cli("agents", "--no-read")

    assert (result.exit_code, result.stderr) == (0, "")
    assert "290 calls" in result.stdout  # 289 without a pause, and one after it


def test_the_ledger_of_a_team_is_on_a_server(cli: Cli, worked: Home, postgres: Server, vault_key: None) -> None:
    place = ("--db", postgres.url, "--schema", postgres.schema())

    first, second = (json.loads(cli("agents", "--json", *place).stdout) for _ in range(2))
    status = json.loads(cli("agents", "status", "--json", *place).stdout)

    assert [report["calls"] for report in first["read"] if report["files"]] == [7, 2]
    assert [report["calls"] for report in second["read"] if report["files"]] == [0, 0]
    assert (first["total"], first["blocks"]) == (second["total"], second["blocks"])
    assert {entry["agent"]: entry["calls"] for entry in status["agents"] if entry["files"]} == {
        "claude-code": 7,
        "codex": 2,
    }
