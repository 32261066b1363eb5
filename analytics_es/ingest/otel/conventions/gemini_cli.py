"""Gemini CLI's traces: agents. Calls of models and tools are told by its logs, with all their tokens."""

from analytics_es.ingest.otel.conventions.declaration import Emitter, Name

GEMINI_CLI = Emitter(
    name="gemini_cli",
    title="Gemini CLI (traces)",
    source="google-gemini/gemini-cli: @google/gemini-cli-core 0.61.0 dist/src/telemetry/trace.js, "
    "core/loggingContentGenerator.js",
    scopes=("gemini-cli",),
    systems=("gemini-cli", "gemini_cli"),
    agents=("gemini-cli",),
    names=(Name("conversation_id", "gen_ai.conversation.id"),),
    operations={"agent_call": "invoke_agent"},
    # `gemini_cli.api_response` and `gemini_cli.tool_call` tell the same, with the thoughts that these leave out.
    repeats={
        "gen_ai.operation.name": ("llm_call", "tool_call", "user_prompt", "system_prompt", "schedule_tool_calls"),
    },
    free_text=("gen_ai.agent.description",),
    tells_not="calls that would be counted: its logs tell them, with all their tokens; cost",
)
