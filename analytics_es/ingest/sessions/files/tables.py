"""SQLite databases of agents → the rows that are new in them, each with what a declaration keeps of its JSON."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import orjson
from attrs import define, field, frozen

from analytics_es.ingest.sessions.declaration import Query, Tables
from analytics_es.ingest.sessions.files.snapshots import NotReadable, read

IN_MEMORY = 8 << 20  # bytes of rows that are held before they go into a file
START = -1  # what a cursor is before anything was read

Schema = Mapping[str, frozenset[str]]


@frozen
class _Taken:
    """Rows of one moment, as lines of JSON; how far each cursor is after them; why there are no more, if not all."""

    lines: IO[bytes]
    reached: Mapping[str, int]
    damage: str


@define
class TableReader:
    """Reads what is new in a database since cursors were where they are.

    modified: when it changed last, in Unix seconds: no cursor of time goes beyond.
    reached: where the cursors are when all rows were given.
    """

    path: Path
    tables: Tables
    cursors: Mapping[str, int]
    modified: float
    reached: dict[str, int] = field(init=False)

    @reached.default
    def _before(self) -> dict[str, int]:
        return dict(self.cursors)

    def rows(self) -> Iterator[tuple[Query, dict[str, Any]]]:
        """Yield the rows with their queries, when all were taken and the database was let go; raises NotReadable."""
        taken = read(self.path, self._take)
        with taken.lines:
            taken.lines.seek(0)
            for line in taken.lines:
                number, row = orjson.loads(line)
                yield self.tables.queries[number], row
        if taken.damage:
            raise NotReadable(taken.damage)
        self.reached |= taken.reached

    def _take(self, connection: sqlite3.Connection) -> _Taken:
        connection.row_factory = sqlite3.Row
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        schema = _schema(connection)
        lines = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed by whoever reads it
        reached: dict[str, int] = {}
        damage, known = "", not schema
        try:
            for number, query in enumerate(self.tables.queries):
                if sql := query.sql(schema):
                    known = True
                    self._ask(connection, number, sql, lines, reached)
        except sqlite3.Error as error:
            damage = f"SQLite cannot read all of it: {error}"
        return _Taken(lines, reached, damage or ("" if known else "none of its tables is one that is known"))

    def _ask(
        self, connection: sqlite3.Connection, number: int, sql: str, lines: IO[bytes], reached: dict[str, int]
    ) -> None:
        """Write down the rows of a query; how far its cursors are is said when it has given all."""
        query = self.tables.queries[number]
        names = {column: f"{number}.{column}" for column in query.cursors}
        since = {column: self.cursors.get(name, START) for column, name in names.items()}
        after = dict(since)
        for row in connection.execute(sql, {**since, "now": int(self.modified * 1000) + 1}):
            record = dict(row)
            for column in after:
                if isinstance(reach := record.pop(column, None), int):
                    after[column] = max(after[column], reach)
            for column, keep in query.json.items():
                record[column] = _kept(record.get(column), keep)
            lines.write(orjson.dumps((number, record), default=_as_text) + b"\n")
        reached.update({names[column]: reach for column, reach in after.items()})


def _schema(connection: sqlite3.Connection) -> Schema:
    """Return the columns of each table."""
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    names = [row[0] for row in rows]
    return {
        name: frozenset(row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?)", (name,)))
        for name in names
    }


def _kept(text: Any, keep: Any) -> Any:
    """Return what is kept of a column that holds JSON; None where it is none."""
    try:
        content = orjson.loads(text)
    except (ValueError, TypeError):
        try:
            content = json.loads(_as_text(text))
        except (ValueError, TypeError, RecursionError):
            return None
    try:
        return keep(content)
    except (TypeError, ValueError, KeyError, AttributeError):
        return None


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    raise TypeError(type(value).__name__)
