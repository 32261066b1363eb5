"""A series as a table: a row for each bucket of time, long stretches of nothing on one line, and the total below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from attrs import evolve, frozen

from analytics_es.presentation import Cell, Column, Columns, Grid, words
from analytics_es.types import TimePeriod

SHORT = 8  # rows of a series that is shown as it is
FEW = 3  # empty buckets in a row that stand on one line, at least


@frozen
class _Row:
    """A line of a series: what stands in its first column, and the bucket; None where it stands for many."""

    text: str
    point: Any = None
    is_total: bool = False


def series(
    period: TimePeriod,
    columns: Columns[Any],
    points: Sequence[Any],
    starts: Sequence[str],
    *,
    total: Any,
    is_empty: Callable[[Any], bool],
    of: str,
    goes_on: bool,
) -> Grid[Any]:
    """Return the table of a series; `of`: what an empty bucket is without, such as calls.

    Of a period that goes on, the last buckets may be to come: of what is empty at its end no row says 0.
    """
    groups = [
        (empty, list(rows)) for empty, rows in groupby(map(_Row, starts, points), lambda row: is_empty(row.point))
    ]
    rows: list[_Row] = []
    for place, (empty, alike) in enumerate(groups, 1):
        to_come = goes_on and empty and place == len(groups)
        if to_come or (empty and len(alike) >= FEW and len(points) > SHORT):
            so_far = " so far" if to_come else ""
            alike = [_Row(f"… {words.plural(len(alike), period.granularity)} without {of}{so_far}")]
        rows += alike
    rows.append(_Row("total", total, is_total=True))
    remark = f"by the {period.granularity}: --granularity day for each day" if _is_folded(period) else ""
    first: Column[_Row] = Column("start", lambda row: row.text)
    return Grid(f"By {period.granularity}", [first, *map(_shown, columns)], rows, remark)


def _is_folded(period: TimePeriod) -> bool:
    return period.granularity in ("week", "month")


def _shown(column: Column[Any]) -> Column[_Row]:
    def cell(row: _Row) -> Cell:
        return "" if row.point is None or (row.is_total and column.bar) else column.cell(row.point)

    return evolve(column, cell=cell)
