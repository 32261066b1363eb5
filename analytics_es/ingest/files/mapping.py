"""Mapping files → SQL expressions by place."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from analytics_es.errors import BadMapping, CannotRead
from analytics_es.events.checks import shown
from analytics_es.ingest.files.definitions import COLUMN, Definitions
from analytics_es.ingest.files.paths import ITEMS, Steps, paths_read, read_steps
from analytics_es.ingest.problems import in_one_line
from analytics_es.projection import engine, expressions
from analytics_es.types.arguments import path as read_path
from analytics_es.types.arguments import text as read_text

Place = tuple[str, ...]

MAX_BYTES = 2**20
_REQUIRED = ("type", "occurred_at")
_KEYS = ("where", *_REQUIRED, "id", "known_by", "source")
_BESIDE = ("rows", "optional", "let")  # what a mapping may say at its top, beside its [[event]] tables
FILENAME = "filename"  # a column of every file that has none of that name
EACH = "each"  # the list that a table makes an event of each element of, and the name of the element
LET = "let"  # named expressions
_TABLES = (("data",), ("data", "attributes"))


@frozen(kw_only=True)
class Mapping:
    """The SQL expressions of each [[event]] table by place, such as ("data", "cost"), and the names they use.

    each: for each table the path to the list that it makes an event of each element of; () where it has none.
    paths: for each table the paths into rows that its expressions read, the names of columns first.
    rows: where in a JSON document its rows are; () for a file of rows.
    optional: whether columns may be missing: all, none or those of these names, in small letters; None where it is not
        said, which means that they may in JSON.
    """

    path: Path
    tables: tuple[dict[Place, str], ...]
    each: tuple[Steps, ...]
    paths: tuple[tuple[Steps, ...], ...]
    names: frozenset[str]
    rows: Steps = ()
    optional: bool | frozenset[str] | None = None

    @property
    def has_ids(self) -> bool:
        """Whether every table says what makes an event the same one; it may still be NULL in a row."""
        return all(("id",) in table or ("known_by",) in table for table in self.tables)

    def of_rows(self) -> Iterator[Steps]:
        """Yield the paths that are read of a row, not of an element of a list of it."""
        for steps, paths in zip(self.each, self.paths, strict=True):
            if steps:
                yield steps
            yield from (path for path in paths if not steps or str(path[0]).lower() != EACH)

    def may_lack(self, name: str, *, is_json: bool) -> bool:
        """Say whether a file may do without a column."""
        if isinstance(self.optional, frozenset):
            return name.lower() in self.optional
        return is_json if self.optional is None else self.optional


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file; raises BadMapping for anything in it that is not understood.

    What is in one: https://github.com/analytics-es/analytics-es/blob/main/docs/mapping.md
    """
    path = read_path("path", path)
    try:
        text = _text(path)
    except OSError as error:
        raise CannotRead(path=path, problem=error.strerror) from error
    except ValueError as error:
        raise BadMapping(path=path, problem=f"not valid TOML: {in_one_line(error)}") from error
    return parse_mapping(text, path)


def parse_mapping(text: str, path: Path) -> Mapping:
    """Return what the text of a mapping says; `path` is what messages call it. Raises BadMapping."""
    path = read_path("path", path)
    try:
        settings = tomllib.loads(read_text("text", text))
    except (ValueError, RecursionError) as error:
        raise BadMapping(path=path, problem=f"not valid TOML: {in_one_line(error)}") from error
    return mapping_of(settings, path)


def mapping_of(settings: dict[str, Any], path: Path) -> Mapping:
    """Return what the settings of a mapping say, which this takes apart; `path` is what messages call it."""
    tables = settings.pop("event", None)
    beside = {key: settings.pop(key, None) for key in _BESIDE}
    if settings:
        known = f"only [[event]] tables, {', '.join(_BESIDE[:-1])} and {_BESIDE[-1]} are known"
        raise BadMapping(path=path, problem=f"unknown key {min(settings)!r}: {known}")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise BadMapping(path=path, problem="no [[event]] table")
    each = tuple(_each(path, number, table) for number, table in enumerate(tables, 1))
    flat = _written_out(path, beside["let"], tuple(dict(_flatten(table)) for table in tables))
    paths = tuple(tuple(_paths(path, number, table)) for number, table in enumerate(flat, 1))
    return Mapping(
        path=path,
        tables=flat,
        each=each,
        paths=paths,
        names=frozenset(str(name).lower() for steps in (*each, *itertools.chain(*paths)) for name in steps if name),
        rows=_steps(path, "rows", beside["rows"]),
        optional=_optional(path, beside["optional"]),
    )


def _written_out(path: Path, let: Any, tables: tuple[dict[Place, Any], ...]) -> tuple[dict[Place, Any], ...]:
    """Return the tables with what [let] defines in the place of its names; what is no text is told later.

    The named expressions that a table reads are at its places ("let", name), each after those that it reads itself.
    """
    if let is None:
        return tables
    try:
        definitions = Definitions.read(let)
    except ValueError as error:
        raise BadMapping(path=path, problem=f"let: {error}") from None
    return tuple(_with_columns(path, number, definitions, table) for number, table in enumerate(tables, 1))


def _with_columns(path: Path, number: int, definitions: Definitions, table: dict[Place, Any]) -> dict[Place, Any]:
    written = dict[Place, Any]()
    place: Place = (LET,)
    try:
        for place, expression in table.items():
            written[place] = definitions.written_out(expression) if isinstance(expression, str) else expression
        place = (LET,)
        texts = (expression for expression in written.values() if isinstance(expression, str))
        columns = definitions.used(texts)
    except ValueError as error:
        raise bad_expression(path, number, place, str(error)) from None
    return {**{(LET, name): expression for name, expression in columns.items()}, **written}


def _steps(path: Path, name: str, text: Any) -> Steps:
    try:
        return () if text is None else read_steps(text)
    except ValueError as error:
        raise BadMapping(path=path, problem=f"{name}: {error}") from None


def _each(path: Path, number: int, table: dict[str, Any]) -> Steps:
    steps = _steps(path, f"[[event]] {number}, {EACH}", table.pop(EACH, None))
    if ITEMS in steps:
        raise BadMapping(path=path, problem=f"[[event]] {number}, {EACH}: must be a path through objects, without []")
    return steps


def _optional(path: Path, setting: Any) -> bool | frozenset[str] | None:
    if setting is None or isinstance(setting, bool):
        return setting
    if not isinstance(setting, list) or not all(isinstance(name, str) for name in setting):
        raise BadMapping(path=path, problem="optional: must be true, false or a list of names of columns")
    return frozenset(name.lower() for name in setting)


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


def _paths(path: Path, number: int, table: dict[Place, Any]) -> Iterator[Steps]:
    """Yield the paths that one [[event]] table reads; only single, pure expressions pass."""
    for key in _REQUIRED:
        if (key,) not in table:
            raise bad_expression(path, number, (key,), "is missing")
    for place, expression in table.items():
        if place not in {(key,) for key in _KEYS} and place[:-1] not in (*_TABLES, (LET,)):
            problem = f"is not known: use {', '.join((*_KEYS, EACH))} or the table [event.data]"
            raise bad_expression(path, number, place, problem)
        if not isinstance(expression, str):
            problem = f"must be a text that holds an SQL expression, not {shown(expression)}"
            raise bad_expression(path, number, place, problem)
        try:
            paths = paths_read(expressions.tree(expression))
            yield from (steps for steps in paths if not str(steps[0]).startswith(COLUMN))
        except (ValueError, RecursionError, engine.EngineError) as error:
            raise bad_expression(path, number, place, in_one_line(error)) from error
