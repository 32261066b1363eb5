"""Frameworks of agents, agents and SDKs that tell of calls, as each of them means it."""

from __future__ import annotations

import pytest

from tests.ingest.otel.emitted import TRACE, data, event, events, span, tokens

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


@pytest.mark.parametrize("scope", ["gemini-cli", "", "a collector's"])
def test_gemini_cli_tells_agents_and_its_logs_their_calls(scope: str) -> None:
    common = {"gen_ai.agent.name": "gemini-cli", "gen_ai.conversation.id": "c1"}
    call = {
        "gen_ai.operation.name": "llm_call",
        "gen_ai.request.model": "gemini-2.5-pro",
        "gen_ai.usage.input_tokens": 9,
    }
    spans = [
        span({**common, "gen_ai.operation.name": "agent_call"}, scope=scope),
        span({**common, **call}, id=2, parent=1, scope=scope),
        span({**common, "gen_ai.operation.name": "user_prompt"}, id=3, scope=scope),
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
