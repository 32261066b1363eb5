"""What an error says that is not ours, in one line."""

from __future__ import annotations


def in_one_line(error: object) -> str:
    """Return the first line of what an error says, or its name."""
    return next(iter(str(error).splitlines()), type(error).__name__)[:300]


def reason(error: Exception) -> str:
    """Return the name of an error and what it says, in one short line; it may be of the caller's own class."""
    try:
        return f"{type(error).__name__}: {error}".splitlines()[0][:120]
    except Exception:
        return type(error).__name__
