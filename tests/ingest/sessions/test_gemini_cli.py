"""Gemini CLI's sessions: which messages are calls, which of them are one, what is in their totals."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.events.fields import CONTRADICTION
from tests.ingest.sessions.ledger import NOON, Json, Ledger, append, tokens_of, write

pytestmark = pytest.mark.store(tags=["machine", "project"])  # as a ledger has them

SESSION = "5b1f0a52-1111-4111-8111-000000000001"
HASH = "ab" * 32


@pytest.fixture
def ledger(analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setenv("GEMINI_DATA_DIR", str(tmp_path / "gemini"))
    return Ledger(analytics, tmp_path, ("gemini-cli",))


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    return tmp_path / "gemini/shop/chats"


@pytest.fixture
def session(chats: Path) -> Path:
    return chats / "session-2026-05-01T10-00-5b1f0a52.jsonl"


def header(**changes: Any) -> Json:
    begun = "2026-05-01T10:00:00.000Z"
    return {"sessionId": SESSION, "projectHash": HASH, "startTime": begun, "lastUpdated": begun, **changes}


def counts(**changes: Any) -> Json:
    """Return the counts of an answer: of 1,000 tokens 400 were cached; 50 thoughts are beside the answer."""
    told = {"input": 1000, "output": 100, "cached": 400, "thoughts": 50, "tool": 0, **changes}
    return {**told, "total": told["input"] + told["output"] + told["thoughts"] + told["tool"]}


def message(id: str = "m1", **changes: Any) -> Json:
    told = {"id": id, "timestamp": "2026-05-01T10:00:10.000Z", "type": "gemini", "content": "what nobody is to read"}
    return {**told, "model": "gemini-2.5-pro", "tokens": counts(), **changes}


def document(*messages: Any, **changes: Any) -> Json:
    return header(messages=list(messages), **changes)


def write_document(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


# ── tokens ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_input_holds_what_was_cached_and_the_output_is_with_the_thoughts(ledger: Ledger, session: Path) -> None:
    write(session, [header(), message()])

    ledger.read()

    assert tokens_of(ledger.call()) == {"input": 1000, "output": 150, "cache_read": 400, "reasoning": 50}


def test_what_tools_gave_the_model_is_input_beside_the_prompt(ledger: Ledger, session: Path) -> None:
    write(session, [header(), message(tokens=counts(tool=7))])

    ledger.read()

    assert tokens_of(ledger.call())["input"] == 1007


def test_counts_without_a_grand_total_hold_the_cache_all_the_same(ledger: Ledger, session: Path) -> None:
    """ccusage adds the cached tokens once more where no total is told: 1,550 for 1,150."""
    tokens = {name: count for name, count in counts().items() if name != "total"}
    write(session, [header(), message(tokens=tokens)])

    ledger.read()

    assert tokens_of(ledger.call()) == {"input": 1000, "output": 150, "cache_read": 400, "reasoning": 50}


def test_a_total_that_only_another_reading_fits_is_followed_and_said(ledger: Ledger, session: Path) -> None:
    write(session, [header(), message(tokens={**counts(), "total": 1550})])

    ledger.read()

    call = ledger.call()
    assert tokens_of(call) == {"input": 1400, "output": 150, "cache_read": 400, "reasoning": 50}
    assert call["attributes"][CONTRADICTION] == "total_tokens"


# ── which are calls ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_message_is_a_call_when_its_counts_are_there(ledger: Ledger, session: Path) -> None:
    write(session, [header(), message(tokens=None)])
    ledger.read()
    assert ledger.calls() == {}

    append(session, message())
    ledger.read()

    assert list(ledger.tokens()) == [f"{SESSION}:m1"]


def test_of_a_message_that_is_told_again_the_last_counts_stand(ledger: Ledger, session: Path) -> None:
    write(session, [header(), message(tokens=counts(output=1)), message(), message(toolCalls=[])])

    report = ledger.read()

    assert (report.calls, tokens_of(ledger.call())["output"]) == (1, 150)


def test_the_last_counts_of_a_message_stand_though_they_are_fewer(ledger: Ledger, session: Path) -> None:
    told = [message(), message(tokens=counts(output=1)), message("m2"), message(tokens={})]
    write(session, [header(), *told])

    ledger.read()

    assert ledger.tokens()[f"{SESSION}:m1"]["output"] == 51


def test_an_older_copy_of_a_file_does_not_bring_back_counts_that_were_put_right(ledger: Ledger, session: Path) -> None:
    told = [header(), message(), message(tokens=counts(output=1))]
    write(session, told)
    write(session.with_name("session-z-copy.jsonl"), told[:2])

    ledger.read()

    assert tokens_of(ledger.call())["output"] == 51


def test_what_the_user_typed_and_other_lists_beside_sessions_are_no_sessions(ledger: Ledger, session: Path) -> None:
    write(session, [header(), message()])
    for name in ("logs.json", "checkpoint-a.json"):
        write_document(session.parent.parent / name, [{"type": "user", "message": "what nobody is to read"}])

    report = ledger.read()

    assert (report.calls, report.skipped, report.unknown) == (1, {}, {})


def test_a_call_waits_for_its_last_counts_until_another_follows_or_its_file_rests(
    ledger: Ledger, session: Path
) -> None:
    write(session, [header(), message(tokens=counts(output=1))])
    os.utime(session, (NOON - 60, NOON - 60))
    assert ledger.read(final=False).open == 1

    append(session, message(), message("m2"))
    os.utime(session, (NOON - 30, NOON - 30))
    report = ledger.read(final=False)
    assert (report.calls, report.open) == (1, 1)

    ledger.now = NOON + 600
    ledger.read(final=False)

    assert [tokens["output"] for tokens in ledger.tokens().values()] == [150, 150]


def test_a_rewound_answer_was_paid(ledger: Ledger, session: Path) -> None:
    write(session, [header(), message("m1"), message("m2"), {"$rewindTo": "m2"}, message("m3")])

    ledger.read()

    assert list(ledger.tokens()) == [f"{SESSION}:{id}" for id in ("m1", "m2", "m3")]


def test_a_checkpoint_that_has_all_messages_again_adds_only_what_was_not_told(ledger: Ledger, session: Path) -> None:
    write(session, [header(), message("m1"), {"$set": {"messages": [message("m1"), message("m2")]}}])

    ledger.read()

    assert list(ledger.tokens()) == [f"{SESSION}:m1", f"{SESSION}:m2"]


@pytest.mark.parametrize("kind", ["user", "info", "error", "warning", None])
def test_what_gemini_did_not_say_is_no_call(ledger: Ledger, session: Path, kind: str | None) -> None:
    write(session, [header(), message(type=kind)])

    ledger.read()

    assert ledger.calls() == {}


@pytest.mark.parametrize(
    "broken",
    [
        *({"$set": told} for told in (None, 5, [], {"messages": None}, {"messages": [None, 5, {}]})),
        *({**message(), "tokens": told} for told in (5, "many", [], None)),
        *({**message(), name: None} for name in ("timestamp", "model")),
        {"$rewindTo": None},
        {"stats": {"models": {"m": None}}},
        [None, 5, "text"],
    ],
    ids=json.dumps,
)
def test_a_line_of_another_shape_stops_nothing(ledger: Ledger, session: Path, broken: Any) -> None:
    write(session, [header(), json.dumps(broken), message("m9")])

    ledger.read()

    assert f"{SESSION}:m9" in ledger.calls()


def test_messages_without_an_id_are_told_apart_by_what_they_tell(ledger: Ledger, session: Path) -> None:
    plain = {name: told for name, told in message().items() if name != "id"}
    write(session, [header(), plain, plain, {**plain, "timestamp": "2026-05-01T10:00:11.000Z"}])

    ledger.read()

    assert len(ledger.calls()) == 2


def test_a_tool_that_is_told_with_its_message_again_is_told_once(ledger: Ledger, session: Path) -> None:
    tool = {"id": "t1", "name": "read_file", "status": "executing", "timestamp": "2026-05-01T10:00:12.000Z"}
    done = message(toolCalls=[{**tool, "status": "success"}])
    write(session, [header(), message(toolCalls=[tool]), done, done])

    report = ledger.read()

    (event,) = ledger.events("tool.call.completed")
    assert (event.id, event.data["tool"], report.skipped) == (f"{SESSION}:t1", "read_file", {})


# ── copies ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_conversation_in_both_formats_is_one(ledger: Ledger, session: Path) -> None:
    """ccusage counts both files."""
    write_document(session.with_suffix(".json"), document(message("m1")))
    write(session, [header(), message("m1"), message("m2")])

    ledger.read()

    assert list(ledger.tokens()) == [f"{SESSION}:m1", f"{SESSION}:m2"]


def test_a_document_is_read_again_when_it_has_changed(ledger: Ledger, session: Path) -> None:
    path = write_document(session.with_suffix(".json"), document(message("m1")))
    ledger.read()
    write_document(path, document(message("m1"), message("m2")))

    ledger.read()

    assert list(ledger.tokens()) == [f"{SESSION}:m1", f"{SESSION}:m2"]


# ── whose it was ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_subagent_is_a_part_of_its_parents_conversation(ledger: Ledger, chats: Path) -> None:
    write(chats / SESSION / "reviewer.jsonl", [header(sessionId="reviewer", kind="subagent"), message()])

    ledger.read()

    ((id, call),) = ledger.calls().items()
    assert (id, call["conversation_id"], call["attributes"]["sidechain"]) == ("reviewer:m1", SESSION, True)


def test_the_name_of_a_folder_is_its_project(ledger: Ledger, session: Path) -> None:
    write(session, [header(), message()])

    ledger.read()

    assert ledger.call()["attributes"]["project"] == "shop"


def test_a_folder_that_is_called_by_a_digest_has_no_project_until_one_tells_it(ledger: Ledger, tmp_path: Path) -> None:
    write(tmp_path / f"gemini/{HASH}/chats/session-1.jsonl", [header(sessionId="a"), message()])
    ledger.read()
    write(tmp_path / "gemini/shop/chats/session-2.jsonl", [header(sessionId="b"), message()])
    ledger.read()
    write(tmp_path / f"gemini/{HASH}/chats/session-3.jsonl", [header(sessionId="c"), message()])

    ledger.read()

    projects = {id: call["attributes"].get("project") for id, call in ledger.calls().items()}
    assert projects == {"a:m1": None, "b:m1": "shop", "c:m1": "shop"}


@pytest.mark.parametrize("above", ["", "shop", "deeper/still"])
def test_the_folder_that_is_named_may_be_above_or_right_above_the_chats(
    ledger: Ledger, tmp_path: Path, above: str
) -> None:
    write_document(tmp_path / "gemini" / above / "chats/session-1.json", document(message()))

    ledger.read()

    assert list(ledger.tokens()) == [f"{SESSION}:m1"]


def test_without_a_variable_it_is_the_folder_in_the_home(
    ledger: Ledger, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GEMINI_DATA_DIR")
    write_document(home / ".gemini/tmp/shop/chats/session-1.json", document(message()))

    ledger.read()

    assert list(ledger.tokens()) == [f"{SESSION}:m1"]


# ── what a run printed ──────────────────────────────────────────────────────────────────────────────────────────


def run(session: str | None = "r1", prompt: int = 3000) -> Json:
    tokens = {"input": prompt - 1400, "prompt": prompt, "candidates": 130, "total": prompt + 180, "cached": 1400}
    tokens |= {"thoughts": 50, "tool": 0}
    models = {"gemini-2.5-pro": {"api": {"totalRequests": 2}, "tokens": tokens}}
    return {**({"session_id": session} if session else {}), "response": "secret", "stats": {"models": models}}


def test_what_a_run_printed_is_one_call_of_the_time_of_its_file(ledger: Ledger, tmp_path: Path) -> None:
    path = write_document(tmp_path / "gemini/run.json", run())
    os.utime(path, (NOON - 3600, NOON - 3600))

    ledger.read()

    (event,) = ledger.events()
    assert tokens_of(event.data) == {"input": 3000, "output": 180, "cache_read": 1400, "reasoning": 50}
    assert (event.occurred_at.timestamp(), event.data["attributes"]["requests"]) == (NOON - 3600, 2)


def test_two_runs_of_one_session_are_two_and_a_copy_is_none(ledger: Ledger, tmp_path: Path) -> None:
    write_document(tmp_path / "gemini/first.json", run())
    write_document(tmp_path / "gemini/second.json", run(prompt=4000))
    write_document(tmp_path / "gemini/copy.json", run())

    report = ledger.read()

    assert sorted(tokens["input"] for tokens in ledger.tokens().values()) == [3000, 4000]
    assert report.calls == 2


def test_a_run_whose_session_tells_its_calls_is_none_of_its_own(ledger: Ledger, session: Path, tmp_path: Path) -> None:
    """ccusage counts the session's messages, and the run once more."""
    write_document(tmp_path / "gemini/a-run.json", run(SESSION))
    write(session, [header(), message()])

    report = ledger.read()

    assert (list(ledger.tokens()), report.skipped) == ([f"{SESSION}:m1"], {"told otherwise": 1})


def test_that_a_session_was_told_is_known_when_all_else_is_lost(ledger: Ledger, session: Path, tmp_path: Path) -> None:
    write(session, [header(), message()])
    ledger.read()
    session.unlink()
    ledger.lose_state()
    write_document(tmp_path / "gemini/a-run.json", run(SESSION))

    ledger.read()

    assert list(ledger.tokens()) == [f"{SESSION}:m1"]
