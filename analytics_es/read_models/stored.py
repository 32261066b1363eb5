"""How the numbers of read models are stored, and read back as integers, however a database gives them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from analytics_es.projection.declaration import Column, Declaration
from analytics_es.projection.rows import Row
from analytics_es.read_models import histograms

_WHOLE = {int, type(None)}


def form(column: Column) -> str:
    """Return the name of how a column is stored and merged."""
    return f"wide {column.merge}" if column.wide else column.merge


def reading(columns: Sequence[Column]) -> Callable[[Sequence[Any]], list[Any]]:
    """Return what reads merged columns: a histogram becomes its buckets, a number an integer, however it is given."""
    forms = [_buckets if column.merge == "histogram" else _integer for column in columns]

    def read(values: Sequence[Any]) -> list[Any]:
        return [stored if type(stored) is int else form(stored) for form, stored in zip(forms, values, strict=False)]

    return read


def _buckets(stored: str | None) -> Any:
    return histograms.add(stored.split("\n")) if stored else {}


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
