"""How the numbers of read models are stored, and read back as integers, however a database gives them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from typing import Any

from analytics_es.projection.declaration import Column, Declaration
from analytics_es.projection.rows import Row
from analytics_es.read_models import histograms

DIGITS = Context(prec=200)
_WHOLE = {int, type(None)}

# The parts of a column of SQLite. Integers in two halves of 32 bits, whose sums are native too; only what is a text is
# added up by ours. Every number is before every text.
PARTS = (
    "sum({c} >> 32) FILTER (WHERE {c} < '')",
    "sum({c} & 4294967295) FILTER (WHERE {c} < '')",
    "exact_sum({c}) FILTER (WHERE {c} >= '')",
)


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


def digits(high: int | None, low: int | None, rest: int | str | None, decimals: int) -> str | None:
    """Write a sum of three parts as the number that it is of so many decimals, without zeros at its end."""
    if high is None and rest is None:
        return None
    number = ((high or 0) << 32) + (low or 0) + int(rest or 0)
    text = str(abs(number)).zfill(decimals + 1)
    whole, part = text[: len(text) - decimals], text[len(text) - decimals :].rstrip("0")
    return f"{'-' if number < 0 else ''}{whole}{'.' if part else ''}{part}"


def added_digits(first: str, second: str) -> str:
    """Add up two numbers that are written so."""
    text = format(DIGITS.add(Decimal(first), Decimal(second)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


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
