"""Rows of a fold in columns, as the engine gives them: small to keep and to send; numbers are integers of any size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from analytics_es.process import Later

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = Later("pyarrow")


Row = tuple[Any, ...]

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

    @property
    def wide(self) -> bool:
        """Whether a number of them does not fit 64 bits."""
        return any(pa.types.is_decimal(column) for column in self._table.schema.types)

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


def integers(column: pa.ChunkedArray) -> list[Any]:
    """Return the values of a column; whole numbers of any size are integers."""
    if not pa.types.is_decimal(column.type):
        return list(column.to_pylist())
    return [None if number is None else int(number) for number in column.to_pylist()]


def by_name(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table, whole numbers of any size as integers."""
    for row in zip(*map(integers, table.columns), strict=True):
        yield dict(zip(table.column_names, row, strict=True))
