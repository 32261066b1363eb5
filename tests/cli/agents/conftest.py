"""A home with sessions of coding agents, a clock that stands at noon, a machine and a zone that have a name."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from analytics_es import AnalyticsService
from analytics_es.cli.agents import group
from analytics_es.ingest.sessions import places
from analytics_es.ingest.sessions.reader import SessionReader

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
RESTED = NOON - timedelta(minutes=20)
VARIABLES = (
    *("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "ANALYTICS_ES_AGENTS_DB"),
    *("CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_DATA_DIR", "QWEN_DATA_DIR", "OPENCODE_DATA_DIR"),
    *("COPILOT_OTEL_FILE_EXPORTER_PATH", "PI_CODING_AGENT_DIR", "GOOSE_PATH_ROOT", "KIMI_SHARE_DIR"),
)


@frozen
class Home:
    """The home of somebody, whose sessions are written into it."""

    path: Path

    def session(self, name: str, *lines: dict[str, Any], project: str = "shop", rested: bool = True) -> Path:
        """Write lines at the end of a session of Claude Code, whose file has rested unless it is alive."""
        path = self.path / ".claude" / "projects" / project / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.writelines(f"{json.dumps(line)}\n" for line in lines)
        if rested:
            os.utime(path, (RESTED.timestamp(), RESTED.timestamp()))
        return path

    def codex(self, *usages: tuple[int, int, int], at: datetime = NOON) -> Path:
        """Write a session of Codex with calls of so much input, cached input and output."""
        path = self.path / ".codex" / "sessions" / "2026" / "05" / "01" / "rollout-1.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines: list[tuple[str, dict[str, Any]]] = [
            ("session_meta", {"id": "t-1", "cwd": "/home/ada/infra", "cli_version": "0.50.0"}),
            ("turn_context", {"model": "gpt-5", "cwd": "/home/ada/infra"}),
        ]
        total = {"input_tokens": 0, "cached_input_tokens": 0, "output_tokens": 0, "reasoning_output_tokens": 0}
        for usage in usages:
            last = dict(zip(total, (*usage, 0), strict=True))
            total = {name: total[name] + last[name] for name in total}
            info = {"last_token_usage": with_total(last), "total_token_usage": with_total(total)}
            lines.append(("event_msg", {"type": "token_count", "info": info}))
        with path.open("w") as file:
            for number, (kind, payload) in enumerate(lines):
                time = (at + timedelta(seconds=number)).isoformat()
                file.write(json.dumps({"timestamp": time, "type": kind, "payload": payload}) + "\n")
        os.utime(path, (RESTED.timestamp(), RESTED.timestamp()))
        return path


def with_total(usage: dict[str, int]) -> dict[str, int]:
    return {**usage, "total_tokens": usage["input_tokens"] + usage["output_tokens"]}


def without_others(text: str) -> str:
    """Return what is printed without the names of agents that are not there: there are more with time."""
    return re.sub(r"(not on this machine: ).*?\n\n", r"\1…\n\n", text, flags=re.DOTALL)


def call(id: str, at: datetime = NOON, *, project: str = "shop", branch: str = "main", **other: Any) -> dict[str, Any]:
    """Return the line of a call of Claude Code."""
    usage = {"input_tokens": 100, "output_tokens": 1000, "cache_read_input_tokens": 50_000} | other.pop("usage", {})
    message = {"id": f"msg_{id}", "model": "claude-sonnet-4-5", "stop_reason": "end_turn", "usage": usage} | other
    return {
        "type": "assistant",
        "timestamp": at.isoformat(),
        "sessionId": "s-1",
        "requestId": f"req_{id}",
        "cwd": f"/home/ada/{project}",
        "gitBranch": branch,
        "version": "2.1.40",
        "message": message,
    }


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """Return the home of somebody who has no agents; it is noon in Berlin's spring, on the machine `laptop`."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("TZ", "Europe/Berlin")
    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.setattr(places, "machine_name", lambda: "laptop")
    monkeypatch.setattr(group, "now", lambda: NOON)
    reading = AnalyticsService.reading_sessions

    def at_noon(*arguments: Any, **options: Any) -> SessionReader:
        reader = reading(*arguments, **options)
        reader.clock = NOON.timestamp
        return reader

    monkeypatch.setattr(AnalyticsService, "reading_sessions", at_noon)
    yield Home(folder)


@pytest.fixture
def worked(home: Home) -> Home:
    """Return the home of somebody who has worked with two agents."""
    days = [NOON - timedelta(days=days) for days in (40, 3, 1, 1)]
    home.session("s-1", *(call(f"{number}", day) for number, day in enumerate(days)))
    home.session("s-2", call("a", NOON - timedelta(hours=2, minutes=30), project="blog"), project="blog")
    home.session("s-2", call("b", NOON - timedelta(minutes=30), stop_reason=None, project="blog"), project="blog")
    home.session("s-3", call("c", NOON - timedelta(hours=9), model="claude-secret-9"))
    home.codex((1200, 1000, 90), (2200, 2000, 30), at=NOON - timedelta(days=2))
    return home
