"""Lists as arrays of Arrow, made of their bytes.

`pyarrow.array` of a list imports pandas, where pandas and numpy are installed: a second of nobody's wish, in whichever
thread is the first to make one, and a failure where the process ends meanwhile.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence, Sized
from contextlib import suppress
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any, cast

from analytics_es.process import Later

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = Later("pyarrow")


def make(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
    """Return values as `pyarrow.array` does; None is null. Of other kinds than these four, it is asked."""
    values = list(values)
    try:
        return _makers()[kind](values)
    except (KeyError, TypeError, AttributeError, OverflowError, ValueError):
        return pa.array(values, kind)


def _integers(values: list[int | None]) -> pa.Array:
    with suppress(TypeError):  # mostly none is None: to look for it takes as long as all the rest
        numbers = array("q", cast("list[int]", values))
        return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(numbers)])
    numbers = array("q", (number or 0 for number in values))
    return pa.Array.from_buffers(pa.int64(), len(values), [_present(values), pa.py_buffer(numbers)])


def _texts(values: list[str | None]) -> pa.Array:
    with suppress(TypeError):
        texts = cast("list[str]", values)
        joined = "".join(texts)
        if joined.isascii():  # then they are as long as their bytes
            return _joined(pa.string(), texts, None, joined.encode())
    return _pieces(pa.string(), values, [text.encode() if text is not None else b"" for text in values])


def _binaries(values: list[bytes | None]) -> pa.Array:
    with suppress(TypeError):
        pieces = cast("list[bytes]", values)
        return _joined(pa.binary(), pieces, None, b"".join(pieces))
    return _pieces(pa.binary(), values, [piece if piece is not None else b"" for piece in values])


def _truths(values: list[bool | None]) -> pa.Array:
    if not {True, False, None}.issuperset(values):
        raise TypeError
    return pa.Array.from_buffers(pa.bool_(), len(values), [_present(values), _bits(map(bool, values))])


def _pieces(kind: pa.DataType, values: Sequence[object], pieces: list[bytes]) -> pa.Array:
    return _joined(kind, pieces, _present(values), b"".join(pieces))


def _joined(kind: pa.DataType, pieces: Sequence[Sized], present: pa.Buffer | None, joined: bytes) -> pa.Array:
    offsets = array("i", accumulate(map(len, pieces), initial=0))
    return pa.Array.from_buffers(kind, len(pieces), [present, pa.py_buffer(offsets), pa.py_buffer(joined)])


def _present(values: Sequence[object]) -> pa.Buffer | None:
    return _bits(value is not None for value in values) if None in values else None


def _bits(truths: Iterable[bool]) -> pa.Buffer:
    """Pack truths as Arrow does: the first one is the lowest bit of the first byte."""
    digits = "".join("1" if true else "0" for true in truths)[::-1]
    return pa.py_buffer(int(digits or "0", 2).to_bytes((len(digits) + 7) // 8, "little"))


@cache
def _makers() -> dict[pa.DataType, Callable[[list[Any]], pa.Array]]:
    return {pa.int64(): _integers, pa.string(): _texts, pa.binary(): _binaries, pa.bool_(): _truths}
