"""What emitters tell, read as each of them means it: names, totals and parts, costs, operations, whose model it was."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from analytics_es.events.event import EPOCH, admit
from analytics_es.ingest.otel.conventions import COMMON, EMITTERS
from analytics_es.ingest.otel.conventions.declaration import FIELDS, UNITS, Emitter
from analytics_es.ingest.otel.conventions.own import OWN
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.ingest.otel.spans import Span
from analytics_es.testing import NOON
from tests.emitters_table import PAGE, written

END_US = (NOON - EPOCH).days * 86_400_000_000 + 12 * 3_600_000_000
TRACE = "0af7651916cd43dd8448eb211c80319c"
ALL = (OWN, *EMITTERS, *COMMON)

Attributes = dict[str, Any]


def span(attributes: Attributes, *, id: int = 1, parent: int | None = None, **changes: Any) -> Span:
    """Return a span of two seconds."""
    given = {"name": "a span", "trace_id": TRACE, "start_us": END_US - 2_000_000, "end_us": END_US}
    around = f"{parent:016x}" if parent else ""
    return Span(**{**given, "span_id": f"{id:016x}", "parent_id": around, "attributes": attributes, **changes})


def events(*spans: Span) -> list[dict[str, Any]]:
    reader = Reader()
    reader.see(spans)
    return [event for one in spans for event in reader.events(one)]


def event(attributes: Attributes, **changes: Any) -> dict[str, Any]:
    (only,) = events(span(attributes, **changes))
    admit(**only, now=NOON)
    return only


def data(attributes: Attributes, **changes: Any) -> dict[str, Any]:
    told: dict[str, Any] = event(attributes, **changes)["data"]
    return told


def tokens(told: dict[str, Any]) -> dict[str, int]:
    """Return the counts of an event, by short names."""
    return {name.removesuffix("_tokens"): count for name, count in told.items() if name.endswith("_tokens")}


# ── the declarations themselves ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("emitter", ALL, ids=lambda emitter: f"{emitter.name} {emitter.since or emitter.until}".strip())
def test_a_declaration_names_its_source_and_known_fields(emitter: Emitter) -> None:
    assert emitter.source
    assert {name.field for name in emitter.names} <= FIELDS
    durations = [name for name in emitter.names if name.field in ("time_to_first_chunk", "duration")]
    assert all(name.unit in UNITS for name in durations)
    rows = [(name.field, name.attribute, name.inside) for name in emitter.names]
    assert len(set(rows)) == len(rows)
    assert len(set(emitter.free_text)) == len(emitter.free_text)


@pytest.mark.parametrize("emitter", EMITTERS, ids=lambda emitter: f"{emitter.name} {emitter.until}".strip())
def test_an_emitter_can_be_known_by_something(emitter: Emitter) -> None:
    assert emitter.scopes or emitter.spans or emitter.telltales


# ── LiteLLM ─────────────────────────────────────────────────────────────────────────────────────────────────────

LITELLM = {
    "llm.request.type": "acompletion",
    "gen_ai.system": "azure",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 100,
    "gen_ai.usage.total_tokens": 1100,
    "gen_ai.cost.input_cost": 0.0025,
    "gen_ai.cost.output_cost": 0.001,
    "gen_ai.cost.total_cost": 0.0042,
    "litellm.cache_hit": False,
    "metadata.usage_object": str(
        {
            "prompt_tokens": 1000,
            "completion_tokens": 100,
            "completion_tokens_details": {"reasoning_tokens": 40, "audio_tokens": None},
            "prompt_tokens_details": {"cached_tokens": 600},
            "cache_creation_input_tokens": 200,
        }
    ),
}
BY_LITELLM: Attributes = {"scope": "litellm", "name": "litellm_request"}


def test_litellm_tells_cost_and_what_was_cached_as_python_writes_it() -> None:
    told = data(LITELLM, **BY_LITELLM)
    assert (told["provider"], told["model"], told["operation"]) == ("azure", "gpt-4o-2024-08-06", "chat")
    assert tokens(told) == {"input": 1000, "cache_read": 600, "cache_creation": 200, "output": 100, "reasoning": 40}
    assert (Decimal(str(told["cost"])), told["currency"]) == (Decimal("0.0042"), "USD")


def test_litellm_of_today_tells_the_deployment_that_it_asked() -> None:
    told = data(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "aws.bedrock",
            "gen_ai.request.model": "smart",
            "litellm.provider.model": "bedrock/us.anthropic.claude-sonnet-4-20250514-v1:0",
            "gen_ai.response.model": "claude-sonnet-4-20250514",
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.output_tokens": 1,
            "litellm.cost.total": 0.5,
            "litellm.cost.input": 0.4,
        },
        scope="litellm",
    )
    assert (told["provider"], told["model"]) == ("aws.bedrock", "us.anthropic.claude-sonnet-4-20250514-v1:0")
    assert told["cost"] == 0.5


def test_litellm_of_before_tells_its_cost_among_hidden_parameters_alone() -> None:
    before = {name: value for name, value in LITELLM.items() if not name.startswith(("gen_ai.cost", "metadata"))}
    told = data({**before, "hidden_params": '{"response_cost": 0.0042, "api_base": "https://x"}'}, **BY_LITELLM)
    assert (told["cost"], "hidden_params" in told["attributes"]) == (0.0042, False)


def test_an_answer_from_litellms_cache_is_no_call_of_a_provider() -> None:
    assert events(span({**LITELLM, "litellm.cache_hit": True}, **BY_LITELLM)) == []


def test_the_raw_request_that_litellm_tells_beside_its_call_is_none() -> None:
    raw = span({"llm.azure.model": "gpt-4o", "llm.azure.messages": "[]"}, id=2, parent=1, name="raw_gen_ai_request")
    assert [one["event_type"] for one in events(span(LITELLM, **BY_LITELLM), raw)] == ["provider.call.completed"]


@pytest.mark.parametrize(
    ("call_type", "operation"),
    [
        ("completion", "chat"),
        ("aresponses", "chat"),
        ("anthropic_messages", "chat"),
        ("aembedding", "embeddings"),
        ("atext_completion", "text_completion"),
        ("rerank", "rerank"),
    ],
)
def test_litellms_words_for_a_call_are_operations(call_type: str, operation: str) -> None:
    assert data({**LITELLM, "llm.request.type": call_type}, **BY_LITELLM)["operation"] == operation


# ── LangSmith ───────────────────────────────────────────────────────────────────────────────────────────────────

LANGSMITH = {
    "langsmith.span.kind": "llm",
    "gen_ai.operation.name": "chat",
    "gen_ai.system": "openai",
    "langsmith.metadata.ls_provider": "azure",
    "langsmith.metadata.ls_model_name": "gpt-4o",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 100,
    "gen_ai.usage.total_tokens": 1100,
}


@pytest.mark.parametrize(
    "details",
    [
        {
            "gen_ai.usage.input_token_details": "{'cache_read': 600, 'cache_creation': 100}",
            "gen_ai.usage.output_token_details": "{'reasoning': 40}",
        },
        {
            "gen_ai.usage.input_token_details": '{"cache_read":600,"cache_creation":100}',
            "langsmith.usage_metadata": json.dumps(
                {
                    "input_tokens": 1000,
                    "input_token_details": {"cache_read": 600, "cache_creation": 100},
                    "output_token_details": {"reasoning": 40},
                }
            ),
        },
    ],
    ids=["python", "javascript"],
)
def test_langsmith_tells_parts_of_tokens_as_details(details: dict[str, str]) -> None:
    told = data({**LANGSMITH, **details}, scope="langsmith")
    assert tokens(told) == {"input": 1000, "cache_read": 600, "cache_creation": 100, "output": 100, "reasoning": 40}
    assert (told["provider"], told["model"]) == ("azure", "gpt-4o")  # and not as it guesses from the model's name


def test_langsmith_tells_what_is_cached_for_an_hour_apart_from_the_rest() -> None:
    details = {"cache_read": 600, "cache_creation": 0, "ephemeral_1h_input_tokens": 70, "ephemeral_5m_input_tokens": 30}
    told = data({**LANGSMITH, "gen_ai.usage.input_token_details": str(details)}, scope="langsmith")
    assert (told["cache_creation_tokens"], told["cache_creation_1h_tokens"]) == (100, 70)


@pytest.mark.parametrize("kind", ["chain", "prompt", "parser"])
def test_a_run_of_langsmith_that_asks_no_model_is_no_call(kind: str) -> None:
    told = {"langsmith.span.kind": kind, "gen_ai.operation.name": "chat", "gen_ai.system": "langchain"}
    assert events(span(told, scope="langsmith")) == []


def test_a_retriever_of_langsmith_is_a_tool_though_it_is_called_embeddings() -> None:
    told = {"langsmith.span.kind": "retriever", "gen_ai.operation.name": "embeddings", "gen_ai.system": "langchain"}
    assert event(told, scope="langsmith")["event_type"] == "tool.call.completed"


def test_langchain_is_no_provider() -> None:
    assert "provider" not in data({**LANGSMITH, "gen_ai.system": "langchain", "langsmith.metadata.ls_provider": ""})


# ── Langfuse ────────────────────────────────────────────────────────────────────────────────────────────────────


def by_langfuse(usage: dict[str, Any], **more: Any) -> Attributes:
    return {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "gpt-4o",
        "langfuse.observation.usage_details": json.dumps(usage),
        **more,
    }


@pytest.mark.parametrize(
    "usage",
    [
        # LangChain's, which the SDK takes apart
        {"input": 400, "input_cache_read": 600, "output": 60, "output_reasoning": 40, "total": 1100},
        # OpenAI's, which it hands on
        {
            "prompt_tokens": 1000,
            "completion_tokens": 100,
            "total_tokens": 1100,
            "prompt_tokens_details": {"cached_tokens": 600},
            "completion_tokens_details": {"reasoning_tokens": 40},
        },
        {
            "input_tokens": 1000,
            "output_tokens": 100,
            "total_tokens": 1100,
            "input_tokens_details": {"cached_tokens": 600},
            "output_tokens_details": {"reasoning_tokens": 40},
        },
    ],
)
def test_langfuse_tells_usage_in_the_words_of_whoever_counted_it(usage: dict[str, Any]) -> None:
    told = data(by_langfuse(usage), scope="langfuse-sdk")
    assert tokens(told) == {"input": 1000, "cache_read": 600, "output": 100, "reasoning": 40}
    assert "analytics_es.contradiction" not in told["attributes"]


def test_anthropics_usage_told_by_langfuse_is_without_what_was_cached() -> None:
    usage = {"input": 10, "output": 4, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 5}
    told = data(by_langfuse(usage), scope="langfuse-sdk")
    assert tokens(told) == {"input": 45, "cache_read": 30, "cache_creation": 5, "output": 4}


def test_langfuse_tells_costs_and_langchains_provider_as_json() -> None:
    more = {
        "langfuse.observation.cost_details": json.dumps({"input": 0.25, "output": 0.5, "total": 0.75}),
        "langfuse.observation.metadata.ls_provider": '"azure"',
    }
    told = data(by_langfuse({"input": 1, "output": 1}, **more), scope="langfuse-sdk")
    assert (told["cost"], told["provider"]) == (0.75, "azure")


@pytest.mark.parametrize(
    ("kind", "event_type"),
    [("tool", "tool.call"), ("agent", "task"), ("embedding", "provider.call"), ("retriever", "tool.call")],
)
def test_a_type_of_langfuses_observations_is_an_activity(kind: str, event_type: str) -> None:
    told = event({"langfuse.observation.type": kind, "langfuse.observation.model.name": "m"}, scope="langfuse-sdk")
    assert told["event_type"] == f"{event_type}.completed"


@pytest.mark.parametrize("kind", ["span", "chain", "event", "guardrail", "evaluator"])
def test_other_observations_of_langfuse_are_no_calls(kind: str) -> None:
    assert events(span({"langfuse.observation.type": kind}, scope="langfuse-sdk")) == []


# ── MLflow ──────────────────────────────────────────────────────────────────────────────────────────────────────

MLFLOW = {
    "mlflow.spanType": '"CHAT_MODEL"',
    "mlflow.llm.model": '"claude-sonnet-4-5"',
    "mlflow.llm.provider": '"anthropic"',
    "mlflow.chat.tokenUsage": json.dumps(
        {
            "input_tokens": 1000,
            "output_tokens": 100,
            "total_tokens": 1100,
            "cache_read_input_tokens": 600,
            "cache_creation_input_tokens": 200,
            "cache_creation_input_tokens_above_1hr": 150,
        }
    ),
    "mlflow.llm.cost": json.dumps({"input_cost": 0.25, "output_cost": 0.5, "total_cost": 0.75}),
}


def test_every_value_of_mlflow_is_json() -> None:
    told = data(MLFLOW, scope="mlflow.openai.autolog")
    assert (told["provider"], told["model"], told["operation"]) == ("anthropic", "claude-sonnet-4-5", "chat")
    assert tokens(told) == {
        "input": 1000,
        "cache_read": 600,
        "cache_creation": 200,
        "cache_creation_1h": 150,
        "output": 100,
    }
    assert told["cost"] == 0.75


@pytest.mark.parametrize("kind", ['"CHAIN"', '"PARSER"', '"UNKNOWN"', '"TASK"'])
def test_a_span_of_mlflow_that_asks_no_model_is_no_call(kind: str) -> None:
    assert events(span({"mlflow.spanType": kind, "mlflow.spanInputs": "{}"})) == []


def test_mlflows_mode_of_opentelemetry_may_write_its_own_types() -> None:
    assert events(span({"gen_ai.operation.name": "CHAIN", "mlflow.traceTag.a": "b"})) == []


# ── Logfire ─────────────────────────────────────────────────────────────────────────────────────────────────────

LOGFIRE = {
    "logfire.span_type": "span",
    "logfire.msg": "Chat Completion with 'gpt-4o'",
    "request_data": '{"model":"gpt-4o","messages":[]}',
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 100,
    "gen_ai.usage.raw": '{"prompt_tokens":1000,"completion_tokens_details":{"reasoning_tokens":40}}',
    "operation.cost": 0.001,
}


def test_logfire_tells_a_cost_and_the_raw_usage() -> None:
    told = data(LOGFIRE, scope="logfire.openai")
    assert (told["model"], told["cost"], told["currency"]) == ("gpt-4o-2024-08-06", 0.001, "USD")
    assert tokens(told) == {"input": 1000, "output": 100, "reasoning": 40}


def test_the_placeholder_that_logfire_sends_as_a_span_begins_is_no_call() -> None:
    pending = {name: LOGFIRE[name] for name in ("logfire.msg", "request_data", "gen_ai.request.model")}
    pending |= {"logfire.span_type": "pending_span", "logfire.pending_parent_id": "0" * 16}
    told = events(span(pending, id=2, parent=1, scope="logfire.openai"), span(LOGFIRE, scope="logfire.openai"))
    assert [one["id"] for one in told] == [f"{TRACE}:{1:016x}"]


# ── Microsoft ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("provider", "told_input", "input"), [("anthropic", 10, 45), ("openai", 45, 45), ("gcp.gemini", 45, 45)]
)
def test_the_agent_framework_counts_as_each_client_counts(provider: str, told_input: int, input: int) -> None:
    told = data(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": "m",
            "gen_ai.usage.input_tokens": told_input,
            "gen_ai.usage.output_tokens": 4,
            "gen_ai.usage.cache_read.input_tokens": 30,
            "gen_ai.usage.cache_creation.input_tokens": 5,
        },
        scope="agent_framework",
    )
    assert told["input_tokens"] == input


def test_the_framework_is_named_as_provider_of_an_agent_and_is_none() -> None:
    told = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "microsoft.agent_framework",
        "gen_ai.agent.name": "helper",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 4,
    }
    task, usage = events(span(told, scope="agent_framework"))
    assert (task["event_type"], usage["event_type"]) == ("task.completed", "provider.call.completed")
    assert "provider" not in usage["data"]


def test_semantic_kernels_words_are_operations() -> None:
    told = {"gen_ai.operation.name": "chat.completions", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o"}
    assert data(told, scope="semantic_kernel.utils.telemetry.model_diagnostics.decorators")["operation"] == "chat"
    loop = span({"sk.available_functions": "a,b"}, name="AutoFunctionInvocationLoop")
    assert events(loop) == []


# ── agents ──────────────────────────────────────────────────────────────────────────────────────────────────────

CLAUDE_CODE = {
    "span.type": "llm_request",
    "gen_ai.system": "anthropic",
    "gen_ai.request.model": "claude-opus-4-5",
    "model": "claude-opus-4-5",
    "input_tokens": 2,
    "output_tokens": 1200,
    "cache_read_tokens": 84562,
    "cache_creation_tokens": 7096,
    "ttft_ms": 820,
    "attempt": 1,
    "speed": "normal",
    "session.id": "s1",
    "query_source": "repl_main_thread",
}


def test_claude_codes_input_is_without_what_was_cached() -> None:
    told = data(CLAUDE_CODE, name="claude_code.llm_request")
    assert tokens(told) == {"input": 91_660, "cache_read": 84_562, "cache_creation": 7_096, "output": 1200}
    assert (told["provider"], told["model"], told["operation"]) == ("anthropic", "claude-opus-4-5", "chat")
    assert (told["time_to_first_chunk_ms"], told["attempt"], told["conversation_id"]) == (820, 1, "s1")
    assert "service_tier" not in told


def test_claude_codes_numbers_may_be_texts_and_its_fast_mode_has_a_price_of_its_own() -> None:
    told = data(
        {**CLAUDE_CODE, "input_tokens": "2", "output_tokens": "1200", "speed": "fast"}, name="claude_code.llm_request"
    )
    assert (told["input_tokens"], told["output_tokens"], told["service_tier"]) == (91_660, 1200, "fast")


def test_what_claude_code_tells_of_a_turn_is_a_task_around_calls_and_tools() -> None:
    interaction = span({"span.type": "interaction", "interaction.sequence": 1}, name="claude_code.interaction")
    call = span(CLAUDE_CODE, id=2, parent=1, name="claude_code.llm_request")
    tool = span({"span.type": "tool", "tool_name": "Bash"}, id=3, parent=1, name="claude_code.tool")
    parts = [
        span({"span.type": f"tool.{name}"}, id=number, parent=3, name=f"claude_code.tool.{name}")
        for number, name in ((4, "execution"), (5, "blocked_on_user"))
    ]
    told = events(interaction, call, tool, *parts)
    assert [one["event_type"] for one in told] == ["task.completed", "provider.call.completed", "tool.call.completed"]
    assert told[2]["data"]["tool"] == "Bash"


def test_codex_tells_turns_and_its_logs_what_they_used() -> None:
    turn = {
        "thread.id": "t1",
        "model": "gpt-5.4",
        "codex.turn.token_usage.input_tokens": 1000,
        "codex.turn.token_usage.non_cached_input_tokens": 400,
        "codex.turn.token_usage.output_tokens": 100,
    }
    answer = {
        "codex.request.reasoning_effort": "medium",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
        "codex.usage.total_tokens": 1100,
    }
    told = events(span(turn, name="session_task.turn", scope="codex_cli_rs"), span(answer, id=2, parent=1))
    assert [one["event_type"] for one in told] == ["task.completed"]
    assert told[0]["data"]["conversation_id"] == "t1"


def test_gemini_cli_tells_agents_and_its_logs_their_calls() -> None:
    common = {"gen_ai.agent.name": "gemini-cli", "gen_ai.conversation.id": "c1"}
    call = {
        "gen_ai.operation.name": "llm_call",
        "gen_ai.request.model": "gemini-2.5-pro",
        "gen_ai.usage.input_tokens": 9,
    }
    spans = [
        span({**common, "gen_ai.operation.name": "agent_call"}, scope="gemini-cli"),
        span({**common, **call}, id=2, parent=1, scope="gemini-cli"),
        span({**common, "gen_ai.operation.name": "user_prompt"}, id=3, scope="gemini-cli"),
    ]
    assert [one["event_type"] for one in events(*spans)] == ["task.completed"]


# ── others ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_crewai_tells_calls_agents_and_memory() -> None:
    call = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 600,
        "gen_ai.usage.reasoning_tokens": 40,
        "crewai.llm.call_id": "c1",
        "crewai.agent.role": "researcher",
    }
    told = data(call, scope="crewai", name="call llm")
    assert tokens(told) == {"input": 1000, "cache_read": 600, "output": 100, "reasoning": 40}
    assert told["agent_id"] == "researcher"
    assert (
        event({"crewai.memory.query": "q"}, scope="crewai", name="query memory")["event_type"] == "tool.call.completed"
    )
    assert events(span({"gen_ai.operation.name": "execute_task"}, scope="crewai", name="execute task")) == []


def test_haystack_tells_agents_and_tools_and_no_calls() -> None:
    agent = span({"haystack.agent.max_steps": 3}, name="haystack.agent.run")
    step = span({}, id=2, parent=1, name="haystack.agent.step.llm")
    tool = span({"haystack.tool.name": "search"}, id=3, parent=1, name="haystack.agent.step.tool")
    told = events(agent, step, tool)
    assert [one["event_type"] for one in told] == ["task.completed", "tool.call.completed"]
    assert told[1]["data"]["tool"] == "search"


def test_what_the_api_of_claude_tells_of_a_request_of_its_sdk_is_counted_once() -> None:
    usage = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.response.model": "claude-sonnet-4-5-20250929",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 600,
        "gen_ai.usage.cache_write.input_tokens": 200,
        "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": 150,
        "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": 50,
        "anthropic.response.service_tier": "priority",
    }
    sdk = span(usage, scope="com.anthropic.sdk.python", name="anthropic.messages.create")
    api = span(usage, id=2, parent=1, scope="com.anthropic.claude-platform", name="anthropic.messages.create")
    told = [one["data"] for one in events(sdk, api) if "input_tokens" in one["data"]]
    assert len(told) == 1
    assert tokens(told[0]) == {
        "input": 1000,
        "cache_read": 600,
        "cache_creation": 200,
        "cache_creation_1h": 150,
        "output": 100,
    }
    assert told[0]["service_tier"] == "priority"


def test_counting_tokens_is_no_call() -> None:
    counting = {"gen_ai.request.model": "claude-sonnet-4-5", "anthropic.message.count_tokens.input_tokens": 10}
    assert events(span(counting, scope="com.anthropic.sdk.python", name="anthropic.messages.count_tokens")) == []


def test_a_zero_is_no_cost_where_it_stands_for_what_is_not_known() -> None:
    told = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 9}
    assert "cost" not in data({**told, "gen_ai.usage.cost": 0}, scope="openlit.instrumentation.openai")
    assert "cost" not in data({**told, "gen_ai.usage.cost": 0.0}, scope="openlit.instrumentation.openai")
    assert data({**told, "gen_ai.usage.cost": 0}, scope="some.platform")["cost"] == 0


@pytest.mark.parametrize(("provider", "told_input"), [("anthropic", 10), ("openai", 45)])
def test_openlit_counts_as_each_provider_counts(provider: str, told_input: int) -> None:
    told = data(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": "m",
            "gen_ai.usage.input_tokens": told_input,
            "gen_ai.usage.output_tokens": 4,
            "gen_ai.usage.cache_read.input_tokens": 30,
            "gen_ai.usage.cache_creation.input_tokens": 5,
            "gen_ai.usage.cost": 0.5,
        },
        scope="openlit.instrumentation.anthropic",
    )
    assert (told["input_tokens"], told["cost"]) == (45, 0.5)


def test_the_guide_has_the_table_of_emitters_that_the_declarations_make() -> None:
    page = PAGE.read_text()
    assert written(page) == page, "python -m tests.emitters_table"
    assert all(emitter.title in page for emitter in ALL[1:])
