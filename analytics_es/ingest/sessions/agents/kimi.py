"""Kimi: the usage of each step on the wire, that of subagents wrapped; forked sessions begin with lines of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import md5
from typing import Any

from analytics_es.ingest.sessions.declaration import CACHED, Agent, Document, Home, Lines, Record
from analytics_es.ingest.sessions.events import project_of
from analytics_es.ingest.sessions.facts import Call, Fact, Happened, Known, Skipped
from analytics_es.ingest.sessions.formats.records import part, parts
from analytics_es.ingest.sessions.formats.tools import COMPLETED, FAILED, result, used
from analytics_es.ingest.sessions.session import Session

_OURS = {
    "input_tokens": ("input_other", "inputOther"),
    "output_tokens": ("output", "output"),
    "cache_read_tokens": ("input_cache_read", "inputCacheRead"),
    "cache_creation_tokens": ("input_cache_creation", "inputCacheCreation"),
}


def _folders(record: Record, session: Session) -> Iterator[Fact]:
    """Say what the folders of sessions, which are called by a digest, belong to."""
    for folder in parts(record, "work_dirs"):
        path = str(folder["path"])
        yield Known(f"folder:{md5(path.encode(), usedforsecurity=False).hexdigest()}", project_of(path))


def _read(record: Record, session: Session) -> Iterator[Fact]:
    """Say what a line of the wire tells."""
    if record.get("type") == "usage.record":
        if record.get("usageScope") == "session":
            yield Skipped("no call: the sum of a session")
        else:
            yield _step(record, session)
        return
    message, side = record.get("message"), False
    while isinstance(message, Mapping) and message.get("type") == "SubagentEvent":
        message, side = part(message, "payload").get("event"), True
    if not isinstance(message, Mapping) or not isinstance(payload := message.get("payload"), Mapping):
        return
    if message.get("type") == "StatusUpdate" and isinstance(usage := payload.get("token_usage"), Mapping):
        at = record.get("timestamp") or session.modified
        yield Call(
            id=str(payload.get("message_id") or f"{at}:{':'.join(str(usage.get(old)) for old, _ in _OURS.values())}"),
            at=at,
            tokens=_tokens(usage, 0),
            fields={"conversation_id": _conversation(session)},
            attributes={**_attributes(session), "sidechain": side or None},
            final=True,
        )
    elif message.get("type") == "ToolCall":
        used(session, payload.get("id"), part(payload, "function").get("name"))
    elif message.get("type") == "ToolResult":
        yield _tool(record, payload, session)


def _step(record: Record, session: Session) -> Call:
    """Return the call that a step of the newer Kimi Code was: its place in time is all that tells it apart."""
    conversation, agent = _conversation(session), session.folders[-1]
    at = record.get("time") or session.modified
    return Call(
        id=f"{conversation}:{agent}:{at}",
        at=at,
        model=(record.get("model") or "").removeprefix("kimi-code/") or None,
        tokens=_tokens(record["usage"], 1),
        fields={"conversation_id": conversation},
        attributes={**_attributes(session), "sidechain": agent != "main" or None},
        final=True,
    )


def _tool(record: Record, payload: Record, session: Session) -> Happened:
    use, at = str(payload["tool_call_id"]), record.get("timestamp") or session.modified
    return result(
        session,
        use,
        FAILED if part(payload, "return_value").get("is_error") else COMPLETED,
        at,
        id=use if use.startswith("toolu_") else f"{use}:{at}",  # a fork has the same lines in another session
        fields={"conversation_id": _conversation(session)},
        attributes=_attributes(session),
    )


def _tokens(usage: Record, spelling: int) -> dict[str, Any]:
    counts = {name: usage.get(names[spelling]) for name, names in _OURS.items()}
    return {name: count for name, count in counts.items() if count is not None}


def _conversation(session: Session) -> str:
    folders = session.folders
    return folders[folders.index("agents") - 1] if "agents" in folders[1:] else folders[-1] if folders else "unknown"


def _attributes(session: Session) -> dict[str, Any]:
    folders = session.folders
    return {"project": session.known(f"folder:{folders[1]}") if len(folders) > 1 else None}


_MARKS = (b'"token_usage"', b'"usage.record"', b'"ToolCall"', b'"ToolResult"')

AGENT = Agent(
    name="kimi",
    title="Kimi",
    source="MoonshotAI/kimi-cli: src/kimi_cli/wire/types.py, wire/file.py, session_fork.py, metadata.py (July 2026)",
    homes=(Home(variable="KIMI_DATA_DIR", folders=("$KIMI_SHARE_DIR", "$KIMI_CODE_HOME", "~/.kimi", "~/.kimi-code")),),
    files=(
        Document(pattern="kimi.json", read=_folders),
        Lines(pattern="sessions/**/wire.jsonl", read=_read, marks=_MARKS, last=True),
    ),
    beside=CACHED,
    tells_not="the model of a call, which only the newer Kimi Code tells, so that its cost is unknown; thoughts; calls "
    "that failed",
)
