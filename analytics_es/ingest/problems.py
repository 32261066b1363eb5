"""What an error says that is not ours, in one line; and what is wrong with what cannot be read as arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress

NEEDED = {"event_type", "data"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
ARGUMENTS = NEEDED | {"occurred_at", "id", "source"}


def plain_name(field: object) -> str | None:
    """Return the name of a field that looks like one; others may say anything."""
    return field if isinstance(field, str) and _NAME.fullmatch(field) else None


def in_one_line(error: object) -> str:
    """Return the first line of what an error says, or its name."""
    return next(iter(str(error).splitlines()), type(error).__name__)[:300]


def reason(error: Exception) -> str:
    """Return the name of an error and what it says, in one short line; it may be of the caller's own class."""
    try:
        return f"{type(error).__name__}: {error}".splitlines()[0][:120]
    except Exception:
        return type(error).__name__


def problem_of(event: object, error: Exception) -> str:
    """Say what is wrong with an element that cannot be read as arguments."""
    mistake = ""
    with suppress(Exception):  # of a mapping of the caller's own class
        mistake = _mistake(event)
    return mistake or f"this one fails when it is read ({reason(error)})"


def _mistake(event: object) -> str:
    if not isinstance(event, Mapping):
        return f"this is of type {type(event).__name__}"
    missing = ", ".join(sorted(NEEDED - set(event)))
    unknown = ", ".join(sorted(f"{name!r:.40}" for name in set(event) - ARGUMENTS))
    return " and ".join(filter(None, (missing and f"{missing} is missing", unknown and f"{unknown} is none of them")))
