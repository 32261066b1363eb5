"""JSON whose texts were cut through a sign: what an agent of JavaScript cuts short ends with half a pair of escapes."""

from __future__ import annotations

import re
from typing import Any

import orjson

# A pair, which is one sign; half of one; any other escape, so that none begins within another.
_ESCAPES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)


def loads(text: bytes) -> Any:
    """Read JSON; half of a sign is read as U+FFFD, which stands for one that is lost. Raises ValueError."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        mended = whole(text)
        if mended == text:
            raise
        return orjson.loads(mended)


def whole(text: bytes) -> bytes:
    """Return a JSON text with U+FFFD in place of halves of signs."""
    return _ESCAPES.sub(lambda escape: rb"\ufffd" if escape[1] else escape[0], text)
