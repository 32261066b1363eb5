"""Codex: hundreds of records for each answer, of which one tells what was used, and one for each run of a tool."""

from analytics_es.ingest.otel.agents.declaration import ANY, NOTHING, Agent, Id, Told
from analytics_es.ingest.otel.conventions.declaration import Name

_COUNTS = ("input_token_count", "cached_token_count", "output_token_count", "reasoning_token_count")
_ANSWER = (
    Id(parts=("response_id",)),
    Id(parts=("response.id",)),
    Id(parts=("conversation.id", "event.timestamp", *_COUNTS)),
    Id(parts=("conversation.id", "event.timestamp", "input_token_count", "output_token_count")),
)
_TOOL = (Id(parts=("conversation.id", "call_id")),)  # models that are run locally number calls anew
_CHAT = {"operation": "chat"}
_COMPLETED = ("response.completed",)

CODEX = Agent(
    name="codex",
    title="Codex",
    source="openai/codex: codex-rs/otel/src/events/session_telemetry.rs, codex-rs/core/src/client.rs (November 2026)",
    prefix="codex.",
    told={
        "sse_event": (
            # An answer that broke off; what the stream itself said of it before is noise.
            Told(
                event_type="provider.call.failed",
                where={"event.kind": _COMPLETED, "error.message": ANY},
                ids=(Id(parts=("conversation.id", "event.timestamp", "=failed")),),
                fields=_CHAT,
            ),
            # A second record of the same kind has no counts: the last piece of the stream.
            Told(
                event_type="provider.call.completed",
                where={"event.kind": _COMPLETED, "input_token_count": ANY},
                ids=_ANSWER,
                names=(
                    Name("input_tokens", "input_token_count"),
                    Name("output_tokens", "output_token_count"),
                    Name("cache_read_tokens", "cached_token_count"),
                    Name("cache_creation_tokens", "cache_write_token_count"),
                    Name("reasoning_tokens", "reasoning_token_count"),
                    Name("total_tokens", "tool_token_count"),  # whatever it is called: the total is put there
                ),
                fields=_CHAT,
            ),
        ),
        # One attempt; one that was answered is told by its answer.
        "api_request": tuple(
            Told(
                event_type="provider.call.failed",
                where=where,
                unless={"endpoint": ("/models*", "models*")},
                ids=(Id(parts=("conversation.id", "event.timestamp", "=attempt", "attempt")),),
                names=(Name("error_type", "http.response.status_code"),),
                fields=_CHAT,
            )
            for where in ({"error.message": ANY}, {"http.response.status_code": ("3*", "4*", "5*")})
        ),
        "tool_result": (
            Told(event_type="tool.call.failed", where={"success": ("false",)}, ids=_TOOL),
            Told(event_type="tool.call.completed", unless={"success": NOTHING}, ids=_TOOL),
        ),
        "user_prompt": (
            Told(
                event_type="conversation.message.sent",
                ids=(Id(parts=("conversation.id", "event.timestamp", "=prompt")),),
            ),
        ),
    },
    names=(
        Name("request_model", "model"),
        Name("duration", "duration_ms", unit="ms"),
        Name("conversation_id", "conversation.id"),
        Name("task_id", "turn.id"),
        Name("tool", "tool_name"),
    ),
    providers={
        "gpt-oss*": "",
        **dict.fromkeys(("gpt-*", "codex-*", "o1*", "o3*", "o4*", "chatgpt-*", "computer-use-*"), "openai"),
    },
    free_text=frozenset(
        {"prompt", "arguments", "output", "error.message", "mcp_servers", "mcp_server_origin", "auth.error"}
    ),
    persons=("user.email", "user.account_id"),
    tells_not=(
        "cost, the tier of service, the id of an answer; how long an answer took; calls of a provider that tells no "
        "usage; what a process that ends at once still had to send"
    ),
)
