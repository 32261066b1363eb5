"""Qwen Code: a line for each answer, copied into the files of branched conversations under their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from analytics_es.ingest.sessions.declaration import THOUGHTS, Agent, Home, Lines, Record
from analytics_es.ingest.sessions.facts import Call, Fact, Happened
from analytics_es.ingest.sessions.formats import google
from analytics_es.ingest.sessions.formats.records import part, parts
from analytics_es.ingest.sessions.formats.tools import COMPLETED, FAILED
from analytics_es.ingest.sessions.session import Session

_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ENDS = {"success": COMPLETED, "error": FAILED}  # of a tool that was called, by its status


def _read(record: Record, session: Session) -> Iterator[Fact]:
    """Say what a line tells: an answer, or how a tool ended."""
    origin = part(record, "forkedFrom")  # a branch has all lines of its origin, which told them first
    conversation = origin.get("sessionId") or record.get("sessionId") or session.path.stem
    attributes = {
        "cwd": record.get("cwd"),
        "git_branch": record.get("gitBranch"),
        "agent_version": record.get("version"),
        "sidechain": record.get("isSidechain") or None,
    }
    at = record.get("timestamp") or session.modified
    used = record.get("usageMetadata")
    if record.get("type") == "assistant" and isinstance(used, Mapping):
        tokens = google.usage(used, google.API)
        named = origin.get("messageUuid") or record.get("uuid")
        message = str(named or ":".join(map(str, [at, record.get("model"), *tokens.values()])))
        yield Call(
            id=f"{conversation}:{message}",
            at=at,
            model=record.get("model"),
            tokens=tokens,
            fields={"conversation_id": conversation},
            attributes=attributes,
            replay=bool(origin),
            alias=message if _UUID.fullmatch(message) else "",
            final=True,
        )
    result = part(record, "toolCallResult")
    if record.get("type") == "tool_result" and (event_type := _ENDS.get(str(result.get("status")))):
        yield Happened(
            event_type=event_type,
            id=f"{conversation}:{result['callId']}",
            at=at,
            fields={"conversation_id": conversation, "tool": _tool(part(record, "message"))},
            attributes=attributes,
        )


def _tool(message: Record) -> str | None:
    """Return which tool it was whose answer a message has."""
    names = (part(content, "functionResponse").get("name") for content in parts(message, "parts"))
    return next(filter(None, names), None)


def _remember(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    message = str(event["id"]).rpartition(":")[2]
    if _UUID.fullmatch(message):
        yield message, str(event["id"])


_MARKS = (b'"usageMetadata"', b'"toolCallResult"')

AGENT = Agent(
    name="qwen-code",
    title="Qwen Code",
    source="QwenLM/qwen-code: packages/core/src/services/chatRecordingService.ts (November 2026)",
    homes=(Home(variable="QWEN_DATA_DIR", folders=("$QWEN_HOME", "~/.qwen")),),
    files=(
        Lines(pattern="projects/**/*.jsonl", read=_read, marks=_MARKS),
        Lines(pattern="chats/**/*.jsonl", read=_read, marks=_MARKS),
        Lines(pattern="*/chats/**/*.jsonl", read=_read, marks=_MARKS),
    ),
    beside=THOUGHTS,
    remember=_remember,
    tells_not="who serves a model, so that a price may be unknown; calls for titles and summaries of conversations; "
    "calls that failed",
)
