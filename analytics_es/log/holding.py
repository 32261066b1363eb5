"""What a stored event must hold to be of use, as far as a database can tell without reading it: for who wants few."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import frozen

ESCAPED = b"\\"  # what has one may say any text in another way


@frozen
class Holding:
    """Bytes that a stored state holds, all of them unless it has escapes, and how its type begins, of one way.

    More events may be found than are meant, never fewer.
    """

    texts: Sequence[bytes] = ()
    types: Sequence[str] = ()

    def condition(self, begins_with: Callable[[str], str], contains: Callable[[bytes], str]) -> str:
        """Return the end of an SQL condition, from that of a type that begins so, and of a state that holds bytes."""
        types = " OR ".join(map(begins_with, self.types))
        texts = " AND ".join(map(contains, self.texts))
        parts = [types, f"{texts} OR {contains(ESCAPED)}" if texts else ""]
        return "".join(f" AND ({part})" for part in parts if part)
