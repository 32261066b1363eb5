"""pi: an entry for each answer, with what pi takes it to cost; a forked session begins with those of its origin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from analytics_es.ingest.sessions.declaration import CACHED, Agent, Home, Lines, Record
from analytics_es.ingest.sessions.events import project_of
from analytics_es.ingest.sessions.facts import Call, Fact, Happened, Skipped
from analytics_es.ingest.sessions.formats.records import part
from analytics_es.ingest.sessions.formats.tools import COMPLETED, FAILED
from analytics_es.ingest.sessions.session import Session

_STATUS = {"aborted": "cancelled", "error": "error"}  # of a call, by why the answer stopped
_OLD = "v1"  # the first word of ids of entries that have none: files of the first version of the format


def _read(record: Record, session: Session) -> Iterator[Fact]:
    """Say what a line tells: whose session it is, an answer, or how a tool ended."""
    if record.get("type") == "session":
        forked = record.get("timestamp") if record.get("parentSession") else None
        project = project_of(str(record.get("cwd") or ""))
        session.notes.update(session=record.get("id"), project=project, forked=forked)
        return
    message = record.get("message")
    if record.get("type") != "message" or not isinstance(message, Mapping):
        return
    if message.get("role") == "assistant" and isinstance(message.get("usage"), Mapping):
        yield _answer(record, message, session)
    elif message.get("role") == "toolResult":
        call = str(message["toolCallId"])
        yield Happened(
            event_type=FAILED if message.get("isError") else COMPLETED,
            id=call if call.startswith("toolu_") else f"{call}:{message.get('timestamp')}",
            at=record.get("timestamp") or message["timestamp"],
            fields={"conversation_id": session.notes.get("session"), "tool": message.get("toolName")},
            attributes={"project": session.notes.get("project")},
        )


def _answer(record: Record, message: Record, session: Session) -> Fact:
    usage, notes, stopped = message["usage"], session.notes, message.get("stopReason")
    at = record.get("timestamp") or message.get("timestamp") or ""
    counts = {
        "input_tokens": usage.get("input"),
        "output_tokens": usage.get("output"),
        "cache_read_tokens": usage.get("cacheRead"),
        "cache_creation_tokens": usage.get("cacheWrite"),
    }
    tokens = {name: count for name, count in counts.items() if count is not None}
    old = ":".join([_OLD, str(at), str(message.get("model")), *map(str, counts.values())])
    # Entries of the first version got their ids when their file was opened again: they are known by all they tell.
    own = f"{record['id']}:{at}" if record.get("id") and session.known(old) is None else old
    fields = {
        "conversation_id": notes.get("session"),
        "provider": message.get("provider"),
        "duration_ms": _duration(at, message.get("timestamp")),
    }
    attributes = {"project": notes.get("project"), "stop_reason": stopped, "response_id": message.get("responseId")}
    if not any(tokens.values()):
        if stopped != "error":
            return Skipped("answer without usage: it was stopped")
        failed = {**fields, "model": message.get("model"), "error_type": "error"}
        return Happened(event_type="provider.call.failed", id=own, at=at, fields=failed, attributes=attributes)
    if cost := part(usage, "cost").get("total"):
        fields |= {"cost": cost, "currency": "USD"}
    return Call(
        id=own,
        at=at,
        model=message.get("model"),
        tokens=tokens | ({"total_tokens": usage["totalTokens"]} if usage.get("totalTokens") else {}),
        fields=fields | {"status": _STATUS.get(str(stopped), "ok")},
        attributes=attributes,
        replay=str(at) < str(notes.get("forked") or ""),  # what is older than a fork is its origin's
        final=True,
    )


def _duration(ended: Any, began: Any) -> int | None:
    """Return the milliseconds between the beginning of an answer and its entry."""
    try:
        milliseconds = round(datetime.fromisoformat(ended).timestamp() * 1000 - began)
    except (TypeError, ValueError):
        return None
    return milliseconds if milliseconds >= 0 else None


def _remember(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if str(event["id"]).startswith(f"{_OLD}:"):
        yield str(event["id"]), ""


_MARKS = (b'"usage"', b'"toolResult"', b'"session"')

AGENT = Agent(
    name="pi",
    title="pi",
    source="badlogic/pi-mono: packages/coding-agent/docs/session.md, src/core/session-manager.ts, "
    "packages/ai/src/types.ts (March 2026)",
    homes=(Home(variable="PI_CODING_AGENT_DIR", folders=("$PI_AGENT_DIR", "~/.pi/agent")),),
    files=(
        Lines(pattern="sessions/**/*.jsonl", read=_read, marks=_MARKS),
        Lines(pattern="--*/*.jsonl", read=_read, marks=_MARKS),
        Lines(pattern="*.jsonl", read=_read, marks=_MARKS),
    ),
    beside=CACHED,
    remember=_remember,
    tells_not="thoughts; calls for summaries of conversations; whether a cost was paid: a subscription's are told, too",
)
