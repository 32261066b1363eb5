"""agents status: what is safe, and what is deleted when."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from analytics_es.ingest.sessions.places import default_store
from tests.cli.agents.conftest import NOON, Home, call, without_others
from tests.cli.conftest import Cli


def of_claude(cli: Cli) -> dict[str, Any]:
    agents = json.loads(cli("agents", "status", "--json").stdout)["agents"]
    return next(entry for entry in agents if entry["agent"] == "claude-code")


@pytest.mark.parametrize("columns", ["80", "120"])
def test_status_says_what_is_safe_and_what_is_deleted_when(
    cli: Cli, worked: Home, columns: str, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    old = (NOON - timedelta(days=25)).timestamp()
    os.utime(worked.path / ".claude" / "projects" / "shop" / "s-1.jsonl", (old, old))
    (worked.path / ".claude" / "projects" / "shop" / "out.jsonl").symlink_to("/etc/hostname")
    cli("agents", "--db", "ledger.db", "--final")
    worked.session("s-2", call("more", project="blog"), project="blog")

    result = cli("agents", "status", "--db", "ledger.db")

    assert (result.exit_code, result.stderr) == (0, "")
    assert without_others(result.stdout) == snapshot
    assert max(map(len, result.stdout.splitlines())) <= int(columns)


def test_all_is_safe_when_it_was_read_and_stays_so_when_the_agent_deletes_it(cli: Cli, worked: Home) -> None:
    before = of_claude(cli)
    cli("agents", "--final")
    after = of_claude(cli)
    (worked.path / ".claude" / "projects" / "shop" / "s-1.jsonl").unlink()
    cli("agents")
    gone = of_claude(cli)

    assert [(entry["files"], entry["safe"], entry["gone"], entry["calls"]) for entry in (before, after, gone)] == [
        (3, 0, 0, 0),
        (3, 3, 0, 7),
        (2, 2, 1, 7),
    ]
    assert "and so is what 1 file told that is gone" in cli("agents", "status").stdout


def test_when_a_file_is_deleted_is_what_the_agent_is_set_to(cli: Cli, worked: Home) -> None:
    (worked.path / ".claude" / "settings.json").write_text('{"cleanupPeriodDays": 400}')

    status = of_claude(cli)

    assert (status["kept_days"], status["deletes_at"]) == (400, "2027-06-05T11:40:00+00:00")


@pytest.mark.parametrize(("said", "kept"), [("0.5", "0.5 days"), ("1e400", "30 days"), ("1", "1 day"), ("9", "9 days")])
def test_how_long_files_are_kept_is_told_as_it_is(cli: Cli, worked: Home, said: str, kept: str) -> None:
    (worked.path / ".claude" / "settings.json").write_text(f'{{"cleanupPeriodDays": {said}}}')

    assert f"  {kept}  " in cli("agents", "status").stdout


def test_partial_and_open_calls_are_counted_apart(cli: Cli, home: Home) -> None:
    home.session("s-1", call("1", stop_reason=None), call("2"), call("3", stop_reason=None), rested=False)
    cli("agents")

    status = of_claude(cli)

    assert (status["calls"], status["partial"], status["open"]) == (2, 1, 1)


def test_a_file_with_open_calls_alone_says_what_takes_them(cli: Cli, home: Home) -> None:
    home.session("s-1", call("1"), call("2", stop_reason=None), rested=False)
    cli("agents")

    told = "Claude Code: 1 file not wholly in the ledger: 1 call open, which a later look takes, or --final"

    assert told in cli("agents", "status").stdout


def test_half_a_line_is_not_safe(cli: Cli, home: Home) -> None:
    path = home.session("s-1")
    path.write_text('{"half": 1')
    cli("agents")

    status = of_claude(cli)

    assert (status["files"], status["safe"], status["unread"]) == (1, 0, 10)


def test_status_makes_no_ledger(cli: Cli, worked: Home) -> None:
    output = cli("agents", "status").stdout

    assert "never looked" in output
    assert "Claude Code: 3 files not wholly in the ledger" in output
    assert not default_store().parent.exists()


def test_when_it_was_looked_last_is_known(cli: Cli, worked: Home) -> None:
    cli("agents")

    assert of_claude(cli)["looked_at"] == "2026-05-01T12:00:00+00:00"
