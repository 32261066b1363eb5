"""Rows of a read model by the names of their columns, and several of them as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analytics_es.projection.declaration import Column, Declaration, Measure
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


def merged_by(
    measures: Sequence[Measure], rows: Sequence[tuple[Any, ...]], width: int
) -> dict[tuple[Any, ...], Values]:
    """Merge rows of the same first `width` keys."""
    groups: dict[tuple[Any, ...], list[Values]] = {}
    for row in rows:
        groups.setdefault(row[:width], []).append(named(measures, row[width:]))
    return {keys: together(measures, parts) for keys, parts in groups.items()}


def together(measures: Sequence[Measure], parts: Sequence[Values]) -> Values:
    """Merge rows into one; of none, every column is at its zero."""
    return {column.name: merged(column.merge, [part[column.name] for part in parts]) for column in columns_of(measures)}
