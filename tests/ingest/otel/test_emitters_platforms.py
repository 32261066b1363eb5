"""Platforms and gateways that tell of calls: names, totals and parts, costs, operations, as each of them means it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.ingest.otel.emitted import Attributes, data, event, events, span, tokens

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


def test_langfuses_attributes_on_a_span_of_another_leave_its_tokens_as_they_are() -> None:
    told = data(
        {
            "langfuse.observation.type": "generation",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 10,
            "gen_ai.usage.cache_read.input_tokens": 80,
            "gen_ai.usage.reasoning.output_tokens": 5,
        }
    )
    assert tokens(told) == {"input": 100, "cache_read": 80, "output": 10, "reasoning": 5}


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


# ── Sentry ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_sentry_writes_parts_of_tokens_behind_their_totals() -> None:
    told = data(
        {
            "gen_ai.operation.type": "ai_client",
            "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 1000,
            "gen_ai.usage.input_tokens.cached": 600,
            "gen_ai.usage.input_tokens.cache_write": 200,
            "gen_ai.usage.output_tokens": 100,
            "gen_ai.usage.output_tokens.reasoning": 40,
        }
    )
    assert tokens(told) == {"input": 1000, "cache_read": 600, "cache_creation": 200, "output": 100, "reasoning": 40}
    assert told["operation"] == "chat"
