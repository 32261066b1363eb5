"""The tables of an answer: which rows it has, and whose they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from analytics_es.types.tables.columns import KEYS, Column, columns_of, has_keys, hints_of, rows_in, without_none

CURRENCY = "currency"


@frozen
class Rows:
    """Where the rows of a table are in an answer.

    path: the names of fields, from the answer on, such as `budgets.thresholds`; none for the answer itself.
    of: fields of what the rows lie in, that say whose they are.
    keys: the field of the answer that names the rows' `keys`, so that they are columns where there are no rows, too.
    named: what the names of a mapping are, where the rows are in one.
    """

    path: str = ""
    of: tuple[str, ...] = ()
    keys: str = ""
    named: str = ""


@frozen(eq=False)
class Table:
    """A table: columns, and of each row a cell for each; a cell that is None is not known.

    `zone` names the one of its times.
    """

    columns: Sequence[Column]
    rows: Sequence[tuple[Any, ...]]
    zone: str = "UTC"

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]

    def dicts(self) -> list[dict[str, Any]]:
        """Return the rows, each with its cells by the names of their columns."""
        return [dict(zip(self.names, row, strict=True)) for row in self.rows]


@frozen(eq=False)
class _Place:
    """A row where it was found: at the end of `line`, which begins with the answer; by its name, where it has one."""

    line: tuple[Any, ...]
    name: str = ""

    @property
    def row(self) -> Any:
        return self.line[-1]


def table(answer: Any, declared: Rows) -> Table:
    """Return a table of an answer."""
    path = declared.path.split(".") if declared.path else []
    places = list(_places(_Place((answer,)), path))
    columns = _columns(_classes(type(answer), path), declared, places, answer)
    rows = [tuple(column.get(place) for column in columns) for place in places]
    return Table(columns, rows, zone_of(answer, rows))


def listed(rows: Sequence[Any], cls: type, declared: Rows) -> Table:
    """Return a table of an answer that is a list of rows of a class: of themselves, or of what lies in them."""
    path = declared.path.split(".") if declared.path else []
    places = [place for row in rows for place in _places(_Place((row,)), path)]
    columns = _columns(_classes(cls, path), declared, places, None)
    cells = [tuple(column.get(place) for column in columns) for place in places]
    return Table(columns, cells, zone_of(None, cells))


# ── where rows are ──────────────────────────────────────────────────────────────────────────────────────────────


def _places(place: _Place, path: Sequence[str]) -> Iterator[_Place]:
    if not path:
        yield place
        return
    inner = getattr(place.row, path[0])
    named: Iterable[tuple[str, Any]]
    if isinstance(inner, Mapping):
        named = inner.items()
    else:
        named = (("", row) for row in (inner if isinstance(inner, list | tuple) else [inner]))
    for name, row in named:
        if row is not None:
            yield from _places(_Place((*place.line, row), name or place.name), path[1:])


def _classes(cls: type, path: Sequence[str]) -> list[type]:
    """Return the classes of what lies on a path, that of the rows last."""
    classes = [cls]
    for name in path:
        hints = hints_of(classes[-1])
        # What a class only says of itself, such as its parts, is a property.
        hint = hints[name] if name in hints else get_type_hints(getattr(classes[-1], name).fget)["return"]
        classes.append(rows_in(hint) or without_none(hint))
    return classes


# ── their columns ───────────────────────────────────────────────────────────────────────────────────────────────


def _columns(classes: Sequence[type], declared: Rows, places: Sequence[_Place], answer: Any) -> list[Column]:
    own = [_at(-1, column) for column in columns_of(classes[-1])]
    taken = {column.name for column in own}
    keys: list[Column] = []
    if has_keys(classes[-1]):
        words = getattr(answer, declared.keys) if declared.keys else []
        keys = [_key(word, taken, -1) for word in _words(words, places, -1) if word != CURRENCY or word not in taken]
    above = [column for column in _above(classes, declared, places) if column.name not in taken]
    taken |= {column.name for column in keys}
    return [*(column for column in above if column.name not in taken), *keys, *own]


def _above(classes: Sequence[type], declared: Rows, places: Sequence[_Place]) -> Iterator[Column]:
    """Yield the columns that say whose rows these are: of the nearest that has such a field."""
    for name in declared.of:
        level = next(at for at in range(len(classes) - 2, -1, -1) if name in hints_of(classes[at]))
        if name == KEYS:
            yield from (_key(word, set(), level) for word in _words([], places, level))
        else:
            yield from (_at(level, column) for column in columns_of(classes[level], [name]))
    if declared.named:
        yield Column(declared.named, str, lambda place: place.name)


def _at(level: int, column: Column) -> Column:
    return evolve(column, get=lambda place: column.get(place.line[level]))


def _words(first: Iterable[str], places: Sequence[_Place], level: int) -> list[str]:
    return list(dict.fromkeys([*first, *(word for place in places for word in place.line[level].keys)]))


def _key(word: str, taken: set[str], level: int) -> Column:
    """Return the column of a key; one that is named as another column is told apart."""
    name = f"key_{word}" if word in taken else word
    return Column(name, str, lambda place: place.line[level].keys.get(word))


# ── the zone of their times ─────────────────────────────────────────────────────────────────────────────────────


def zone_of(answer: Any, rows: Sequence[tuple[Any, ...]]) -> str:
    """Return the name of the zone that an answer is in, else that of the first time; UTC where it has no name."""
    period = getattr(answer, "period", None)
    moment = getattr(period, "start", None) or getattr(answer, "at", None)
    times = (cell for row in rows for cell in row if isinstance(cell, datetime))
    return _name(moment or next(times, None))


def _name(moment: datetime | None) -> str:
    zone: tzinfo | None = moment.tzinfo if moment else None
    return zone.key if isinstance(zone, ZoneInfo) and zone.key else "UTC"
