"""Rows of all entities of a kind together, made of the rows of each: for what was folded before there were any."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from analytics_es.projection.declaration import Declaration, Merge
from analytics_es.projection.rows import Row
from analytics_es.read_models import histograms


def rolled_up(declaration: Declaration, rows: Sequence[Row]) -> Iterator[Row]:
    """Yield a row of all entities of each kind, from rows of which none is one."""
    of_type, of_id = (declaration.row_key.index(declaration.entity_key(part)) for part in ("type", "id"))
    width = len(declaration.row_key)
    groups: dict[Row, list[Row]] = {}
    for row in rows:
        if row[of_type] in declaration.entities:
            groups.setdefault((*row[:of_id], "", *row[of_id + 1 : width]), []).append(row[width:])
    yield from merged(declaration, groups)


def merged(declaration: Declaration, groups: Mapping[Row, Sequence[Row]]) -> Iterator[Row]:
    """Yield a row for each key: what the columns of its rows, as they are stored, come to."""
    merges = [MERGES[column.merge] for column in declaration.columns]
    for key, parts in groups.items():
        yield (*key, *(merge(stored) for merge, stored in zip(merges, zip(*parts, strict=True), strict=True)))


def each_alone(declaration: Declaration, rows: Sequence[Row]) -> list[Row]:
    """Return the rows that are not of all entities of a kind."""
    of_type, of_id = (declaration.row_key.index(declaration.entity_key(part)) for part in ("type", "id"))
    return [row for row in rows if not row[of_type] or row[of_id]]


def _of_numbers(merge: Callable[[Sequence[int]], int]) -> Callable[[Sequence[Any]], int | None]:
    def merge_numbers(stored: Sequence[Any]) -> int | None:
        there = [number for number in stored if number is not None]
        return merge(there) if there else None

    return merge_numbers


# How several stored values of a column become one; None is the zero of all but histograms.
MERGES: Mapping[Merge, Callable[[Sequence[Any]], Any]] = {
    "sum": _of_numbers(sum),
    "min": _of_numbers(min),
    "max": _of_numbers(max),
    "histogram": lambda texts: histograms.write(histograms.add(texts)),
}
