"""Codex: a counter that only grows, written again and again and copied into forks, and since 2026 a record a call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from analytics_es.ingest.sessions import replays
from analytics_es.ingest.sessions.counter import AGAIN, Counter, Numbers, Step
from analytics_es.ingest.sessions.declaration import Agent, Home, Lines, Record
from analytics_es.ingest.sessions.facts import Call, Fact, Happened, Known, Skipped
from analytics_es.ingest.sessions.openai import COUNTS, MODELS, PARTS, failed, numbers, state, tokens
from analytics_es.ingest.sessions.records import part
from analytics_es.ingest.sessions.session import Session
from analytics_es.ingest.sessions.tools import COMPLETED, FAILED, result, used

SUM = "no call: the sum of a turn, as `codex exec --json` tells it"
BESIDE = "told by the counter just before"
ANOTHERS = "another conversation's call"
IMPORTED = "imported from another agent"
EMPTY = "no tokens"

_RECENT = 8  # calls of the counter that a record may tell of after it
_NOT_PROVIDERS = ("sandbox_error", "thread_rollback_failed", "other")  # errors
_COUNTED = re.compile(r"(.+):\d+:(\d+):(\d+):(\d+):(\d+)")  # the id of a call that the counter told of


def _read(record: Record, session: Session) -> Iterator[Fact]:
    """Say what a line tells: whose file it is, of which turn what follows is, a call, or a tool."""
    payload, kind = part(record, "payload"), record.get("type")
    if not payload and any(part(record, *names, "usage") for names in ((), ("data",), ("result",), ("response",))):
        yield Skipped(SUM)
    read = _KINDS.get(str(payload.get("type") if kind in ("event_msg", "response_item") else kind))
    if payload and read:
        yield from read(record, payload, session)


# ── whose, and of which turn ────────────────────────────────────────────────────────────────────────────────────


def _thread(session: Session) -> str:
    return str(session.notes.get("id") or session.path.name.split(".")[0][-36:])


def _meta(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    """Take the first for the file's own; others are those of conversations whose history it repeats."""
    notes = session.notes
    name = str(payload.get("id") or payload.get("session_id") or _thread(session))
    if notes.setdefault("id", name) != name:
        replays.begin(notes, name)
    elif "meta" not in notes:
        subagent = part(payload, "source").get("subagent")
        spawned = part(subagent, "thread_spawn").get("parent_thread_id")
        for ancestor in (payload.get("forked_from_id"), payload.get("parent_thread_id"), spawned):
            if ancestor:
                replays.begin(notes, str(ancestor))
        notes["start"] = payload.get("subagent_history_start_ordinal")
        notes["written"] = replays.milliseconds(record)
        notes["provider"] = payload.get("model_provider")
        notes["meta"] = {
            "cwd": payload.get("cwd"),
            "git_branch": part(payload, "git").get("branch"),
            "agent_version": payload.get("cli_version"),
            "sidechain": True if subagent else None,
        }
        yield Known(replays.read(name))


def _turn(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    notes = session.notes
    notes["turn"] = payload.get("turn_id")
    if payload.get("type") != "task_started":
        notes["model"] = payload.get("model") or notes.get("model")
        notes["tier"] = payload.get("service_tier") or notes.get("next tier")
        notes["meta"] = {**notes.get("meta", {}), **({"cwd": payload["cwd"]} if payload.get("cwd") else {})}
    yield from ()


def _settings(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    """Note down the tier that the next turn is to have: the one that runs keeps its own."""
    notes, settings = session.notes, part(payload, "thread_settings")
    if not replays.repeated(record, session, lambda ancestor: True):
        notes["next tier"] = settings.get("service_tier")
        if "turn" not in notes:
            notes["tier"], notes["model"] = settings.get("service_tier"), settings.get("model")
    yield from ()


# ── calls ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _counted(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
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
    name = f"{_thread(session)}:{step.epoch}:{state(total)}"
    before = session.known(name)
    yield Known(name, state(step.base))
    if why or not any(step.added):
        yield Skipped(why or EMPTY)
    elif not notes.get("records"):
        notes["recent"] = [*notes.get("recent", ()), [replays.milliseconds(record), step.added, total]][-_RECENT:]
        model = info.get("model") or info.get("model_name") or payload.get("model")
        call = _call(name, record, session, tokens(step.added, usage if step.exact else None), model, notes.get("turn"))
        yield call if before is None else Skipped(AGAIN)


def _step(record: Record, session: Session, total: Numbers, last: Numbers | None) -> tuple[Step | str, str]:
    """Return what a call added, or why it is none; and why it is taken for one of another conversation."""
    notes, thread = session.notes, _thread(session)

    def seen(epoch: int) -> bool:
        return session.known(f"{thread}:{epoch}:{state(total)}") is not None

    counter = Counter([*notes.get("marks", ())], PARTS)
    step = counter.step(total, last, seen=seen)
    if isinstance(step, str):
        return step, ""
    key, base = f"{step.epoch}:{state(total)}", state(step.base)
    why = replays.repeated(record, session, lambda ancestor: session.known(f"{ancestor}:{key}") == base)
    notes["marks"] = counter.marks
    if not why:
        notes["repeats"] = False
    return step, why or (IMPORTED if str(notes.get("turn")).startswith("external-import-turn-") else "")


def _recorded(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    """Say what a record of a call tells; from the first one on the counter beside it tells nothing new."""
    notes, thread, usage = session.notes, _thread(session), payload.get("usage")
    notes["records"] = True
    if (payload.get("thread_id") or thread) != thread:
        yield Skipped(ANOTHERS)
        return
    notes["repeats"] = False
    counts = numbers(usage)
    if not counts or not any(counts):
        yield Skipped(EMPTY)
    elif _was_counted(record, payload, counts, notes):
        yield Skipped(BESIDE)
    else:
        turn = payload.get("turn_id")
        name = payload.get("response_id") or f"{thread}:{turn}:{state(counts)}"
        task = payload.get("root_turn_id") or turn
        yield _call(str(name), record, session, tokens(counts, usage), payload.get("model"), task)


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
            "conversation_id": _thread(session),
            "task_id": task,
            "provider": notes.get("provider"),
            "service_tier": "priority" if tier == "fast" else tier,  # as its API calls it
        },
        attributes={**notes.get("meta", {}), "tier": None if tier else "unknown"},
        final=True,
    )


# ── tools, and what failed ──────────────────────────────────────────────────────────────────────────────────────


def _used(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    kind, call = str(payload.get("type")), payload.get("call_id") or payload.get("id")
    used(session, call, payload.get("name") or kind.removesuffix("_call"))
    if call and kind == "web_search_call":  # what the provider runs has no output of its own
        yield from _ran(record, {"call_id": call}, session)


def _ended(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    """Note down that a tool failed, which its output does not tell."""
    if payload.get("success") is False or payload.get("exit_code") or _has_error(part(payload, "result")):
        session.notes["failed"] = [*session.notes.get("failed", ()), payload.get("call_id")][-_RECENT:]
    yield from ()


def _has_error(outcome: Mapping[str, Any]) -> bool:
    return "Err" in outcome or any(part(outcome, "Ok").get(name) is True for name in ("is_error", "isError"))


def _ran(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    notes, thread, call = session.notes, _thread(session), str(payload.get("call_id") or "")
    became = FAILED if failed(payload.get("output")) or call in notes.get("failed", ()) else COMPLETED
    at, told = record.get("timestamp") or "", {"conversation_id": thread, "task_id": notes.get("turn")}
    name = f"{thread}:{call}"
    ran = result(session, call, became, at, id=name, fields=told, attributes=notes.get("meta", {}))
    if call and not replays.repeated(record, session, lambda other: session.known(f"{other}:{call}") is not None):
        yield ran


def _error(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    told = payload.get("codex_error_info")
    error = next(iter(told), None) if isinstance(told, Mapping) else told
    if not error or error in _NOT_PROVIDERS or replays.repeated(record, session, lambda ancestor: True):
        return
    notes, thread, at = session.notes, _thread(session), record.get("timestamp") or ""
    fields = {
        "conversation_id": thread,
        "task_id": notes.get("turn"),
        "provider": notes.get("provider"),
        "model": notes.get("model"),
        "operation": "chat",
        "error_type": str(error),
    }
    told_of = notes.get("meta", {})
    yield Happened(
        event_type="provider.call.failed", id=f"{thread}:{at}:failed", at=at, fields=fields, attributes=told_of
    )


_KINDS = {
    "session_meta": _meta,
    "turn_context": _turn,
    "task_started": _turn,
    "thread_settings_applied": _settings,
    "token_count": _counted,
    "token_usage_record": _recorded,
    **dict.fromkeys(("function_call", "custom_tool_call", "local_shell_call", "web_search_call"), _used),
    **dict.fromkeys(("function_call_output", "custom_tool_call_output"), _ran),
    **dict.fromkeys(("mcp_tool_call_end", "patch_apply_end", "exec_command_end"), _ended),
    "error": _error,
}


def _remember(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
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


_MARKS = (*(f'"{kind}"'.encode() for kind in _KINDS if kind != "error"), b'"codex_error_info"', b'"usage"')

AGENT = Agent(
    name="codex",
    title="Codex",
    source="openai/codex: codex-rs/protocol, codex-rs/rollout, its issue #47003; ccusage #1288 (November 2026)",
    homes=(Home(variable="CODEX_HOME", folders=("~/.codex",)),),
    files=(
        Lines(pattern="*sessions/**/*.jsonl", read=_read, marks=_MARKS, by_name=True),
        Lines(pattern="*sessions/**/*.jsonl.zst", read=_read, marks=_MARKS, by_name=True),  # what has rested for a week
    ),
    providers=MODELS,
    remember=_remember,
    tells_not=(
        "cost; the tier of service before mid-2026; the model before September 2025; what side questions used, which "
        "have no file; what compaction used before September 2026"
    ),
)
