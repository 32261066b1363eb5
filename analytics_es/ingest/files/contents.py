"""What a row says as a whole: by that it is known again, wherever it stands and whatever its file is called."""

from __future__ import annotations

import json
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson
from attrs import Factory, define

from analytics_es.events import cloudevents
from analytics_es.ingest.files.records import Record
from analytics_es.process import Later

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc
else:
    pa, pc = Later("pyarrow"), Later("pyarrow.compute")

DIGEST_BYTES = 12

Contents = Callable[[], Iterator[tuple[int, bytes]]]  # the number and the digest of each row

# More digits than a binary fraction holds; or a text like that, which does no harm.
_MANY_DIGITS = re.compile(r"[0-9][0-9.]{15}")


def digest(fields: Mapping[str, Any]) -> bytes:
    """Return a digest of what a row says, whatever the order of its columns, and whichever have no value."""
    texts = {
        name: value if isinstance(value, str) else _text(value)
        for name, value in fields.items()
        if value is not None and value != ""
    }
    return blake2b(_dumps(texts), digest_size=DIGEST_BYTES).digest()


def _text(value: Any) -> str:
    return _dumps(value).decode("utf-8", "surrogatepass")


def _dumps(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # a long integer, half a surrogate pair, a key that is no text
        return json.dumps(value, default=str, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")


def of_record(record: Record, *, is_csv: bool) -> bytes:
    """Return the digest of a row of a text file; its numbers are as exact as they are written."""
    if not is_csv and record.raw and _MANY_DIGITS.search(record.raw):
        return digest(cloudevents.exact(record.raw))
    return digest(record.fields)


def of_batch(batch: pa.RecordBatch) -> Iterator[bytes]:
    """Yield the digest of each row of a Parquet file."""
    names = batch.schema.names
    for values in zip(*map(_values, batch.columns), strict=True):
        yield digest(dict(zip(names, values, strict=True)))


def _values(column: pa.Array) -> list[Any]:
    """Return the values of a column; a time as the number it is stored as, because Python's are not fine enough."""
    if pa.types.is_temporal(column.type) and not pa.types.is_interval(column.type):
        column = column.view(pa.int32() if column.type.bit_width == 32 else pa.int64())
    try:
        return column.to_pylist()  # type: ignore[no-any-return]
    except (ValueError, OverflowError, ImportError):  # times within an object or a list
        return [column.slice(place, 1).to_string() for place in range(len(column))]


class Repeats:
    """Collects the digests of a file's rows, in 8 bytes each, to find out which may be those of several rows."""

    def __init__(self) -> None:
        self._beginnings = array("Q")

    def add(self, row: bytes) -> None:
        """Take one more."""
        self._beginnings.append(_beginning(row))

    def found(self) -> frozenset[int]:
        """Return how the digests begin that were taken more than once."""
        numbers = pa.Array.from_buffers(pa.uint64(), len(self._beginnings), [None, pa.py_buffer(self._beginnings)])
        ordered = numbers.take(pc.sort_indices(numbers))
        same = pc.equal(ordered[1:], ordered[:-1]) if len(ordered) > 1 else pa.array([], pa.bool_())
        return frozenset(ordered[1:].filter(same).to_pylist())


@define
class Numbering:
    """Numbers equal rows of one file, from 1. Of rows that are known to be the only one, nothing is remembered."""

    repeats: frozenset[int] | None = None  # how digests begin that may be those of several rows; None: all may be
    _counts: Counter[bytes] = Factory(Counter)

    def number(self, row: bytes) -> int:
        """Return the number of the next row with this digest."""
        if self.repeats is not None and _beginning(row) not in self.repeats:
            return 1
        self._counts[row] += 1
        return self._counts[row]


def _beginning(row: bytes) -> int:
    return int.from_bytes(row[:8], "little")
