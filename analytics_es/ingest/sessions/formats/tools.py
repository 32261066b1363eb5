"""Tools by name: one record says that a tool is used, a later one, maybe at the next look, what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics_es.ingest.sessions.facts import Happened, Moment
from analytics_es.ingest.sessions.session import Session

MOST = 1000  # uses of a file that have no result yet: beyond, the oldest is forgotten, and its result has no name
COMPLETED, FAILED, REJECTED = "tool.call.completed", "tool.call.failed", "tool.call.rejected"
MOST_AGAIN = 200  # uses of a file whose end is noted
_NOTE, _ENDED = "tools", "ended"


def used(session: Session, use: Any, name: Any) -> None:
    """Note which tool is used, until its result comes."""
    if isinstance(use, str) and use and isinstance(name, str) and name:
        names: dict[str, str] = session.notes.setdefault(_NOTE, {})
        names[use] = name
        if len(names) > MOST:
            del names[next(iter(names))]


def told_before(session: Session, use: str) -> bool:
    """Say whether a file, of an agent that tells things again, told not long ago what became of this use; note it."""
    ended: list[str] = session.notes.setdefault(_ENDED, [])
    if use in ended:
        return True
    ended.append(use)
    del ended[:-MOST_AGAIN]
    return False


def result(
    session: Session,
    use: str,
    became: str,
    at: Moment,
    *,
    id: str,
    fields: Mapping[str, Any],
    attributes: Mapping[str, Any],
    name: str | None = None,
) -> Happened:
    """Return what became of the use of a tool; `name` where its result tells it itself."""
    noted = session.notes.get(_NOTE, {}).pop(use, None)
    return Happened(event_type=became, id=id, at=at, fields={"tool": name or noted, **fields}, attributes=attributes)
