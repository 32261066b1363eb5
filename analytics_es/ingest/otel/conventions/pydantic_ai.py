"""Pydantic AI: runs of agents, calls of models and tools; parts of tokens as `details`, costs of its own reckoning."""

from analytics_es.ingest.otel.conventions.declaration import Emitter, Name

_DETAILS = "gen_ai.usage.details."
_RUN = "gen_ai.aggregated_usage."  # of a run, since 2.0: the sum of its calls

PYDANTIC_AI = Emitter(
    name="pydantic_ai",
    title="Pydantic AI",
    source="pydantic/pydantic-ai 0.2.0 to 2.68.0: pydantic_ai/usage.py, _instrumentation.py, models/decision.py",
    scopes=("pydantic-ai",),
    telltales=(f"{_DETAILS}*", f"{_RUN}*", "pydantic_ai.*", "model_request_parameters"),
    names=(
        Name("cache_read_tokens", "gen_ai.usage.cache_read.input_tokens"),
        Name("cache_creation_tokens", "gen_ai.usage.cache_creation.input_tokens"),
        Name("cache_read_tokens", f"{_DETAILS}cache_read_tokens"),
        Name("cache_read_tokens", f"{_DETAILS}cache_read_input_tokens"),
        Name("cache_read_tokens", f"{_DETAILS}cached_tokens"),
        Name("cache_read_tokens", f"{_DETAILS}cached_content_tokens"),
        Name("cache_creation_tokens", f"{_DETAILS}cache_write_tokens"),
        Name("cache_creation_tokens", f"{_DETAILS}cache_creation_input_tokens"),
        Name("reasoning_tokens", f"{_DETAILS}reasoning_tokens"),
        Name("reasoning_tokens", f"{_DETAILS}thoughts_tokens"),
        Name("input_audio_tokens", f"{_DETAILS}input_audio_tokens"),
        Name("output_audio_tokens", f"{_DETAILS}output_audio_tokens"),
        Name("cache_read_audio_tokens", f"{_DETAILS}cache_audio_read_tokens"),
        Name("input_tokens", f"{_RUN}input_tokens"),
        Name("output_tokens", f"{_RUN}output_tokens"),
        Name("cache_read_tokens", f"{_RUN}cache_read.input_tokens"),
        Name("cache_creation_tokens", f"{_RUN}cache_creation.input_tokens"),
        Name("reasoning_tokens", f"{_RUN}details.reasoning_tokens"),
        Name("input_tokens", "pydantic_ai.decision.usage.input_tokens"),
        Name("output_tokens", "pydantic_ai.decision.usage.output_tokens"),
        Name("cost", "operation.cost"),
        Name("time_to_first_chunk", "gen_ai.client.operation.time_to_first_chunk", unit="s"),
        Name("agent_id", "agent_name"),
        Name("task_type", "agent_name"),
    ),
    operations={
        "agent run": "invoke_agent",
        "running tool": "execute_tool",
        "running tools": "",
        "running * tools": "",
        "running output function": "execute_tool",
        "decide": "decide",
    },
    free_text=(
        *("all_messages_events", "pydantic_ai.all_messages", "tool_arguments", "tool_response", "final_result"),
        *("events", "model_request_parameters", "logfire.msg", "logfire.json_schema", "pydantic_ai.decision.state"),
        *("pydantic_ai.decision.questions", "pydantic_ai.decision.answers", "pydantic_ai.tool.deferral.metadata"),
    ),
)
