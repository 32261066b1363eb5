"""Codex's traces: turns. Their tokens are told by its logs, answer by answer, and are counted from there."""

from analytics_es.ingest.otel.conventions.declaration import Emitter, Name

CODEX = Emitter(
    name="codex",
    title="Codex (traces)",
    source="openai/codex: codex-rs/core/src/tasks/mod.rs, codex-rs/core/src/session/turn.rs (November 2026)",
    scopes=("codex_cli_rs", "codex_exec", "codex-otel", "codex*"),
    spans=("session_task.*",),
    telltales=("codex.*",),
    systems=("codex",),
    names=(
        Name("conversation_id", "conversation.id"),
        Name("conversation_id", "thread.id"),
    ),
    operations={"session_task.turn": "invoke_agent", "session_task.*": "", "turn": "invoke_agent"},
    # The spans of an answer tell what the log `codex.sse_event` tells of the same answer.
    repeats={"codex.request.reasoning_effort": ("*",), "codex.usage.total_tokens": ("*",)},
    free_text=("prompt", "arguments", "output", "content", "cwd", "command", "error.message"),
    persons=("user.email", "user.account_id"),
    tells_not="usage that would be counted: its logs tell it, with each answer; cost",
)
