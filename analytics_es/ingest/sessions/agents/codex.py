"""Codex: a counter that only grows, written again and again and copied into forks, and since 2026 a record a call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from analytics_es.ingest.sessions import replays
from analytics_es.ingest.sessions.counter import Counter, Numbers, Step
from analytics_es.ingest.sessions.declaration import Agent, Home, Kept, Lines, Record
from analytics_es.ingest.sessions.facts import Call, Fact, Happened, Known, Skipped
from analytics_es.ingest.sessions.session import Session

_COUNTS = {
    "input_tokens": "input_tokens",
    "cached_input_tokens": "cache_read_tokens",
    "output_tokens": "output_tokens",
    "reasoning_output_tokens": "reasoning_tokens",
    "cache_write_input_tokens": "cache_creation_tokens",
}
_PARTS = 4  # of these tell one state of the counter from another
_RECENT = 8  # calls of the counter that a record may tell of after it
_TOOLS = 500  # tools that may run at once
_EXIT = re.compile(r"(?:Chunk ID: .*\n)?(?:Wall time: .*\n)?(?:Exit code: |Process exited with code )(-?\d+)\n")
_COUNTED = re.compile(r"(.+):\d+:(\d+):(\d+):(\d+):(\d+)")  # the id of a call that the counter told of
_UNSAID = ("sandbox_error", "thread_rollback_failed", "other")  # errors that are not the provider's

SUM = "no call: the sum of a turn, as `codex exec --json` tells it"
BESIDE = "told by the counter just before"
ANOTHERS = "another conversation's call"
EMPTY = "no tokens"


def _read(record: Record, session: Session) -> Iterator[Fact]:
    """Say what a line tells: whose file it is, what follows is of which turn, a call, or a tool."""
    payload, kind = record.get("payload"), record.get("type")
    if not isinstance(payload, Mapping):
        if any(isinstance(record.get(name), Mapping) for name in ("usage", "data", "result", "response")):
            yield Skipped(SUM)
        return
    kind = payload.get("type") if kind in ("event_msg", "response_item") else kind
    if read := _KINDS.get(str(kind)):
        yield from read(record, payload, session)


# ── whose, and of which turn ────────────────────────────────────────────────────────────────────────────────────


def _meta(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    """Take the first for the file's own; others are those of conversations whose history it repeats."""
    notes = session.notes
    name = str(payload.get("id") or payload.get("session_id") or _name(session))
    if notes.setdefault("id", name) != name:
        replays.begin(notes, name, None)
    if notes["id"] != name or "meta" in notes:
        return
    source = payload.get("source")
    subagent = source.get("subagent") if isinstance(source, Mapping) else None
    spawn = subagent.get("thread_spawn") if isinstance(subagent, Mapping) else None
    parent = spawn.get("parent_thread_id") if isinstance(spawn, Mapping) else None
    history = payload.get("history_base")
    start = payload.get("subagent_history_start_ordinal")
    if start is None and isinstance(history, Mapping):
        start = history.get("end_ordinal_exclusive")
    for ancestor in (payload.get("forked_from_id"), payload.get("parent_thread_id"), parent):
        if ancestor:
            replays.begin(notes, str(ancestor), start)
    notes["written"] = replays.milliseconds(record)
    notes["provider"] = payload.get("model_provider")
    git = payload.get("git")
    notes["meta"] = {
        "cwd": payload.get("cwd"),
        "git_branch": git.get("branch") if isinstance(git, Mapping) else None,
        "agent_version": payload.get("cli_version"),
        "sidechain": True if subagent else None,
    }
    yield Known(replays.thread(name))


def _turn(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    notes = session.notes
    notes["turn"], notes["model"] = payload.get("turn_id"), payload.get("model") or notes.get("model")
    notes["tier"] = payload.get("service_tier") or notes.get("next tier")
    if payload.get("cwd"):
        notes["meta"] = {**notes.get("meta", {}), "cwd": payload["cwd"]}
    yield from ()


def _settings(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    settings = payload.get("thread_settings")
    session.notes["next tier"] = settings.get("service_tier") if isinstance(settings, Mapping) else None
    yield from ()


def _name(session: Session) -> str:
    return str(session.notes.get("id") or session.path.stem[-36:])


# ── calls ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _counted(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    """Say what the counter tells: of a call where it has grown, and there is no record of calls beside it."""
    info = payload.get("info")
    if not isinstance(info, Mapping):
        return  # how much of the limits is left
    notes, last = session.notes, _numbers(info.get("last_token_usage"))
    total = _numbers(info.get("total_token_usage")) or _counted_on(notes.get("marks"), last)
    if total is None:
        return
    step, why = _step(record, session, total, last)
    if isinstance(step, str):
        yield Skipped(step)
        return
    name = f"{_name(session)}:{step.epoch}:{_state(total)}"
    yield Known(name, _state(step.base))
    if why or not any(step.added):
        yield Skipped(why or EMPTY)
    elif not notes.get("records"):
        notes["recent"] = [*notes.get("recent", ()), [replays.milliseconds(record), step.added, total]][-_RECENT:]
        tokens = _tokens(step.added)
        if step.exact:
            tokens["total_tokens"] = info["last_token_usage"].get("total_tokens")
        model = info.get("model") or info.get("model_name") or payload.get("model") or notes.get("model")
        yield _call(name, record, session, tokens, model, notes.get("turn"))


def _counted_on(marks: list[Numbers] | None, last: Numbers | None) -> Numbers | None:
    """Return where a counter would be that is not told."""
    return last if last is None or not marks else [a + b for a, b in zip(marks[-1], last, strict=True)]


def _step(record: Record, session: Session, total: Numbers, last: Numbers | None) -> tuple[Step | str, str]:
    """Return what a call added, or why it is none, and why it is taken for one of another conversation."""
    notes, thread, state = session.notes, _name(session), _state(total)
    marks: list[Numbers] = notes.get("marks", [])

    def seen(epoch: int) -> bool:
        return session.known(f"{thread}:{epoch}:{state}") is not None

    counter = Counter([*marks], _PARTS)
    step = counter.step(total, last, seen=seen)
    if isinstance(step, str):
        return step, ""
    epoch, base = step.epoch, _state(step.base)
    why = replays.repeated(record, session, lambda other: session.known(f"{other}:{epoch}:{state}") == base)
    if not why and notes.get("repeats"):  # the first of its own: the counter goes on from the fork, or is a new one
        notes["repeats"] = False
        counter = Counter([*marks], _PARTS)
        step = counter.step(total, last, fresh=True, seen=lambda epoch: False)
    notes["marks"] = counter.marks
    return step, why


def _recorded(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    """Say what a record of a call tells; from the first one on the counter beside it tells nothing new."""
    notes, thread, usage = session.notes, _name(session), payload.get("usage")
    notes["records"] = True
    if payload.get("thread_id") not in (None, thread):
        yield Skipped(ANOTHERS)
        return
    if (why := replays.repeated(record, session, lambda ancestor: False)) and payload.get("thread_id") is None:
        yield Skipped(why)
        return
    notes["repeats"] = False
    numbers = _numbers(usage)
    if numbers is None or not isinstance(usage, Mapping) or not any(numbers):
        yield Skipped(EMPTY)
        return
    if _was_counted(record, payload, numbers, notes):
        yield Skipped(BESIDE)
        return
    tokens = {**_tokens(numbers), "total_tokens": usage.get("total_tokens")}
    turn = payload.get("turn_id")
    name = payload.get("response_id") or f"{thread}:{turn}:{_state(numbers)}"
    task = payload.get("root_turn_id") or turn
    yield _call(str(name), record, session, tokens, payload.get("model") or notes.get("model"), task)


def _was_counted(record: Record, payload: Record, numbers: Numbers, notes: dict[str, Any]) -> bool:
    """Say whether the counter told of this call just before, in a file that had no records until then."""
    total = _numbers(payload.get("thread_token_usage"))
    for entry in notes.get("recent", ()):
        at, added, then = entry
        near = abs(replays.milliseconds(record) - at) <= replays.AT_ONCE
        if added[:_PARTS] == numbers[:_PARTS] and (near or (total and total[:_PARTS] == then[:_PARTS])):
            notes["recent"] = [other for other in notes["recent"] if other is not entry]
            return True
    return False


def _call(name: str, record: Record, session: Session, tokens: Any, model: Any, task: Any) -> Call:
    notes = session.notes
    tier = notes.get("tier")
    fields = {
        "conversation_id": _name(session),
        "task_id": task,
        "provider": notes.get("provider"),
        "service_tier": "priority" if tier == "fast" else tier,
    }
    return Call(
        id=name,
        at=record.get("timestamp") or "",
        model=model,
        tokens={name: count for name, count in tokens.items() if count is not None},
        fields={name: text for name, text in fields.items() if text},
        attributes={**notes.get("meta", {}), "tier": None if tier else "unknown"},
        final=True,
    )


def _numbers(usage: Any) -> Numbers | None:
    """Return the counts of a usage; None where it tells none, as an empty one."""
    if not isinstance(usage, Mapping) or not any(name in usage for name in _COUNTS):
        return None
    return [int(usage.get(name) or 0) for name in _COUNTS]


def _tokens(numbers: Numbers) -> dict[str, Any]:
    return dict(zip(_COUNTS.values(), numbers, strict=True))


def _state(numbers: Numbers) -> str:
    return ":".join(str(count) for count in numbers[:_PARTS])


# ── tools, and what failed ──────────────────────────────────────────────────────────────────────────────────────


def _used(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    notes, call = session.notes, payload.get("call_id") or payload.get("id")
    tool = payload.get("name") or str(payload.get("type")).removesuffix("_call")
    if call:
        notes["tools"] = dict([*notes.get("tools", {}).items(), (str(call), tool)][-_TOOLS:])
    if call and payload.get("type") == "web_search_call":  # what the provider runs has no output of its own
        yield from _ran(record, {"call_id": call}, session)


def _ran(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    notes, thread, call = session.notes, _name(session), str(payload.get("call_id") or "")
    tool = notes.get("tools", {}).get(call)
    if not call or not tool:
        return
    notes["tools"] = {name: other for name, other in notes["tools"].items() if name != call}
    if replays.repeated(record, session, lambda ancestor: session.known(f"{ancestor}:{call}") is not None):
        return
    fields = {"tool": tool, "conversation_id": thread, "task_id": notes.get("turn")}
    yield Happened(
        event_type="tool.call.failed" if _failed(payload.get("output")) else "tool.call.completed",
        id=f"{thread}:{call}",
        at=record.get("timestamp") or "",
        fields={name: text for name, text in fields.items() if text},
        attributes=notes.get("meta", {}),
    )


def _failed(output: Any) -> bool:
    """Say whether the log tells that a tool failed: by its exit code, or in so many words."""
    if isinstance(output, str) and output.startswith("{"):
        try:
            output = orjson.loads(output)
        except ValueError:
            return False
    if isinstance(output, Mapping):
        metadata = output.get("metadata")
        code = metadata.get("exit_code") if isinstance(metadata, Mapping) else None
        return output.get("success") is False or code not in (None, 0)
    code = _EXIT.match(output[:500]) if isinstance(output, str) else None
    return bool(code and int(code[1]))


def _error(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    told = payload.get("codex_error_info")
    error = next(iter(told), None) if isinstance(told, Mapping) else told
    if not error or error in _UNSAID or replays.repeated(record, session, lambda ancestor: True):
        return
    notes, thread = session.notes, _name(session)
    fields = {
        "conversation_id": thread,
        "task_id": notes.get("turn"),
        "provider": notes.get("provider"),
        "model": notes.get("model"),
        "operation": "chat",
        "error_type": str(error),
    }
    yield Happened(
        event_type="provider.call.failed",
        id=f"{thread}:{record.get('timestamp')}:failed",
        at=record.get("timestamp") or "",
        fields={name: text for name, text in fields.items() if text},
        attributes=notes.get("meta", {}),
    )


_KINDS = {
    "session_meta": _meta,
    "turn_context": _turn,
    "thread_settings_applied": _settings,
    "token_count": _counted,
    "token_usage_record": _recorded,
    **dict.fromkeys(("function_call", "custom_tool_call", "local_shell_call", "web_search_call"), _used),
    **dict.fromkeys(("function_call_output", "custom_tool_call_output"), _ran),
    "error": _error,
}


def _remember(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give back what later files may repeat of this event: a state of the counter, and what it was before; a tool."""
    name, data = str(event["id"]), event["data"]
    if counted := _COUNTED.fullmatch(name):
        thread, *numbers = counted.groups()
        added = [data.get(field) or 0 for field in _COUNTS.values()]
        yield name, _state([int(number) - more for number, more in zip(numbers, added, strict=False)])
        yield replays.thread(thread), ""
    elif ":" in name:
        yield name, ""
        yield replays.thread(name.rpartition(":")[0]), ""
    elif thread := data.get("conversation_id"):
        yield replays.thread(thread), ""


_MARKS = (
    *(b'"session_meta"', b'"turn_context"', b'"token_count"', b'"token_usage_record"', b'"thread_settings_applied"'),
    *(b'function_call"', b'function_call_output"', b"custom_tool_call", b'"local_shell_call"', b'"web_search_call"'),
    *(b'"codex_error_info"', b'"usage"'),
)

AGENT = Agent(
    name="codex",
    title="Codex",
    source="openai/codex: codex-rs/protocol/src/protocol.rs, its issue #47003; ccusage/ccusage #1288 (November 2026)",
    homes=(Home(variable="CODEX_HOME", folders=("~/.codex",)),),
    files=(Lines(pattern="*sessions/**/*.jsonl", read=_read, marks=_MARKS, by_name=True),),
    providers={
        "gpt-oss*": "",
        **dict.fromkeys(("gpt-*", "codex-*", "o1*", "o3*", "o4*", "chatgpt-*", "computer-use-*"), "openai"),
    },
    remember=_remember,
    kept=Kept(),
    tells_not="cost; before mid-2026 the tier of service; before Sept 2025 the model; searches; calls that failed",
)
