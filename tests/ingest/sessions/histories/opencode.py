"""OpenCode's histories: a message a file, or rows that are changed in place, and taken over by version 2."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from attrs import define

from tests.ingest.sessions.histories import History, Json, Sql, TrueCall

MODELS = ("claude-sonnet-4-5-20250929", "gpt-5", "qwen3-coder")
DATABASE = "opencode.db"
TABLES = (
    "CREATE TABLE IF NOT EXISTS session (id TEXT PRIMARY KEY, directory TEXT, parent_id TEXT, version TEXT)",
    "CREATE TABLE IF NOT EXISTS message (id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER,"
    " time_updated INTEGER, data TEXT)",
)
NEWER = (
    "CREATE TABLE IF NOT EXISTS session_message (id TEXT PRIMARY KEY, session_id TEXT, type TEXT, seq INTEGER,"
    " time_created INTEGER, time_updated INTEGER, data TEXT)"
)


@define
class Installed:
    """What of it is installed: `files`, `rows` of version 1, or version `2`."""

    way: str
    session: str = ""


def history(random: Random, calls: int, *, named: bool = True) -> History:
    """Return a history of so many calls."""
    made = History(random)
    installed = Installed(random.choice(["files", "rows", "2"]))
    if installed.way != "files":
        tables = (*TABLES, NEWER) if installed.way == "2" else TABLES
        made.steps.append(Sql(DATABASE, tuple((statement, ()) for statement in tables)))
    _session(made, installed)
    while len(made.calls) < calls:
        if made.chance(5):
            _session(made, installed)
        elif made.chance(10):
            _put(made, installed, "user", _id(made), {"role": "user", "time": {"created": _now(made)}}, is_new=True)
        else:
            _call(made, installed)
    return made


def _id(made: History) -> str:
    return f"msg_{made.number('message'):06d}"


def _now(made: History) -> int:
    return int(made.later().timestamp() * 1000)


def _session(made: History, installed: Installed) -> None:
    installed.session = f"ses_{made.number('session'):04d}"
    if installed.way != "files":
        given = (installed.session, "/srv/p", None, "1.14.0")
        made.steps.append(Sql(DATABASE, (("INSERT INTO session VALUES (?, ?, ?, ?)", given),)))


def _call(made: History, installed: Installed) -> None:
    random = made.random
    model, id, created = random.choice(MODELS), _id(made), _now(made)
    at = made.now
    counts = {
        "input": random.randrange(1, 20_000),
        "output": random.randrange(1, 2000),
        "reasoning": random.choice([0, random.randrange(900)]),
        "cache": {"read": random.choice([0, 30_000]), "write": random.choice([0, 700])},
    }
    none = {"input": 0, "output": 0, "reasoning": 0, "cache": {"read": 0, "write": 0}}
    message: Json = {"role": "assistant", "cost": 0, "path": {"cwd": "/srv/p"}}
    if installed.way == "2":
        message["model"] = {"id": model, "providerID": "anthropic"}
    else:
        message |= {"modelID": model, "providerID": "anthropic"}
    begun = made.chance(60)
    if begun:
        _put(made, installed, "assistant", id, {**message, "tokens": none, "time": {"created": created}}, is_new=True)
    times = {"created": created, "completed": created + random.randrange(1, 900)}
    _put(made, installed, "assistant", id, {**message, "tokens": counts, "time": times}, is_new=not begun)
    read, written = counts["cache"]["read"], counts["cache"]["write"]
    tokens = {
        "input": counts["input"] + read + written,
        "output": counts["output"] + counts["reasoning"],
        "reasoning": counts["reasoning"],
        "cache_read": read,
        "cache_creation": written,
    }
    made.made(TrueCall(id=id, at=at, model=model, tokens=tokens))


def _put(made: History, installed: Installed, kind: str, id: str, message: Json, *, is_new: bool) -> None:
    """Write a message, or change it."""
    session, created = installed.session, message["time"]["created"]
    updated = message["time"].get("completed", created)
    if installed.way == "files":
        whole = {"id": id, "sessionID": session, **message}
        made.rewrite(f"storage/message/{session}/{id}.json", [json.dumps(whole, indent=2)])
        return
    data = json.dumps({name: told for name, told in message.items() if installed.way != "2" or name != "role"})
    table = "session_message" if installed.way == "2" else "message"
    given: tuple[Any, ...] = (id, session, created, updated, data)
    insert = "INSERT INTO message (id, session_id, time_created, time_updated, data) VALUES (?, ?, ?, ?, ?)"
    if installed.way == "2":
        given = (id, session, kind, made.number("seq"), created, updated, data)
        insert = "INSERT INTO session_message VALUES (?, ?, ?, ?, ?, ?, ?)"
    if is_new:
        made.steps.append(Sql(DATABASE, ((insert, given),)))
    else:
        change = f"UPDATE {table} SET data = ?, time_updated = ? WHERE id = ?"
        made.steps.append(Sql(DATABASE, ((change, (data, updated, id)),)))
