"""A table as Arrow: exact decimals, times with their zone, and the same types whatever is in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Any, get_args, get_origin

import pyarrow as pa

from analytics_es.types.tables.rows import Table

DIGITS, PLACES = 38, 18  # of a decimal; those of an exported file, too. Wider ones are not read by everything.
_LARGEST = 2**63 - 1
_ALL = Context(prec=DIGITS)
_PLAIN = {bool: pa.bool_(), float: pa.float64(), str: pa.string()}


def to_arrow(table: Table) -> Any:
    """Return a table as a pyarrow.Table.

    A whole number that needs more than 64 bits makes a decimal of its column, a number with more than 38 digits a text.
    """
    columns = list(zip(*table.rows, strict=True)) or [()] * len(table.columns)
    arrays, schema = [], []
    for column, cells in zip(table.columns, columns, strict=True):
        kind = _type(column.holds, list(_single(cells)), table.zone)
        schema.append(pa.field(column.name, kind))
        arrays.append(pa.array([_fitting(cell, kind) for cell in cells], kind))
    return pa.Table.from_arrays(arrays, schema=pa.schema(schema))


def _single(cells: Iterable[Any]) -> Iterator[Any]:
    """Yield what is in cells, one by one."""
    for cell in cells:
        if isinstance(cell, dict):
            yield from cell.values()
        elif isinstance(cell, list):
            yield from cell
        else:
            yield cell


def _type(holds: Any, cells: Sequence[Any], zone: str) -> Any:
    if get_origin(holds) is list:
        return pa.list_(_type(get_args(holds)[0], cells, zone))
    if get_origin(holds) is dict:
        return pa.map_(pa.string(), _type(get_args(holds)[1], cells, zone))
    if holds is datetime:
        return pa.timestamp("us", zone)
    if holds is int:
        whole = [cell for cell in cells if cell is not None]
        return pa.int64() if all(-_LARGEST <= cell <= _LARGEST for cell in whole) else _decimal(map(Decimal, whole), 0)
    return _decimal((cell for cell in cells if cell is not None), PLACES) if holds is Decimal else _PLAIN[holds]


def _decimal(numbers: Iterable[Decimal], usual: int) -> Any:
    """Return the type of decimals: with the usual places, with more where one needs them, else with fewer."""
    before, after = 1, 0
    for number in numbers:
        _, digits, exponent = number.as_tuple()
        text = "".join(map(str, digits)).rstrip("0")
        if text:  # of 0 there is nothing to hold, however it is written
            before = max(before, len(digits) + int(exponent))
            after = max(after, -int(exponent) - (len(digits) - len(text)))
    if before + after > DIGITS:
        return pa.string()
    return pa.decimal128(DIGITS, max(after, min(usual, DIGITS - before)))


def _fitting(cell: Any, kind: Any) -> Any:
    """Return a cell as its type takes it."""
    if isinstance(cell, dict):
        return [(name, _fitting(inner, kind.item_type)) for name, inner in cell.items()]
    if isinstance(cell, list):
        return [_fitting(inner, kind.value_type) for inner in cell]
    if isinstance(cell, datetime):
        return cell.astimezone(UTC)
    if isinstance(cell, int | Decimal) and not isinstance(cell, bool):
        if pa.types.is_string(kind):
            return format(cell, "f") if isinstance(cell, Decimal) else str(cell)
        # With the places of its column: of a number with more zeros at its end, Arrow says that it does not fit.
        return (
            Decimal(cell).quantize(Decimal(1).scaleb(-kind.scale), context=_ALL) if pa.types.is_decimal(kind) else cell
        )
    return cell
