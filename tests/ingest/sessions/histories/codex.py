"""Codex's histories: a counter written again and late and begun anew, forks, subagents, archives, records of calls."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from attrs import define, field

from tests.ingest.sessions.histories import History, Json, TrueCall, stamp

MODELS = ("gpt-5", "gpt-5-codex", "gpt-5.4")
SECOND = timedelta(seconds=1)  # within one another reader takes a subagent's first calls for its parent's
NAMES = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")


@define
class Thread:
    """A conversation, and its file; `writes`: the counter, or `both` the counter and records, or `records` alone."""

    id: str
    path: str
    writes: str
    model: str
    counter: list[int] = field(factory=lambda: [0, 0, 0, 0])
    epoch: int = 0
    rows: list[Json] = field(factory=list)  # what its counter told, and its forks will repeat
    closed: bool = False
    late: bool = False  # a fork's copy of it would be counted by another reader in more ways than one


def history(random: Random, calls: int, *, named: bool = True) -> History:
    """Return a history of so many calls; with `named`, also with the traps in which another reader is known to err."""
    made = History(random)
    threads = [_begun(made, named)]
    while len(made.calls) < calls:
        recent = [thread for thread in threads[-4:] if not thread.closed]
        _happens(made, threads, random.choice(recent) if recent else _begun(made, named), named)
    return made


def _happens(made: History, threads: list[Thread], thread: Thread, named: bool) -> None:
    if thread not in threads:
        threads.append(thread)
    for percent, happens in (
        (3, lambda: threads.append(_begun(made, named))),
        (4, lambda: threads.append(_forked(made, thread)) if thread.rows and not thread.late else None),
        (3, lambda: threads.append(_spawned(made, thread))),
        (2, lambda: made.append(thread.path, _event(made, None))),
        (8, lambda: _again(made, thread)),
        (2, lambda: _late(made, thread) if named else None),
        (1, lambda: _reset(made, thread)),
        (1, lambda: made.cut_and_written_again(thread.path)),
        (1, lambda: _archived(made, thread)),
        (2, lambda: _turn(made, thread, made.random.choice(MODELS))),
        (1, lambda: _updated(thread)),
    ):
        if made.chance(percent):
            happens()
            return
    _call(made, thread, empty=named and any(thread.counter) and not thread.late and made.chance(2))


# ── conversations ───────────────────────────────────────────────────────────────────────────────────────────────


def _begun(made: History, named: bool) -> Thread:
    ways = ["counter", "counter", "both", *(["records"] if named else [])]
    thread = _file(made, made.random.choice(ways))
    made.append(thread.path, _meta(made, thread.id))
    _turn(made, thread, thread.model)
    return thread


def _file(made: History, writes: str) -> Thread:
    at = made.later()
    id = _id(made, at)
    folder, name = at.strftime("%Y/%m/%d"), at.strftime("%Y-%m-%dT%H-%M-%S")
    return Thread(id, f"sessions/{folder}/rollout-{name}-{id}.jsonl", writes, made.random.choice(MODELS))


def _id(made: History, at: datetime) -> str:
    """Return an id as new versions make them, which tells its time, or an old one."""
    number = made.number("id")
    if made.random.random() < 0.5:
        return f"00000000-0000-4000-8000-{number:012x}"
    return str(UUID(int=int(at.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62 | number))


def _meta(made: History, id: str, **changes: object) -> Json:
    payload = {"id": id, "cwd": "/srv/p", "cli_version": "0.145.0", "model_provider": "openai", **changes}
    return {"timestamp": stamp(made.now), "type": "session_meta", "payload": payload}


def _turn(made: History, thread: Thread, model: str) -> None:
    thread.model = model
    payload = {"cwd": "/srv/p", "model": thread.model, "turn_id": _turn_id(made)}
    made.append(thread.path, {"timestamp": stamp(made.later(2)), "type": "turn_context", "payload": payload})


def _turn_id(made: History) -> str:
    return str(UUID(int=int(made.now.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62 | made.number("turn")))


def _forked(made: History, parent: Thread) -> Thread:
    """Begin a conversation with all that its parent's file tells, written anew within the second."""
    fork = _file(made, parent.writes)
    fork.model, fork.counter, fork.epoch, fork.rows = parent.model, [*parent.counter], parent.epoch, [*parent.rows]
    made.append(fork.path, _meta(made, fork.id, forked_from_id=parent.id))
    at = stamp(made.now)
    for text in made.texts[parent.path]:
        made.append(fork.path, {**json.loads(text), "timestamp": at})
    made.later()
    made.later()
    _turn(made, fork, fork.model)
    return fork


def _spawned(made: History, parent: Thread) -> Thread:
    """Begin a subagent, whose file tells whose it is, and nothing that was before."""
    agent = _file(made, parent.writes)
    source = {"subagent": {"thread_spawn": {"parent_thread_id": parent.id, "depth": 1}}}
    made.append(agent.path, _meta(made, agent.id, source=source), _meta(made, parent.id))
    _turn(made, agent, agent.model)
    made.later()
    made.later()
    return agent


def _updated(thread: Thread) -> None:
    """Let the session go on with a newer version."""
    if thread.writes == "counter":
        thread.writes = "both"


def _archived(made: History, thread: Thread) -> None:
    """Copy a file to the archive, or move it there."""
    copy = thread.path.replace("sessions/", "archived_sessions/", 1)
    made.rewrite(copy, made.texts[thread.path])
    if made.chance(50):
        made.remove(thread.path)
    thread.closed = True


# ── calls ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _call(made: History, thread: Thread, *, empty: bool = False) -> None:
    """Make a call, and write what tells of it; `empty`: without what it used beside the total."""
    random = made.random
    went_in, came_out = random.randrange(1, 60_000), random.randrange(1, 3000)
    counts = [went_in, random.choice([0, random.randrange(went_in)]), came_out, random.randrange(came_out)]
    thread.counter = [total + count for total, count in zip(thread.counter, counts, strict=True)]
    made.now += SECOND
    at, number = made.later(), made.number("call")
    id = f"{thread.id}:{thread.epoch}:{':'.join(map(str, thread.counter))}"
    if thread.writes != "counter":
        id = f"resp_{number}"
        record = _record(made, thread, id, counts)
        made.append(thread.path, *([record] * random.choice([1, 1, 2])))
    tokens = dict(zip(("input", "cache_read", "output", "reasoning"), counts, strict=True))
    call = made.made(TrueCall(id=id, at=at, model=thread.model, tokens=tokens))
    if thread.writes == "records":
        made.count_beyond(at, call.model, tokens, -1)
        return
    last: Json | None = _usage(counts)
    if empty:
        last = {}
        made.count_beyond(at, call.model, tokens, -1)
    elif thread.counter != counts and not thread.late and made.chance(5):
        last = None
    row = _event(made, {"total_token_usage": _usage(thread.counter), "last_token_usage": last})
    thread.rows.append(row)
    made.append(thread.path, row)


def _again(made: History, thread: Thread) -> None:
    """Write the last row again, as when limits are told."""
    for _ in range(made.random.randrange(1, 4) if thread.rows and not thread.late else 0):
        made.now += SECOND
        made.append(thread.path, {**thread.rows[-1], "timestamp": stamp(made.later(2))})


def _reset(made: History, thread: Thread) -> None:
    """Let the counter begin anew."""
    if thread.rows and thread.writes == "counter":
        thread.counter, thread.epoch = [0, 0, 0, 0], thread.epoch + 1
        _call(made, thread)


def _late(made: History, thread: Thread) -> None:
    """Write a row again that is not the last: another reader takes it for a call."""
    if len(thread.rows) < 2 or thread.epoch or thread.writes != "counter":
        return
    row = made.random.choice(thread.rows[:-1])
    if row["payload"]["info"]["last_token_usage"]:
        at, thread.late = made.later(2), True
        made.append(thread.path, {**row, "timestamp": stamp(at)})
        counts = [row["payload"]["info"]["last_token_usage"][name] for name in NAMES]
        tokens = dict(zip(("input", "cache_read", "output", "reasoning"), counts, strict=True))
        made.count_beyond(at, thread.model, tokens, 1)


def _usage(counts: list[int]) -> Json:
    return {**dict(zip(NAMES, counts, strict=True)), "total_tokens": counts[0] + counts[2]}


def _event(made: History, info: Json | None) -> Json:
    payload = {"type": "token_count", "info": info, "rate_limits": None}
    return {"timestamp": stamp(made.now), "type": "event_msg", "payload": payload}


def _record(made: History, thread: Thread, id: str, counts: list[int]) -> Json:
    of = {"thread_id": thread.id, "session_id": thread.id, "turn_id": "t", "root_turn_id": "t", "response_id": id}
    usage = {**_usage(counts), "cache_write_input_tokens": 0}
    return {"timestamp": stamp(made.now), "type": "token_usage_record", "payload": {**of, "usage": usage}}
