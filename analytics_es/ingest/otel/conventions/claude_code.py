"""Claude Code's traces (beta): prompts, requests to models, tools; tokens without a prefix, input without cache."""

from analytics_es.ingest.otel.conventions.declaration import CACHED, Emitter, Name

_SPAN = "claude_code."
_TYPES = {
    "llm_request": "chat",
    "interaction": "invoke_agent",
    "tool": "execute_tool",
    **dict.fromkeys(("tool.execution", "tool.blocked_on_user", "hook"), ""),
}

CLAUDE_CODE = Emitter(
    name="claude_code",
    title="Claude Code (traces)",
    source="code.claude.com/docs/en/monitoring-usage, Traces (beta), as of 2.1.332",
    scopes=("com.anthropic.claude_code*",),
    spans=(f"{_SPAN}*",),
    telltales=("llm_request.context", "interaction.sequence"),
    systems=("claude_code", "claude-code"),
    names=(
        Name("kind", "span.type"),
        Name("request_model", "model"),
        Name("input_tokens", "input_tokens"),
        Name("output_tokens", "output_tokens"),
        Name("cache_read_tokens", "cache_read_tokens"),
        Name("cache_creation_tokens", "cache_creation_tokens"),
        Name("time_to_first_chunk", "ttft_ms", unit="ms"),
        Name("attempt", "attempt"),
        Name("error_type", "status_code"),
        Name("service_tier", "speed", words={"fast": "fast"}),  # else it is `normal`
        Name("conversation_id", "session.id"),
        Name("agent_id", "agent_id"),
        Name("tool", "tool_name"),
        Name("request_id", "request_id"),
    ),
    beside=CACHED,
    operations={**_TYPES, **{_SPAN + name: operation for name, operation in _TYPES.items()}},
    free_text=(
        *("user_prompt", "new_context", "system_prompt_preview", "user_system_prompt", "tool_input", "full_command"),
        *("response.model_output", "file_path", "hook_definitions", "error", "command"),
    ),
    persons=("user.email", "user.account_uuid", "user.account_id", "user.id"),
    tells_not="cost, which its logs tell; thoughts, searches, how much was written to the cache for an hour",
)
