"""Sums of a session, which grow with each record of them → what came since the record before."""

from __future__ import annotations

from collections.abc import Mapping

from analytics_es.ingest.sessions.session import Session

_NOTE = "sums"


def since(session: Session, name: str, counts: Mapping[str, int]) -> dict[str, int]:
    """Return what came to the counts of a name since they were told last in this file, and note them.

    Where one of them is below what it was, they began anew, and all of it came.
    """
    sums: dict[str, dict[str, int]] = session.notes.setdefault(_NOTE, {})
    before, sums[name] = sums.get(name, {}), dict(counts)
    if any(count < before.get(part, 0) for part, count in counts.items()):
        return dict(counts)
    return {part: count - before.get(part, 0) for part, count in counts.items()}
