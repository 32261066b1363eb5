"""Gemini CLI: a message for each answer, told again when its counts or tools come, and copied when formats change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from analytics_es.ingest.sessions.declaration import THOUGHTS, Agent, Document, Home, Kept, Lines, Record
from analytics_es.ingest.sessions.events import project_of
from analytics_es.ingest.sessions.facts import Call, Fact, Happened, Known
from analytics_es.ingest.sessions.formats import google
from analytics_es.ingest.sessions.formats.records import part, parts
from analytics_es.ingest.sessions.formats.tools import COMPLETED, FAILED, told_before
from analytics_es.ingest.sessions.session import Session

_ENDS = {"success": COMPLETED, "error": FAILED}  # of a tool that was called, by its status
_HASH = re.compile("[0-9a-f]{64}")  # what a project's folder was called before it had a name


def _read(record: Record, session: Session) -> Iterator[Fact]:
    """Say what a line tells, or a whole conversation of older versions, or what a run without a terminal printed."""
    if not isinstance(record, Mapping):  # other files beside sessions are lists, such as what the user typed
        return
    if stats := part(record, "stats") or part(record, "result", "stats"):
        conversation = record.get("session_id") or session.notes.get("session")
        at = record.get("timestamp") or session.modified
        yield from google.run(stats, conversation, at, unless=[_told(conversation)] if conversation else ())
        return
    header = part(record, "$set") or record
    if header.get("sessionId") or header.get("session_id"):
        yield from _begin(header, session)
    for message in parts(header, "messages") or [record]:
        if message.get("type") == "gemini":
            yield from _answer(message, session)


def _begin(header: Record, session: Session) -> Iterator[Fact]:
    """Note whose the messages are that follow: they do not tell."""
    notes = session.notes
    notes["session"] = str(header.get("sessionId") or header["session_id"])
    notes["begun"] = header.get("startTime") or notes.get("begun")
    folders = session.folders
    after = folders[folders.index("chats") + 1 :] if "chats" in folders else ()
    if after or header.get("kind") == "subagent":
        notes["parent"] = after[0] if after else None
    name = folders[folders.index("chats") - 1] if "chats" in folders[1:] else ""
    if name and not _HASH.fullmatch(name):
        notes["project"] = name
        if header.get("projectHash"):
            yield Known(f"project:{header['projectHash']}", name)
    else:
        notes["project"] = session.known(f"project:{header.get('projectHash') or name}")
    if header.get("kind") == "subagent" and (directories := header.get("directories")):
        notes["folder"] = project_of(str(directories[0]))


def _told(conversation: str) -> str:
    return f"session:{conversation}"


def _answer(message: Record, session: Session) -> Iterator[Fact]:
    notes = session.notes
    own = notes.setdefault("session", session.path.stem)
    at = message.get("timestamp") or message.get("created_at") or notes.get("begun") or session.modified
    side = "parent" in notes
    fields = {"conversation_id": notes.get("parent") or own}
    attributes = {"project": notes.get("project") or notes.get("folder"), "sidechain": side or None}
    if isinstance(counts := message.get("tokens"), Mapping):
        tokens = google.usage(counts, google.GEMINI_CLI)
        notes["told"] = notes.get("told", 0) + any(tokens.values())
        named = message.get("id") or ":".join(map(str, [at, message.get("model"), *tokens.values()]))
        yield Known(_told(fields["conversation_id"]))
        yield Call(
            id=f"{own}:{named}",
            at=at,
            model=message.get("model"),
            tokens=tokens,
            fields=fields,
            attributes=attributes,
            replay=not notes.get("project"),  # a copy where the project has a name goes before
            rank=notes["told"] if any(tokens.values()) and session.path.suffix != ".json" else 0,  # the last counts
        )
    for tool in parts(message, "toolCalls"):
        event_type = _ENDS.get(str(tool.get("status")))
        if event_type and not told_before(session, str(tool["id"])):
            yield Happened(
                event_type=event_type,
                id=f"{own}:{tool['id']}",
                at=tool.get("timestamp") or at,
                fields={**fields, "tool": tool["name"]},
                attributes=attributes,
            )


def _remember(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    data = event["data"]
    if "requests" not in data.get("attributes", {}) and (conversation := data.get("conversation_id")):
        yield _told(str(conversation)), ""


_MARKS = (b'"tokens"', b'"sessionId"', b'"session_id"', b'"toolCalls"', b'"stats"')

AGENT = Agent(
    name="gemini-cli",
    title="Gemini CLI",
    source="google-gemini/gemini-cli: packages/core/src/services/chatRecordingService.ts, chatRecordingTypes.ts, "
    "config/projectRegistry.ts, output/types.ts (August 2026)",
    homes=(Home(variable="GEMINI_DATA_DIR", folders=("$GEMINI_CLI_HOME/.gemini/tmp", "~/.gemini/tmp")),),
    files=(
        Lines(pattern="**/*.jsonl", read=_read, marks=_MARKS),
        Document(pattern="**/*.json", read=_read, last=True),
    ),
    beside=THOUGHTS,
    providers={"gemini-*": "gcp.gemini"},
    remember=_remember,
    kept=Kept(days=30),
    tells_not="which way a call went to Google, the id of an answer, usage of answers that were cut off; the project, "
    "where its folder is called by a hash and no newer session names it; files and telemetry tell a call by different "
    "ids: let one of them record",
)
