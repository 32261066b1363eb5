"""Sentry's conventions: parts of tokens behind a dot of their total, and costs that are called tokens."""

from analytics_es.ingest.otel.conventions.declaration import Emitter, Name

_IN, _OUT = "gen_ai.usage.input_tokens.", "gen_ai.usage.output_tokens."

SENTRY = Emitter(
    name="sentry",
    title="Sentry",
    source="getsentry/sentry-python: sentry-sdk 2.75.0 sentry_sdk/consts.py; "
    "getsentry/sentry-conventions: model/attributes/gen_ai, model/attributes/ai",
    scopes=("sentry.*",),
    telltales=("sentry.op", "sentry.origin", "gen_ai.cost.total_tokens", f"{_IN}*", f"{_OUT}*"),
    names=(
        Name("kind", "gen_ai.operation.type"),
        Name("cache_read_tokens", f"{_IN}cached"),
        Name("cache_creation_tokens", f"{_IN}cache_write"),
        Name("reasoning_tokens", f"{_OUT}reasoning"),
        Name("cost", "gen_ai.cost.total_tokens"),
        Name("cost", "ai.total_cost"),
        Name("input_cost", "gen_ai.cost.input_tokens"),
        Name("output_cost", "gen_ai.cost.output_tokens"),
        Name("time_to_first_chunk", "gen_ai.response.time_to_first_token", unit="s"),
    ),
    certain=False,  # integrations of some clients hand on what these count
    operations={
        "ai_client": "chat",
        "agent": "invoke_agent",
        "tool": "execute_tool",
        "responses": "chat",
        "handoff": "",
        "evaluate": "evaluation",
    },
    free_text=(
        *("gen_ai.request.messages", "gen_ai.response.text", "gen_ai.response.object", "gen_ai.response.tool_calls"),
        *("gen_ai.request.available_tools", "gen_ai.embeddings.input", "gen_ai.tool.input", "gen_ai.tool.output"),
        *("ai.input_messages", "ai.responses", "ai.texts", "ai.tool_calls", "ai.preamble", "sentry.description"),
    ),
    tells_not="how much of what was written to the cache lives for an hour",
)
