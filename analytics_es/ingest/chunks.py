"""Rows in chunks, cut by their number and by their text: what a row says takes up to 40 times as much memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

CHUNK_BYTES = 4 * 2**20


class HasText(Protocol):
    """A row, with its text where it was read from one."""

    @property
    def raw(self) -> str | bytes | None:
        """Return the text of the row."""


T = TypeVar("T", bound=HasText)


def chunks(rows: Iterable[T], most: int) -> Iterator[list[T]]:
    """Yield rows in lists of so many at most, which end where their texts are longer than CHUNK_BYTES."""
    chunk, size, last = list[T](), 0, None
    for row in rows:
        chunk.append(row)
        size += 0 if row.raw is last else len(row.raw or "")  # several events of one row share its text
        last = row.raw
        if len(chunk) == most or size > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
