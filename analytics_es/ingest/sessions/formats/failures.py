"""What an agent shows of a call that failed → the type of its error, and when a limit ends; nothing else of it."""

from __future__ import annotations

import re

from analytics_es.ingest.sessions.events import moment

LIMIT, UNKNOWN = "rate_limit", "unknown"
_RESETS = re.compile(r"limit reached\|([0-9]{9,13})\b")
_STATUS = re.compile(r"\b(?:API Error|HTTP)\b[^0-9a-z]{0,4}([45][0-9]{2})\b", re.IGNORECASE)


def type_of_error(shown: str) -> str:
    """Return what kind of error a text tells: that of a limit, a status of HTTP, or `unknown`."""
    if _RESETS.search(shown):
        return LIMIT
    status = _STATUS.search(shown)
    return status[1] if status else UNKNOWN


def limit_ends(shown: str) -> str | None:
    """Return when a limit ends that a text tells of by a Unix time, as ISO 8601."""
    resets = _RESETS.search(shown)
    at = moment(int(resets[1])) if resets else None
    return at.isoformat() if at else None
