"""Strands Agents: an agent, its cycles, calls of models and tools, under OpenTelemetry's names and some of its own."""

from attrs import evolve

from analytics_es.ingest.otel.conventions.declaration import CACHED, Emitter, Name

# Its tracer tells no version. Since 1.55 the input holds what was cached, and the names of today are written, too.
STRANDS = Emitter(
    name="strands",
    title="Strands Agents",
    since="1.55",
    source="strands-agents/sdk-python 1.62.0: src/strands/telemetry/tracer.py, telemetry/metrics.py",
    scopes=("strands.telemetry.tracer", "strands-agents"),
    telltales=("gen_ai.usage.cache_write_input_tokens", "event_loop.cycle_id", "event_loop.parent_cycle_id"),
    marks=("gen_ai.usage.cache_creation.input_tokens",),
    systems=("strands-agents",),
    names=(
        Name("cache_read_tokens", "gen_ai.usage.cache_read.input_tokens"),
        Name("cache_read_tokens", "gen_ai.usage.cache_read_input_tokens"),
        Name("cache_creation_tokens", "gen_ai.usage.cache_creation.input_tokens"),
        Name("cache_creation_tokens", "gen_ai.usage.cache_write_input_tokens"),
        Name("time_to_first_chunk", "gen_ai.server.time_to_first_token", unit="ms"),
    ),
    certain=False,  # 1.55 to 1.59 leave what was cached out of the input where Anthropic is called directly
    operations={
        "execute_event_loop_cycle": "",
        "invoke_swarm": "invoke_workflow",
        "invoke_graph": "invoke_workflow",
        "memory.search": "search_memory",
        "memory.add": "create_memory",
        "memory.inject": "",
        "memory.extract": "",
    },
    free_text=("system_prompt", "tool.result", "memory.query", "memory.content", "memory.results"),
    tells_not="the provider; whether 1.55 to 1.59 hold cached input in the input where Anthropic is called directly",
)
# Before, Bedrock's and Anthropic's input is without what was cached; only Bedrock's grand total holds it.
STRANDS_BEFORE_1_55 = evolve(
    STRANDS,
    since="",
    until="1.55",
    source="strands-agents/sdk-python 1.10.0 to 1.50.0: src/strands/telemetry/tracer.py, models/{bedrock,anthropic}.py",
    marks=(),
    beside_of={"aws.bedrock": CACHED, "anthropic": CACHED},
    total_without_of={"anthropic": CACHED},
)
