"""Strands Agents: an agent, its cycles, calls of models and tools, under OpenTelemetry's names and some of its own."""

from analytics_es.ingest.otel.conventions.declaration import CACHED, Emitter, Name

STRANDS = Emitter(
    name="strands",
    title="Strands Agents",
    source="strands-agents/sdk-python: src/strands/telemetry/tracer.py",
    scopes=("strands.telemetry.tracer", "strands-agents"),
    telltales=("gen_ai.usage.cache_write_input_tokens",),
    systems=("strands-agents",),
    names=(
        Name("cache_read_tokens", "gen_ai.usage.cache_read_input_tokens"),
        Name("cache_creation_tokens", "gen_ai.usage.cache_write_input_tokens"),
        Name("time_to_first_chunk", "gen_ai.server.time_to_first_token", unit="ms"),
    ),
    beside_of={"aws.bedrock": CACHED, "anthropic": CACHED},
    certain=False,
)
