"""How the numbers of read models are stored, and read back as integers, however a database gives them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analytics_es.projection.declaration import Column, Declaration
from analytics_es.projection.rows import Row
from analytics_es.read_models import histograms

_WHOLE = {int, type(None)}


def form(column: Column) -> str:
    """Return the name of how a column is stored and merged."""
    return f"wide {column.merge}" if column.wide else column.merge


def read(columns: Sequence[Column], values: Sequence[Any]) -> list[Any]:
    """Read merged columns: a histogram becomes its buckets, a number an integer, however a database gives it."""
    return [_value(column, value) for column, value in zip(columns, values, strict=False)]


def _value(column: Column, value: Any) -> Any:
    if column.merge == "histogram":
        return histograms.add(value.split("\n")) if value else {}
    return _integer(value)


def _integer(number: Any) -> int | None:
    """Read what does not fit 64 bits: on PostgreSQL a decimal, on SQLite a text, or the three parts of a sum."""
    if number is None or type(number) is int:
        return number
    high, *rest = str(number).split()
    return (int(high) << 32) + sum(map(int, rest)) if rest else int(high)


def whole_rows(declaration: Declaration, rows: list[Row]) -> list[Row]:
    """Return rows as they are stored, with integers in wide columns; mostly they are integers already."""
    first = len(declaration.row_key)
    wide = [place for place, column in enumerate(declaration.columns, first) if column.wide]
    odd = [place for place in wide if not _WHOLE.issuperset(type(row[place]) for row in rows)]
    if not odd:
        return rows
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for place in odd:
        columns[place] = [_integer(stored) for stored in columns[place]]
    return list(zip(*columns, strict=True))
