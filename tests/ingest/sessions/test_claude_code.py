"""Claude Code's sessions: which lines are calls, which of them are one, what they count, what else is told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from tests.ingest.sessions.ledger import Json, Ledger, append, tokens_of, write

pytestmark = pytest.mark.store(tags=["machine", "project"])  # as a ledger has them

SECRET = "what nobody is to read"


@pytest.fixture
def ledger(analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    return Ledger(analytics, tmp_path, ("claude-code",))


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return tmp_path / "claude/projects/-srv-shop/s1.jsonl"


def usage(**changes: Any) -> Json:
    """Return the usage of an answer: 113 tokens were sent, of them 10 written to the cache and 100 read from it."""
    return {
        "input_tokens": 3,
        "cache_creation_input_tokens": 10,
        "cache_read_input_tokens": 100,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 50,
        "service_tier": "standard",
        **changes,
    }


def line(request: str | None = "req_1", answer: str | None = "msg_1", **changes: Any) -> Json:
    """Return a line of an answer; names of the message are changed by `message__`, those of its usage by `usage__`."""
    message = {
        "model": "claude-sonnet-4-5-20250929",
        "id": answer,
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": SECRET}],
        "stop_reason": "end_turn",
        "usage": usage(**{key[7:]: told for key, told in changes.items() if key.startswith("usage__")}),
    }
    message |= {key[9:]: told for key, told in changes.items() if key.startswith("message__")}
    record = {
        "parentUuid": None,
        "isSidechain": False,
        "cwd": "/srv/secret-customer/shop",
        "sessionId": "s1",
        "version": "2.1.300",
        "gitBranch": "main",
        "type": "assistant",
        "message": message,
        "requestId": request,
        "uuid": "u1",
        "timestamp": "2026-05-01T10:00:00.000Z",
    }
    record |= {key: told for key, told in changes.items() if "__" not in key}
    return {name: told for name, told in record.items() if name != "requestId" or told is not None}


# ── one call ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_line_of_an_answer_is_a_call_with_all_that_it_tells(ledger: Ledger, session: Path) -> None:
    write(session, [line()])

    ledger.read()

    (event,) = ledger.events()
    assert (event.source, event.id, event.occurred_at.isoformat()) == (
        "claude-code",
        "req_1",
        "2026-05-01T10:00:00+00:00",
    )
    assert dict(event.data) == {
        "agent_id": "claude-code",
        "user_id": event.data["user_id"],
        "conversation_id": "s1",
        "provider": "anthropic",
        "model": "claude-sonnet-4-5-20250929",
        "operation": "chat",
        "service_tier": "standard",
        "input_tokens": 113,
        "output_tokens": 50,
        "cache_read_tokens": 100,
        "cache_creation_tokens": 10,
        "attributes": {
            "project": "shop",
            "machine": "laptop",
            "git_branch": "main",
            "agent_version": "2.1.300",
            "response_id": "msg_1",
        },
    }


def test_lines_of_one_answer_are_one_call_with_the_largest_usage_at_the_time_of_its_line(
    ledger: Ledger, session: Path
) -> None:
    pieces = [(1, None, "00"), (9, None, "01"), (159, "tool_use", "02")]
    write(
        session,
        [
            line(usage__output_tokens=n, message__stop_reason=stop, timestamp=f"2026-05-01T10:00:{at}.000Z")
            for n, stop, at in pieces
        ],
    )

    report = ledger.read()

    (event,) = ledger.events()
    assert (event.data["output_tokens"], event.occurred_at.second) == (159, 2)
    assert (report.calls, report.partial) == (1, 0)


def test_of_lines_with_the_same_usage_the_first_tells_the_time(ledger: Ledger, session: Path) -> None:
    write(session, [line(timestamp=f"2026-05-01T10:00:0{second}Z") for second in (1, 2, 3)])

    ledger.read()

    assert [event.occurred_at.second for event in ledger.events()] == [1]


def test_a_call_whose_last_usage_was_never_written_is_partial(ledger: Ledger, session: Path) -> None:
    write(session, [line(message__stop_reason=None, usage__output_tokens=n) for n in (1, 9)])

    report = ledger.read()

    assert (ledger.call()["output_tokens"], ledger.call()["attributes"]["partial"]) == (9, True)
    assert report.partial == 1


@pytest.mark.parametrize(
    ("request_id", "answer", "id"),
    [
        ("req_1", "msg_1", "req_1"),
        (None, "msg_1", "msg_1"),
        ("req_1", None, "req_1"),
        (None, None, "2026-05-01T10:00:00.000Z:claude-sonnet-4-5-20250929:3:50:100:10:0"),
    ],
)
def test_a_call_is_known_by_its_request_else_its_answer_else_by_what_it_says(
    ledger: Ledger, session: Path, request_id: str | None, answer: str | None, id: str
) -> None:
    write(session, [line(request_id, answer)])
    write(session.with_name("s2.jsonl"), [line(request_id, answer, sessionId="s2", uuid="u2")])

    ledger.read()

    assert list(ledger.calls()) == [id]


@pytest.mark.parametrize("first", [0, 1])
def test_an_answer_told_with_its_request_and_without_is_known_by_the_request(
    ledger: Ledger, session: Path, first: int
) -> None:
    lines = [line(None), line("req_1")]
    write(session, [lines[first], lines[1 - first]])

    ledger.read()

    assert list(ledger.calls()) == ["req_1"]


def test_fields_that_are_null_or_missing_are_none(ledger: Ledger, session: Path) -> None:
    told = line(
        usage__cache_creation=None,
        usage__cache_read_input_tokens=None,
        usage__server_tool_use=None,
        usage__service_tier=None,
        usage__speed=None,
        usage__iterations=None,
        message__content=None,
        gitBranch=None,
        cwd=None,
        version=None,
        costUSD=None,
        isSidechain=None,
    )
    write(session, [told])

    ledger.read()

    assert tokens_of(ledger.call()) == {"input": 13, "output": 50, "cache_creation": 10}
    assert ledger.call()["attributes"] == {"machine": "laptop", "response_id": "msg_1"}


def test_json_may_have_spaces_after_colons(ledger: Ledger, session: Path) -> None:
    write(session, [line()], spaced=True)

    ledger.read()

    assert ledger.call()["output_tokens"] == 50


def test_what_a_running_agent_reports_is_the_call_that_its_own_file_tells(ledger: Ledger, session: Path) -> None:
    own = line(isSidechain=True, agentId="a1")
    inner = {name: own[name] for name in ("timestamp", "requestId", "isSidechain", "message", "uuid")}
    outer = {**line("no", "no"), "type": "progress", "data": {"type": "agent_progress", "message": inner}}
    del outer["message"], outer["requestId"]
    write(session, [outer])

    ledger.read()
    write(session.with_suffix("") / "subagents/agent-a1.jsonl", [own])
    ledger.read()

    assert list(ledger.calls()) == ["req_1"]
    assert ledger.call()["attributes"]["sidechain"] is True


# ── tokens, tiers, cost ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "tokens"),
    [
        ({"usage__cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 6}}, (10, 6)),
        ({"usage__cache_creation": {"ephemeral_1h_input_tokens": 10}}, (10, 10)),
        ({"usage__cache_creation": {"ephemeral_1h_input_tokens": 4}}, (10, 4)),
        ({"usage__cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": None}}, (10, None)),
        ({"usage__cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4}}, (7, 4)),
        ({"usage__cache_creation": {}}, (10, None)),
        ({"usage__cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}}, (10, None)),
        ({"usage__cache_creation_input_tokens": None}, (10, None)),
    ],
    ids=[
        "both",
        "an hour alone",
        "an hour and the rest",
        "minutes and the rest",
        "less than flat",
        "flat alone",
        "zeros beside flat",
        "split alone",
    ],
)
def test_what_is_written_to_the_cache_is_told_by_how_long_it_lives(
    ledger: Ledger, session: Path, changes: Json, tokens: tuple[int, int | None]
) -> None:
    write(session, [line(**changes)])

    ledger.read()

    call = ledger.call()
    assert (call["cache_creation_tokens"], call.get("cache_creation_1h_tokens")) == tokens
    assert call["input_tokens"] == 3 + 100 + tokens[0]


@pytest.mark.parametrize(
    ("changes", "tier"),
    [
        ({}, "standard"),
        ({"usage__speed": "fast"}, "fast"),
        ({"usage__speed": "standard"}, "standard"),
        ({"usage__service_tier": "priority"}, "priority"),
        ({"usage__service_tier": "batch"}, "batch"),
        ({"usage__service_tier": "flex"}, "flex"),
        ({"usage__service_tier": "priority", "usage__speed": "fast"}, "fast"),
    ],
)
def test_a_call_has_the_tier_and_speed_that_it_was_served_with(
    ledger: Ledger, session: Path, changes: Json, tier: str
) -> None:
    write(session, [line(**changes)])

    ledger.read()

    assert ledger.call()["service_tier"] == tier


def test_searches_and_thoughts_are_counted(ledger: Ledger, session: Path) -> None:
    write(
        session,
        [line(usage__server_tool_use={"web_search_requests": 3}, usage__output_tokens_details={"thinking_tokens": 20})],
    )

    ledger.read()

    assert (ledger.call()["searches"], ledger.call()["reasoning_tokens"], ledger.call()["output_tokens"]) == (3, 20, 50)


@pytest.mark.parametrize(
    ("cost", "kept"),
    [(0.0123, "0.0123"), (1e-05, "0.00001"), (0, None), (-1, None), (float("nan"), None), (None, None)],
)
def test_old_versions_tell_what_a_call_cost(
    ledger: Ledger, session: Path, cost: float | None, kept: str | None
) -> None:
    write(session, [line(costUSD=cost)])

    ledger.read()

    assert (ledger.call().get("cost"), ledger.call().get("currency")) == (kept, "USD" if kept else None)


@pytest.mark.parametrize(
    ("changes", "provider", "model"),
    [
        ({}, "anthropic", "claude-sonnet-4-5-20250929"),
        ({"message__model": "claude-sonnet-4-5-20250929[1m]"}, "anthropic", "claude-sonnet-4-5-20250929"),
        ({"answer": "msg_bdrk_1"}, "aws.bedrock", "claude-sonnet-4-5-20250929"),
        ({"answer": "msg_vrtx_1"}, "gcp.vertex_ai", "claude-sonnet-4-5-20250929"),
        ({"message__model": "us.anthropic.claude-x-v1:0"}, "aws.bedrock", "us.anthropic.claude-x-v1:0"),
        ({"message__model": "claude-x@20250929"}, "gcp.vertex_ai", "claude-x@20250929"),
        ({"message__model": "openrouter/anthropic/claude-x"}, "openrouter", "anthropic/claude-x"),
        ({"message__model": "glm-4.6"}, None, "glm-4.6"),
    ],
)
def test_a_model_is_whose_its_name_and_the_id_of_the_answer_tell(
    ledger: Ledger, session: Path, changes: Json, provider: str | None, model: str
) -> None:
    write(session, [line(**changes)])

    ledger.read()

    assert (ledger.call().get("provider"), ledger.call()["model"]) == (provider, model)


# ── calls inside of one ─────────────────────────────────────────────────────────────────────────────────────────

OWN = {"type": "message", "input_tokens": 3, "output_tokens": 50, "cache_read_input_tokens": 100}
ADVICE = {"type": "advisor_message", "model": "claude-opus-4-7", "input_tokens": 1594, "output_tokens": 780}


def test_a_model_that_advises_is_a_call_of_its_own_by_the_id_of_the_request(ledger: Ledger, session: Path) -> None:
    pieces = [line(usage__iterations=[OWN, ADVICE], usage__server_tool_use={"web_search_requests": 1})] * 2
    write(session, pieces)
    write(session.with_name("copy.jsonl"), pieces)

    ledger.read()

    calls = ledger.calls()
    assert {id: (call["model"], call["input_tokens"], call["output_tokens"]) for id, call in calls.items()} == {
        "req_1": ("claude-sonnet-4-5-20250929", 113, 50),
        "req_1:1": ("claude-opus-4-7", 1594, 780),
    }
    assert (calls["req_1:1"].get("searches"), calls["req_1:1"]["attributes"]["step"]) == (None, "advisor_message")


def test_a_model_may_advise_itself(ledger: Ledger, session: Path) -> None:
    write(session, [line(usage__iterations=[OWN, {**ADVICE, "model": "claude-sonnet-4-5-20250929"}])])

    ledger.read()

    assert {id: call["output_tokens"] for id, call in ledger.calls().items()} == {"req_1": 50, "req_1:1": 780}


def test_totals_of_a_gateway_that_hold_the_advice_are_not_counted_twice(ledger: Ledger, session: Path) -> None:
    both = {"usage__input_tokens": 1597, "usage__output_tokens": 830}
    write(session, [line(**both, usage__iterations=[OWN, ADVICE])])

    ledger.read()

    assert {id: call["output_tokens"] for id, call in ledger.calls().items()} == {"req_1": 50, "req_1:1": 780}
    assert ledger.calls()["req_1"]["input_tokens"] == 113


def test_a_model_that_gave_way_to_another_is_paid_for_what_it_had_answered(ledger: Ledger, session: Path) -> None:
    began = {"type": "message", "model": "claude-fable-5", "input_tokens": 2, "output_tokens": 578}
    served = {"type": "fallback_message", "model": "claude-sonnet-4-5-20250929", "input_tokens": 3, "output_tokens": 50}
    declined = {**began, "output_tokens": 0}
    write(session, [line(usage__iterations=[began, declined, served])])

    ledger.read()

    assert {id: (call["model"], call["output_tokens"]) for id, call in ledger.calls().items()} == {
        "req_1": ("claude-sonnet-4-5-20250929", 50),
        "req_1:0": ("claude-fable-5", 578),
    }


# ── told again ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_forked_and_resumed_sessions_add_what_is_new_alone(ledger: Ledger, session: Path) -> None:
    write(session, [line("req_1", "msg_1")])
    ledger.read()
    write(
        session.with_name("s2.jsonl"),
        [line("req_1", "msg_1", sessionId="s2"), line("req_2", "msg_2", sessionId="s2")],
    )

    report = ledger.read()

    assert list(ledger.calls()) == ["req_1", "req_2"]
    assert report.skipped.total() == 1


def side(request: str = "req_9", answer: str = "msg_1", **changes: Any) -> Json:
    """Return a line of a side conversation, which tells an answer again, with another prompt before it."""
    return line(request, answer, isSidechain=True, usage__cache_read_input_tokens=50_000, **changes)


@pytest.mark.parametrize("name", ["s1.jsonl", "a-before.jsonl", "z-after.jsonl", "s1/subagents/agent-1.jsonl"])
@pytest.mark.parametrize("stop", ["end_turn", None])
@pytest.mark.parametrize("first", ["parent", "side"])
def test_answers_that_a_side_conversation_tells_again_are_dropped(
    ledger: Ledger, session: Path, name: str, stop: str | None, first: str
) -> None:
    parent, replay = line(message__stop_reason=stop), side(message__stop_reason=stop)
    own = side("req_3", "msg_3", message__stop_reason=stop)
    if name == "s1.jsonl":
        write(session, [parent, replay, own] if first == "parent" else [replay, parent, own])
    else:
        write(session, [parent])
        write(session.with_name(name) if "/" not in name else session.parent / name, [replay, own])

    ledger.read()

    assert {id: tokens["cache_read"] for id, tokens in ledger.tokens().items()} == {"req_1": 100, "req_3": 50_000}


@pytest.mark.parametrize("names", [("s1.jsonl", "s2.jsonl"), ("s2.jsonl", "s1.jsonl")])
def test_an_answer_under_two_requests_is_that_which_came_first(
    ledger: Ledger, session: Path, names: tuple[str, str]
) -> None:
    later = line("req_9", "msg_1", timestamp="2026-05-01T10:05:00Z", usage__cache_read_input_tokens=50_000)
    for name, told in zip(names, (line(), later), strict=True):
        write(session.with_name(name), [told | {"message": told["message"] | {"stop_reason": None}}])

    ledger.read()

    assert ledger.tokens() == {"req_1": {"input": 113, "output": 50, "cache_read": 100, "cache_creation": 10}}


def test_a_piece_whose_whole_a_side_conversation_tells_is_partial(ledger: Ledger, session: Path) -> None:
    write(session, [line(message__stop_reason=None, usage__output_tokens=1)])
    write(session.with_name("btw.jsonl"), [side()])

    report = ledger.read()

    assert (report.calls, report.partial) == (1, 1)
    assert ledger.call()["output_tokens"] == 1


@pytest.mark.parametrize("is_side", [True, False], ids=["of a subagent", "of the conversation"])
@pytest.mark.parametrize("names", [("a.jsonl", "b.jsonl"), ("b.jsonl", "a.jsonl")], ids=["piece first", "whole first"])
def test_a_piece_whose_whole_is_told_without_its_request_is_whole(
    ledger: Ledger, session: Path, names: tuple[str, str], is_side: bool
) -> None:
    piece = line(message__stop_reason=None, usage__output_tokens=1, isSidechain=is_side)
    for name, told in zip(names, (piece, line(None, isSidechain=is_side)), strict=True):
        write(session.with_name(name), [told])

    report = ledger.read()

    assert (report.calls, report.partial, list(ledger.calls())) == (1, 0, ["req_1"])
    assert ledger.call()["output_tokens"] == 50


@pytest.mark.parametrize("answer", ["msg_1", "msg_bdrk_01XFDUDYJgAACzvnptvVoYEL", "ada-lovelace", "chatcmpl-abc"])
def test_they_are_dropped_by_a_later_look_after_all_that_was_kept_is_lost(
    ledger: Ledger, session: Path, answer: str
) -> None:
    write(session, [line(answer=answer, usage__iterations=[OWN, ADVICE])])
    ledger.read()
    ledger.lose_state()
    session.unlink()
    write(session.with_name("btw.jsonl"), [side(answer=answer, usage__iterations=[OWN, ADVICE])])

    report = ledger.read()

    assert list(ledger.calls()) == ["req_1", "req_1:1"]
    assert report.skipped == {"told again under another id": 2}


def test_a_line_that_follows_later_belongs_to_the_call_that_is_open(ledger: Ledger, session: Path) -> None:
    write(session, [line(message__stop_reason=None, usage__output_tokens=1)])
    os.utime(session, (ledger.now, ledger.now))

    assert ledger.read(final=False).open == 1
    append(session, line(usage__output_tokens=159))
    os.utime(session, (ledger.now + 1, ledger.now + 1))
    ledger.read(final=False)

    assert ledger.call()["output_tokens"] == 159


# ── no calls ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_claude_code_says_itself_is_no_call(ledger: Ledger, session: Path) -> None:
    write(session, [line(message__model="<synthetic>"), {"type": "user", "message": {"content": SECRET}}])

    report = ledger.read()

    assert (ledger.calls(), report.skipped) == ({}, {"no call: what Claude Code itself says": 1})


@pytest.mark.parametrize("changes", [{"message__usage": [1]}, {"message__model": 5}, {"usage__cache_creation": "x"}])
def test_what_is_not_as_it_should_be_is_counted_or_left_out_and_costs_no_other_line(
    ledger: Ledger, session: Path, changes: Json
) -> None:
    write(session, [line(**changes), line("req_2", "msg_2")])

    report = ledger.read()

    assert "req_2" in ledger.calls()
    assert len(ledger.calls()) + report.skipped.total() == 2


LIMIT = 1_777_654_800  # 2026-05-01 17:00 UTC


@pytest.mark.parametrize(
    ("text", "changes", "error", "resets"),
    [
        (f"Claude AI usage limit reached|{LIMIT}", {}, "rate_limit", "2026-05-01T17:00:00+00:00"),
        ("API Error: 529 Overloaded.", {}, "529", None),
        ("API Error (500 {})", {}, "500", None),
        ("You've hit your limit", {"error": "rate_limit"}, "rate_limit", None),
        ("API Error", {"apiErrorStatus": 401}, "401", None),
        ("API Error: Connection error.", {}, "unknown", None),
    ],
)
def test_a_call_that_failed_tells_the_type_of_its_error_and_when_a_limit_ends(
    ledger: Ledger, session: Path, text: str, changes: Json, error: str, resets: str | None
) -> None:
    said = {"message__model": "<synthetic>", "message__content": [{"type": "text", "text": text}]}
    write(session, [line("req_5", "u-5", isApiErrorMessage=True, **said, **changes)])

    ledger.read()

    (failed,) = ledger.events("provider.call.failed")
    assert (failed.id, failed.data["error_type"], failed.data["attributes"].get("resets_at")) == (
        "req_5",
        error,
        resets,
    )
    assert ledger.calls() == {}


# ── tools ───────────────────────────────────────────────────────────────────────────────────────────────────────


def use(id: str = "toolu_1", name: str = "Bash") -> Json:
    return {"type": "tool_use", "id": id, "name": name, "input": {"command": SECRET}}


def outcome(id: str = "toolu_1", **changes: Any) -> Json:
    content = {"type": "tool_result", "tool_use_id": id, "content": SECRET, **changes}
    return {
        "type": "user",
        "sessionId": "s1",
        "cwd": "/srv/secret-customer/shop",
        "timestamp": "2026-05-01T10:00:07Z",
        "message": {"role": "user", "content": [content]},
    }


@pytest.mark.parametrize(
    ("changes", "became"),
    [
        ({}, "tool.call.completed"),
        ({"is_error": False}, "tool.call.completed"),
        ({"is_error": True}, "tool.call.failed"),
        ({"is_error": True, "content": [{"type": "text", "text": "Exit code 1"}]}, "tool.call.failed"),
        ({"is_error": True, "content": "The user doesn't want to proceed with this tool use."}, "tool.call.rejected"),
    ],
)
def test_what_became_of_a_tool_is_told_by_its_result(ledger: Ledger, session: Path, changes: Json, became: str) -> None:
    write(session, [line(message__content=[use()]), outcome(**changes)])

    ledger.read()

    (event,) = ledger.events("tool.call.completed", "tool.call.failed", "tool.call.rejected")
    assert (event.type, event.id, event.occurred_at.second) == (became, "toolu_1", 7)
    assert (event.data["tool"], event.data["conversation_id"]) == ("Bash", "s1")
    assert event.data["attributes"] == {"project": "shop", "machine": "laptop"}


def test_the_name_of_a_tool_is_remembered_until_the_next_look(ledger: Ledger, session: Path) -> None:
    write(session, [line(message__content=[use(), use("toolu_2", "Read")])])
    ledger.read(final=False)
    append(session, outcome("toolu_2"))
    ledger.read(final=False)

    assert [event.data["tool"] for event in ledger.events("tool.call.completed")] == ["Read"]


def test_ids_of_tools_that_are_numbered_in_each_session_hold_the_session(ledger: Ledger, session: Path) -> None:
    write(session, [line(message__content=[use("call_1")]), outcome("call_1")])

    ledger.read()

    assert [event.id for event in ledger.events("tool.call.completed")] == ["s1:call_1"]


def test_nothing_that_was_said_or_done_is_stored_and_no_path(ledger: Ledger, session: Path) -> None:
    write(session, [line(message__content=[use()]), outcome(is_error=True)])

    ledger.read()

    stored = b"".join(ledger.analytics.store.log.scan(after=0, limit=100)["state"].to_pylist()).decode()
    assert SECRET not in stored
    assert "secret-customer" not in stored
    assert SECRET not in ledger.state.read_bytes().decode("latin-1")


# ── where they are ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name", ["projects/p/s1.jsonl", "projects/p/s1/chat.jsonl", "projects/p/s1/subagents/agent-1.jsonl"]
)
def test_sessions_are_found_wherever_versions_have_them(ledger: Ledger, name: str) -> None:
    write(ledger.folder / "claude" / name, [line()])

    ledger.read()

    assert list(ledger.calls()) == ["req_1"]


def test_both_homes_are_read_at_once(ledger: Ledger, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLAUDE_CONFIG_DIR")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
    for number, folder in enumerate([home / "xdg/claude", home / ".claude"]):
        write(folder / "projects/p/s1.jsonl", [line(f"req_{number}", f"msg_{number}")])

    ledger.read()

    assert list(ledger.calls()) == ["req_0", "req_1"]


def test_a_variable_names_several_homes(ledger: Ledger, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [home / "one", home / "two"]
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", f"{folders[0]}, {folders[1]}")
    write(home / ".claude/projects/p/s1.jsonl", [line("req_no", "msg_no")])
    for number, folder in enumerate(folders):
        write(folder / "projects/p/s1.jsonl", [line(f"req_{number}", f"msg_{number}")])

    ledger.read()

    assert list(ledger.calls()) == ["req_0", "req_1"]
