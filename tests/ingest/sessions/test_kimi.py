"""Kimi's sessions: totals with their parts, subagents, forks, and what is not told."""

from __future__ import annotations

from hashlib import md5
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.events.fields import CONTRADICTION
from tests.ingest.sessions.ledger import Json, Ledger, tokens_of, write

pytestmark = pytest.mark.store(tags=["machine", "project"])  # as a ledger has them


@pytest.fixture
def ledger(analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setenv("KIMI_DATA_DIR", str(tmp_path / "kimi"))
    return Ledger(analytics, tmp_path, ("kimi",))


@pytest.fixture
def wire(tmp_path: Path) -> Path:
    return tmp_path / "kimi/sessions" / md5(b"/srv/secret-customer/shop", usedforsecurity=False).hexdigest()


def step(message: str | None = "chatcmpl-1", at: float = 1777629603.5, **changes: Any) -> Json:
    usage = {"input_other": 100, "output": 20, "input_cache_read": 300, "input_cache_creation": 25, **changes}
    return {
        "timestamp": at,
        "message": {"type": "StatusUpdate", "payload": {"token_usage": usage, "message_id": message}},
    }


def subagent(event: Json) -> Json:
    return {
        "timestamp": event["timestamp"],
        "message": {"type": "SubagentEvent", "payload": {"agent_id": "a1", "event": event["message"]}},
    }


def test_the_input_holds_what_was_read_from_the_cache_and_written_to_it(ledger: Ledger, wire: Path) -> None:
    write(wire / "s1/wire.jsonl", [step()])

    ledger.read()

    assert tokens_of(ledger.call()) == {"input": 425, "output": 20, "cache_read": 300, "cache_creation": 25}


def test_what_was_cached_is_beside_the_input_even_where_it_could_be_within(ledger: Ledger, wire: Path) -> None:
    write(wire / "s1/wire.jsonl", [step(input_other=5000)])

    ledger.read()

    assert tokens_of(ledger.call())["input"] == 5325
    assert CONTRADICTION not in ledger.call()["attributes"]


def test_the_model_is_not_told_and_not_guessed(ledger: Ledger, wire: Path) -> None:
    """ccusage takes the one of today's settings, or kimi-for-coding."""
    write(wire / "s1/wire.jsonl", [step()])

    ledger.read()

    assert "model" not in ledger.call()


def test_steps_of_subagents_are_calls(ledger: Ledger, wire: Path) -> None:
    """ccusage leaves them out."""
    write(wire / "s1/wire.jsonl", [step(), subagent(step("chatcmpl-2")), subagent(subagent(step("chatcmpl-3")))])

    ledger.read()

    sides = {id: call["attributes"].get("sidechain") for id, call in ledger.calls().items()}
    assert sides == {"chatcmpl-1": None, "chatcmpl-2": True, "chatcmpl-3": True}


def test_a_fork_has_the_steps_of_its_origin_which_count_once(ledger: Ledger, wire: Path) -> None:
    """ccusage counts them in each session."""
    write(wire / "s1/wire.jsonl", [step(), step(None, 1777629604.25)])
    write(wire / "s2/wire.jsonl", [step(), step(None, 1777629604.25), step("chatcmpl-9")])

    ledger.read()

    assert sorted(ledger.calls()) == ["1777629604.25:100:20:300:25", "chatcmpl-1", "chatcmpl-9"]


def test_a_status_without_usage_is_no_call(ledger: Ledger, wire: Path) -> None:
    write(wire / "s1/wire.jsonl", [{"timestamp": 1.0, "message": {"type": "StatusUpdate", "payload": {"x": 1}}}])

    ledger.read()

    assert ledger.calls() == {}


def test_the_folder_of_a_session_is_known_by_the_digest_of_its_project(
    ledger: Ledger, wire: Path, tmp_path: Path
) -> None:
    write(wire / "s1/wire.jsonl", [step()])
    write(tmp_path / "kimi/kimi.json", [{"work_dirs": [{"path": "/srv/secret-customer/shop"}]}])

    ledger.read()

    assert ledger.call()["attributes"]["project"] == "shop"
