"""What Codex writes down of calls: a counter that only grows, again and again, and since 2026 a record a call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from analytics_es.ingest.sessions.declaration import Record
from analytics_es.ingest.sessions.facts import Call, Fact, Known, Skipped
from analytics_es.ingest.sessions.formats import replays, rollouts
from analytics_es.ingest.sessions.formats.counter import AGAIN, Counter, Numbers, Step
from analytics_es.ingest.sessions.formats.openai import COUNTS, PARTS, numbers, state, tokens
from analytics_es.ingest.sessions.formats.records import part
from analytics_es.ingest.sessions.session import Session

BESIDE = "told by the counter just before"
ANOTHERS = "another conversation's call"
IMPORTED = "imported from another agent"
EMPTY = "no tokens"

_RECORDED = " recorded"  # of a state of the counter that is no call: a record tells of it, or another conversation
_BESIDE = " beside"  # of a record of a call that the counter told of
_RECENT = 8  # calls of the counter that a record may tell of after it
_COUNTED = re.compile(r"(.+):\d+:(\d+):(\d+):(\d+):(\d+)")  # the id of a call that the counter told of


def counted(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    """Say what the counter tells: of a call where it has grown, unless there are records of calls beside it."""
    notes, info = session.notes, part(payload, "info")  # none: how much of the limits is left
    usage, marks = info.get("last_token_usage"), notes.get("marks")
    total, last = numbers(info.get("total_token_usage")), numbers(usage)
    if total is None and last:  # where the counter would be
        total = [a + b for a, b in zip(marks[-1], last, strict=True)] if marks else last
    if total is None:
        return
    step, why = _step(record, session, total, last)
    if isinstance(step, str):
        yield Skipped(step)
        return
    name, is_call = f"{rollouts.thread_of(session)}:{step.epoch}:{state(total)}", not why and not notes.get("records")
    was_recorded = (session.known(name) or "").endswith(_RECORDED)
    yield Known(name, state(step.base) + ("" if is_call and not was_recorded else _RECORDED))
    if why or was_recorded or not any(step.added):
        yield Skipped(why or (AGAIN if was_recorded else EMPTY))
    elif is_call:
        notes["recent"] = [*notes.get("recent", ()), [replays.milliseconds(record), step.added, total]][-_RECENT:]
        model = info.get("model") or info.get("model_name") or payload.get("model")
        yield _call(name, record, session, tokens(step.added, usage if step.exact else None), model, notes.get("turn"))


def _step(record: Record, session: Session, total: Numbers, last: Numbers | None) -> tuple[Step | str, str]:
    """Return what a call added, or why it is none; and why it is taken for one of another conversation."""
    notes, thread = session.notes, rollouts.thread_of(session)

    def seen(epoch: int) -> bool:
        return session.known(f"{thread}:{epoch}:{state(total)}") is not None

    counter = Counter([*notes.get("marks", ())], PARTS)
    step = counter.step(total, last, seen=seen)
    if isinstance(step, str):
        return step, ""
    key, base = f"{step.epoch}:{state(total)}", state(step.base)

    def is_of(ancestor: str) -> bool:
        return (session.known(f"{ancestor}:{key}") or "").removesuffix(_RECORDED) == base

    why = replays.repeated(record, session, is_of)
    notes["marks"] = counter.marks
    if not why:
        notes["repeats"] = False
    return step, why or (IMPORTED if str(notes.get("turn")).startswith("external-import-turn-") else "")


def recorded(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    """Say what a record of a call tells; from the first one on the counter beside it tells nothing new."""
    notes, thread, usage = session.notes, rollouts.thread_of(session), payload.get("usage")
    notes["records"] = True
    if (payload.get("thread_id") or thread) != thread:
        yield Skipped(ANOTHERS)
        return
    notes["repeats"] = False
    counts = numbers(usage)
    if not counts or not any(counts):
        yield Skipped(EMPTY)
        return
    turn = payload.get("turn_id")
    name = str(payload.get("response_id") or f"{thread}:{turn}:{state(counts)}")
    if session.known(f"{name}{_BESIDE}") is not None or _was_counted(record, payload, counts, notes):
        yield Known(f"{name}{_BESIDE}")  # a record may be there twice
        yield Skipped(BESIDE)
    else:
        task = payload.get("root_turn_id") or turn
        yield _call(name, record, session, tokens(counts, usage), payload.get("model"), task)


def _was_counted(record: Record, payload: Record, counts: Numbers, notes: dict[str, Any]) -> bool:
    """Say whether the counter told of this call just before, in a file that had no records until then."""
    at, total = replays.milliseconds(record), numbers(payload.get("thread_token_usage")) or []
    for number, (then, added, mark) in enumerate(notes.get("recent", ())):
        near = abs(at - then) <= replays.AT_ONCE or total[:PARTS] == mark[:PARTS]
        if near and added[:PARTS] == counts[:PARTS]:
            notes["recent"] = [*notes["recent"][:number], *notes["recent"][number + 1 :]]
            return True
    return False


def _call(name: str, record: Record, session: Session, counts: dict[str, int], model: Any, task: Any) -> Call:
    notes = session.notes
    tier = notes.get("tier")
    return Call(
        id=name,
        at=record.get("timestamp") or "",
        model=model or notes.get("model"),
        tokens=counts,
        fields={
            "conversation_id": rollouts.thread_of(session),
            "task_id": task,
            "provider": notes.get("provider"),
            "service_tier": "priority" if tier == "fast" else tier,  # as its API calls it
        },
        attributes={**notes.get("meta", {}), "tier": None if tier else "unknown"},
        final=True,
    )


def remember(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give back what later files may repeat of an event: a state of the counter, with what it was before; a tool."""
    name, data = str(event["id"]), event["data"]
    if counted := _COUNTED.fullmatch(name):
        thread, *totals = counted.groups()
        added = [data.get(field, 0) for field in COUNTS.values()]
        yield name, state([int(total) - count for total, count in zip(totals, added, strict=False)])
        yield replays.read(thread), ""
    elif ":" in name:
        yield name, ""
    elif thread := data.get("conversation_id"):
        yield replays.read(thread), ""
