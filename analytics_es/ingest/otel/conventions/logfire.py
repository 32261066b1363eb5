"""Logfire's integrations of OpenAI, Anthropic and others: OpenTelemetry's names, and a placeholder of each span."""

from analytics_es.ingest.otel.conventions.declaration import Emitter, Name

LOGFIRE = Emitter(
    name="logfire",
    title="Logfire",
    source="pydantic/logfire: logfire-sdk 5.4.0 logfire/_internal/integrations/llm_providers/, constants.py, tracer.py",
    scopes=("logfire", "logfire.*"),
    telltales=("logfire.span_type", "logfire.msg", "logfire.msg_template"),
    systems=("logfire",),
    names=(
        Name("request_model", "request_data", inside="model"),
        Name("cache_read_tokens", "gen_ai.usage.cache_read.input_tokens"),
        Name("cache_creation_tokens", "gen_ai.usage.cache_creation.input_tokens"),
        Name("cache_creation_1h_tokens", "gen_ai.usage.raw", inside="cache_creation.ephemeral_1h_input_tokens"),
        Name("reasoning_tokens", "gen_ai.usage.raw", inside="completion_tokens_details.reasoning_tokens"),
        Name("reasoning_tokens", "gen_ai.usage.raw", inside="output_tokens_details.reasoning_tokens"),
        Name("cost", "operation.cost"),
    ),
    operations={"llm": "chat"},
    repeats={"logfire.span_type": ("pending_span",)},  # told when a span begins, as a child of it
    free_text=(
        *("request_data", "response_data", "logfire.msg", "logfire.json_schema", "logfire.scrubbed", "events"),
        *("exception.logfire.data", "logfire.logging_args", "all_messages", "raw_input", "response", "headers"),
    ),
    tells_not="of a streamed call the tokens, which a second span tells, its log; the first chunk",
)
