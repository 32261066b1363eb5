"""Logfire's integrations of OpenAI, Anthropic and others: OpenTelemetry's names, and a placeholder of each span."""

from attrs import evolve

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
        Name("duration", "duration", unit="s"),  # of a streamed answer
    ),
    operations={"llm": "chat"},
    repeats={"logfire.span_type": ("pending_span",)},  # told when a span begins, as a child of it
    free_text=(
        *("request_data", "response_data", "logfire.msg", "logfire.json_schema", "logfire.scrubbed", "events"),
        *("exception.logfire.data", "logfire.logging_args", "all_messages", "raw_input", "response", "headers"),
    ),
    tells_not="the first chunk",
)
# Of a streamed call, and only there, a span tells nothing of the answer: a log beside it does, once there is one.
LOGFIRE_CLIENTS = evolve(
    LOGFIRE,
    name="logfire_clients",
    title="Logfire, clients of OpenAI and Anthropic",
    scopes=("logfire.openai", "logfire.anthropic"),
    telltales=(),
    marks=("gen_ai.response.id", "gen_ai.usage.input_tokens", "response_data", "logfire.level_num", "error.type"),
    systems=(),
)
LOGFIRE_STREAMED = evolve(
    LOGFIRE_CLIENTS,
    title="Logfire, the span of a streamed call",
    marks=(),
    operations={"chat": "", "text_completion": ""},
    tells_not="anything: its log does",
)
