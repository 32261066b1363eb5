"""Claude Code: a record for each request to a model, each run of a tool, each prompt, and much about itself."""

from analytics_es.ingest.otel.agents.declaration import Agent, Id, Told
from analytics_es.ingest.otel.conventions.declaration import CACHED, Name

_SEQUENCE = Id(parts=("session.id", "event.sequence", "event.timestamp"))  # a session that is resumed begins at 0 again
_REQUEST = (Id(parts=("request_id",)), _SEQUENCE)
# What Anthropic's API calls a use of a tool, nobody else does; other models number them anew in each session.
_TOOL = (
    Id(parts=("tool_use_id",), where={"tool_use_id": ("toolu_*",)}),
    Id(parts=("session.id", "tool_use_id")),
    _SEQUENCE,
)
_CHAT = {"operation": "chat"}

CLAUDE_CODE = Agent(
    name="claude-code",
    title="Claude Code",
    source="code.claude.com/docs/en/monitoring-usage, as of 2.1.332 (November 2026)",
    scopes=("com.anthropic.claude_code*",),
    prefix="claude_code.",
    told={
        "api_request": (
            Told(
                event_type="provider.call.completed",
                ids=_REQUEST,
                names=(
                    Name("input_tokens", "input_tokens"),
                    Name("output_tokens", "output_tokens"),
                    Name("cache_read_tokens", "cache_read_tokens"),
                    Name("cache_creation_tokens", "cache_creation_tokens"),
                    Name("time_to_first_chunk", "ttft_ms", unit="ms"),
                ),
                fields=_CHAT,
            ),
        ),
        # Told once, after the last attempt; `error` is a message, and no type of error.
        "api_error": (
            Told(
                event_type="provider.call.failed",
                ids=_REQUEST,
                names=(
                    Name("error_type", "error_class"),
                    Name("error_type", "status_code"),
                    Name("attempt", "attempt"),
                ),
                fields=_CHAT,
            ),
        ),
        # It comes beside the `api_request` of the same answer: a mark, and no call.
        "api_refusal": (
            Told(
                event_type="provider.refusal.reported",
                ids=(Id(parts=("request_id", "=refusal")), _SEQUENCE),
                names=(Name("attempt", "attempt"),),
                fields=_CHAT,
            ),
        ),
        "tool_result": (
            Told(event_type="tool.call.failed", where={"success": ("false",)}, ids=_TOOL),
            Told(event_type="tool.call.completed", ids=_TOOL),
        ),
        # What was allowed is told again by its result; what was not has none.
        "tool_decision": (Told(event_type="tool.call.rejected", where={"decision": ("reject",)}, ids=_TOOL),),
        "user_prompt": (Told(event_type="conversation.message.sent", ids=(_SEQUENCE,)),),
    },
    names=(
        Name("request_model", "model"),
        Name("duration", "duration_ms", unit="ms"),
        Name("conversation_id", "session.id"),
        Name("task_id", "prompt.id"),
        Name("tool", "tool_name"),
        Name("error_type", "error_type"),
    ),
    beside=CACHED,
    costs={"cost_usd": 1, "cost_usd_micros": 1_000_000},
    providers={"claude-*@*": "gcp.vertex_ai", "claude-*": "anthropic", "*anthropic.claude-*": "aws.bedrock"},
    servers=("tool_parameters",),
    free_text=frozenset(
        {
            *("prompt", "prompt_text", "response", "body", "body_ref", "error", "tool_parameters", "tool_input"),
            *("workspace.host_paths", "command_name", "full_command", "bash_command", "file_path", "description"),
            *("hook_definitions", "hook_name", "hook_matcher", "server_name", "managed_settings.settings"),
            *("system_prompt", "vcs.ref.head.name", "vcs.repository.url.full"),
        }
    ),
    persons=("user.email", "user.account_uuid", "user.account_id", "user.id", "user.groups"),
    tells_not=(
        "how much of what was written to the cache lives for an hour, how much of the output is thinking, searches; "
        "single attempts that failed before the last; calls through Foundry"
    ),
)
