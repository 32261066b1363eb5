"""Qwen Code's sessions: what is in the totals, and which lines of branched conversations are one call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from tests.ingest.sessions.ledger import Json, Ledger, tokens_of, write

pytestmark = pytest.mark.store(tags=["machine", "project"])  # as a ledger has them

UUID = "6f0c4f7a-0000-4000-8000-000000000001"


@pytest.fixture
def ledger(analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setenv("QWEN_DATA_DIR", str(tmp_path / "qwen"))
    return Ledger(analytics, tmp_path, ("qwen-code",))


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    return tmp_path / "qwen/projects/-srv-shop/chats"


def usage(**changes: Any) -> Json:
    told = {"promptTokenCount": 1000, "candidatesTokenCount": 100, "thoughtsTokenCount": 50}
    return {**told, "cachedContentTokenCount": 400, "totalTokenCount": 1150, **changes}


def line(uuid: str = UUID, session: str = "s1", origin: str = "", **changes: Any) -> Json:
    """Return a line of an answer; `origin`: the session of which it is a copy."""
    told = {"uuid": uuid, "sessionId": session, "timestamp": "2026-05-01T10:00:00.000Z", "type": "assistant"}
    told |= {"cwd": "/srv/secret-customer/shop", "model": "qwen3-coder-plus", "usageMetadata": usage()}
    return {**told, **({"forkedFrom": {"sessionId": origin, "messageUuid": uuid}} if origin else {}), **changes}


def test_the_input_holds_what_was_cached(ledger: Ledger, chats: Path) -> None:
    """ccusage adds the cached tokens once more: 1,550 for 1,150, at 0.00179 USD."""
    write(chats / "s1.jsonl", [line()])

    ledger.read()

    assert tokens_of(ledger.call()) == {"input": 1000, "output": 150, "cache_read": 400, "reasoning": 50}


def test_what_tools_gave_the_model_is_input_beside_the_prompt(ledger: Ledger, chats: Path) -> None:
    write(chats / "s1.jsonl", [line(usageMetadata=usage(toolUsePromptTokenCount=7, totalTokenCount=1157))])

    ledger.read()

    assert tokens_of(ledger.call())["input"] == 1007


@pytest.mark.parametrize("name", ["a", "z"], ids=["the branch is read first", "the branch is read last"])
def test_a_branch_has_the_answers_of_its_origin_which_count_once(ledger: Ledger, chats: Path, name: str) -> None:
    """ccusage counts them in each branch."""
    write(chats / "s1.jsonl", [line()])
    write(chats / f"{name}.jsonl", [line(session=name, origin="s1")])

    ledger.read()

    ((id, call),) = ledger.calls().items()
    assert (id, call["conversation_id"]) == (f"s1:{UUID}", "s1")


def test_a_branch_of_a_branch_without_its_origins_is_one_call(ledger: Ledger, chats: Path) -> None:
    write(chats / "s2.jsonl", [line(session="s2", origin="s1")])
    ledger.read()
    ledger.lose_state()
    write(chats / "s3.jsonl", [line(session="s3", origin="s2")])

    ledger.read()

    assert list(ledger.calls()) == [f"s1:{UUID}"]


def test_names_of_messages_that_are_no_uuid_are_of_their_session(ledger: Ledger, chats: Path) -> None:
    write(chats / "s1.jsonl", [line("a")])
    write(chats / "s2.jsonl", [line("a", "s2")])

    ledger.read()

    assert sorted(ledger.calls()) == ["s1:a", "s2:a"]


def test_lines_without_a_name_are_told_apart_by_what_they_tell(ledger: Ledger, chats: Path) -> None:
    plain = {name: told for name, told in line().items() if name != "uuid"}
    write(chats / "s1.jsonl", [plain, plain, {**plain, "timestamp": "2026-05-01T10:00:01.000Z"}])

    ledger.read()

    assert len(ledger.calls()) == 2


@pytest.mark.parametrize("kind", ["user", "tool_result", "system"])
def test_what_no_assistant_said_is_no_call(ledger: Ledger, chats: Path, kind: str) -> None:
    write(chats / "s1.jsonl", [line(type=kind)])

    ledger.read()

    assert ledger.calls() == {}


def test_who_served_the_model_is_not_guessed(ledger: Ledger, chats: Path) -> None:
    write(chats / "s1.jsonl", [line()])

    ledger.read()

    assert "provider" not in ledger.call()
