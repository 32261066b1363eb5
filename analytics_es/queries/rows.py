"""Rows of a read model by the names of their columns, and several of them as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from analytics_es.projection.declaration import Column, Declaration, Measure, Merge
from analytics_es.queries.figures import merged

Values = Mapping[str, Any]


def measures_of(declaration: Declaration, names: Sequence[str] | None = None) -> list[Measure]:
    """Return the measures of these names, or all."""
    return [measure for measure in declaration.measures if names is None or measure.name in names]


def columns_of(measures: Sequence[Measure]) -> list[Column]:
    """Return the stored columns of these measures."""
    return [column for measure in measures for column in measure.columns]


def named(measures: Sequence[Measure], values: Sequence[Any]) -> Values:
    """Return merged columns by name."""
    return dict(zip((column.name for column in columns_of(measures)), values, strict=True))


def left(measures: Sequence[Measure], whole: Values, part: Values) -> Values:
    """Return what is left of merged rows without a part of them; None is what nothing is left of, or what is not known.

    An extreme is known where it is not that of the part.
    """
    return {column.name: _LEFT[column.merge](whole[column.name], part[column.name]) for column in columns_of(measures)}


def _less(whole: int | None, part: int | None) -> int | None:
    return whole if whole is None or part is None else whole - part or None


def _beyond(whole: int | None, part: int | None) -> int | None:
    return None if whole == part else whole


def _fewer(whole: Mapping[int, int], part: Mapping[int, int]) -> Mapping[int, int]:
    counts = {index: count - part.get(index, 0) for index, count in whole.items()}
    return {index: count for index, count in counts.items() if count}


_LEFT: dict[Merge, Callable[[Any, Any], Any]] = {"sum": _less, "min": _beyond, "max": _beyond, "histogram": _fewer}


def together(measures: Sequence[Measure], parts: Sequence[Values]) -> Values:
    """Merge rows into one; of none, every column is at its zero."""
    if len(parts) == 1:
        return parts[0]
    return {column.name: merged(column.merge, [part[column.name] for part in parts]) for column in columns_of(measures)}
