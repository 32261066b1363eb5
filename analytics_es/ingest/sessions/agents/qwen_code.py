"""Qwen Code: a line for each answer, copied into the files of branched conversations under their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from analytics_es.ingest.sessions.declaration import THOUGHTS, Agent, Home, Lines, Record
from analytics_es.ingest.sessions.facts import Call, Fact, Happened
from analytics_es.ingest.sessions.session import Session

_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ENDS = {"success": "tool.call.completed", "error": "tool.call.failed"}  # of a tool that was called, by its status


def _read(record: Record, session: Session) -> Iterator[Fact]:
    """Say what a line tells: an answer, or how a tool ended."""
    origin = record.get("forkedFrom") or {}  # a branch has all lines of its origin, which told them first
    conversation = origin.get("sessionId") or record.get("sessionId") or session.path.stem
    attributes = {
        "cwd": record.get("cwd"),
        "git_branch": record.get("gitBranch"),
        "agent_version": record.get("version"),
        "sidechain": record.get("isSidechain") or None,
    }
    told = {"at": record.get("timestamp") or session.modified, "attributes": attributes}
    usage = record.get("usageMetadata")
    if record.get("type") == "assistant" and isinstance(usage, Mapping):
        message = str(origin.get("messageUuid") or record["uuid"])
        yield Call(
            id=f"{conversation}:{message}",
            model=record.get("model"),
            tokens=_tokens(usage),
            fields={"conversation_id": conversation},
            alias=message if _UUID.fullmatch(message) else "",
            final=True,
            **told,
        )
    result = record.get("toolCallResult") or {}
    if record.get("type") == "tool_result" and (event_type := _ENDS.get(result.get("status"))):
        yield Happened(
            event_type=event_type,
            id=f"{conversation}:{result['callId']}",
            fields={"conversation_id": conversation, "tool": _tool(record.get("message") or {})},
            **told,
        )


def _tokens(usage: Record) -> dict[str, Any]:
    """Return counts by our names; what tools gave the model goes into the input, beside which it is counted."""
    prompt, tools = usage.get("promptTokenCount"), usage.get("toolUsePromptTokenCount") or 0
    tokens = {
        "input_tokens": prompt + tools if type(prompt) is int else prompt,
        "output_tokens": usage.get("candidatesTokenCount"),
        "cache_read_tokens": usage.get("cachedContentTokenCount"),
        "reasoning_tokens": usage.get("thoughtsTokenCount"),
        "total_tokens": usage.get("totalTokenCount"),
    }
    return {name: count for name, count in tokens.items() if count is not None}


def _tool(message: Record) -> str | None:
    """Return which tool it was whose answer a message has."""
    answers = (part.get("functionResponse") for part in message.get("parts") or () if isinstance(part, Mapping))
    return next((answer["name"] for answer in answers if answer and answer.get("name")), None)


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
