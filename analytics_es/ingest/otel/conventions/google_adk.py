"""Google's Agent Development Kit: agents, calls of models, tools; before 2.5 with thoughts beside the output."""

from attrs import evolve

from analytics_es.ingest.otel.conventions.declaration import THOUGHTS, Emitter, Name

GOOGLE_ADK = Emitter(
    name="google_adk",
    title="Agent Development Kit (Google)",
    since="2.5",
    source="google/adk-python 2.13.0: src/google/adk/telemetry/_token_usage.py, telemetry/tracing.py",
    scopes=("gcp.vertex.agent",),
    spans=("call_llm",),
    telltales=("gcp.vertex.agent.*", "gen_ai.usage.experimental.*"),
    marks=("gen_ai.usage.reasoning.output_tokens",),
    systems=("gcp.vertex.agent",),
    names=(
        Name("reasoning_tokens", "gen_ai.usage.experimental.reasoning_tokens"),
        Name("cache_read_tokens", "gen_ai.usage.experimental.cached_tokens"),
        Name("conversation_id", "gcp.vertex.agent.session_id"),
    ),
    operations={
        "call_llm": "chat",
        "invocation": "",
        "send_data": "",
        "create_cache": "",
        "handle_context_caching": "",
    },
    free_text=(
        *("gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response", "gcp.vertex.agent.tool_call_args"),
        *("gcp.vertex.agent.tool_response", "gcp.vertex.agent.data", "adk.experimental.grounding"),
    ),
    tells_not="before 2.0: thoughts, and what was read from the cache",
)
GOOGLE_ADK_BEFORE_2_5 = evolve(
    GOOGLE_ADK,
    since="",
    until="2.5",
    source="google/adk-python 1.10.0 to 2.0.0: src/google/adk/telemetry/tracing.py",
    marks=(),
    beside=THOUGHTS,
)
