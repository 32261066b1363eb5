"""check: a line for each thing that was looked at, and an exit code that cron and containers go by."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from analytics_es.cli.store import Place
from tests.cli.conftest import Cli
from tests.stores import opened


@pytest.fixture
def followed(own: str) -> str:
    """Return a store that somebody keeps up to date."""
    with opened(own) as service:
        service.catch_up()
    return own


def test_a_store_that_is_up_to_date_is_ready(cli: Cli, followed: str) -> None:
    result = cli("check", "--db", followed)

    assert result.exit_code == 0
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [
        ["ok", "store"],
        ["ok", "log"],
        ["ok", "lag"],
        ["ok", "retention"],
        ["ok", "dead_letters"],
    ]
    assert (cli("check", "--db", followed, "--quiet").exit_code, cli("check", "--quiet", "--db", followed).output) == (
        0,
        "",
    )


def test_read_models_that_nobody_keeps_up_are_told_and_not_caught_up(cli: Cli, own: str) -> None:
    results = [cli("check", "--db", own, "--max-lag", "5", "--quiet") for _ in range(2)]

    assert [result.exit_code for result in results] == [1, 1]
    (line,) = results[1].stdout.splitlines()
    assert line.startswith("failed   lag           budgets is 14 events behind, for ")
    assert f"`analytics-es run --db {own}`" in line
    assert cli("check", "--db", own, "--max-lag", "14").exit_code == 0


@pytest.mark.parametrize(("limit", "told"), [("60s", [60.0, None]), ("2h", [7200.0, None]), ("1000", [None, 1000])])
def test_a_bound_is_a_time_or_a_number_of_events(cli: Cli, followed: str, limit: str, told: list[Any]) -> None:
    document = json.loads(cli("check", "--db", followed, "--max-lag", limit, "--json").stdout)

    assert [document["max_lag"], document["max_lag_events"]] == told


def test_as_json_it_says_all_of_it(cli: Cli, followed: str) -> None:
    document = json.loads(cli("check", "--db", followed, "--json").stdout)

    assert (document["ready"], document["position"], document["lag_events"]) == (True, 14, 0)
    assert {check["name"]: check["state"] for check in document["checks"]}["log"] == "ok"
    assert [one["name"] for one in document["projections"]] == ["budgets", "cost", "performance", "usage"]


def test_without_a_store_it_is_not_ready_and_none_is_made(cli: Cli, tmp_path: Path) -> None:
    result, as_json = cli("check"), cli("check", "--json")

    assert (result.exit_code, as_json.exit_code) == (1, 1)
    assert result.stdout.startswith("failed   store         There is no store at analytics.db: record or import")
    assert json.loads(as_json.stdout)["checks"][0]["code"] == "no_such_store"
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_store_is_not_ready(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "analytics.db").write_text("no database, but long enough to be looked at as one" * 20)

    result = cli("check")

    assert (result.exit_code, result.stdout.split()[:2]) == (1, ["failed", "store"])


def test_a_server_that_is_not_there_is_a_line_without_the_password(cli: Cli) -> None:
    result = cli("check", "--db", "postgresql://ada:s3cret@127.0.0.1:1/none")

    assert (result.exit_code, result.stdout.split()[:2]) == (1, ["failed", "store"])
    assert "s3cret" not in result.output


@pytest.mark.parametrize(
    "options",
    [
        ("--max-lag", "soon"),
        ("report.html", "--max-lag", "5m"),
        ("report.html", "--quiet"),
        ("a", "b"),
        ("--redraw", "a"),
        ("report.html", "--redraw", "-"),
    ],
)
def test_what_cannot_be_is_misuse(cli: Cli, options: tuple[str, ...]) -> None:
    assert cli("check", *options).exit_code == 2


def test_with_a_file_it_is_about_the_report_in_it(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[Any]()
    module = SimpleNamespace(check_report=lambda *arguments: asked.append(arguments))
    monkeypatch.setitem(sys.modules, "analytics_es.cli.check_report", module)

    assert cli("check", "week.html", "--json").exit_code == 0
    assert asked == [(Path("week.html"), Place("analytics.db", "analytics", None, None), None, True)]
