"""The columns of a row: its fields one by one, those of its parts among them, and what they hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from attrs import evolve, fields, frozen, has

KEYS = "keys"  # a mapping whose names are columns
_WITHOUT_PREFIX = {"totals", "figures", "letter"}  # parts that are what their row says
_PLAIN = {bool, int, float, Decimal, str, datetime}

Get = Callable[[Any], Any]


@frozen
class Column:
    """A column: its name, what a cell of it holds where it is known, and how it comes out of a row.

    A cell holds a bool, int, float, Decimal, str or datetime; a list of these, `list[str]`; or some by name,
    `dict[str, int]`.
    """

    name: str
    holds: Any
    get: Get


def columns_of(cls: type, names: Sequence[str] | None = None) -> list[Column]:
    """Return the columns of a class of rows, or those of these fields of it; `keys` are left to who sees the rows."""
    return [column for field, columns in _columns(cls) for column in columns if names is None or field in names]


@cache
def _columns(cls: type) -> list[tuple[str, list[Column]]]:
    return [(name, list(_flat(cls, "", (), [name]))) for name in hints_of(cls)]


def _flat(cls: type, prefix: str, path: tuple[str, ...], names: Iterable[str] | None = None) -> Iterator[Column]:
    hints = hints_of(cls)
    for name, hint in hints.items():
        if name.startswith("_") or (name == KEYS and has_keys(cls)) or (names and name not in names):
            continue
        if has(hint):
            for column in _flat(hint, "", (*path, name)):
                plain = name in _WITHOUT_PREFIX and column.name not in hints
                yield evolve(column, name=prefix + column.name if plain else f"{prefix}{name}_{column.name}")
        elif (holds := _holds(hint)) is not None:
            yield Column(prefix + name, holds, _reader((*path, name), as_text=holds is str and hint is not str))


def has_keys(cls: type) -> bool:
    """Say whether the rows of a class have names of their own for some of their columns."""
    origin = get_origin(hints_of(cls).get(KEYS))
    return isinstance(origin, type) and issubclass(origin, Mapping)


@cache
def hints_of(cls: Any) -> dict[str, Any]:
    """Return what each field of a class holds where it is known."""
    hints = get_type_hints(cls)
    return {field.name: without_none(hints[field.name]) for field in fields(cls)}


def without_none(hint: Any) -> Any:
    """Return a type without None."""
    if get_origin(hint) not in (Union, UnionType):
        return hint
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    return kinds[0] if len(kinds) == 1 else Any  # a number or a text


def rows_in(hint: Any) -> type | None:
    """Return the class of the rows that a field lists, or has by name; None for other fields."""
    arguments = [argument for argument in get_args(hint) if argument is not Ellipsis]
    return arguments[-1] if arguments and has(arguments[-1]) else None


def _holds(hint: Any) -> Any:
    """Return what a cell of a field holds; None for one that lists rows, which have a table of their own."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in _PLAIN:
        return hint
    if hint is Path or hint is Any or origin is Literal:
        return str
    if rows_in(hint):
        return None
    if origin in (list, tuple):
        return list[arguments[0]]  # type: ignore[valid-type]  # known when it runs
    if isinstance(origin, type) and issubclass(origin, Mapping):
        # What may be anything is told as JSON.
        return str if arguments[1] is Any else dict[str, arguments[1]]  # type: ignore[valid-type]  # known when it runs
    raise TypeError(f"no column holds {hint}")


def _reader(path: tuple[str, ...], *, as_text: bool) -> Get:
    def read(row: Any) -> Any:
        for name in path:
            row = None if row is None else getattr(row, name)
        return _text(row) if as_text else _plain(row)

    return read


def _plain(cell: Any) -> Any:
    if isinstance(cell, Mapping):
        return dict(cell)
    return list(cell) if isinstance(cell, tuple) else cell


def _text(cell: Any) -> str | None:
    """Return as a text what is none: a path, one of several types, a mapping of anything."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, Decimal):
        return format(cell, "f")
    return json.dumps(cell, default=str, ensure_ascii=False) if isinstance(cell, Mapping) else str(cell)
