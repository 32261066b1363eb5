"""Spans: what each becomes, by whatever convention it was written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.errors import RefusedEvent
from analytics_es.events.event import EPOCH, admit
from analytics_es.ingest.otel.conventions import COMMON, EMITTERS
from analytics_es.ingest.otel.conventions.declaration import Name
from analytics_es.ingest.otel.conventions.texts import FIRST_CHUNK_EVENTS, NOT_FREE
from analytics_es.ingest.otel.plan import FREE_TEXT, MAX_ATTRIBUTES
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.ingest.otel.spans import Span, SpanEvent
from analytics_es.testing import NOON

END_US = (NOON - EPOCH).days * 86_400_000_000 + 12 * 3_600_000_000
SECRET = "what was said"
TRACE = "0af7651916cd43dd8448eb211c80319c"


def span(*, id: int = 1, parent: int | None = None, **changes: Any) -> Span:
    """Return a span of two seconds."""
    given = {"name": "a span", "trace_id": TRACE, "start_us": END_US - 2_000_000, "end_us": END_US}
    return Span(**{**given, "span_id": f"{id:016x}", "parent_id": f"{parent:016x}" if parent else "", **changes})


def chat(*, id: int = 1, parent: int | None = None, **attributes: Any) -> Span:
    """Return a chat by today's conventions; names are written with `__` for a dot, None leaves one out."""
    given = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
    }
    told = {**given, **{name.replace("__", "."): value for name, value in attributes.items()}}
    return span(id=id, parent=parent, attributes={name: value for name, value in told.items() if value is not None})


def of(attributes: dict[str, Any], **changes: Any) -> Span:
    return span(attributes=attributes, **changes)


def events(*spans: Span, content: bool = False) -> list[dict[str, Any]]:
    reader = Reader(content=content)
    reader.see(spans)
    return [event for each in spans for event in reader.events(each)]


def event(*spans: Span, **how: Any) -> dict[str, Any]:
    (found,) = events(*spans, **how)
    return found


def data(*spans: Span, **how: Any) -> dict[str, Any]:
    found: dict[str, Any] = event(*spans, **how)["data"]
    return found


def said(found: dict[str, Any]) -> str | None:
    """Return which fields of an event contradict one another."""
    contradiction: str | None = found["attributes"].get("analytics_es.contradiction")
    return contradiction


def types(*spans: Span) -> list[str]:
    return [each["event_type"] for each in events(*spans)]


def usage(*spans: Span) -> list[tuple[int | None, int | None]]:
    return [(each["data"].get("input_tokens"), each["data"].get("output_tokens")) for each in events(*spans)]


def test_a_chat_becomes_a_call_of_its_provider() -> None:
    assert event(chat()) == {
        "event_type": "provider.call.completed",
        "data": {
            "job_id": TRACE,
            "provider": "anthropic",
            "model": "claude-sonnet-4-5",
            "operation": "chat",
            "input_tokens": 100,
            "output_tokens": 20,
            "duration_ms": 2000,
            "attributes": {},
        },
        "occurred_at": NOON,
        "id": f"{TRACE}:0000000000000001",
        "source": "otel",
    }


# ── what a span is ──────────────────────────────────────────────────────────────────────────────────────────────


MODEL = {"gen_ai.request.model": "gpt-4o"}


@pytest.mark.parametrize(
    ("attributes", "activity", "field", "value"),
    [
        ({"gen_ai.operation.name": "chat"}, "provider.call", "operation", "chat"),
        ({"gen_ai.operation.name": "embeddings"}, "provider.call", "operation", "embeddings"),
        ({"gen_ai.operation.name": "of tomorrow", **MODEL}, "provider.call", "operation", "of tomorrow"),
        ({"gen_ai.system": "openai", **MODEL}, "provider.call", "provider", "openai"),
        ({"llm.request.type": "completion"}, "provider.call", "operation", "text_completion"),
        ({"openinference.span.kind": "LLM"}, "provider.call", "operation", "chat"),
        ({"openinference.span.kind": "EMBEDDING"}, "provider.call", "operation", "embeddings"),
        ({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "bash"}, "tool.call", "tool", "bash"),
        ({"openinference.span.kind": "TOOL", "tool.name": "bash"}, "tool.call", "tool", "bash"),
        ({"traceloop.span.kind": "tool", "traceloop.entity.name": "bash"}, "tool.call", "tool", "bash"),
        ({"openinference.span.kind": "TOOL"}, "tool.call", "tool", "a span"),
        ({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "fixer"}, "task", "task_type", "fixer"),
        ({"openinference.span.kind": "AGENT", "agent.name": "fixer"}, "task", "task_type", "fixer"),
        ({"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "rag"}, "job", "job_type", "rag"),
        ({"traceloop.span.kind": "workflow", "traceloop.entity.name": "rag"}, "job", "job_type", "rag"),
    ],
)
@pytest.mark.parametrize(("failed", "outcome"), [(False, "completed"), (True, "failed")])
def test_the_operation_or_kind_of_a_span_says_what_it_becomes(
    attributes: dict[str, Any], activity: str, field: str, value: str, failed: bool, outcome: str
) -> None:
    found = event(of(attributes, failed=failed))

    assert (f"{activity}.{outcome}", value) == (found["event_type"], found["data"][field])


@pytest.mark.parametrize(
    "attributes",
    [{}, {"http.request.method": "POST"}, {"openinference.span.kind": "CHAIN"}, {"gen_ai.operation.name": "plan"}],
)
def test_other_spans_give_nothing(attributes: dict[str, Any]) -> None:
    assert events(of(attributes)) == []


# ── names, old and new ──────────────────────────────────────────────────────────────────────────────────────────

ROWS = [row for emitter in COMMON for row in emitter.names]
IDS = ("user_id", "tenant_id", "conversation_id", "agent_id", "job_id", "task_id")


def told_by(*fields: str) -> list[tuple[str, str]]:
    return [(row.attribute, row.field) for row in ROWS if row.field in fields]


ALONE = told_by("user_id", "conversation_id", "agent_id", "input_tokens", "output_tokens")


@pytest.mark.parametrize(("name", "field"), ALONE)
def test_every_name_of_a_field_is_understood_and_not_repeated_as_an_attribute(name: str, field: str) -> None:
    found = data(of({"openinference.span.kind": "LLM", name: 7}))

    told = 7 if field.endswith("_tokens") else "7"
    assert (told, {"openinference.span.kind": "LLM"}) == (found[field], found["attributes"])


@pytest.mark.parametrize(("name", "field"), told_by("cache_read_tokens", "cache_creation_tokens", "reasoning_tokens"))
def test_every_name_of_a_part_is_understood(name: str, field: str) -> None:
    assert data(chat(**{name: 7}))[field] == 7


def test_todays_name_wins_over_yesterdays() -> None:
    assert data(chat(**{"gen_ai.system": "openai", "gen_ai.provider.name": "x_ai"}))["provider"] == "x_ai"


@pytest.mark.parametrize(
    ("told", "known"), [("OpenAI", "openai"), ("az.ai.openai", "azure.ai.openai"), ("xai", "x_ai")]
)
def test_providers_have_one_name_each(told: str, known: str) -> None:
    assert known == data(of({"gen_ai.system": told, **MODEL}))["provider"]


@pytest.mark.parametrize(
    ("attributes", "model"),
    [
        ({"gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2024-08-06"}, "gpt-4o-2024-08-06"),
        ({"gen_ai.system": "openai", "gen_ai.response.model": "gpt-4o-2024-08-06"}, "gpt-4o-2024-08-06"),
        (
            {"llm.model_name": "gpt-4o-2024-08-06", "llm.invocation_parameters": '{"model": "gpt-4o"}'},
            "gpt-4o-2024-08-06",
        ),
        ({"llm.invocation_parameters": '{"model": "gpt-4o"}'}, "gpt-4o"),
        ({"llm.model_name": "gpt-4o-2024-08-06", "llm.invocation_parameters": "{}"}, "gpt-4o-2024-08-06"),
        ({"llm.model_name": "gpt-4o-2024-08-06", "llm.invocation_parameters": "no JSON"}, "gpt-4o-2024-08-06"),
        ({"llm.model_name": "gpt-4o-2024-08-06", "llm.invocation_parameters": '{"model": 5}'}, "gpt-4o-2024-08-06"),
        ({}, None),
    ],
)
def test_the_model_is_the_one_that_answered_else_the_one_that_was_asked(attributes: dict[str, Any], model: str) -> None:
    assert model == data(of({"openinference.span.kind": "LLM", **attributes})).get("model")


@pytest.mark.parametrize(
    ("told", "tier"),
    [
        ({}, None),
        ({"openai.response.service_tier": "priority"}, "priority"),
        ({"gen_ai.openai.response.service_tier": "Flex", "gen_ai.openai.request.service_tier": "auto"}, "flex"),
        ({"openai.request.service_tier": "flex", "openai.response.service_tier": "default"}, "standard"),
        ({"gen_ai.openai.request.service_tier": "auto"}, "standard"),
        ({"openai.request.service_tier": "flex"}, "flex"),
        ({"analytics_es.service_tier": "scale", "openai.response.service_tier": "default"}, "scale"),
    ],
)
def test_the_tier_that_served_a_call_goes_before_the_one_that_was_asked_for(
    told: dict[str, Any], tier: str | None
) -> None:
    admitted = admit("provider.call.completed", data(chat(**told)), now=NOON)

    assert admitted.data.get("service_tier") == tier


@pytest.mark.parametrize(
    ("told", "attempt"),
    [
        ({}, None),
        *(({name: 2}, 3) for name, _ in told_by("resends")),
        ({"http.request.resend_count": "1"}, 2),
        ({"analytics_es.attempt": 4, "http.request.resend_count": 1}, 4),
    ],
)
def test_a_request_that_was_sent_again_is_a_further_attempt(told: dict[str, Any], attempt: int | None) -> None:
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}

    assert [attempt, attempt] == [data(chat(**told)).get("attempt"), data(of({**tool, **told})).get("attempt")]


def test_an_application_may_set_any_id_itself() -> None:
    own = {f"analytics_es.{name}": f"own {name}" for name in IDS}

    found = data(chat(**own, **{"user.id": "ada", "gen_ai.conversation.id": "c", "gen_ai.agent.id": "a"}))

    assert {name: f"own {name}" for name in IDS} == {name: found[name] for name in IDS}


def test_a_trace_is_a_job_and_an_agents_span_a_task() -> None:
    found = data(of({"gen_ai.operation.name": "invoke_agent"}))

    assert (found["job_id"], found["task_id"]) == (TRACE, f"{TRACE}:0000000000000001")


# ── tokens and cost ─────────────────────────────────────────────────────────────────────────────────────────────

READ, WRITTEN = "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_write.input_tokens"
REASONING, TOTAL = "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.total_tokens"


@pytest.mark.parametrize(
    ("attributes", "totals"),
    [
        pytest.param({}, (100, 20), id="no parts"),
        pytest.param({READ: 60, WRITTEN: 30, REASONING: 10}, (100, 20), id="included, as the conventions say"),
        pytest.param({READ: 100, WRITTEN: 30}, (230, 20), id="cached tokens above the input are apart from it"),
        pytest.param({REASONING: 21}, (100, 41), id="reasoning above the output is apart from it"),
        pytest.param({READ: 60, TOTAL: 180}, (160, 20), id="the grand total tells that cached tokens are apart"),
        pytest.param({READ: 60, TOTAL: 120}, (100, 20), id="the grand total tells that cached tokens are included"),
        pytest.param({REASONING: 10, TOTAL: 130}, (100, 30), id="the grand total tells that reasoning is apart"),
        pytest.param({READ: 60, REASONING: 10, TOTAL: 190}, (160, 30), id="the grand total tells that both are apart"),
        pytest.param({READ: 60, TOTAL: 999}, (100, 20), id="a grand total that no reading gives tells nothing"),
        pytest.param({READ: 150, REASONING: 10, TOTAL: 270}, (250, 20), id="what gives itself away and what does not"),
        pytest.param({READ: 0, WRITTEN: 0, TOTAL: 120}, (100, 20), id="zeros"),
        pytest.param({"gen_ai.usage.input_tokens": "100", READ: "150"}, (250, 20), id="numbers as text"),
        pytest.param({"gen_ai.usage.input_tokens": 100.0, READ: 150}, (250, 20), id="whole floats"),
    ],
)
def test_totals_of_tokens_include_their_parts(attributes: dict[str, Any], totals: tuple[int, int]) -> None:
    found = event(chat(**attributes))

    assert totals == (found["data"]["input_tokens"], found["data"]["output_tokens"])
    assert admit(now=NOON, **found)


def test_a_total_that_is_not_told_is_at_least_what_its_parts_are_and_that_is_said() -> None:
    found = data(chat(**{"gen_ai.usage.input_tokens": None, READ: 60}))

    assert (found["input_tokens"], found["cache_read_tokens"], said(found)) == (60, 60, "input_tokens")


@pytest.mark.parametrize("name", [name for name, _ in told_by("cost")])
def test_cost_is_in_dollars(name: str) -> None:
    found = data(chat(**{name: 0.00123}))

    assert (found["cost"], found["currency"]) == (0.00123, "USD")


def test_a_zero_that_was_reported_stays_a_zero() -> None:
    found = chat(**{"gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0})

    assert usage(found) == [(0, 0)]


# ── usage that several spans tell of ────────────────────────────────────────────────────────────────────────────

AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "fixer"}
USED = {"gen_ai.usage.input_tokens": 200, "gen_ai.usage.output_tokens": 40}


def in_any_order(*spans: Span) -> Sequence[Sequence[Span]]:
    return [spans, spans[::-1], (*spans[1:], spans[0])]


def test_an_agent_that_repeats_the_usage_of_its_calls_adds_nothing() -> None:
    agent = of({**AGENT, **USED})

    for spans in in_any_order(agent, chat(id=2, parent=1), chat(id=3, parent=1)):
        assert sorted(usage(*spans), key=lambda pair: pair[0] or 0) == [(None, None), (100, 20), (100, 20)]


def test_what_a_span_repeats_is_kept_as_attributes() -> None:
    agent, *_ = events(of({**AGENT, **USED}), chat(id=2, parent=1))

    assert {name: agent["data"]["attributes"][name] for name in USED} == USED


def test_a_call_around_a_call_is_a_step_of_work() -> None:
    framework = evolve(chat(id=1), name="ChatOpenAI")
    between = of({"http.request.method": "POST"}, id=2, parent=1)

    for spans in in_any_order(framework, between, chat(id=3, parent=2)):
        found = {each["id"][-1]: each for each in events(*spans)}
        assert (found["1"]["event_type"], found["1"]["data"]["task_type"]) == ("task.completed", "chat")
        assert (found["3"]["event_type"], found["3"]["data"]["input_tokens"]) == ("provider.call.completed", 100)


def test_a_call_that_failed_in_a_call_that_failed_is_one() -> None:
    inner = evolve(chat(id=2, parent=1, **dict.fromkeys(USED)), failed=True)

    assert types(evolve(chat(**dict.fromkeys(USED)), failed=True), inner) == ["task.failed", "provider.call.failed"]


def test_usage_that_only_the_outer_of_two_calls_tells_of_is_counted() -> None:
    inner = chat(id=2, parent=1, **dict.fromkeys(USED))

    assert usage(chat(), inner) == [(100, 20), (None, None)]


@pytest.mark.parametrize("attributes", [AGENT, {"openinference.span.kind": "CHAIN"}], ids=["agent", "chain"])
def test_usage_that_no_call_tells_of_is_a_call_of_its_own(attributes: dict[str, Any]) -> None:
    found = events(of({**attributes, **USED, "llm.model_name": "opus"}, service="shop"))[-1]

    assert (found["event_type"], found["id"]) == ("provider.call.completed", f"{TRACE}:0000000000000001:usage")
    assert {name: value for name, value in found["data"].items() if name not in ("operation", "agent_id")} == {
        "job_id": TRACE,
        "model": "opus",
        "input_tokens": 200,
        "output_tokens": 40,
        "attributes": {"service.name": "shop"},
    }


# ── how it went ─────────────────────────────────────────────────────────────────────────────────────────────────


def exception(kind: str) -> tuple[SpanEvent, ...]:
    return (SpanEvent("exception", END_US, {"exception.type": kind, "exception.message": SECRET}),)


@pytest.mark.parametrize(
    ("changes", "outcome", "error_type"),
    [
        ({}, "completed", None),
        ({"failed": True}, "failed", None),
        ({"attributes": {"gen_ai.system": "openai", "error.type": "timeout", **MODEL}}, "failed", "timeout"),
        ({"failed": True, "events": exception("openai.RateLimitError")}, "failed", "openai.RateLimitError"),
        ({"failed": True, "events": exception("")}, "failed", None),
        ({"events": exception("ValueError")}, "completed", None),
        ({"failed": True, "events": exception("asyncio.CancelledError")}, "cancelled", "asyncio.CancelledError"),
    ],
)
def test_errors_are_taken_over(changes: dict[str, Any], outcome: str, error_type: str | None) -> None:
    found = event(evolve(of({"gen_ai.system": "openai", **MODEL}), **changes))

    assert (f"provider.call.{outcome}", error_type) == (found["event_type"], found["data"].get("error_type"))


@pytest.mark.parametrize(
    "name", [row.attribute for row in ROWS if row.field == "time_to_first_chunk" and row.unit == "s"]
)
def test_time_to_first_chunk_comes_in_seconds(name: str) -> None:
    assert data(chat(**{name: 0.4125}))["time_to_first_chunk_ms"] == 412.5


@pytest.mark.parametrize("name", sorted(FIRST_CHUNK_EVENTS))
def test_the_event_of_the_first_chunk_tells_when_it_came(name: str) -> None:
    chunks = tuple(SpanEvent(name, END_US - 2_000_000 + after, {}) for after in (900_000, 250_000))

    assert data(evolve(chat(), events=chunks))["time_to_first_chunk_ms"] == 250


def test_a_span_that_ends_before_it_began_has_no_duration_and_says_so() -> None:
    found = data(evolve(chat(), start_us=END_US + 1500))

    assert (found.get("duration_ms"), found["attributes"]["otel.clock_set_back_ms"]) == (None, 1.5)


# ── attributes ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (True, True),
        (5, 5),
        (0.5, 0.5),
        ("", ""),
        ("text", "text"),
        (float("nan"), "nan"),
        (("a", "b"), '["a", "b"]'),
        (["ä", {"b": (1, b"\x00")}], '["ä", {"b": [1, "AA=="]}]'),
        (b"\x00\x01", "AAE="),
        ("x" * 300, "x" * 255 + "…"),
        ("nul\0", "nul\ufffd"),
        ("half \ud800", "half ?"),
    ],
)
def test_unknown_attributes_are_kept_flat_and_short(value: Any, kept: Any) -> None:
    found = event(chat(deployment=value))

    assert {"deployment": kept} == found["data"]["attributes"]
    assert admit(now=NOON, **found)


def test_attributes_beyond_the_limits_are_counted() -> None:
    many = {f"dimension.{number:03}": number for number in range(MAX_ATTRIBUTES + 5)}

    found = data(evolve(chat(**many, **{"n" * 129: 1, "nul\0": 1}), dropped=4))["attributes"]

    assert (len(found.keys() & many.keys()), found["otel.dropped_attributes"]) == (MAX_ATTRIBUTES, 5 + 2 + 4)


def test_names_that_cannot_be_stored_are_mended() -> None:
    found = event(evolve(of({"openinference.span.kind": "TOOL"}), name="x" * 2000 + "\0", service="\0", scope="\ud800"))

    kept = {"service.name": "\ufffd", "otel.scope.name": "?", "openinference.span.kind": "TOOL"}
    assert (256, kept) == (len(found["data"]["tool"]), found["data"]["attributes"])
    assert admit(now=NOON, **found)


def test_where_a_span_comes_from_is_kept() -> None:
    found = data(evolve(chat(parent=9), service="shop", scope="some.instrumentation"))["attributes"]

    assert found == {
        "service.name": "shop",
        "otel.scope.name": "some.instrumentation",
        "otel.parent_span_id": "0000000000000009",
    }


# ── what was said ───────────────────────────────────────────────────────────────────────────────────────────────


@given(
    st.sampled_from(sorted(FREE_TEXT)),
    st.sampled_from(["", ".0.content", ".x"]),
    st.sampled_from(["chat", "execute_tool"]),
)
def test_what_was_said_is_never_taken_over(name: str, below: str, operation: str) -> None:
    if name + below in NOT_FREE:
        return
    found = events(chat(**{"gen_ai.operation.name": operation, name + below: SECRET}))

    assert SECRET not in json.dumps(found, default=str)


@pytest.mark.parametrize(
    ("attributes", "field", "text"),
    [
        ({"gen_ai.input.messages": SECRET}, "prompt", SECRET),
        ({"gen_ai.prompt.0.content": SECRET, "gen_ai.prompt.name": "n"}, "prompt", f'{{"0.content": "{SECRET}"}}'),
        ({"llm.input_messages.0.message.content": SECRET}, "prompt", f'{{"0.message.content": "{SECRET}"}}'),
        ({"gen_ai.output.messages": [{"content": SECRET}]}, "completion", f'[{{"content": "{SECRET}"}}]'),
        ({"output.value": SECRET * 5000}, "completion", (SECRET * 5000)[:32_767] + "…"),
        ({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": SECRET}, "arguments", SECRET),
        ({"gen_ai.operation.name": "execute_tool", "output.value": SECRET}, "result", SECRET),
        ({"gen_ai.operation.name": "invoke_agent", "input.value": SECRET}, "prompt", SECRET),
    ],
)
def test_what_was_said_is_taken_over_where_it_is_asked_for(attributes: dict[str, Any], field: str, text: str) -> None:
    assert text == data(chat(**dict.fromkeys(USED), **attributes), content=True)[field]


COUNTS = st.none() | st.integers(-1, 50)


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_any_counts_give_totals_that_pass_the_door_unless_one_is_negative(
    taken: int | None,
    read: int | None,
    written: int | None,
    given: int | None,
    reasoning: int | None,
    total: int | None,
) -> None:
    parts = {READ: read, WRITTEN: written, REASONING: reasoning, TOTAL: total}
    totals = {"gen_ai.usage.input_tokens": taken, "gen_ai.usage.output_tokens": given}
    found = event(chat(**totals, **parts))

    tokens = [value for name, value in found["data"].items() if name.endswith("_tokens")]
    if min(tokens, default=0) >= 0:
        assert admit(now=NOON, **found)
    else:
        with pytest.raises(RefusedEvent):
            admit(now=NOON, **found)


# ── anything ────────────────────────────────────────────────────────────────────────────────────────────────────

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
EVERY_ROW: list[Name] = [row for emitter in (*EMITTERS, *COMMON) for row in emitter.names]
NAMES = st.sampled_from([row.attribute.removesuffix("*") for row in EVERY_ROW])


@given(st.dictionaries(NAMES | st.text(max_size=9), VALUES, max_size=9), st.booleans())
def test_any_attributes_give_events_that_pass_the_door_or_are_refused_there(
    attributes: dict[str, Any], content: bool
) -> None:
    for found in events(of({"gen_ai.system": "openai", **attributes}), content=content):
        try:
            assert found["event_type"] == admit(now=NOON, **found).type
        except RefusedEvent:
            continue


# ── the tool that a call was made for ───────────────────────────────────────────────────────────────────────────


def run_of(tool: str, *, id: int, parent: int | None = None, **attributes: Any) -> Span:
    told = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool, **attributes}
    return span(id=id, parent=parent, attributes=told)


def tools_of_calls(*spans: Span) -> list[str | None]:
    return [each["data"].get("tool") for each in events(*spans) if each["event_type"].startswith("provider.")]


def test_a_call_in_the_run_of_a_tool_is_made_for_it_however_deep_and_in_any_order() -> None:
    agent = span(id=2, parent=1, attributes={"gen_ai.operation.name": "invoke_agent"})

    assert tools_of_calls(chat(id=3, parent=2), agent, run_of("research", id=1)) == ["research"]
    assert tools_of_calls(run_of("research", id=1), agent, chat(id=3, parent=2)) == ["research"]


def test_of_tools_in_one_another_a_call_is_made_for_the_innermost() -> None:
    assert tools_of_calls(chat(id=3, parent=2), run_of("inner", id=2, parent=1), run_of("outer", id=1)) == ["inner"]


def test_a_call_beside_a_tool_is_made_for_none() -> None:
    assert tools_of_calls(run_of("research", id=2, parent=1), chat(id=3, parent=1)) == [None]


def test_calls_that_only_a_tool_tells_of_are_made_for_it() -> None:
    assert tools_of_calls(run_of("research", id=1, **{"gen_ai.usage.input_tokens": 7})) == ["research"]


def test_what_an_application_says_a_call_is_made_for_wins() -> None:
    assert tools_of_calls(chat(id=2, parent=1, analytics_es__tool="told"), run_of("research", id=1)) == ["told"]


def test_a_tool_without_a_name_is_known_by_the_name_of_its_span() -> None:
    tool = span(id=1, attributes={"gen_ai.operation.name": "execute_tool"})

    assert tools_of_calls(chat(id=2, parent=1), tool) == ["a span"]


def test_a_tool_with_a_name_that_no_field_holds_does_not_cost_its_calls() -> None:
    (call,) = [each for each in events(chat(id=2, parent=1), run_of("x" * 2000, id=1)) if "model" in each["data"]]

    assert len(admit(now=NOON, **call).data["tool"]) == 1024


def test_live_a_tool_that_goes_on_is_not_known_and_one_that_ended_is() -> None:
    reader = Reader(limit=20_000)
    reader.see([chat(id=2, parent=1)])
    before = reader.events(chat(id=2, parent=1))
    reader.see([run_of("research", id=1)])
    reader.see([chat(id=3, parent=1)])

    assert [each["data"].get("tool") for each in before + reader.events(chat(id=3, parent=1))] == [None, "research"]
