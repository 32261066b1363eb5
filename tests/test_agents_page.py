"""The page of the agents' ledger: its commands run, its table is what declarations say, its picture is today's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import agents_table, picture
from tests.made_up_sessions import FIRST, write_sessions
from tests.test_docs import ROOT, SHELL, blocks, run_commands, run_python

PAGE = agents_table.PAGE.read_text()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be somebody with made-up sessions, in a home with nothing else."""
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME", "GEMINI_DATA_DIR", "ANALYTICS_ES_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ANALYTICS_ES_AGENTS_DB", str(tmp_path / "agents.db"))
    monkeypatch.setenv("ANALYTICS_ES_DB", str(tmp_path / "agents.db"))
    write_sessions(tmp_path)
    return tmp_path


def test_the_commands_of_the_page_run_one_after_the_other(home: Path) -> None:
    commands = [command for command in SHELL.findall(PAGE) if " run " not in command]

    run_commands([f"analytics-es agents --since {FIRST:%F}"], home)
    told = [run_commands([command], home) for command in commands]

    by_command = dict(zip(commands, told, strict=True))
    assert len(commands) == 12
    assert by_command["analytics-es agents setup codex --write"].count("written") == 1
    assert "nothing changes" in run_commands(["analytics-es agents setup codex --write"], home)
    assert json.loads(by_command["analytics-es agents setup gemini-cli --json"])["written"] is False
    (merged,) = [line for line in by_command["analytics-es agents import laptop.jsonl.gz"].splitlines() if "gz" in line]
    assert merged.split()[1] == "0"  # back to where it came from


def test_the_histories_of_the_page_are_made_up_as_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = blocks("docs/agents.md", "python")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    shown = run_python(code, tmp_path)

    assert shown == blocks("docs/agents.md", "text")[-1]
    assert len([*(tmp_path / "made-up").rglob("*.jsonl")]) > 1


def test_the_table_is_what_the_declarations_say() -> None:
    assert agents_table.written(PAGE) == PAGE  # write it anew: python -m tests.agents_table


def test_the_picture_on_the_page_is_the_ledger_of_today() -> None:
    assert "](agents.svg)" in PAGE
    assert picture.AGENTS_PICTURE.read_text() == picture.draw_agents()  # draw it anew: make picture


def test_the_picture_tells_nothing_of_who_drew_it_and_loads_nothing() -> None:
    text = picture.AGENTS_PICTURE.read_text()

    assert [word for word in ("/home/", "/root", "@import", "@font-face", "<script", "xlink") if word in text] == []
