"""Codex: a counter that only grows, written again and again and copied into forks, and since 2026 a record a call."""

from __future__ import annotations

from collections.abc import Iterator

from analytics_es.ingest.sessions.declaration import Agent, Home, Lines, Record
from analytics_es.ingest.sessions.facts import Fact, Skipped
from analytics_es.ingest.sessions.formats import rollout_calls, rollouts
from analytics_es.ingest.sessions.formats.openai import MODELS
from analytics_es.ingest.sessions.formats.records import part
from analytics_es.ingest.sessions.session import Session

SUM = "no call: the sum of a turn, as `codex exec --json` tells it"


def _read(record: Record, session: Session) -> Iterator[Fact]:
    """Say what a line tells: whose file it is, of which turn what follows is, a call, or a tool."""
    payload, kind = record.get("payload"), record.get("type")
    if not isinstance(payload, dict):
        if any(part(record, *names, "usage") for names in ((), ("data",), ("result",), ("response",))):
            yield Skipped(SUM)
        return
    if read := _KINDS.get(str(payload.get("type") if kind in ("event_msg", "response_item") else kind)):
        yield from read(record, payload, session)


_KINDS = {
    "session_meta": rollouts.meta,
    "turn_context": rollouts.turn,
    "task_started": rollouts.turn,
    "thread_settings_applied": rollouts.settings,
    "token_count": rollout_calls.counted,
    "token_usage_record": rollout_calls.recorded,
    **dict.fromkeys(("function_call", "custom_tool_call", "local_shell_call", "web_search_call"), rollouts.use),
    **dict.fromkeys(("function_call_output", "custom_tool_call_output"), rollouts.ran),
    **dict.fromkeys(("mcp_tool_call_end", "patch_apply_end", "exec_command_end"), rollouts.ended),
    "error": rollouts.failure,
}

_MARKS = (  # of the names of _KINDS what several have in common: each mark is looked for in each line
    *(b'"token_', b'_call"', b'_call_output"', b'_end"', b'"turn_context"', b'"task_started"', b'"session_meta"'),
    *(b'"thread_settings_applied"', b'"codex_error_info"', b'"usage"'),
)

AGENT = Agent(
    name="codex",
    title="Codex",
    source="openai/codex: codex-rs/protocol, codex-rs/rollout, its issue #47003; ccusage #1288 (November 2026)",
    homes=(Home(variable="CODEX_HOME", folders=("~/.codex",)),),
    files=(
        Lines(pattern="*sessions/**/*.jsonl", read=_read, marks=_MARKS, by_name=True),
        Lines(pattern="*sessions/**/*.jsonl.zst", read=_read, marks=_MARKS, by_name=True),  # what has rested for a week
    ),
    providers=MODELS,
    remember=rollout_calls.remember,
    tells_not=(
        "cost; the tier of service before mid-2026; the model before September 2025; what side questions used, which "
        "have no file; what compaction used before September 2026"
    ),
)
