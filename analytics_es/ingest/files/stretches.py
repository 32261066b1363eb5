"""Rows of a batch in stretches, of which expressions make no more together than there is memory for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from analytics_es.process import Later
from analytics_es.projection.growth import MOST_MADE

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc

    from analytics_es.ingest.files.batches import Batch
else:
    pa, pc = Later("pyarrow"), Later("pyarrow.compute")

TOGETHER = 2 * MOST_MADE  # bytes


def sizes(batch: Batch) -> list[int]:
    """Return about how many bytes the columns in use of each row of a batch have."""
    total = pa.array([0] * batch.table.num_rows, pa.int64())
    for column in batch.table.columns:
        if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
            lengths = pc.fill_null(pc.binary_length(column), 0).cast(pa.int64())
        elif pa.types.is_nested(column.type):
            lengths = pa.array([column.slice(row, 1).nbytes for row in range(len(column))], pa.int64())
        else:
            lengths = pa.scalar(16, pa.int64())
        total = pc.add(total, lengths)
    return list((total if isinstance(total, pa.Array) else total.combine_chunks()).to_pylist())


def stretches(numbers: Sequence[int], sizes: Sequence[int], bounds: Sequence[int]) -> Iterator[tuple[list[int], bool]]:
    """Yield rows that follow one another, and whether that may be asked for: not of a row that is too large."""
    largest = bounds[min(max(sizes, default=0).bit_length(), len(bounds) - 1)]
    if numbers and largest <= MOST_MADE and largest * len(numbers) <= TOGETHER:
        yield [*numbers], True
        return
    stretch, made = list[int](), 0
    for number, size in zip(numbers, sizes, strict=True):
        most = bounds[min(size.bit_length(), len(bounds) - 1)]
        if stretch and (made + most > TOGETHER or most > MOST_MADE):
            yield stretch, True
            stretch, made = [], 0
        if most > MOST_MADE:
            yield [number], False
        else:
            stretch.append(number)
            made += most
    if stretch:
        yield stretch, True
