"""A sum of what a log keeps in the place of sealed events, so that no seal goes by a horizon that changed by itself.

It stands in the horizon's own text, under a name that is said again behind it: versions before, which take the last,
read that text as they always did, and what they write has no sum.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

import orjson

from analytics_es.errors import DamagedSealing

_SIGNED = re.compile(r'\{"timezone":"sum ([0-9a-f]{8}) ([0-9a-f]{8})",')


def signed(text: str, kept: str) -> str:
    """Return a horizon's text with a sum of it, and of what is kept of seals, as `sum_of` says."""
    body = f'"timezone":"sum {_hex(text + kept)} {kept}",'
    return f"{{{body}{text[1:]}"


def read(text: str) -> tuple[Any, str | None]:
    """Return what a horizon's text says, and the sum of what is kept of seals, if it has one; raises DamagedSealing."""
    match = _SIGNED.match(text)
    plain, kept = ("{" + text[match.end() :], match[2]) if match else (text, None)
    if match and _hex(plain + match[2]) != match[1]:
        raise DamagedSealing(problem="the horizon has another checksum")
    try:
        return orjson.loads(plain), kept
    except ValueError as error:
        raise DamagedSealing(problem=f"the horizon cannot be read: {error}") from None


def sum_of(tables: Iterable[Iterable[Sequence[Any]]]) -> str:
    """Return the sum of rows, table by table, in whatever order a database gives them."""
    return _hex(repr([sorted(map(repr, map(tuple, rows))) for rows in tables]))


def _hex(text: str) -> str:
    return f"{crc32(text.encode()):08x}"
