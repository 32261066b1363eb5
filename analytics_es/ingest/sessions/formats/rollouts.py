"""What Codex writes down beside calls: whose a file is, of which turn what follows is, tools, and what failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from analytics_es.ingest.sessions.declaration import Record
from analytics_es.ingest.sessions.events import project_of
from analytics_es.ingest.sessions.facts import Fact, Happened, Known
from analytics_es.ingest.sessions.formats import replays
from analytics_es.ingest.sessions.formats.openai import failed
from analytics_es.ingest.sessions.formats.records import part
from analytics_es.ingest.sessions.formats.tools import COMPLETED, FAILED, result, used
from analytics_es.ingest.sessions.session import Session

_MOST = 8  # tools that failed, and whose output comes
_NOT_PROVIDERS = ("sandbox_error", "thread_rollback_failed", "other")  # errors


# ── whose, and of which turn ────────────────────────────────────────────────────────────────────────────────────


def thread_of(session: Session) -> str:
    """Return whose file it is; of one without a first line, what its name ends with."""
    return str(session.notes.get("id") or session.path.name.split(".")[0][-36:])


def meta(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    """Take the first for the file's own; others are those of conversations whose history it repeats."""
    notes = session.notes
    name = str(payload.get("id") or payload.get("session_id") or thread_of(session))
    if notes.setdefault("id", name) != name:
        replays.begin(notes, name, is_copied=not notes.get("meta", {}).get("sidechain"))  # a subagent's repeats no more
    elif "meta" not in notes:
        subagent = part(payload, "source").get("subagent")
        spawned = part(subagent, "thread_spawn").get("parent_thread_id")
        forked = payload.get("forked_from_id")
        for ancestor in filter(None, (payload.get("parent_thread_id"), spawned, forked)):
            replays.begin(notes, str(ancestor), is_copied=ancestor == forked)
        notes["start"] = payload.get("subagent_history_start_ordinal")
        notes["written"] = replays.milliseconds(record)
        notes["provider"] = payload.get("model_provider")
        notes["meta"] = {
            "project": _project(payload),
            "git_branch": part(payload, "git").get("branch"),
            "agent_version": payload.get("cli_version"),
            "sidechain": True if subagent else None,
        }
        yield Known(replays.read(name))


def _project(payload: Record) -> str | None:
    return project_of(str(payload["cwd"])) if payload.get("cwd") else None


def turn(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    """Note down of which turn, model and project what follows is."""
    notes = session.notes
    notes["turn"] = payload.get("turn_id")
    if payload.get("type") != "task_started":
        notes["model"] = payload.get("model") or notes.get("model")
        notes["tier"] = payload.get("service_tier") or notes.get("next tier")
        notes["meta"] = {**notes.get("meta", {}), **({"project": project} if (project := _project(payload)) else {})}
    yield from ()


def settings(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    """Note down the tier that the next turn is to have: the one that runs keeps its own."""
    notes, told = session.notes, part(payload, "thread_settings")
    if not replays.repeated(record, session, lambda ancestor: True):
        notes["next tier"] = told.get("service_tier")
        if "turn" not in notes:
            notes["tier"], notes["model"] = told.get("service_tier"), told.get("model")
    yield from ()


# ── tools, and what failed ──────────────────────────────────────────────────────────────────────────────────────


def use(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    """Note down which tool is used, until its output comes."""
    kind, call = str(payload.get("type")), payload.get("call_id") or payload.get("id")
    used(session, call, payload.get("name") or kind.removesuffix("_call"))
    if call and kind == "web_search_call":  # what the provider runs has no output of its own
        yield from ran(record, {"call_id": call}, session)


def ended(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    """Note down that a tool failed, which its output does not tell."""
    if payload.get("success") is False or payload.get("exit_code") or _has_error(part(payload, "result")):
        session.notes["failed"] = [*session.notes.get("failed", ()), payload.get("call_id")][-_MOST:]
    yield from ()


def _has_error(outcome: Mapping[str, Any]) -> bool:
    return "Err" in outcome or any(part(outcome, "Ok").get(name) is True for name in ("is_error", "isError"))


def ran(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    """Say that a tool ran; nothing of what it gave back."""
    notes, thread, call = session.notes, thread_of(session), str(payload.get("call_id") or "")
    became = FAILED if failed(payload.get("output")) or call in notes.get("failed", ()) else COMPLETED
    at, told = record.get("timestamp") or "", {"conversation_id": thread, "task_id": notes.get("turn")}
    of_file = notes.get("meta", {})
    outcome = result(session, call, became, at, id=f"{thread}:{call}", fields=told, attributes=of_file)
    is_again = not outcome.fields["tool"] and session.known(outcome.id) is not None
    if (
        call
        and not is_again
        and not replays.repeated(record, session, lambda other: session.known(f"{other}:{call}") is not None)
    ):
        yield outcome


def failure(record: Record, payload: Record, session: Session) -> Iterator[Fact]:
    """Say that a call failed for good, where it was the provider that failed."""
    told = payload.get("codex_error_info")
    error = next(iter(told), None) if isinstance(told, Mapping) else told
    if not error or error in _NOT_PROVIDERS or replays.repeated(record, session, lambda ancestor: True):
        return
    notes, thread, at = session.notes, thread_of(session), record.get("timestamp") or ""
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
        id=f"{thread}:{at}:failed",
        at=at,
        fields=fields,
        attributes=notes.get("meta", {}),
    )
