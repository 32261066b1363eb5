"""Leaving a block: what fails at its end must not hide what failed in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def leaving(error: BaseException | None) -> Iterator[None]:
    """Close something at the end of a block; what fails then becomes a note of the `error` that is leaving it."""
    try:
        yield
    except Exception as ending:
        if error is None:
            raise
        error.add_note(f"At the end of the block there failed, too: {ending}")
