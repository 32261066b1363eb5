"""agents: sessions read into the ledger, and what it says."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService
from analytics_es.cli.display import Bar
from analytics_es.errors import StoreBusy
from analytics_es.ingest.sessions.places import default_store
from analytics_es.ingest.sessions.reader import SessionReader
from analytics_es.presentation import words
from tests.cli.agents.conftest import NOON, Home, call, without_others
from tests.cli.conftest import Cli


@pytest.mark.parametrize("columns", ["80", "120"])
def test_what_agents_used_and_cost_is_on_one_screen(
    cli: Cli, worked: Home, columns: str, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    result = cli("agents")

    assert (result.exit_code, result.stderr) == (0, "")
    assert without_others(result.stdout) == snapshot
    assert max(map(len, result.stdout.splitlines())) <= int(columns)


def test_the_second_look_adds_nothing_and_says_the_same(cli: Cli, worked: Home) -> None:
    first, second = (json.loads(cli("agents", "--json").stdout) for _ in range(2))

    assert [report["calls"] for report in first["read"] if report["files"]] == [7, 2]
    assert [report["calls"] for report in second["read"] if report["files"]] == [0, 0]
    for answer in (first, second):
        del answer["read"], answer["completeness"]
    assert first == second


def test_json_has_everything_by_keys_that_the_help_names(cli: Cli, worked: Home, snapshot: SnapshotAssertion) -> None:
    result = cli("agents", "--json")

    answer = json.loads(result.stdout)
    answer["read"] = [{**report, "homes": len(report["homes"])} for report in answer["read"] if report["files"]]
    assert answer.pop("ledger") == str(default_store())
    assert answer == snapshot
    assert set(answer) <= set(re.findall("[a-z_]+", cli("agents", "--help").stdout))


@pytest.mark.parametrize(
    ("options", "calls"),
    [
        (("--since", "1d"), 3),
        (("--since", "2d"), 5),
        (("--since", "2026-04-28"), 8),
        (("--since", "1y"), 9),
        (("--since", "2026-04-28", "--until", "2026-04-30"), 5),
        (("--agent", "codex"), 2),
        (("--agent", "codex", "--agent", "claude-code"), 8),
        (("--project", "blog"), 2),
        (("--project", "infra", "--agent", "claude-code"), 0),
        (("--tz", "Pacific/Kiritimati", "--since", "1d"), 1),
    ],
    ids=str,
)
def test_a_part_of_the_ledger_is_asked_for(cli: Cli, worked: Home, options: tuple[str, ...], calls: int) -> None:
    cli("agents")

    answer = json.loads(cli("agents", "--no-read", "--json", *options).stdout)

    assert answer["total"]["calls"] == calls
    for rows in ("days", "agents", "models", "projects", "machines"):
        assert sum(row["calls"] for row in answer[rows]) == calls, rows


def test_who_names_an_agent_has_no_other_read(cli: Cli, worked: Home) -> None:
    answer = json.loads(cli("agents", "--agent", "codex", "--json").stdout)

    assert [(report["agent"], report["calls"]) for report in answer["read"]] == [("codex", 2)]
    assert [row["name"] for row in answer["agents"]] == ["codex"]


def test_all_blocks_are_shown_where_they_are_asked_for(cli: Cli, worked: Home, snapshot: SnapshotAssertion) -> None:
    assert without_others(cli("agents", "--blocks", "--since", "3d").stdout) == snapshot


def test_tables_have_so_many_rows_and_say_how_many_more_there_are(cli: Cli, worked: Home) -> None:
    output = cli("agents", "--top", "1").stdout

    assert "… and 1 more: --top 2 shows all" in output
    assert "… and 3 days before: --top 4 shows all" in output


def test_amounts_in_several_currencies_stand_apart(cli: Cli, worked: Home) -> None:
    cli("agents")
    euros = {"provider": "mistral", "model": "devstral", "agent_id": "codex", "cost": "3.5", "currency": "EUR"}
    with AnalyticsService.open(default_store(), timezone="Europe/Berlin", follow=False) as analytics:
        analytics.record_event("provider.call.completed", euros, occurred_at=NOON, id="1", source="x").unwrap()

    output = cli("agents").stdout

    assert "3.50 EUR + 0.1536 USD" in output
    assert "in EUR" in output and "in USD" in output


def test_an_empty_machine_is_told_where_was_looked_and_nothing_is_made(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    result = cli("agents")

    assert result.exit_code == 0
    assert re.search("^  Claude Code  +~/.claude$", result.stdout, re.MULTILINE)
    assert "CLAUDE_CONFIG_DIR=/mnt/laptop/.claude analytics-es agents" in result.stdout
    assert not default_store().parent.exists()
    assert json.loads(cli("agents", "--json").stdout)["looked_in"]["claude-code"][-1].endswith("/home/.claude")


def test_json_of_an_empty_machine_has_all_keys_too(cli: Cli, home: Home) -> None:
    nothing = json.loads(cli("agents", "--json").stdout)
    home.session("s-1", call("1"))
    something = json.loads(cli("agents", "--json").stdout)

    assert {*nothing} == {*something, "looked_in"}
    assert (nothing["ledger"], nothing["total"]["calls"], nothing["total"]["costs"]) == (None, 0, {})
    assert nothing["period"] == something["period"]


def test_a_ledger_of_others_is_shown_on_an_empty_machine(cli: Cli, worked: Home) -> None:
    cli("agents", "--db", "team.db")
    (worked.path / ".claude").rename(worked.path / "gone")
    (worked.path / ".codex").rename(worked.path / "gone-too")

    output = cli("agents", "--db", "team.db").stdout

    assert re.search("not on this machine: .*Claude Code, Codex", output)
    assert "8 calls" in output


def test_a_period_without_calls_says_that_there_are_older_ones(cli: Cli, home: Home) -> None:
    home.session("s-1", call("1", NOON - timedelta(days=40)))

    assert "No calls in this period; before it there are 1: try --since 1y." in cli("agents").stdout


def test_a_project_without_calls_is_named(cli: Cli, worked: Home) -> None:
    told = "No calls of the project shp in this period; without --project all are listed."

    assert told in cli("agents", "--project", "shp").stdout


def test_blocks_beside_one_project_say_that_they_are_of_all(cli: Cli, worked: Home) -> None:
    of_all, of_one = (cli("agents", "--blocks", *option).stdout for option in ((), ("--project", "shop")))

    assert "all projects" not in of_all
    assert "Claude Code, blocks of 5 hours, all projects\n" in of_one
    assert "Claude Code's block of 5 hours, all projects  " in of_one


def test_options_before_a_command_are_refused_as_it_would_not_heed_them(cli: Cli) -> None:
    result = cli("agents", "--db", "team.db", "--top", "3", "status")

    assert result.exit_code == 2
    assert "--top, --db: write options of status after its name." in result.stderr


def test_how_far_it_is_is_told_by_agent_and_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Bar("reading sessions", amount=words.size) as bar:
        bar.at(1_500_000, 3_000_000, activity="reading Claude Code")
        (first,) = bar._progress.tasks if bar._progress else ()
        told = (first.description, first.fields["counts"], first.percentage)
        bar.at(100, 200, activity="reading Codex")
        (second,) = bar._progress.tasks if bar._progress else ()

    assert told == ("reading Claude Code", "1.5 MB", 50)
    assert (second.description, second.fields["counts"]) == ("reading Codex", "100 bytes")


# ── a new ledger ────────────────────────────────────────────────────────────────────────────────────────────────


def test_days_of_a_new_ledger_are_those_of_the_machine(cli: Cli, home: Home) -> None:
    home.session("s-1", call("1", NOON.replace(hour=23, minute=30) - timedelta(days=1)))

    answer = json.loads(cli("agents", "--json").stdout)

    assert [day["start"] for day in answer["days"]] == ["2026-05-01T00:00:00+02:00"]


def test_a_zone_that_is_asked_for_goes_before_that_of_the_machine(cli: Cli, home: Home) -> None:
    home.session("s-1", call("1"))

    output = cli("agents", "--tz", "Asia/Tokyo").stdout

    assert "(Asia/Tokyo)" in output
    assert "(Asia/Tokyo)" in cli("agents").stdout


def test_a_new_ledger_keeps_branches_and_no_path(cli: Cli, home: Home) -> None:
    home.session("s-1", call("1", branch="ada/fix the shop"))
    cli("agents")

    stored = default_store().read_bytes()
    assert b'"git_branch":"ada/fix the shop"' in stored
    assert b"/home/ada" not in stored


def test_a_store_that_is_there_keeps_its_policy(cli: Cli, home: Home, tmp_path: Path) -> None:
    home.session("s-1", call("1", branch="ada/fix the shop"))
    with AnalyticsService.open(tmp_path / "own.db", privacy="anonymous", tags=["team"], follow=False) as analytics:
        analytics.record_event("job.completed", {}).unwrap()

    cli("agents", "--db", "own.db")

    with AnalyticsService.open(tmp_path / "own.db", follow=False) as analytics:
        assert analytics.get_cost_breakdown("2026-05-01", by=["attributes.team"]).unwrap().calls == 1
    assert b"fix the shop" not in (tmp_path / "own.db").read_bytes()


def test_the_ledger_is_for_the_eyes_of_its_owner(cli: Cli, worked: Home) -> None:
    cli("agents")

    assert {stat.S_IMODE(path.stat().st_mode) for path in default_store().parent.iterdir() if path.is_file()} == {0o600}


# ── trouble ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unknown_agent_is_one_line(cli: Cli) -> None:
    result = cli("agents", "--agent", "claud")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: 'claud' is no coding agent whose sessions are read (did you mean ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("claude", " (did you mean claude-code?)"),
        ("Gemini", " (did you mean gemini-cli?)"),
        ("cli", " (did you mean copilot-cli or gemini-cli?)"),
        ("opncode", " (did you mean opencode?)"),
        ("aider", ""),
        ("c", ""),
    ],
)
def test_who_names_no_agent_is_told_which_is_meant(cli: Cli, name: str, hint: str) -> None:
    told = f"error: '{name}' is no coding agent whose sessions are read{hint}: amp, "

    assert cli("agents", "--agent", name).stderr.startswith(told)


def test_a_question_to_any_store_is_named_to_who_looks_for_it_among_agents(cli: Cli) -> None:
    cost, demo = cli("agents", "cost", "--by", "user"), cli("agents", "demo")

    assert (cost.exit_code, demo.exit_code) == (2, 2)
    assert f"cost is no command of agents: write `analytics-es cost --db {default_store()}`." in cost.stderr
    assert "No such command 'demo'." in demo.stderr


def test_an_agent_in_the_place_of_a_command_is_told_how_it_is_named(cli: Cli) -> None:
    result = cli("agents", "claude-code", "--since", "7d")

    assert result.exit_code == 2
    assert "claude-code is an agent: write `--agent claude-code`." in result.stderr


def test_who_names_no_store_is_told_of_the_ledger_where_there_is_one(
    cli: Cli, worked: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANALYTICS_ES_DB", raising=False)
    without = one_line(cli, "report")
    cli("agents")

    assert "coding agents" not in without
    assert one_line(cli, "report").endswith(f" (the ledger of your coding agents: --db {default_store()}).\n")
    assert one_line(cli, "report", "--db", "other.db") == without.replace("analytics.db", "other.db")


@pytest.mark.parametrize("command", [("check",), ("export", "laptop.jsonl")], ids=" ".join)
def test_a_ledger_that_is_not_there_yet_says_what_makes_it(cli: Cli, command: tuple[str, ...]) -> None:
    told = f"error: There is no store at {default_store()}: analytics-es agents makes it, from "

    assert one_line(cli, "agents", *command).startswith(told)


def one_line(cli: Cli, *arguments: object) -> str:
    """Return the line that a command fails with."""
    result = cli(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.mark.parametrize("command", [("agents",), ("agents", "status"), ("agents", "--watch")], ids=" ".join)
def test_a_ledger_of_a_newer_version_is_one_line(cli: Cli, worked: Home, command: tuple[str, ...]) -> None:
    cli("agents")
    with closing(sqlite3.connect(default_store())) as connection:
        connection.execute("PRAGMA user_version = 999")

    assert re.match("error: .*agents.db.* 999", one_line(cli, *command))


def test_a_ledger_that_somebody_writes_to_is_one_line(cli: Cli, worked: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object, **__: object) -> None:
        raise StoreBusy(seconds=30)

    monkeypatch.setattr(SessionReader, "read", busy)

    assert one_line(cli, "agents").startswith("error: The database is locked by another process")


@pytest.mark.parametrize("command", [("agents",), ("agents", "status"), ("agents", "--watch")], ids=" ".join)
def test_a_server_that_is_down_is_one_line(cli: Cli, worked: Home, command: tuple[str, ...]) -> None:
    line = one_line(cli, *command, "--db", "postgresql://user@127.0.0.1:1/team")

    assert line.startswith("error: The database cannot be reached")


def test_a_folder_that_cannot_be_made_is_one_line(cli: Cli, worked: Home) -> None:
    (worked.path / ".local").write_text("")

    assert one_line(cli, "agents").startswith(f"error: {worked.path}/.local")


def test_a_file_that_cannot_be_read_is_named_and_stops_nothing(cli: Cli, worked: Home, tmp_path: Path) -> None:
    outside = tmp_path / "outside.jsonl"
    outside.write_text("")
    (worked.path / ".claude" / "projects" / "shop" / "x.jsonl").symlink_to(outside)

    result = cli("agents")

    assert result.exit_code == 0
    assert "Claude Code: not read: ~/.claude/projects/shop/x.jsonl (link that leads out" in result.stdout
