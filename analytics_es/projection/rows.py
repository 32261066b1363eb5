"""Rows of a fold in columns, as the engine gives them: small to keep and to send; numbers are integers of any size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from analytics_es.process import Later

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc
else:
    pa, pc = Later("pyarrow"), Later("pyarrow.compute")

Row = tuple[Any, ...]

LEAST, MOST = Decimal(-(2**63)), Decimal(2**63 - 1)  # of 64 bits
PIECE = 10_000  # rows made into tuples at once: a long list of them would keep Python's garbage collector busy


class Rows(Sequence[Row]):
    """The rows of a fold, made tuples where they are used."""

    def __init__(self, table: pa.Table) -> None:
        self._table = scaled_up(table)

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __iter__(self) -> Iterator[Row]:
        for first in range(0, len(self), PIECE):
            yield from zip(*self.columns(first, first + PIECE), strict=True)

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def in_64_bits(self) -> Iterator[Row]:
        """Yield the rows; a number that does not fit 64 bits is the text of its digits."""
        for first in range(0, len(self), PIECE):
            columns = self._table.slice(first, PIECE).columns
            yield from zip(*(integers(column, beyond=_digits) for column in columns), strict=True)

    def different(self, *places: int) -> set[Row]:
        """Return the different values of some columns together."""
        names = [str(place) for place in places]
        part = self._table.select(list(places)).rename_columns(names)
        return set(zip(*(column.to_pylist() for column in part.group_by(names).aggregate([]).columns), strict=True))

    def columns(self, first: int, last: int) -> list[list[Any]]:
        """Return the values of a stretch of rows, column by column."""
        return [integers(column) for column in self._table.slice(first, last - first).columns]


def scaled_up(table: pa.Table) -> pa.Table:
    """Return decimals as the integers that they are times 10^decimals; of 64 bits where all of a column fit."""
    columns = [_scaled_up(column) if pa.types.is_decimal(column.type) else column for column in table.columns]
    return pa.table(columns, names=table.column_names)


def _scaled_up(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Read the same 128 bits as those of a decimal without decimals."""
    whole = pa.decimal128(38, 0)
    chunks = [
        pa.Array.from_buffers(whole, len(chunk), chunk.buffers(), chunk.null_count, chunk.offset)
        for chunk in column.chunks
    ]
    scaled = pa.chunked_array(chunks, whole)
    try:
        return scaled.cast(pa.int64())
    except pa.ArrowInvalid:  # one of them does not fit
        return scaled


def integers(column: pa.ChunkedArray, *, beyond: Callable[[Decimal], Any] = int) -> list[Any]:
    """Return the values of a column; whole numbers of any size are integers, or what is made of those `beyond` 64 bits.

    Few of a column are, and only these are read one by one.
    """
    if not pa.types.is_decimal(column.type):
        return list(column.to_pylist())
    fit = pc.and_(pc.greater_equal(column, LEAST), pc.less_equal(column, MOST))
    numbers: list[Any] = pc.if_else(fit, column, None).cast(pa.int64()).to_pylist()
    large = pc.indices_nonzero(pc.invert(fit))
    for index, number in zip(large.to_pylist(), column.take(large).to_pylist(), strict=True):
        numbers[index] = beyond(number)
    return numbers


def _digits(number: Decimal) -> str:
    return str(int(number))


def by_name(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table, whole numbers of any size as integers."""
    for row in zip(*map(integers, table.columns), strict=True):
        yield dict(zip(table.column_names, row, strict=True))
