"""What a conversation's file repeats of the one that it was forked from → whether a record is a repeated one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from analytics_es.ingest.sessions.events import moment
from analytics_es.ingest.sessions.session import Session

REPEATED = "repeated from the conversation that it was forked from"
UNTOLD = "taken for repeated: at the begin of a fork whose parent is not there"
AT_ONCE = 1000  # milliseconds between two repeated records, at most: they are written at once


def born(name: Any) -> int | None:
    """Return when an id was made, in Unix milliseconds, which one of the seventh kind tells."""
    try:
        uuid = UUID(str(name))
    except ValueError:
        return None
    return uuid.int >> 80 if uuid.version == 7 else None


def begin(notes: dict[str, Any], ancestor: str, *, is_copied: bool) -> None:
    """Note down of a file that it may repeat what an ancestor's tells; `is_copied`: that it is to.

    The first that is copied is the one that it was forked from: its file tells of all that is repeated.
    """
    notes["ancestors"] = [*(entry for entry in notes.get("ancestors", ()) if entry != ancestor), ancestor]
    if is_copied:
        notes.setdefault("parent", ancestor)
    notes.setdefault("repeats", True)


def repeated(record: Mapping[str, Any], session: Session, is_of: Callable[[str], bool]) -> str:
    """Return why a record is taken for a repeated one; "" where it is the file's own.

    is_of: whether it is known of an ancestor. The file may say from which ordinal on it is its own. Else the ids tell
    what was before the fork, also where by accident a call of its own is as large as its parent's: a fork's own is not
    written at once with its first line, though. Where ids tell nothing, it is what is known of an ancestor; and if the
    parent was not read, what was written at once.
    """
    notes = session.notes
    if not notes.get("repeats"):
        return ""
    start, ordinal = notes.get("start"), record.get("ordinal")
    if type(start) is int and type(ordinal) is int:
        return REPEATED if ordinal < start else ""
    fork, turn, parent = born(notes.get("id")), born(notes.get("turn")), notes.get("parent")
    is_at_once, is_known = _is_at_once(record, notes), any(is_of(ancestor) for ancestor in notes["ancestors"])
    if fork is not None and turn is not None:
        return REPEATED if turn < fork or (parent and is_at_once and is_known) else ""
    if is_known:
        return REPEATED
    if parent is None or session.known(read(parent)) is not None:
        return ""
    return UNTOLD if is_at_once else ""


def _is_at_once(record: Mapping[str, Any], notes: dict[str, Any]) -> bool:
    """Say whether a record was written at once with the one before, and so on from the file's first line."""
    at = milliseconds(record)
    written = notes.get("written", at)
    if at - written >= AT_ONCE:
        return False
    notes["written"] = max(at, written)
    return True


def read(conversation: str) -> str:
    """Return the key under which it is remembered that a conversation was read."""
    return f"read {conversation}"


def milliseconds(record: Mapping[str, Any]) -> int:
    """Return when a record was written, in Unix milliseconds; 0 where nothing tells."""
    at = moment(record.get("timestamp") or "")
    return int(at.timestamp() * 1000) if at else 0
