"""A series as a table: a row for each bucket of time, long stretches of nothing on one line, and the total below."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any

from attrs import evolve, frozen

from analytics_es.presentation import Behind, Cell, Column, Columns, Grid, words
from analytics_es.types import TimePeriod
from analytics_es.types.sentences import sentence

SHORT = 8  # rows of a series that is shown as it is
FEW = 3  # empty buckets in a row that stand on one line, at least


@frozen
class _Row:
    """A line of a series: what stands in its first column, the bucket, None where it stands for many, and its time."""

    text: str
    point: Any = None
    is_total: bool = False
    start: datetime | None = None
    end: datetime | None = None


def series(
    period: TimePeriod,
    columns: Columns[Any],
    points: Sequence[Any],
    starts: Sequence[datetime],
    *,
    total: Any,
    is_empty: Callable[[Any], bool],
    of: str,
    goes_on: bool,
) -> Grid[Any]:
    """Return the table of a series of which the buckets begin at `starts`; `of`: what an empty one is without.

    Of a period that goes on, the last buckets may be to come: of what is empty at its end no row says 0.
    """
    groups = [
        (empty, list(rows)) for empty, rows in groupby(_rows(period, points, starts), lambda row: is_empty(row.point))
    ]
    rows: list[_Row] = []
    for place, (empty, alike) in enumerate(groups, 1):
        to_come = goes_on and empty and place == len(groups)
        if to_come or (empty and len(alike) >= FEW and len(points) > SHORT):
            so_far = " so far" if to_come else ""
            alike = [_Row(f"… {words.plural(len(alike), period.granularity)} without {of}{so_far}")]
        rows += alike
    rows.append(_Row("total", total, is_total=True))
    remark = _by_the_day(period.granularity) if _is_folded(period) else ""
    first: Column[_Row] = Column("start", lambda row: row.text)
    return Grid(f"By {period.granularity}", [first, *map(_shown, columns)], rows, remark, sums=1)


def _by_the_day(granularity: str) -> str:
    return sentence("by the {granularity}: --granularity day for each day", granularity=granularity)


def _is_folded(period: TimePeriod) -> bool:
    return period.granularity in ("week", "month")


def _rows(period: TimePeriod, points: Sequence[Any], starts: Sequence[datetime]) -> Iterator[_Row]:
    """Yield a row for each bucket, which goes on until the next one begins."""
    bounds = pairwise([*starts, period.end])
    for text, point, (start, end) in zip(words.starts(starts), points, bounds, strict=True):
        yield _Row(text, point, start=start, end=end)


def _shown(column: Column[Any]) -> Column[_Row]:
    """Return a column of figures as one of rows; what is behind a bucket's figure is of its time alone."""

    def cell(row: _Row) -> Cell:
        return "" if row.point is None or (row.is_total and column.bar) else column.cell(row.point)

    def behind(row: _Row) -> Behind | None:
        told = column.behind(row.point) if column.behind and row.point is not None else None
        return told and (told if row.is_total else evolve(told, start=row.start, end=row.end))

    def exact(row: _Row) -> Any:
        return column.exact(row.point) if column.exact and row.point is not None else None

    return evolve(column, cell=cell, behind=column.behind and behind, exact=column.exact and exact, link=None)
