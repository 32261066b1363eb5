"""OpenLLMetry (Traceloop): OpenTelemetry's names of the time, and its own for workflows, kinds and associations."""

from analytics_es.ingest.otel.conventions.declaration import CACHED, Emitter, Name

OPENLLMETRY = Emitter(
    name="openllmetry",
    title="OpenLLMetry (Traceloop)",
    source="traceloop/openllmetry: opentelemetry-semantic-conventions-ai 0.5.1, opentelemetry/semconv_ai/__init__.py",
    telltales=("traceloop.*", "llm.request.type"),
    names=(
        Name("kind", "traceloop.span.kind"),
        Name("kind", "llm.request.type"),
        Name("cache_read_tokens", "gen_ai.usage.cache_read_input_tokens"),
        Name("cache_creation_tokens", "gen_ai.usage.cache_creation_input_tokens"),
        Name("reasoning_tokens", "gen_ai.usage.reasoning_tokens"),
        Name("reasoning_tokens", "llm.usage.reasoning_tokens"),
        Name("total_tokens", "llm.usage.total_tokens"),
        # Of its conventions of 2023, such as 0.0.20.
        Name("provider", "llm.vendor"),
        Name("request_model", "llm.request.model"),
        Name("response_model", "llm.response.model"),
        Name("input_tokens", "llm.usage.prompt_tokens"),
        Name("output_tokens", "llm.usage.completion_tokens"),
        Name("cost", "gen_ai.usage.cost"),
        Name("user_id", "gen_ai.user"),
        Name("user_id", "llm.user"),
        Name("user_id", "traceloop.association.properties.user_id"),
        Name("conversation_id", "traceloop.association.properties.session_id"),
        Name("tool", "traceloop.entity.name"),
        Name("task_type", "traceloop.entity.name"),
        Name("job_type", "traceloop.workflow.name"),
        Name("job_type", "traceloop.entity.name"),
    ),
    certain=False,
    operations={
        "chat": "chat",
        "completion": "text_completion",
        "embedding": "embeddings",
        "rerank": "rerank",
        "tool": "execute_tool",
        "agent": "invoke_agent",
        "task": "invoke_agent",
        "workflow": "invoke_workflow",
        "unknown": "",
    },
    free_text=(
        *("traceloop.entity.input", "traceloop.entity.output", "traceloop.prompt.template"),
        *("traceloop.prompt.template_variables", "llm.headers", "llm.request.functions", "llm.content"),
    ),
)
# Bedrock's input is without what was cached, and so is the grand total that is added up from it.
OPENLLMETRY_BEDROCK = Emitter(
    name="openllmetry_bedrock",
    title="OpenLLMetry's instrumentation of Bedrock",
    source="traceloop/openllmetry: opentelemetry-instrumentation-bedrock 0.62.4, span_utils.py, prompt_caching.py",
    scopes=("opentelemetry.instrumentation.bedrock",),
    names=(
        Name("cache_read_tokens", "gen_ai.usage.cache_read.input_tokens"),
        Name("cache_creation_tokens", "gen_ai.usage.cache_creation.input_tokens"),
    ),
    beside=CACHED,
    total_without=CACHED,
)
