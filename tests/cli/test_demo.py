import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

DEMO = ("demo", "--jobs", 5, "--days", 2, "--start", "2024-03-04")


def test_the_demo_shows_its_report_and_how_to_ask_more(cli: Cli) -> None:
    result = cli(*DEMO)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("Report  2024-03-04 00:00 – 2024-03-06 00:00 (UTC)")
    assert "All of it is made up." in result.stdout
    assert Path("demo.db").exists()


def test_the_demo_again_adds_nothing_and_says_so_kindly(cli: Cli) -> None:
    first = cli(*DEMO, "--json")
    again = cli(*DEMO, "--json")

    added, known = re.findall(r"[\d,]+(?= event| known)", again.stderr)
    assert (added, int(known.replace(",", ""))) == ("0", json.loads(first.stdout)["usage"]["completeness"]["position"])
    assert again.stderr.startswith("demo.db was there already")
    assert again.stderr.count("\n") == 1
    assert again.stdout == first.stdout


def test_the_demo_keeps_away_from_the_store_of_the_environment(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_ES_DB", "mine.db")

    cli(*DEMO)

    assert not Path("mine.db").exists()
