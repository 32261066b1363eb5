"""Mapping files → SQL expressions by place."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from analytics_es.errors import BadMapping, CannotRead
from analytics_es.events.checks import shown
from analytics_es.ingest.problems import in_one_line
from analytics_es.projection import engine, expressions
from analytics_es.types.arguments import path as read_path

Place = tuple[str, ...]

MAX_BYTES = 2**20
_REQUIRED = ("type", "occurred_at")
_KEYS = ("where", *_REQUIRED, "id", "source")
_TABLES = (("data",), ("data", "attributes"))


@frozen(kw_only=True)
class Mapping:
    """The SQL expressions of each [[event]] table by place, such as ("data", "cost"), and the names they use."""

    path: Path
    tables: tuple[dict[Place, str], ...]
    names: frozenset[str]

    @property
    def has_ids(self) -> bool:
        """Whether every table says what an event's id is; it may still be NULL in a row."""
        return all(("id",) in table for table in self.tables)


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file; raises BadMapping for anything in it that is not understood.

    What is in one: https://github.com/analytics-es/analytics-es/blob/main/docs/mapping.md
    """
    path = read_path("path", path)
    try:
        settings = tomllib.loads(_text(path))
    except OSError as error:
        raise CannotRead(path=path, problem=error.strerror) from error
    except (ValueError, RecursionError) as error:
        raise BadMapping(path=path, problem=f"not valid TOML: {in_one_line(error)}") from error
    tables = settings.pop("event", None)
    if settings:
        raise BadMapping(path=path, problem=f"unknown key {min(settings)!r}: only [[event]] tables are known")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise BadMapping(path=path, problem="no [[event]] table")
    flat = tuple(dict(_flatten(table)) for table in tables)
    names = {name for number, table in enumerate(flat, 1) for name in _names(path, number, table)}
    return Mapping(path=path, tables=flat, names=frozenset(names))


def _text(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise CannotRead(path=path, problem="it is not a file")
    with path.open("rb") as file:
        text = file.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise BadMapping(path=path, problem=f"longer than {MAX_BYTES} bytes")
    return text.decode()


def bad_expression(path: Path, number: int, place: Place, problem: str) -> BadMapping:
    """Return the error that names the [[event]] table and the place in it that is wrong."""
    return BadMapping(path=path, problem=f"[[event]] {number}, {'.'.join(place)}: {problem}")


def _flatten(table: dict[str, Any], above: Place = ()) -> Iterator[tuple[Place, Any]]:
    for key, value in table.items():
        if isinstance(value, dict) and (*above, key) in _TABLES:
            yield from _flatten(value, (*above, key))
        else:
            yield (*above, key), value


def _names(path: Path, number: int, table: dict[Place, Any]) -> Iterator[str]:
    """Yield the names that one [[event]] table uses; only single, pure expressions pass."""
    for key in _REQUIRED:
        if (key,) not in table:
            raise bad_expression(path, number, (key,), "is missing")
    for place, expression in table.items():
        if place not in {(key,) for key in _KEYS} and place[:-1] not in _TABLES:
            problem = f"is not known: use {', '.join(_KEYS)} or the table [event.data]"
            raise bad_expression(path, number, place, problem)
        if not isinstance(expression, str):
            problem = f"must be a text that holds an SQL expression, not {shown(expression)}"
            raise bad_expression(path, number, place, problem)
        try:
            yield from (name.lower() for reference in expressions.references(expression) for name in reference)
        except (ValueError, RecursionError, engine.EngineError) as error:
            raise bad_expression(path, number, place, in_one_line(error)) from error
