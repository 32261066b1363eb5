"""What an emitter calls things decides what they are: parts of tokens, costs, tiers, units of times, operations."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.errors import RefusedEvent
from analytics_es.events.event import admit
from analytics_es.events.fields import CONTRADICTION
from analytics_es.ingest.otel.conventions import COMMON, EMITTERS
from analytics_es.ingest.otel.reading import MAX_NAMES, PLANS, _plans, plan_of, read
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.ingest.otel.spans import Span
from analytics_es.testing import NOON

SECRET = "what was said"
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "claude-sonnet-4-5"}
OPENAI = {**CHAT, "gen_ai.request.model": "gpt-4o", "gen_ai.provider.name": "openai"}
INPUT, OUTPUT, TOTAL = (f"gen_ai.usage.{name}_tokens" for name in ("input", "output", "total"))
READ, WRITTEN = "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_write.input_tokens"
THOUGHTS = "gen_ai.usage.reasoning.output_tokens"
END_US = 1_772_452_802_500_000


def span(attributes: dict[str, Any], **changes: Any) -> Span:
    """Return a span of two and a half seconds."""
    times = {"start_us": END_US - 2_500_000, "end_us": END_US}
    return Span(
        **{"name": "a span", "trace_id": "7" * 32, "span_id": "1" * 16, **times, **changes}, attributes=attributes
    )


def events(attributes: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
    reader, told = Reader(), span(attributes, **changes)
    reader.see([told])
    return reader.events(told)


def data(attributes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    (event,) = events(attributes, **changes)
    admit(now=NOON, **event)
    told: dict[str, Any] = event["data"]
    return told


def tokens(attributes: dict[str, Any], **changes: Any) -> tuple[Any, ...]:
    """Return input, read and written of it, output, thoughts of it, and what is said."""
    told = data(attributes, **changes)
    fields = ("input_tokens", "cache_read_tokens", "cache_creation_tokens", "output_tokens", "reasoning_tokens")
    return (*(told.get(field) for field in fields), told["attributes"].get(CONTRADICTION))


# ── whether parts are inside ────────────────────────────────────────────────────────────────────────────────────

STRANDS_READ, STRANDS_WRITTEN = "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.cache_write_input_tokens"
ON_BEDROCK = {**CHAT, "gen_ai.request.model": "us.anthropic.claude-sonnet-4-20250514-v1:0"}


@pytest.mark.parametrize(
    ("attributes", "total", "told"),
    [
        pytest.param(ON_BEDROCK, 9550, (9500, 6000, 3000), id="Bedrock's input is without what was cached"),
        pytest.param(ON_BEDROCK, None, (9500, 6000, 3000), id="nor is it where no total tells"),
        pytest.param(CHAT, 550, (9500, 6000, 3000), id="Anthropic's total is without it, too"),
        pytest.param(OPENAI, None, (9500, 6000, 3000), id="parts above a total are beside it"),
    ],
)
def test_strands_counts_before_1_55_as_each_provider_does(
    attributes: dict[str, Any], total: int | None, told: tuple[int, ...]
) -> None:
    usage = {INPUT: 500, OUTPUT: 50, STRANDS_READ: 6000, STRANDS_WRITTEN: 3000}
    sum_ = {} if total is None else {TOTAL: total}

    assert tokens({**attributes, **usage, **sum_}, scope="strands.telemetry.tracer") == (*told, 50, None, None)


def test_strands_holds_cached_tokens_in_the_input_since_1_55() -> None:
    usage = {INPUT: 9500, OUTPUT: 50, TOTAL: 9550, STRANDS_READ: 600, STRANDS_WRITTEN: 300, READ: 600}
    today = {"gen_ai.usage.cache_creation.input_tokens": 300}

    assert tokens({**ON_BEDROCK, **usage, **today}) == (9500, 600, 300, 50, None, None)


def test_a_version_that_is_told_goes_before_what_marks_it() -> None:
    usage = {INPUT: 9000, OUTPUT: 50, READ: 600}
    mark = {"gen_ai.usage.cache_creation.input_tokens": 300}

    told = {**ON_BEDROCK, **usage, **mark}
    old, new = (tokens(told, scope="strands.telemetry.tracer", scope_version=v)[0] for v in ("1.40.0", "1.55.0"))
    assert (old, new) == (9900, 9000)


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        ({INPUT: 100, OUTPUT: 20, "gen_ai.usage.experimental.reasoning_tokens": 7}, (100, None, None, 27, 7, None)),
        ({INPUT: 100, OUTPUT: 20, THOUGHTS: 7}, (100, None, None, 20, 7, None)),
        ({INPUT: 100, OUTPUT: 20}, (100, None, None, 20, None, None)),
    ],
)
def test_thoughts_are_beside_the_output_of_adk_before_2_5(usage: dict[str, int], told: tuple[Any, ...]) -> None:
    adk = {"gen_ai.system": "gcp.vertex.agent", "gen_ai.request.model": "gemini-2.5-flash"}
    texts = {"gcp.vertex.agent.llm_request": SECRET, "gcp.vertex.agent.llm_response": SECRET}

    assert tokens({**adk, **usage, **texts}, name="call_llm") == told
    assert SECRET not in json.dumps(data({**adk, **usage, **texts}, name="call_llm"))


@pytest.mark.parametrize(
    ("details", "read", "written", "thoughts"),
    [
        ({"cache_read_tokens": 900, "cache_write_tokens": 50}, 900, 50, None),
        ({"cache_read_input_tokens": 900, "cache_creation_input_tokens": 50}, 900, 50, None),
        ({"cached_tokens": 900, "reasoning_tokens": 12}, 900, None, 12),
        ({"cached_content_tokens": 900, "thoughts_tokens": 12}, 900, None, 12),
    ],
)
def test_pydantic_ai_tells_parts_as_details(
    details: dict[str, int], read: int, written: int | None, thoughts: int | None
) -> None:
    named = {f"gen_ai.usage.details.{name}": count for name, count in details.items()}

    assert tokens({**CHAT, INPUT: 1000, OUTPUT: 20, **named}) == (1000, read, written, 20, thoughts, None)


def test_the_ai_sdk_counts_before_6_as_each_provider_does() -> None:
    made = {"ai.operationId": "ai.generateText.doGenerate", "ai.model.id": "claude-sonnet-4-5"}
    usage = {INPUT: 10, OUTPUT: 4, "ai.usage.inputTokens": 10, "ai.usage.outputTokens": 4, "ai.usage.totalTokens": 14}
    cached = {"ai.usage.cachedInputTokens": 30}
    more = {"ai.response.providerMetadata": json.dumps({"anthropic": {"cacheCreationInputTokens": 5}})}

    of_anthropic = tokens({**made, **usage, **cached, **more, "gen_ai.system": "anthropic.messages"})
    since_6 = tokens(
        {
            **made,
            INPUT: 45,
            OUTPUT: 4,
            "ai.usage.inputTokens": 45,
            "ai.usage.totalTokens": 49,
            "ai.usage.outputTokens": 4,
            "ai.usage.inputTokenDetails.cacheReadTokens": 30,
            "ai.usage.inputTokenDetails.cacheWriteTokens": 5,
            "gen_ai.system": "anthropic.messages",
        },
        scope="ai",
    )
    of_claude_at_google = tokens({**made, **usage, **cached, **more, "gen_ai.system": "vertex.anthropic.messages"})
    assert of_anthropic == of_claude_at_google == since_6 == (45, 30, 5, 4, None, None)
    below = {"ai.usage.cachedInputTokens": 5}  # nothing but who was asked tells that it is beside
    assert tokens({**made, **usage, **below, "gen_ai.system": "vertex.anthropic.messages"})[0] == 15
    assert tokens({**made, **usage, **below, "gen_ai.system": "google.vertex.chat"})[0] == 10


@pytest.mark.parametrize("scope", ["opentelemetry.instrumentation.botocore.bedrock-runtime", "", "a collector's"])
def test_bedrocks_input_by_botocore_is_without_what_was_cached(scope: str) -> None:
    usage = {INPUT: 5000, OUTPUT: 4, "gen_ai.usage.cache_read.input_tokens": 1000, "aws.request_id": "r1"}
    usage["gen_ai.usage.cache_creation.input_tokens"] = 500
    told = {**CHAT, **usage, "gen_ai.system": "aws.bedrock"}
    assert tokens(told, scope=scope) == (6500, 1000, 500, 4, None, None)
    assert tokens({**told, "gen_ai.system": "openai"}, scope=scope)[0] == 5000


@pytest.mark.parametrize(("provider", "taken"), [("Anthropic", 6000), ("AwsBedrock", 6000), ("OpenAI", 5000)])
def test_agno_counts_as_each_provider_does(provider: str, taken: int) -> None:
    count = "llm.token_count."
    usage = {f"{count}prompt": 5000, f"{count}completion": 4, f"{count}total": 5004}
    told = {**usage, f"{count}prompt_details.cache_read": 1000, "llm.provider": provider, "llm.model_name": "m"}
    told["openinference.span.kind"] = "LLM"
    assert tokens(told, scope="openinference.instrumentation.agno") == (taken, 1000, None, 4, None, None)


@pytest.mark.parametrize(("whole", "said"), [(165, None), (170, "input_tokens")])
def test_a_total_told_with_its_parts_and_without_them_is_no_contradiction(whole: int, said: str | None) -> None:
    model = "us.anthropic.claude-sonnet-4-20250514-v1:0"
    told = {"gen_ai.operation.name": "chat", "gen_ai.system": "strands-agents", "gen_ai.request.model": model}
    told |= {INPUT: 100, OUTPUT: 20, "gen_ai.usage.total_tokens": 185, "llm.token_count.prompt": whole}
    told |= {"gen_ai.usage.cache_read_input_tokens": 50, "gen_ai.usage.cache_write_input_tokens": 15}
    assert tokens(told, scope="strands.telemetry.tracer") == (165, 50, 15, 20, None, said)
    assert tokens({**told, "gen_ai.usage.prompt_tokens": [1]}, scope="strands.telemetry.tracer")[5] == "input_tokens"


@pytest.mark.parametrize("names", [("prompt_tokens", "completion_tokens"), ("input_tokens", "output_tokens")])
@pytest.mark.parametrize("scope", ["Microsoft.SemanticKernel.Diagnostics", "Experimental.Microsoft.Extensions.AI", ""])
def test_dotnets_libraries_of_before_told_tokens_of_the_response(names: tuple[str, str], scope: str) -> None:
    usage = {f"gen_ai.response.{name}": count for name, count in zip(names, (16, 29), strict=True)}
    assert tokens({**OPENAI, **usage}, scope=scope) == (16, None, None, 29, None, None)


def test_the_calls_of_the_ai_sdk_are_told_from_what_is_around_them() -> None:
    outer = events(
        {"ai.operationId": "ai.generateText", "ai.usage.promptTokens": 7, "ai.model.id": "gpt-4o"}, scope="ai"
    )
    tool = events({"ai.operationId": "ai.toolCall", "ai.toolCall.name": "find", "ai.toolCall.args": SECRET}, scope="ai")

    assert [event["event_type"] for event in outer] == ["task.completed", "provider.call.completed"]
    assert [(event["event_type"], event["data"]["tool"]) for event in tool] == [("tool.call.completed", "find")]
    assert SECRET not in json.dumps(tool, default=str)


@pytest.mark.parametrize("usage", [{INPUT: 4000, TOTAL: 4600}, {INPUT: 90_000, TOTAL: 90_600}])
def test_openllmetry_counts_bedrock_without_what_was_cached_and_its_total_too(usage: dict[str, int]) -> None:
    cached = {READ: 35_000, "gen_ai.usage.cache_creation.input_tokens": 18_000}
    told = tokens({**ON_BEDROCK, OUTPUT: 600, **usage, **cached}, scope="opentelemetry.instrumentation.bedrock")

    assert told == (usage[INPUT] + 53_000, 35_000, 18_000, 600, None, None)


def test_claude_code_counts_without_a_prefix_and_without_what_was_cached() -> None:
    told = {
        "span.type": "llm_request",
        "gen_ai.system": "anthropic",
        "gen_ai.request.model": "claude-opus-4-5",
        "input_tokens": 3,
        "output_tokens": 40,
        "cache_read_tokens": 700,
        "cache_creation_tokens": 50,
    }

    assert tokens(told, name="claude_code.llm_request") == (753, 700, 50, 40, None, None)


# ── what contradicts itself is said ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        pytest.param({TOTAL: 999}, (100, None, None, 20, None, "total_tokens"), id="a total that nothing makes"),
        pytest.param({TOTAL: 0}, (100, None, None, 20, None, None), id="a zero is no total"),
        pytest.param({TOTAL: "many"}, (100, None, None, 20, None, "total_tokens"), id="a total that is no number"),
        pytest.param({READ: 60, TOTAL: 999}, (100, 60, None, 20, None, "total_tokens"), id="with parts"),
        pytest.param(
            {READ: 60, TOTAL: 180}, (160, 60, None, 20, None, None), id="a total decides where nothing is certain"
        ),
        pytest.param(
            {READ: 60, WRITTEN: 70, TOTAL: 190}, (170, 60, 70, 20, None, None), id="of two parts one is beside"
        ),
        pytest.param(
            {INPUT: 90, "gen_ai.usage.prompt_tokens": 91}, (90, None, None, 20, None, "input_tokens"), id="aliases"
        ),
        pytest.param(
            {INPUT: 0, "gen_ai.usage.prompt_tokens": 91}, (91, None, None, 20, None, None), id="a zero beside"
        ),
        pytest.param({OUTPUT: None, THOUGHTS: 9}, (100, None, None, 9, 9, "output_tokens"), id="thoughts alone"),
        pytest.param({OUTPUT: None, TOTAL: 130}, (100, None, None, 30, None, None), id="a total makes the rest plain"),
    ],
)
def test_what_is_told_is_checked_by_what_is_told_besides(usage: dict[str, Any], told: tuple[Any, ...]) -> None:
    merged = {**OPENAI, INPUT: 100, OUTPUT: 20, **usage}

    assert tokens({name: count for name, count in merged.items() if count is not None}) == told


def test_a_total_that_fits_another_reading_than_the_declared_one_decides_and_is_said() -> None:
    adk = {"gen_ai.system": "gcp.vertex.agent", "gen_ai.request.model": "gemini-2.5-flash", TOTAL: 120}
    usage = {INPUT: 100, OUTPUT: 20, "gen_ai.usage.experimental.reasoning_tokens": 7}

    assert tokens({**adk, **usage}, name="call_llm") == (100, None, None, 20, 7, "total_tokens")


def test_a_part_above_its_total_is_said_where_it_is_certain_that_it_lies_within() -> None:
    certain = {**CHAT, INPUT: 100, OUTPUT: 20, "gen_ai.usage.details.cache_read_tokens": 900}

    assert tokens(certain) == (1000, 900, None, 20, None, "cache_read_tokens")


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("gen_ai.usage.audio.input_tokens", "input_audio_tokens"),
        ("gen_ai.usage.image.output_tokens", "output_image_tokens"),
        ("gen_ai.usage.audio.cache_read.input_tokens", "cache_read_audio_tokens"),
        ("gen_ai.usage.cache_creation.ephemeral_1h_input_tokens", "cache_creation_1h_tokens"),
    ],
)
def test_what_has_a_price_of_its_own_is_taken_within_its_total_and_else_left_as_it_is(name: str, field: str) -> None:
    parts = {READ: 30, WRITTEN: 30, "gen_ai.usage.audio.input_tokens": 30, name: 20}
    usage = {**OPENAI, INPUT: 100, OUTPUT: 50, **parts}

    within, above = data(usage), data({**usage, name: 5000})
    assert (within[field], within["attributes"].get(CONTRADICTION)) == (20, None)
    assert (above.get(field), above["attributes"][CONTRADICTION], above["attributes"][name]) == (None, field, 5000)


def test_writes_for_an_hour_and_for_minutes_make_all_writes() -> None:
    kept = "gen_ai.usage.cache_creation.ephemeral_{}_input_tokens"
    told = data({**CHAT, INPUT: 1000, OUTPUT: 1, kept.format("1h"): 60, kept.format("5m"): 40})

    assert (told["cache_creation_tokens"], told["cache_creation_1h_tokens"]) == (100, 60)


COUNT = st.none() | st.integers(0, 60)
PARTS = ("cache_read_tokens", "cache_creation_tokens"), ("reasoning_tokens",)
NAMES_OF_COUNTS = sorted(
    {
        row.attribute
        for emitter in (*EMITTERS, *COMMON)
        for row in emitter.names
        if row.field.endswith("_tokens") and not row.inside
    }
)
SCOPES = st.sampled_from(sorted({scope.replace("*", "x") for emitter in EMITTERS for scope in emitter.scopes} | {""}))


@given(
    st.dictionaries(st.sampled_from(NAMES_OF_COUNTS), COUNT, max_size=7),
    SCOPES,
    st.sampled_from(["openai", "anthropic"]),
)
def test_whatever_is_told_totals_hold_their_parts(usage: dict[str, int | None], scope: str, provider: str) -> None:
    for event in events({**CHAT, "gen_ai.provider.name": provider, **usage}, scope=scope):
        told = admit(now=NOON, **event).data
        for total, parts in zip(("input_tokens", "output_tokens"), PARTS, strict=True):
            assert told.get(total, 0) >= sum(told.get(part, 0) for part in parts)


# ── costs, tiers, times ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("told", "cost", "currency"),
    [
        ({"gen_ai.cost.total_cost": 0.0042}, "0.0042", "USD"),
        ({"operation.cost": 0.001}, "0.001", "USD"),
        ({"gen_ai.usage.total_cost": "0.002"}, "0.002", "USD"),
        ({"gen_ai.usage.cost": 0.5, "gen_ai.usage.cost_currency": "eur"}, "0.5", "EUR"),
        ({"llm.cost.prompt": 0.1, "llm.cost.completion": 0.2}, "0.3", "USD"),
        ({"llm.cost.prompt": 0.1}, None, None),
    ],
)
def test_a_cost_is_taken_under_any_of_its_names_with_its_currency(
    told: dict[str, Any], cost: str | None, currency: str | None
) -> None:
    (event,) = events({**OPENAI, INPUT: 10, OUTPUT: 1, **told})
    admitted = admit(now=NOON, **event).data

    assert (admitted.get("cost"), admitted.get("currency")) == (cost, currency)


@pytest.mark.parametrize(
    "told",
    [
        {"openai.response.service_tier": "flex"},
        {"gen_ai.usage.service_tier": "flex"},
        {"llm.invocation_parameters": '{"service_tier": "flex"}'},
    ],
)
def test_a_tier_is_taken_under_any_of_its_names(told: dict[str, str]) -> None:
    assert data({**OPENAI, INPUT: 10, OUTPUT: 1, **told})["service_tier"] == "flex"


@pytest.mark.parametrize(
    ("told", "scope", "wait", "said"),
    [
        ({"gen_ai.server.time_to_first_token": 820}, "strands.telemetry.tracer", 820, None),
        ({"gen_ai.server.time_to_first_token": 820}, "", None, "time_to_first_chunk"),
        ({"gen_ai.server.time_to_first_token": 0.82}, "", 820, None),
        ({"gen_ai.server.time_to_first_token": "0.82"}, "", 820, None),
        ({"ai.response.msToFirstChunk": 820.5}, "ai", 820.5, None),
        ({"gen_ai.client.operation.time_to_first_chunk": 0.82}, "pydantic-ai", 820, None),
        ({"gen_ai.server.time_to_first_token": -1}, "", None, "time_to_first_chunk"),
        ({"gen_ai.server.time_to_first_token": "soon"}, "", None, None),
        ({"gen_ai.server.time_to_first_token": 2.5}, "", 2500, None),
    ],
)
def test_a_time_is_in_the_unit_of_its_name_and_lies_in_its_span(
    told: dict[str, Any], scope: str, wait: float | None, said: str | None
) -> None:
    call = data({**OPENAI, INPUT: 10, OUTPUT: 1, **told}, scope=scope)

    assert (call.get("time_to_first_chunk_ms"), call["attributes"].get(CONTRADICTION)) == (wait, said)


# ── operations ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("attributes", "tool"),
    [
        ({"gen_ai.operation.name": "retrieval", "gen_ai.data_source.id": "kb"}, "kb"),
        ({"gen_ai.operation.name": "retrieval"}, "a span"),
        ({"openinference.span.kind": "RETRIEVER", "retrieval.documents": SECRET}, "a span"),
        ({"gen_ai.operation.name": "search_memory", "gen_ai.provider.name": "mem0"}, "search_memory"),
        ({"gen_ai.operation.name": "create_memory", "gen_ai.request.model": "m"}, "create_memory"),
        ({"gen_ai.operation.name": "delete_memory_store"}, "delete_memory_store"),
    ],
)
def test_retrieval_and_memory_are_tools(attributes: dict[str, Any], tool: str) -> None:
    (event,) = events(attributes)

    assert (event["event_type"], event["data"]["tool"]) == ("tool.call.completed", tool)
    assert SECRET not in json.dumps(event, default=str)


def test_a_kind_says_what_an_operation_is_that_nobody_knows() -> None:
    told = {**OPENAI, "gen_ai.operation.name": "x", "gen_ai.tool.name": "find"}

    as_tool, as_call = (events({**told, "openinference.span.kind": kind})[0] for kind in ("TOOL", "LLM"))
    assert (as_tool["event_type"], as_tool["data"]["tool"]) == ("tool.call.completed", "find")
    assert (as_call["event_type"], as_call["data"]["operation"]) == ("provider.call.completed", "x")


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.operation.name": "create_agent", "gen_ai.request.model": "gpt-4o"},
        {"gen_ai.operation.name": "create_thread", "gen_ai.system": "az.ai.agents"},
        {"gen_ai.operation.name": "fetch_response", "gen_ai.response.model": "gpt-4o"},
        {"gen_ai.operation.name": "guardrail"},
        {"openinference.span.kind": "GUARDRAIL"},
        {"openinference.span.kind": "EVALUATOR"},
        {"gen_ai.operation.name": "of nobody", "gen_ai.provider.name": "openai"},
        {"gen_ai.system": "pinecone"},
        {"db.system": "chroma", "db.operation": "query"},
        {"input_tokens": 5, "name": "of a parser"},
    ],
)
def test_what_sets_up_or_judges_and_what_tells_no_model_is_no_call(attributes: dict[str, Any]) -> None:
    assert events(attributes) == []


@pytest.mark.parametrize("operation", ["retrieval", "guardrail", "of nobody"])
def test_tokens_that_such_a_span_tells_are_a_call_of_their_own(operation: str) -> None:
    told = events({"gen_ai.operation.name": operation, "gen_ai.request.model": "text-embedding-3-small", INPUT: 20})

    calls = [event["data"] for event in told if event["event_type"] == "provider.call.completed"]
    assert [(call["model"], call["input_tokens"]) for call in calls] == [("text-embedding-3-small", 20)]


# ── whose model ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_model_that_answered_is_the_model_and_what_was_asked_for_an_attribute() -> None:
    told = {**OPENAI, "gen_ai.provider.name": "azure.ai.openai", "gen_ai.request.model": "prod-chat"}
    call = data({**told, "gen_ai.response.model": "gpt-4o-2024-08-06", INPUT: 10, OUTPUT: 1})

    assert (call["model"], call["attributes"]["gen_ai.request.model"]) == ("gpt-4o-2024-08-06", "prod-chat")


@pytest.mark.parametrize("framework", ["strands-agents", "langchain", "vercel", "crewai"])
def test_a_framework_is_no_provider(framework: str) -> None:
    told = {**CHAT, "gen_ai.request.model": "gpt-4o", "gen_ai.system": framework, INPUT: 10, OUTPUT: 1}

    assert (data(told).get("provider"), data({**told, "gen_ai.provider.name": "openai"})["provider"]) == (
        None,
        "openai",
    )


# ── anything ────────────────────────────────────────────────────────────────────────────────────────────────────

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
ANY_NAME = st.sampled_from(
    sorted({row.attribute.replace("*", "x") for emitter in (*EMITTERS, *COMMON) for row in emitter.names})
)


@given(st.dictionaries(ANY_NAME | st.text(max_size=9), VALUES, max_size=12), SCOPES, st.text(max_size=6))
def test_reading_never_raises_and_gives_what_the_door_takes_or_refuses(
    attributes: dict[str, Any], scope: str, version: str
) -> None:
    for event in events(attributes, scope=scope, scope_version=version):
        try:
            admit(now=NOON, **event)
        except RefusedEvent:
            continue


def test_plans_are_kept_as_many_as_there_is_room_for() -> None:
    for number in range(PLANS + 10):
        plan_of(span({**CHAT, f"own.{number}": 1}))
    long = span({**CHAT, "x" * MAX_NAMES: 1})

    assert (len(_plans) <= PLANS, plan_of(long) is plan_of(long)) == (True, False)
    assert plan_of(span(CHAT)) is plan_of(span({**CHAT}))


def test_a_span_is_read_once() -> None:
    told = span(CHAT)

    assert read(told) is read(told)
