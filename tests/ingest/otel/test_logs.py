"""Log records of coding agents: which are calls and tools, what is in their totals, what is never stored."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService
from analytics_es.events.event import admit
from analytics_es.ingest.files import ImportedRow
from analytics_es.ingest.otel.agents.kinds import AGENTS
from analytics_es.ingest.otel.conventions.declaration import FIELDS
from analytics_es.ingest.otel.logs.reader import MOST_NAMES, OTHERS, LogReader
from analytics_es.ingest.otel.logs.record import LogRecord
from analytics_es.ingest.otel.otlp import read_logs, read_spans
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.ingest.strictness import agents as strict
from analytics_es.testing import NOON

REQUESTS = sorted((Path(__file__).parents[2] / "data" / "otlp-logs").glob("*.json"))
WHEN = "2026-11-20T10:00:00.123Z"
SECRET = "the secret of what was said"


def read(*records: LogRecord) -> list[dict[str, Any]]:
    return LogReader().events(records)


def claude(name: str = "api_request", **attributes: Any) -> LogRecord:
    told = {"event.name": name, "event.timestamp": WHEN, "event.sequence": 7, "session.id": "s1", "prompt.id": "p1"}
    return LogRecord(
        body=f"claude_code.{name}",
        scope="com.anthropic.claude_code.events",
        service="claude-code",
        attributes={**told, **{key.replace("__", "."): value for key, value in attributes.items()}},
    )


def codex(name: str = "codex.sse_event", **attributes: Any) -> LogRecord:
    told = {"event.name": name, "event.timestamp": WHEN, "conversation.id": "c1", "model": "gpt-5.4"}
    return LogRecord(
        event_name="event otel/src/events/session_telemetry.rs:1103",
        attributes={**told, **{key.replace("__", "."): value for key, value in attributes.items()}},
    )


def gemini(name: str = "gemini_cli.api_response", **attributes: Any) -> LogRecord:
    told = {"event.name": name, "event.timestamp": WHEN, "session.id": "s1", "prompt_id": "p1", "model": "gemini-3-pro"}
    return LogRecord(
        scope="gemini-cli",
        attributes={**told, **{key.replace("__", "."): value for key, value in attributes.items()}},
    )


ANSWERED = {"event__kind": "response.completed", "input_token_count": "1000", "output_token_count": "200"}


# ── as sent ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.stem)
def test_requests_as_agents_send_them_become_these_events(path: Path, snapshot: SnapshotAssertion) -> None:
    reader = LogReader()

    events = reader.events(row.record for row in read_logs(json.loads(path.read_text())) if row.record)

    assert snapshot == {"events": events, "read": reader.read, "ignored": dict(reader.ignored)}


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.stem)
def test_what_agents_send_passes_the_door_and_is_recorded_once(analytics: AnalyticsService, path: Path) -> None:
    events = read(*(row.record for row in read_logs(json.loads(path.read_text())) if row.record))

    first, again = analytics.record_events(events).unwrap(), analytics.record_events(events).unwrap()

    assert (first.recorded, first.duplicates) == (len(events), 0)
    assert (again.recorded, again.duplicates, again.differing) == (0, len(events), 0)


# ── tokens ──────────────────────────────────────────────────────────────────────────────────────────────────────


def usage(event: dict[str, Any]) -> dict[str, Any]:
    data = {name: value for name, value in event["data"].items() if name.endswith("_tokens")}
    said = event["data"]["attributes"].get("analytics_es.contradiction")
    return {**data, **({"said": said} if said else {})}


@pytest.mark.parametrize("as_told", [int, str, float])
def test_claude_codes_input_leaves_out_the_cache_and_ours_holds_it(as_told: Any) -> None:
    counts = {"input_tokens": 3, "output_tokens": 25, "cache_read_tokens": 17_241, "cache_creation_tokens": 16_935}

    (event,) = read(claude(**{name: as_told(count) for name, count in counts.items()}, cost_usd="0.1", request_id="r"))

    assert usage(event) == {**counts, "input_tokens": 3 + 17_241 + 16_935}


def test_codex_input_holds_the_cache_and_its_output_the_thoughts() -> None:
    told = codex(**ANSWERED, cached_token_count=800, reasoning_token_count=150, tool_token_count=1200)

    assert [usage(event) for event in read(told)] == [
        {"input_tokens": 1000, "output_tokens": 200, "cache_read_tokens": 800, "reasoning_tokens": 150}
    ]


def test_geminis_input_holds_the_cache_and_its_thoughts_and_tools_are_beside() -> None:
    told = gemini(
        input_token_count=100,
        output_token_count=20,
        cached_content_token_count=50,
        thoughts_token_count=7,
        tool_token_count=4,
        total_token_count=131,
    )

    assert [usage(event) for event in read(told)] == [
        {"input_tokens": 104, "output_tokens": 27, "cache_read_tokens": 50, "reasoning_tokens": 7}
    ]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            gemini(input_token_count=100, output_token_count=20, thoughts_token_count=7, total_token_count=120),
            {"input_tokens": 100, "output_tokens": 20, "reasoning_tokens": 7, "said": "total_tokens"},
        ),
        (
            gemini(input_token_count=100, output_token_count=20, total_token_count=999),
            {"input_tokens": 100, "output_tokens": 20, "said": "total_tokens"},
        ),
        (
            codex(**ANSWERED, cached_token_count=1500),
            {"input_tokens": 2500, "output_tokens": 200, "cache_read_tokens": 1500, "said": "cache_read_tokens"},
        ),
    ],
)
def test_figures_that_contradict_one_another_are_said(record: LogRecord, expected: dict[str, Any]) -> None:
    assert [usage(event) for event in read(record)] == [expected]


def test_zeros_alone_are_how_an_agent_writes_that_it_was_told_nothing() -> None:
    names = ("input", "output", "cached_content", "thoughts", "tool", "total")

    counts: dict[str, Any] = {f"{name}_token_count": 0 for name in names}
    (event,) = read(gemini(**counts))

    assert usage(event) == {}


# ── cost ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("told", "cost", "said"),
    [
        ({"cost_usd": 0.1162345}, "0.1162345", None),
        ({"cost_usd": "0.5", "cost_usd_micros": 500_000}, "0.5", None),
        ({"cost_usd_micros": "1500"}, "0.0015", None),
        ({"cost_usd": 0, "cost_usd_micros": 0}, None, None),
        ({"cost_usd": 0.5, "cost_usd_micros": 900_000}, "0.5", "cost"),
        ({}, None, None),
    ],
)
def test_claude_codes_cost_is_in_dollars_and_a_zero_is_none(told: Any, cost: str | None, said: str | None) -> None:
    (event,) = read(claude(input_tokens=5, output_tokens=1, **told))
    data = admit(now=NOON, **event).data

    assert (data.get("cost"), data.get("currency")) == (cost, cost and "USD")
    assert data["attributes"].get("analytics_es.contradiction") == said


# ── which records are calls and tools ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("record", "event_type", "fields"),
    [
        (claude(request_id="r", model="claude-opus-5"), "provider.call.completed", {"provider": "anthropic"}),
        (claude(model="us.anthropic.claude-opus-5-v1:0"), "provider.call.completed", {"provider": "aws.bedrock"}),
        (claude(model="claude-opus-5@20260301"), "provider.call.completed", {"provider": "gcp.vertex_ai"}),
        (claude(model="claude-opus-4-5[1m]"), "provider.call.completed", {"model": "claude-opus-4-5"}),
        (claude(model="my-gateways-model"), "provider.call.completed", {"provider": None}),
        (
            claude("api_error", status_code=529, attempt=11, error="x", duration_ms="90"),
            "provider.call.failed",
            {"error_type": "529", "attempt": 11, "duration_ms": 90},
        ),
        (claude("api_refusal", request_id="r"), "provider.refusal.reported", {"error_type": None}),
        (claude("tool_result", tool_name="Bash", success="true"), "tool.call.completed", {"tool": "Bash"}),
        (
            claude("tool_result", tool_name="Bash", success="false", error_type="ShellError"),
            "tool.call.failed",
            {"error_type": "ShellError"},
        ),
        (claude("tool_result", tool_name="Bash", success=False), "tool.call.failed", {}),
        (
            claude(
                "tool_result",
                tool_name="mcp_tool",
                success=True,
                tool_parameters='{"mcp_server_name": "github", "mcp_tool_name": "search"}',
            ),
            "tool.call.completed",
            {"tool": "mcp__github__search"},
        ),
        (claude("tool_decision", tool_name="Bash", decision="reject"), "tool.call.rejected", {"tool": "Bash"}),
        (claude("user_prompt", prompt_length=4), "conversation.message.sent", {"conversation_id": "s1"}),
        (codex(**ANSWERED), "provider.call.completed", {"provider": "openai", "conversation_id": "c1"}),
        (codex(**ANSWERED, model="gpt-oss:20b"), "provider.call.completed", {"provider": "ollama"}),
        (codex(event__kind="response.completed", error__message="broke off"), "provider.call.failed", {}),
        (
            codex("codex.api_request", http__response__status_code=429, attempt=2, duration_ms="7", error__message="x"),
            "provider.call.failed",
            {"error_type": "429", "duration_ms": 7},
        ),
        (codex("codex.tool_result", tool_name="shell", success="true"), "tool.call.completed", {"tool": "shell"}),
        (codex("codex.tool_result", tool_name="shell", success="false"), "tool.call.failed", {"tool": "shell"}),
        (gemini(auth_type="gemini-api-key"), "provider.call.completed", {"provider": "gcp.gemini"}),
        (gemini(auth_type="vertex-ai"), "provider.call.completed", {"provider": "gcp.vertex_ai"}),
        (
            gemini("gemini_cli.api_error", error__type="ApiError", status_code=500),
            "provider.call.failed",
            {"error_type": "ApiError"},
        ),
        (gemini("gemini_cli.tool_call", function_name="ls", success=True), "tool.call.completed", {"tool": "ls"}),
        (gemini("gemini_cli.tool_call", function_name="ls", success=False), "tool.call.failed", {"tool": "ls"}),
        (
            gemini("gemini_cli.tool_call", function_name="ls", success=False, decision="reject"),
            "tool.call.rejected",
            {"tool": "ls"},
        ),
    ],
)
def test_records_of_calls_and_tools_become_events(record: LogRecord, event_type: str, fields: dict[str, Any]) -> None:
    (event,) = read(record)

    assert event["event_type"] == event_type
    assert {name: event["data"].get(name) for name in fields} == fields
    assert event["source"] == event["data"]["agent_id"]
    assert admit(now=NOON, **event).type == event_type


@pytest.mark.parametrize(
    ("record", "name"),
    [
        (claude("hook_execution_start"), "claude_code.hook_execution_start"),
        (claude("tool_decision", decision="accept"), "claude_code.tool_decision"),
        (claude("api_request_body", body=SECRET), "claude_code.api_request_body"),
        (claude("assistant_response", response=SECRET), "claude_code.assistant_response"),
        (claude("subagent_completed", total_tokens=5000), "claude_code.subagent_completed"),
        (codex(event__kind="response.output_text.delta", duration_ms="5"), "codex.sse_event"),
        (codex(event__kind="response.completed", duration_ms="5"), "codex.sse_event"),
        (codex(event__kind="response.failed", error__message="x"), "codex.sse_event"),
        (codex("codex.api_request", http__response__status_code=200, attempt=1), "codex.api_request"),
        (codex("codex.api_request", endpoint="/models", error__message="x"), "codex.api_request"),
        (codex("codex.tool_decision", decision="denied"), "codex.tool_decision"),
        (gemini("gemini_cli.api_request", request_text=SECRET), "gemini_cli.api_request"),
        (
            gemini("gen_ai.client.inference.operation.details", gen_ai__usage__input_tokens=100),
            "gen_ai.client.inference.operation.details",
        ),
        (LogRecord(scope="my.app", body=SECRET), "my.app"),
        (LogRecord(service="shop", body=SECRET), "shop"),
        (LogRecord(body=SECRET), "(without a name)"),
        (LogRecord(event_name="user_prompt", scope="my.app"), "user_prompt"),
    ],
)
def test_everything_else_is_ignored_and_counted_by_name(record: LogRecord, name: str) -> None:
    reader = LogReader()

    assert (reader.events([record]), dict(reader.ignored)) == ([], {name: 1})


def test_the_names_of_what_is_ignored_are_bounded() -> None:
    reader = LogReader()
    reader.events(LogRecord(event_name=f"{number}{'x' * 500}") for number in range(MOST_NAMES + 5))

    assert (len(reader.ignored), reader.ignored[OTHERS], max(map(len, reader.ignored))) == (MOST_NAMES + 1, 5, 128)


# ── identity ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("record", "id"),
    [
        (claude(request_id="req_1"), "req_1"),
        (claude(), f"s1:7:{WHEN}"),
        (claude("api_refusal", request_id="req_1"), "req_1:refusal"),
        (claude("tool_result", tool_use_id="toolu_9", success="true"), "toolu_9"),
        (claude("tool_result", tool_use_id="call_0", success="true"), "s1:call_0"),
        (codex(**ANSWERED, response_id="resp_1"), "resp_1"),
        (codex(**ANSWERED, cached_token_count=5, reasoning_token_count=6), f"c1:{WHEN}:1000:5:200:6"),
        (codex("codex.tool_result", call_id="call_1", success="true"), "c1:call_1"),
        (gemini(), f"s1:p1:{WHEN}"),
    ],
)
def test_events_are_known_by_what_the_provider_or_the_agent_calls_them(record: LogRecord, id: str) -> None:
    assert [event["id"] for event in read(record)] == [id]


def test_a_record_without_an_id_is_known_by_what_it_says() -> None:
    one, same, other = (read(gemini("gemini_cli.tool_call", function_name=name))[0] for name in ("ls", "ls", "cat"))

    assert one["id"] == same["id"] != other["id"]


def test_it_happened_when_the_event_says_or_else_the_record() -> None:
    told, late = claude(), LogRecord(time_us=5_000_000, attributes={"event.name": "claude_code.api_request"})
    seen = LogRecord(observed_us=6_000_000, attributes={"event.name": "claude_code.api_request"})

    assert [event["occurred_at"] for event in read(told, late, seen)] == [
        datetime(2026, 11, 20, 10, 0, 0, 123000, tzinfo=UTC),
        datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC),
        datetime(1970, 1, 1, 0, 0, 6, tzinfo=UTC),
    ]


def a_span(name: str, **attributes: Any) -> dict[str, Any]:
    told = [{"key": key.replace("__", "."), "value": {"stringValue": str(value)}} for key, value in attributes.items()]
    span = {
        "traceId": "a" * 32,
        "spanId": f"{hash(name) % 16**15 + 1:016x}",
        "name": name,
        "startTimeUnixNano": "1795168799000000000",
        "endTimeUnixNano": "1795168800321000000",
        "attributes": told,
    }
    scoped = {"scope": {"name": "com.anthropic.claude_code.tracing"}, "spans": [span]}
    return {"resourceSpans": [{"scopeSpans": [scoped]}]}


@pytest.mark.parametrize("log_first", [True, False])
def test_a_call_that_claude_code_tells_by_span_and_log_is_one(analytics: AnalyticsService, log_first: bool) -> None:
    counts = {"input_tokens": 3, "output_tokens": 25, "cache_read_tokens": 17_241, "cache_creation_tokens": 16_935}
    call: dict[str, Any] = {"request_id": "req_1", "model": "claude-opus-4-5", **counts}
    tool = {"tool_use_id": "toolu_1", "tool_name": "Bash"}
    reader, spans = Reader(), list[Any]()
    for told in (
        a_span(
            "claude_code.llm_request", span__type="llm_request", session__id="s1", gen_ai__system="anthropic", **call
        ),
        a_span("claude_code.tool", span__type="tool", session__id="s1", **tool),
    ):
        spans += [row.span for row in read_spans(told) if row.span]
    reader.see(spans)
    from_spans = [event for span in spans for event in reader.events(span)]
    from_logs = read(claude(**call, cost_usd=0.2), claude("tool_result", success="true", **tool))
    importing = analytics.importing()

    for events in (from_logs, from_spans) if log_first else (from_spans, from_logs):
        importing.record(as_rows(events))
    analytics.catch_up()

    assert len(stored(analytics)) == 2
    assert [event["source"] for event in (*from_spans, *from_logs)] == ["claude-code"] * 4


def stored(analytics: AnalyticsService) -> list[str]:
    """Return the events that are stored, without what the service says itself."""
    table = analytics.store.log.scan(after=0, limit=1000)
    states = zip(table.column("type").to_pylist(), table.column("state").to_pylist(), strict=True)
    return [state.decode() for kind, state in states if not kind.startswith("analytics.")]


def as_rows(events: Iterable[dict[str, Any]]) -> list[ImportedRow]:
    return [ImportedRow(row=number, event=event, error=None) for number, event in enumerate(events, 1)]


# ── what is never stored ────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_that_was_said_or_done_and_no_name_is_stored(analytics: AnalyticsService) -> None:
    said = {name: f"{SECRET} {number}" for agent in AGENTS for number, name in enumerate(sorted(agent.free_text))}
    who = {name: f"ann.smith.{number}@example.com" for agent in AGENTS for number, name in enumerate(agent.persons)}
    more = {"input-json": SECRET, "gen_ai.input.messages": SECRET, "my_note": SECRET, "user.name": "Ann Smith"}
    records = [
        LogRecord(
            event_name=f"{agent.prefix}{name}",
            body=SECRET,
            time_us=1_795_168_800_000_000,
            resource={"service.name": agent.name, "user.email": "ann.smith@example.com", "host.name": "anns-laptop"},
            attributes={
                **said,
                **who,
                **more,
                "event.kind": "response.completed",
                "input_token_count": "5",
                "success": "true",
                "decision": "reject",
            },
        )
        for agent in AGENTS
        for name in agent.told
    ]

    events = read(*records)
    analytics.record_events(events).unwrap()

    assert len(events) == len(records)
    kept = "".join(stored(analytics))

    assert [text for text in (SECRET, "secret", "ann.smith", "Ann Smith", "anns-laptop") if text in kept] == []


def test_a_person_is_a_pseudonym_and_the_same_for_every_agent(analytics: AnalyticsService) -> None:
    email = {"user__email": "ann@example.com"}
    analytics.record_events(read(claude(**email), codex(**ANSWERED, **email), gemini(**email))).unwrap()

    users = {json.loads(state)["data"]["user_id"] for state in stored(analytics)}

    assert len(users) == 1
    assert "ann" not in users.pop()


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.lists(st.text(max_size=3))
NAMES = st.sampled_from(
    [
        *("cost_usd", "cost_usd_micros", "event.timestamp", "session.id", "success", "request_id", "tool_parameters"),
        *sorted({row.attribute for agent in AGENTS for several in agent.told.values() for row in several[-1].names}),
    ]
)


@given(
    st.sampled_from([agent.prefix + name for agent in AGENTS for name in agent.told]),
    st.dictionaries(NAMES, VALUES | st.dictionaries(st.text(max_size=3), VALUES, max_size=2), max_size=8),
    VALUES,
)
def test_whatever_a_record_holds_it_raises_nothing(name: str, attributes: dict[str, Any], body: Any) -> None:
    read(LogRecord(event_name=name, body=body, attributes=attributes, resource=attributes, time_us=1))


# ── calls that only a log tells of ──────────────────────────────────────────────────────────────────────────────

DETAILS = {
    "event.name": "gen_ai.client.inference.operation.details",
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-5.4",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
    "gen_ai.input.messages": SECRET,
}


def test_the_details_of_an_operation_are_a_call_where_there_is_no_span() -> None:
    (event,) = read(LogRecord(scope="opentelemetry.util.genai", attributes=DETAILS, time_us=1_795_168_800_000_000))

    assert (event["event_type"], event["source"]) == ("provider.call.completed", "otel")
    assert usage(event) == {"input_tokens": 100, "output_tokens": 20}
    assert not {"duration_ms", "job_id"} & event["data"].keys()
    assert SECRET not in str(event)


def test_the_details_of_an_operation_in_a_span_are_left_to_the_span() -> None:
    reader = LogReader()
    in_a_span = LogRecord(attributes=DETAILS, time_us=1, trace_id="a" * 32, span_id="b" * 16)

    assert (reader.events([in_a_span]), dict(reader.ignored)) == ([], {DETAILS["event.name"]: 1})


# ── declarations ────────────────────────────────────────────────────────────────────────────────────────────────


def test_declarations_name_fields_that_there_are_and_what_is_dropped_is_no_field() -> None:
    for agent in AGENTS:
        names = [*agent.names, *(row for several in agent.told.values() for told in several for row in told.names)]
        assert {row.field for row in names} <= FIELDS
        assert not {row.attribute for row in names} & {*agent.free_text, *agent.persons}
        assert agent.source and agent.tells_not


def test_ids_of_every_agent_are_strict() -> None:
    assert {agent.name for agent in AGENTS}.issubset(strict())


def test_the_guide_says_what_agents_do_not_tell() -> None:
    page = (Path(__file__).parents[3] / "docs" / "opentelemetry.md").read_text()

    assert [agent.title for agent in AGENTS if agent.tells_not not in page or f"`{agent.name}`" not in page] == []
