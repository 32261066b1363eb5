"""What a stored event must hold to be of use, as far as a database can tell without reading it: for who wants few."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

ESCAPED = b"\\"  # what has one may say any text in another way


@frozen
class Holding:
    """Bytes that a stored state holds, all of them unless it has escapes, and how its type begins, of one way.

    More events may be found than are meant, never fewer.
    """

    texts: Sequence[bytes] = ()
    types: Sequence[str] = ()

    def condition(self, contains: str) -> str:
        """Return the end of an SQL condition; `contains` says that a state holds bytes, given as hexadecimal digits."""
        types = " OR ".join(f"substr(topic, 1, {len(start)}) = '{start}'" for start in self.types)
        texts = " AND ".join(contains.format(text.hex()) for text in self.texts)
        parts = [types, f"{texts} OR {contains.format(ESCAPED.hex())}" if texts else ""]
        return "".join(f" AND ({part})" for part in parts if part)
