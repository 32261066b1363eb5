"""Claude Code: a line for each piece of an answer, copied into the files of forked, resumed and side conversations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from analytics_es.ingest.sessions.declaration import CACHED, Agent, Home, Kept, Lines, Record
from analytics_es.ingest.sessions.facts import Call, Fact, Skipped
from analytics_es.ingest.sessions.session import Session


def _read(record: Record, session: Session) -> Iterator[Fact]:
    """Say what a line tells: an answer or a piece of one, results of tools, or a failure."""
    inner = record.get("data")
    if isinstance(inner, Mapping) and isinstance(inner.get("message"), Mapping) and "message" in inner["message"]:
        record = {**record, **inner["message"]}  # what a running agent reports to the one who started it
    message = record.get("message")
    if not isinstance(message, Mapping) or not isinstance(usage := message.get("usage"), Mapping):
        return
    if message.get("model") == "<synthetic>":
        yield Skipped("no call: what Claude Code itself says")
        return
    yield _call(record, message, usage, session)


def _call(record: Record, message: Mapping[str, Any], usage: Mapping[str, Any], session: Session) -> Call:
    request, answer = record.get("requestId"), message.get("id")
    written = usage.get("cache_creation") or {}
    searches = (usage.get("server_tool_use") or {}).get("web_search_requests")
    tokens = {
        "input_tokens": usage.get("input_tokens"),
        "output_tokens": usage.get("output_tokens"),
        "cache_read_tokens": usage.get("cache_read_input_tokens"),
        "cache_creation_tokens": usage.get("cache_creation_input_tokens"),
        "cache_creation_5m_tokens": written.get("ephemeral_5m_input_tokens"),
        "cache_creation_1h_tokens": written.get("ephemeral_1h_input_tokens"),
    }
    side = bool(record.get("isSidechain"))
    fields = {
        "conversation_id": record.get("sessionId"),
        "service_tier": "fast" if usage.get("speed") == "fast" else usage.get("service_tier"),
        "searches": searches or None,
    }
    return Call(
        id=str(request or answer),
        at=record.get("timestamp") or "",
        model=message.get("model"),
        tokens={name: count for name, count in tokens.items() if count is not None},
        fields={name: text for name, text in fields.items() if text is not None},
        attributes={
            "cwd": record.get("cwd"),
            "git_branch": record.get("gitBranch"),
            "agent_version": record.get("version"),
            "sidechain": side or None,
            "response_id": answer,
        },
        alias=str(answer or ""),
        replay=side,
        lane=f"{record.get('agentId') or ''}{'~' if side else ''}",
        final=message.get("stop_reason") is not None,
    )


def _remember(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if answer := event["data"].get("attributes", {}).get("response_id"):
        yield str(answer), str(event["id"])


_MARKS = (b'"usage"',)

AGENT = Agent(
    name="claude-code",
    title="Claude Code",
    source="ccusage's apps/ccusage and its issues #901, #938; anthropics/claude-code #22671, #22686 (November 2026)",
    homes=(Home(variable="CLAUDE_CONFIG_DIR", folders=("$XDG_CONFIG_HOME/claude", "~/.config/claude", "~/.claude")),),
    files=(
        Lines(pattern="projects/**/*.jsonl", read=_read, marks=_MARKS),
        Lines(pattern="projects/**/subagents/**/*.jsonl", read=_read, marks=_MARKS, last=True),
    ),
    beside=CACHED,
    providers={"claude-*": "anthropic"},
    remember=_remember,
    kept=Kept(days=30, settings="settings.json", key="cleanupPeriodDays"),
    block=5,
    tells_not="thoughts; how long an answer took; the last usage of calls of versions around 2.1.29 (partial)",
)
