"""What others call the fields of our vocabulary and our types: names of providers, gateways, tracers and SDKs.

Facts, from their public documentation; a name leads to what it is here, in words. Neither case counts nor what is
between words: `promptTokens` is `prompt_tokens`. Nothing is ever taken over by this table: what a total holds differs
between those who use the same name.
"""

from __future__ import annotations

import re

_APART = re.compile(r"[^a-z0-9]+")

INPUT, OUTPUT = "input_tokens", "output_tokens"
INCLUSIVE = f"{INPUT} (with what was read from a cache and written to it)"
READ, CREATED, REASONING = "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens"
BOTH = f"{INPUT} and {OUTPUT}"
MONEY = "cost, with currency"
DOLLARS = 'cost, with currency "USD"'
MILLISECONDS = "duration_ms (in milliseconds)"
FIRST_CHUNK = "time_to_first_chunk_ms (in milliseconds)"
TIME = "the argument occurred_at of record_event"
AT_TOP = f"{BOTH} at the top of data"

# Whose names they are → what each of theirs is here.
FIELDS: dict[str, dict[str, str]] = {
    "OpenAI": {
        "prompt_tokens": INPUT,
        "completion_tokens": OUTPUT,
        "total_tokens": BOTH,
        "cached_tokens": READ,
        "prompt_tokens_details": f"{READ}, input_audio_tokens",
        "completion_tokens_details": f"{REASONING}, output_audio_tokens",
        "input_tokens_details": READ,
        "output_tokens_details": REASONING,
        "usage": AT_TOP,
    },
    "Anthropic": {  # whose input_tokens leave out both parts
        "cache_read_input_tokens": f"{READ}, and add it to {INPUT}",
        "cache_creation_input_tokens": f"{CREATED}, and add it to {INPUT}",
        "ephemeral_1h_input_tokens": "cache_creation_1h_tokens",
        "ephemeral_5m_input_tokens": f"{CREATED}, and add it to {INPUT}",
        "web_search_requests": "searches",
        "server_tool_use": "searches",
        "thinking_tokens": REASONING,
    },
    "Google Gemini": {
        "promptTokenCount": INPUT,
        "candidatesTokenCount": f"{OUTPUT}, with thoughtsTokenCount added",
        "totalTokenCount": BOTH,
        "cachedContentTokenCount": READ,
        "thoughtsTokenCount": f"{REASONING}, and add it to {OUTPUT}",
        "toolUsePromptTokenCount": f"a part of {INPUT}",
        "usageMetadata": AT_TOP,
    },
    "Amazon Bedrock": {
        "inputTokens": INCLUSIVE,
        "outputTokens": OUTPUT,
        "totalTokens": BOTH,
        "cacheReadInputTokens": f"{READ}, and add it to {INPUT}",
        "cacheWriteInputTokens": f"{CREATED}, and add it to {INPUT}",
        "inputTokenCount": INPUT,
        "outputTokenCount": OUTPUT,
        "latencyMs": MILLISECONDS,
        "modelId": "model",
    },
    "Cohere": {"billed_units": AT_TOP, "search_units": "searches"},
    "Ollama": {
        "prompt_eval_count": INPUT,
        "eval_count": OUTPUT,
        "total_duration": f"{MILLISECONDS[:-1]}; it is in nanoseconds there)",
    },
    "LiteLLM": {
        "response_cost": DOLLARS,
        "spend": DOLLARS,
        "end_user": "user_id",
        "custom_llm_provider": "provider",
        "model_group": "model",
        "response_time": MILLISECONDS,
    },
    "LangChain": {
        "usage_metadata": AT_TOP,
        "token_usage": AT_TOP,
        "llm_output": AT_TOP,
        "input_token_details": f"{READ}, {CREATED}, input_audio_tokens",
        "output_token_details": f"{REASONING}, output_audio_tokens",
        "ls_provider": "provider",
        "ls_model_name": "model",
    },
    "OpenInference": {
        "llm.token_count.prompt": INPUT,
        "llm.token_count.completion": OUTPUT,
        "llm.token_count.total": BOTH,
        "llm.token_count.prompt_details.cache_read": READ,
        "llm.token_count.prompt_details.cache_write": CREATED,
        "llm.token_count.prompt_details.audio": "input_audio_tokens",
        "llm.token_count.completion_details.reasoning": REASONING,
        "llm.token_count.completion_details.audio": "output_audio_tokens",
        "llm.cost.total": DOLLARS,
        "llm.model_name": "model",
        "llm.provider": "provider",
        "llm.system": "provider",
        "session.id": "conversation_id",
        "user.id": "user_id",
        "tool.name": "tool",
    },
    "OpenTelemetry GenAI": {
        "gen_ai.usage.input_tokens": INPUT,
        "gen_ai.usage.output_tokens": OUTPUT,
        "gen_ai.usage.prompt_tokens": INPUT,  # deprecated
        "gen_ai.usage.completion_tokens": OUTPUT,  # deprecated
        "gen_ai.usage.total_tokens": BOTH,
        "gen_ai.usage.cache_read.input_tokens": READ,
        "gen_ai.usage.cache_creation.input_tokens": CREATED,
        "gen_ai.usage.cache_read_input_tokens": READ,
        "gen_ai.usage.cache_creation_input_tokens": CREATED,
        "gen_ai.usage.reasoning.output_tokens": REASONING,
        "gen_ai.usage.reasoning_tokens": REASONING,
        "gen_ai.usage.cost": DOLLARS,
        "gen_ai.request.model": "model",
        "gen_ai.response.model": "model",
        "gen_ai.provider.name": "provider",
        "gen_ai.system": "provider",  # deprecated
        "gen_ai.operation.name": "operation",
        "gen_ai.conversation.id": "conversation_id",
        "gen_ai.agent.id": "agent_id",
        "gen_ai.agent.name": "agent_id",
        "gen_ai.tool.name": "tool",
        "gen_ai.response.time_to_first_chunk": FIRST_CHUNK,
        "gen_ai.server.time_to_first_token": FIRST_CHUNK,
        "gen_ai.client.operation.duration": MILLISECONDS,
        "error.type": "error_type",
        "enduser.id": "user_id",
    },
    "Langfuse": {
        "usage_details": AT_TOP,
        "cost_details": MONEY,
        "calculatedTotalCost": DOLLARS,
        "totalCost": DOLLARS,
        "costUsd": DOLLARS,
        "latency": f"{MILLISECONDS[:-1]}; it is in seconds there)",
        "timeToFirstToken": FIRST_CHUNK,
        "sessionId": "conversation_id",
        "completionStartTime": FIRST_CHUNK,
    },
    "PostHog": {
        "$ai_input_tokens": INPUT,
        "$ai_output_tokens": OUTPUT,
        "$ai_cache_read_input_tokens": READ,
        "$ai_cache_creation_input_tokens": CREATED,
        "$ai_reasoning_tokens": REASONING,
        "$ai_total_cost_usd": DOLLARS,
        "$ai_latency": f"{MILLISECONDS[:-1]}; it is in seconds there)",
        "$ai_time_to_first_token": FIRST_CHUNK,
        "$ai_model": "model",
        "$ai_provider": "provider",
        "$ai_session_id": "conversation_id",
        "$ai_error": "error_type",
        "$ai_is_error": "status",
    },
    "Helicone": {
        "prompt_cache_read_tokens": READ,
        "prompt_cache_write_tokens": CREATED,
        "prompt_audio_tokens": "input_audio_tokens",
        "completion_audio_tokens": "output_audio_tokens",
        "delay_ms": MILLISECONDS,
        "time_to_first_token": FIRST_CHUNK,
    },
    "Vercel AI SDK": {
        "promptTokens": INPUT,
        "completionTokens": OUTPUT,
        "cachedInputTokens": READ,
        "reasoningTokens": REASONING,
        "cacheWriteTokens": CREATED,
        "ai.usage.promptTokens": INPUT,
        "ai.usage.completionTokens": OUTPUT,
        "ai.model.id": "model",
        "ai.model.provider": "provider",
        "ai.response.msToFirstChunk": FIRST_CHUNK,
        "ai.toolCall.name": "tool",
    },
    "the usual": {
        **dict.fromkeys(("tokens", "token_count", "num_tokens", "tokens_used"), BOTH),
        **dict.fromkeys(("tokens_in", "tokens_input", "num_input_tokens", "n_input_tokens", "tokens_prompt"), INPUT),
        **dict.fromkeys(("in_tokens", "prompt_token_count", "request_tokens", "input_token_count"), INPUT),
        **dict.fromkeys(("tokens_out", "tokens_output", "num_output_tokens", "n_output_tokens"), OUTPUT),
        **dict.fromkeys(("out_tokens", "completion_token_count", "response_tokens", "generated_tokens"), OUTPUT),
        **dict.fromkeys(("tokens_completion", "output_token_count"), OUTPUT),
        **dict.fromkeys(("cache_read", "cached_input_tokens", "cache_hit_tokens", "tokens_cached"), READ),
        **dict.fromkeys(("cache_write_tokens", "cache_creation", "cache_write", "cache_write_input_tokens"), CREATED),
        **dict.fromkeys(("cost_usd", "total_cost", "total_cost_usd", "usd", "price_usd", "usd_cost"), DOLLARS),
        **dict.fromkeys(("cost_in_usd", "cost_dollars", "amount_usd", "price", "cost_total"), DOLLARS),
        "cost_eur": 'cost, with currency "EUR"',
        **dict.fromkeys(("cost_cents", "cost_usd_cents"), f"{DOLLARS} (in dollars)"),
        **dict.fromkeys(("input_cost", "output_cost", "prompt_cost", "completion_cost"), "cost (of the whole call)"),
        **dict.fromkeys(
            ("latency_ms", "elapsed_ms", "response_time_ms", "took_ms", "time_ms", "runtime_ms"), MILLISECONDS
        ),
        **dict.fromkeys(("latency_seconds", "latency_s", "elapsed", "elapsed_seconds", "elapsed_time"), MILLISECONDS),
        **dict.fromkeys(("duration", "duration_s", "duration_sec", "duration_seconds"), MILLISECONDS),
        **dict.fromkeys(("duration_ns", "duration_millis", "execution_time", "execution_time_ms"), MILLISECONDS),
        **dict.fromkeys(("ttft", "ttft_ms", "time_to_first_token_ms", "first_token_ms"), FIRST_CHUNK),
        **dict.fromkeys(("user", "uid", "username", "user_name", "user_email", "customer_id", "actor_id"), "user_id"),
        **dict.fromkeys(("tenant", "org_id", "organization_id", "organisation_id", "workspace_id"), "tenant_id"),
        **dict.fromkeys(("account_id", "team_id", "org", "organization"), "tenant_id"),
        **dict.fromkeys(("agent", "agent_name", "assistant_id"), "agent_id"),
        **dict.fromkeys(("session", "session_id", "thread_id", "chat_id", "conversation"), "conversation_id"),
        **dict.fromkeys(("workflow_id", "pipeline_id"), "job_id"),
        **dict.fromkeys(("model_name", "model_id", "llm_model", "request_model"), "model"),
        **dict.fromkeys(("vendor", "llm_provider", "provider_name", "model_provider"), "provider"),
        **dict.fromkeys(("tool_name", "function_name", "tool_id"), "tool"),
        **dict.fromkeys(("error_code", "error_class", "exception", "exception_type", "error"), "error_type"),
        **dict.fromkeys(("success", "succeeded", "is_error", "result_status"), "status"),
        **dict.fromkeys(("retry", "retries", "retry_count", "attempt_number", "attempts"), "attempt (1 is the first)"),
        **dict.fromkeys(("web_searches", "search_count", "num_searches"), "searches"),
        **dict.fromkeys(("timestamp", "ts", "event_time", "time"), TIME),
        **dict.fromkeys(("tags", "labels", "metadata", "properties", "dimensions"), "attributes"),
    },
}

# Activities of others, which may be whole types too → the activity here. Words that may be a family of yours are none.
CALL, TOOL = "provider.call", "tool.call"
ACTIVITIES: dict[str, str] = {
    **dict.fromkeys(("llm.call", "llm.request", "llm.completion", "llm.generation", "llm.invocation"), CALL),
    **dict.fromkeys(("llm", "llm.chat", "llm.inference", "llm.api.call", "llm.response", "llm.usage"), CALL),
    **dict.fromkeys(("model.call", "model.request", "model.invocation", "model.completion", "model.inference"), CALL),
    **dict.fromkeys(("ai.call", "ai.request", "ai.completion", "ai.generation", "ai.generate"), CALL),
    **dict.fromkeys(("genai.call", "gen_ai.call", "gen_ai.request", "chat.completion", "openai.call"), CALL),
    **dict.fromkeys(("openai.request", "anthropic.call", "anthropic.request", "generate_content"), CALL),
    **dict.fromkeys(("function.call", "function_call", "mcp.tool.call", "agent.tool.call"), TOOL),
    "agent.run": "task",
    "workflow.run": "job",
}


def plain(name: str) -> str:
    """Return a name as it is compared: lower case, nothing between its words."""
    return _APART.sub("", name.lower())


BY_PLAIN_NAME: dict[str, str] = {plain(name): ours for names in FIELDS.values() for name, ours in names.items()}
