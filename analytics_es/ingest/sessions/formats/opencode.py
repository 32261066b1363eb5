"""What OpenCode and the agents made of it write: a message for each answer, in files, and in two generations of tables.

A fork of a conversation copies its messages: under new ids, with the times and counts of old.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from analytics_es.ingest.otel.tokens import Layout, add_up
from analytics_es.ingest.sessions.declaration import CACHED, THOUGHTS, Document, Files, Query, Record, Tables
from analytics_es.ingest.sessions.events import moment
from analytics_es.ingest.sessions.facts import Call, Fact, Happened, Skipped
from analytics_es.ingest.sessions.formats.records import part, parts
from analytics_es.ingest.sessions.session import Session

BESIDE = CACHED | THOUGHTS
LAYOUT = Layout(BESIDE, frozenset(), True)
COMPACTION = "compaction"
NO_JSON, UNFINISHED = "row that is no JSON", "answer that is not finished"
NO_USAGE, COPIED = "answer without usage", "copied by a fork"
LATE = 60_000  # milliseconds between an answer's beginning and its id's from which on it is a copy
OVERLAP = 30_000  # milliseconds before the last row that are read again: what was written then may be there only now
_ENDS = {"completed": "tool.call.completed", "error": "tool.call.failed"}  # of a tool, by its status
_KEPT = (
    *("role", "model", "modelID", "providerID", "cost", "tokens", "time", "path", "agent", "mode", "parentID"),
    "status",
)
_WITH_TIME = re.compile("msg_([0-9a-f]{12})[0-9A-Za-z]{14}")
_CLOCK = 1 << 36  # milliseconds after which the times in ids begin anew


def files(name: str) -> tuple[Files, ...]:
    """Return where an agent of this kind has its messages: in a database of its name, or, before, a file each."""
    rows = (Query(sql=_newer, **_OF_ROWS), Query(sql=_older, **_OF_ROWS))
    return (
        Tables(pattern=f"{name}*.db", queries=rows),
        Document(pattern="storage/message/**/*.json", read=_of_file, last=True),
    )


# ── where messages are ──────────────────────────────────────────────────────────────────────────────────────────


def _keep(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a message: nothing of what was said, of tools what became of them."""
    if data.get("role") == "user":
        return {"role": "user"}
    kept = {name: data[name] for name in _KEPT if name in data}
    kept["error"] = {name: part(data, "error")[name] for name in ("name", "type") if name in part(data, "error")}
    kept["tools"] = [
        {
            **{name: tool.get(name) for name in ("id", "name", "time")},
            "status": part(tool, "state").get("status"),
        }
        for tool in parts(data, "content")
        if tool.get("type") == "tool"
    ]
    return kept


def _of_row(record: Record, session: Session) -> Iterator[Fact]:
    data = record["data"]
    if not isinstance(data, Mapping):
        yield Skipped(NO_JSON)
        return
    yield from _message({**record, **data}, session)


def _of_file(record: Record, session: Session) -> Iterator[Fact]:
    own = {"id": session.path.stem, "sessionID": session.path.parent.name}
    yield from _message({**own, **record}, session)


_OF_ROWS: dict[str, Any] = {"cursors": ("time_updated", "row"), "json": {"data": _keep}, "read": _of_row}


def _newer(schema: Mapping[str, frozenset[str]]) -> str:
    """Ask for the answers of version 2, whose table was there before it: with rows of other types."""
    if not {"id", "session_id", "type", "data"} <= schema.get("session_message", frozenset()):
        return ""
    return _asked(schema, "session_message", ", m.type", "m.type IN ('assistant', 'compaction')")


def _older(schema: Mapping[str, frozenset[str]]) -> str:
    """Ask for the messages of version 1, but those of conversations that version 2 has taken over.

    It takes over what is there when it runs first, and nothing that version 1 writes afterwards.
    """
    if not {"id", "session_id", "data"} <= schema.get("message", frozenset()):
        return ""
    where = "1"
    if _newer(schema):
        later = " AND v.time_created >= m.time_created" if _timed(schema, "message", "session_message") else ""
        where = (
            "NOT EXISTS (SELECT 1 FROM session_message v WHERE v.session_id = m.session_id AND v.type = 'assistant'"
            f"{later})"
        )
    return _asked(schema, "message", "", where)


def _timed(schema: Mapping[str, frozenset[str]], *tables: str) -> bool:
    return all("time_created" in schema[table] for table in tables)


def _asked(schema: Mapping[str, frozenset[str]], table: str, more: str, where: str) -> str:
    columns = f"m.rowid AS row, m.id, m.session_id AS sessionID, m.data{more}"
    joined = ""
    if _timed(schema, table):
        columns += ", m.time_created"
    if "time_updated" in schema[table]:
        columns += ", min(m.time_updated, :now) AS time_updated"
        where += f" AND (m.time_updated >= :time_updated - {OVERLAP} OR m.rowid > :row)"
    sessions = "session_v2" if table == "session_message" and "session_v2" in schema else "session"
    of_session = [name for name in ("directory", "parent_id", "version") if name in schema.get(sessions, ())]
    if "id" in schema.get(sessions, ()) and of_session:
        columns += "".join(f", s.{name}" for name in of_session)
        joined = f" LEFT JOIN {sessions} s ON s.id = m.session_id"
    return f"SELECT {columns} FROM {table} m{joined} WHERE {where}"


# ── what a message says ─────────────────────────────────────────────────────────────────────────────────────────


def _message(record: Record, session: Session) -> Iterator[Fact]:
    kind = record.get("role") or record.get("type") or ("assistant" if "tokens" in record else None)
    if kind not in ("assistant", COMPACTION):
        return
    times, tokens = part(record, "time"), _tokens(part(record, "tokens"))
    created, completed = times.get("created", record.get("time_created")), times.get("completed")
    if kind == COMPACTION and record.get("status") != "running":
        completed = completed or created
    copied = _is_copy(str(record["id"]), created)
    error = part(record, "error")
    if any(tokens.values()):
        yield _call(record, tokens, created, completed, error, copied=copied)
    elif not completed and not error:
        yield Skipped(UNFINISHED)  # it is read again when that changes
        return
    elif copied:
        yield Skipped(COPIED)
    elif error:
        yield _failure(record, created, completed, error)
    else:
        yield Skipped(NO_USAGE)
    if completed and not copied:
        yield from _of_tools(record, completed)


def _call(record: Record, tokens: dict[str, Any], created: Any, completed: Any, error: Record, *, copied: bool) -> Call:
    cost: Any = record.get("cost")
    reported = {"cost": cost, "currency": "USD"} if type(cost) in (int, float) and cost > 0 else {}
    fields, attributes = _fields(record, created, completed), _attributes(record)
    if error:
        attributes["error_type"] = _error_type(error)
    if record.get("type") == COMPACTION:
        attributes[COMPACTION] = True
    ended = fields.get("duration_ms") or attributes.get(COMPACTION)
    return Call(
        id=str(record["id"]),
        at=created,
        model=_of_model(record, "modelID", "id"),
        tokens=tokens,
        fields={**fields, **reported},
        attributes=attributes,
        alias=_fingerprint(created, ended, add_up(tokens, LAYOUT, "chat")[0]),
        replay=copied,
        lane=str(record["sessionID"] if completed else record["id"]),
        final=bool(completed),
    )


def _failure(record: Record, created: Any, completed: Any, error: Record) -> Happened:
    fields = {
        **_fields(record, created, completed),
        "error_type": _error_type(error),
        "model": _of_model(record, "modelID", "id"),
        "operation": "chat",
    }
    return Happened(
        event_type="provider.call.failed",
        id=str(record["id"]),
        at=created,
        fields={name: told for name, told in fields.items() if told is not None},
        attributes=_attributes(record),
    )


def _of_tools(record: Record, completed: Any) -> Iterator[Fact]:
    """Say what became of the tools of an answer, where it tells: version 1 has them elsewhere."""
    for tool in record.get("tools") or ():
        times, event_type = part(tool, "time"), _ENDS.get(tool["status"])
        if event_type and tool["id"] and tool["name"]:
            own = str(tool["id"])
            fields = {"tool": tool["name"], "conversation_id": str(record["sessionID"])}
            duration = _between(times.get("ran", times.get("created")), times.get("completed"))
            yield Happened(
                event_type=event_type,
                id=own if own.startswith("toolu_") else f"{record['sessionID']}:{own}",
                at=times.get("completed") or completed,
                fields=fields if duration is None else {**fields, "duration_ms": duration},
                attributes=_attributes(record),
            )


def _tokens(told: Record) -> dict[str, Any]:
    cache = part(told, "cache")
    counts = {
        "input_tokens": told.get("input"),
        "output_tokens": told.get("output"),
        "reasoning_tokens": told.get("reasoning"),
        "cache_read_tokens": cache.get("read"),
        "cache_creation_tokens": cache.get("write"),
        "total_tokens": told.get("total"),
    }
    return {name: _count(count) for name, count in counts.items() if count is not None}


def _count(told: Any) -> Any:
    """Return a count as a whole number, where it is one in another form; the door refuses what is none."""
    if isinstance(told, str) and told.isdecimal():
        return int(told)
    return int(told) if isinstance(told, float) and told.is_integer() else told


def _fields(record: Record, created: Any, completed: Any) -> dict[str, Any]:
    fields = {
        "conversation_id": str(record["sessionID"]),
        "task_id": record.get("parentID"),
        "provider": _of_model(record, "providerID", "providerID"),
        "duration_ms": _between(created, completed) or None,
    }
    return {name: told for name, told in fields.items() if told is not None}


def _attributes(record: Record) -> dict[str, Any]:
    path = part(record, "path")
    return {
        "cwd": path.get("cwd") or path.get("root") or record.get("directory"),
        "mode": record.get("agent") or record.get("mode"),
        "agent_version": record.get("version"),
        "parent_conversation_id": record.get("parent_id"),
    }


def _of_model(record: Record, name: str, below: str) -> str | None:
    told = record.get(name) or part(record, "model").get(below)
    return told if isinstance(told, str) and told else None


def _error_type(error: Record) -> str:
    return str(error.get("name") or error.get("type") or "unknown")


def _between(begin: Any, end: Any) -> int | None:
    if type(begin) in (int, float) and type(end) in (int, float) and end >= begin:
        return int(end - begin)
    return None


# ── copies ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _is_copy(own: str, created: Any) -> bool:
    """Say whether a fork has copied a message: its id is made of that event, or later than what it tells of."""
    if own.startswith("msg_") and "_" in own[4:]:
        return bool(_WITH_TIME.fullmatch(own.rpartition("_")[0]))
    told = _WITH_TIME.fullmatch(own)
    if not told or not isinstance(created, int):
        return False
    return LATE < ((int(told[1], 16) >> 12) - created) % _CLOCK < _CLOCK // 2


def _fingerprint(created: Any, ended: Any, tokens: Mapping[str, Any]) -> str:
    """Return what a call and its copies have in common, and no other call; "" where that is not certain.

    ended: after how many milliseconds; True of a compaction, which does not tell.
    """
    if not isinstance(created, (int, float)) or not ended:
        return ""
    counts = ":".join(
        str(tokens.get(name) or 0)
        for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
    )
    return f"answer:{round(created)}:{ended}:{counts}"


def remember(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Remember a call by what its copies tell of it."""
    data, at = event["data"], moment(event["occurred_at"])
    if event["event_type"] == "provider.call.completed" and at:
        duration = data.get("duration_ms")
        ended = round(float(duration)) if duration else data.get("attributes", {}).get(COMPACTION)
        if alias := _fingerprint(at.timestamp() * 1000, ended, data):
            yield alias, str(event["id"])
