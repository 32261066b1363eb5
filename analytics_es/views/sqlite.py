"""The read models on SQLite: one STRICT table a projection, upserted by merging, in one commit with its checkpoint."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from attrs import frozen

from analytics_es.algebra import Column, Declaration
from analytics_es.errors import OtherTimezone
from analytics_es.fold import Folded
from analytics_es.log.checkpoints import SQLiteCheckpoints
from analytics_es.log.datastore import Database, check
from analytics_es.views import histograms

KIND = 0x41455356  # "AESV"
SCHEMA = 1

# What the read models are of, and in which zone.
CREATE_ABOUT = "CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID"
SELECT_ABOUT = "SELECT name, value FROM about"
WRITE_ABOUT = "INSERT INTO about VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"

# Values that folds could not read.
CREATE_UNREADABLE = (
    "CREATE TABLE IF NOT EXISTS unreadable (projection TEXT NOT NULL, hour INTEGER NOT NULL, "
    "position INTEGER NOT NULL, field TEXT NOT NULL, "
    "PRIMARY KEY (projection, hour, position, field)) STRICT, WITHOUT ROWID"
)
WRITE_UNREADABLE = "INSERT INTO unreadable VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
COUNT_UNREADABLE = "SELECT count(*) FROM unreadable WHERE projection = ? AND (hour = 0 OR hour >= ? AND hour < ?)"
LIST_UNREADABLE = "SELECT projection, position, field FROM unreadable ORDER BY position, projection, field LIMIT ?"
FORGET_UNREADABLE = "DELETE FROM unreadable WHERE projection = ? AND (? IS NULL OR hour >= ? AND hour < ?)"

_MERGED = {
    "sum": "{c} = coalesce({c} + excluded.{c}, {c}, excluded.{c})",
    "min": "{c} = coalesce(min({c}, excluded.{c}), {c}, excluded.{c})",
    "max": "{c} = coalesce(max({c}, excluded.{c}), {c}, excluded.{c})",
    "histogram": "{c} = merge_histograms({c}, excluded.{c})",
}
_SUMMED = {"sum": "sum({c})", "min": "min({c})", "max": "max({c})", "histogram": "group_concat({c}, char(10))"}
# A sum over rows may pass 64 bits, which SQLite refuses: then it is taken in two halves, put together in Python.
_HALVES = "CAST(sum({c} >> 32) AS TEXT) || ' ' || sum({c} & 4294967295)"

Grain = Literal["hour", "day"]


@frozen
class Span:
    """Buckets of one grain that start in [start, end), epoch seconds; told one by one, or all under one `label`."""

    grain: Grain
    start: int
    end: int
    label: int | None = None


class SQLiteViews:
    """All read models of one log, in one file that may be deleted at any time."""

    def __init__(self, path: Path | None, declarations: Sequence[Declaration], *, log: str, timezone: str) -> None:
        self.declarations = {declaration.name: declaration for declaration in declarations}
        self._log = log
        self._database = Database(path, kind=KIND, schema=SCHEMA, on_connect=_settings)
        self._checkpoints = SQLiteCheckpoints(self._database)
        try:
            with self._database.write() as cursor:
                self._prepare(cursor.sqlite_cursor, timezone)
        except BaseException:
            self._database.close()
            raise

    @staticmethod
    def check(path: Path) -> None:
        """Raise CannotOpen, having touched nothing, unless the read models can be kept at this path."""
        check(path, kind=KIND, schema=SCHEMA)

    def _prepare(self, cursor: sqlite3.Cursor, timezone: str) -> None:
        cursor.execute(CREATE_ABOUT)
        cursor.execute(CREATE_UNREADABLE)
        about = dict(cursor.execute(SELECT_ABOUT).fetchall())
        if about.get("timezone", timezone) != timezone:
            raise OtherTimezone(path=self._database.path, stored=about["timezone"], asked=timezone)
        # Of which log is told for each: a projection may have been left out while the log became another one.
        written = {each.table: f"{each.fingerprint} of {self._log}" for each in self.declarations.values()}
        for declaration in self.declarations.values():
            same = about.get(declaration.table) == written[declaration.table]
            self._begin(cursor, declaration, keep=same)
        cursor.executemany(WRITE_ABOUT, {"timezone": timezone, **written}.items())

    def _begin(self, cursor: sqlite3.Cursor, declaration: Declaration, *, keep: bool) -> None:
        """Make room for a projection; rows of another log or of another definition are derived again."""
        name = self._checkpoint_name(declaration)
        if not keep:
            cursor.execute(f"DROP TABLE IF EXISTS {declaration.table}")
            cursor.execute(FORGET_UNREADABLE, (declaration.name, None, 0, 0))
        cursor.execute(_create(declaration))
        self._checkpoints.begin(cursor, name)  # type: ignore[arg-type]  # only execute() is asked of it
        if not keep:
            self._checkpoints.reset(cursor, name)  # type: ignore[arg-type]

    def _checkpoint_name(self, declaration: Declaration) -> str:
        return f"{self._log}:{declaration.table}"

    def restart_beyond(self, head: int) -> None:
        """Begin again where a checkpoint is beyond the log's head: the log was restored from an older copy."""
        with self._database.write() as cursor:
            for declaration in self.declarations.values():
                self._checkpoints.begin(cursor, self._checkpoint_name(declaration))
                if self._checkpoints.position(cursor, self._checkpoint_name(declaration)) > head:
                    self._begin(cursor.sqlite_cursor, declaration, keep=False)

    def commit(self, name: str, folded: Folded, *, expected: int, position: int) -> bool:
        """Merge rows and move the checkpoint, or, where another runner has moved it, do nothing and say False."""
        declaration = self.declarations[name]
        with self._database.write() as cursor:
            if not self._checkpoints.advance(
                cursor, self._checkpoint_name(declaration), expected=expected, position=position
            ):
                return False
            _merge(cursor.sqlite_cursor, declaration, folded)
        return True

    @contextmanager
    def replacing(self, name: str) -> Iterator[Replacement]:
        """Open a transaction in which rows are swapped while no runner can advance the projection."""
        declaration = self.declarations[name]
        with self._database.write() as cursor:
            checkpoint = self._checkpoint_name(declaration)
            self._checkpoints.begin(cursor, checkpoint)
            position = self._checkpoints.position(cursor, checkpoint)
            yield Replacement(declaration, position, cursor.sqlite_cursor)

    @contextmanager
    def read(self) -> Iterator[Snapshot]:
        """Open one state of all read models and checkpoints."""
        with self._database.read() as cursor:
            positions = {
                name: self._checkpoints.position(cursor, self._checkpoint_name(declaration))
                for name, declaration in self.declarations.items()
            }
            fetching = cursor.sqlite_cursor
            fetching.row_factory = None
            yield Snapshot(positions, fetching)

    def close(self) -> None:
        """Close the database."""
        self._database.close()


@frozen
class Replacement:
    """A projection whose rows are being swapped; `position` is its checkpoint, which cannot move meanwhile."""

    declaration: Declaration
    position: int
    _cursor: sqlite3.Cursor

    def delete(self, spans: Iterable[Span], hours: tuple[int, int]) -> None:
        """Remove the rows of these buckets, and what was unreadable in these hours."""
        for span in spans:
            self._cursor.execute(
                f"DELETE FROM {self.declaration.table} WHERE grain = ? AND bucket >= ? AND bucket < ?",
                (span.grain, span.start, span.end),
            )
        self._cursor.execute(FORGET_UNREADABLE, (self.declaration.name, hours[0], *hours))

    def merge(self, folded: Folded) -> None:
        """Merge rows."""
        _merge(self._cursor, self.declaration, folded)


@frozen
class Snapshot:
    """One state of the read models: every answer read from it stands on the same positions."""

    positions: Mapping[str, int]
    _cursor: sqlite3.Cursor

    def sums(
        self,
        declaration: Declaration,
        columns: Sequence[Column],
        spans: Sequence[Span],
        *,
        where: Mapping[str, str] | None = None,
        by: Sequence[str] = (),
        by_time: bool = False,
    ) -> list[tuple[Any, ...]]:
        """Merge the rows of these buckets: one tuple a group of bucket (where `by_time`), keys and merged columns."""
        if not spans:
            return []
        rows = self._fetch(declaration, columns, spans, where or {}, by, by_time)
        width = len(by) + by_time
        return [(*row[:width], *_together(columns, row[width:])) for row in rows if by or by_time or row[-1]]

    def _fetch(
        self,
        declaration: Declaration,
        columns: Sequence[Column],
        spans: Sequence[Span],
        where: Mapping[str, str],
        by: Sequence[str],
        by_time: bool,
    ) -> list[tuple[Any, ...]]:
        try:
            return self._cursor.execute(*_select(declaration, columns, spans, where, by, by_time)).fetchall()
        except sqlite3.OperationalError as error:
            if "overflow" not in str(error):
                raise
            statement = _select(declaration, columns, spans, where, by, by_time, summed=_SUMMED | {"sum": _HALVES})
            return self._cursor.execute(*statement).fetchall()

    def distinct(
        self, declaration: Declaration, key: str, spans: Sequence[Span], *, by: Sequence[str], where: Mapping[str, str]
    ) -> list[tuple[Any, ...]]:
        """Count the different values of a key, exactly: one tuple a group of keys and count."""
        statement, parameters = _rows(declaration, [*by, key], spans, where)
        groups = "".join(f"{name}, " for name in by)
        tail = f" GROUP BY {', '.join(by)} ORDER BY {', '.join(by)}" if by else ""
        counted = f"SELECT {groups}count(DISTINCT {key}) FROM ({statement}){tail}"
        return self._cursor.execute(counted, parameters).fetchall()

    def top(
        self,
        declaration: Declaration,
        columns: Sequence[Column],
        spans: Sequence[Span],
        *,
        where: Mapping[str, str],
        by: str,
        order: str,
        limit: int,
    ) -> tuple[list[tuple[Any, ...]], int]:
        """Return the groups with the most of a column, merged, and how many groups there are in all."""
        rows, parameters = _rows(declaration, [by, order], spans, where)
        largest = (
            f"SELECT {by}, count(*) OVER () FROM ({rows}) GROUP BY {by} ORDER BY sum({order}) DESC, {by} LIMIT {limit}"
        )
        names = self._cursor.execute(largest, parameters).fetchall()
        sums = (self.sums(declaration, columns, spans, where={**where, by: name})[0] for name, _ in names)
        return [(name, *values) for (name, _), values in zip(names, sums, strict=True)], names[0][1] if names else 0

    def busy(self, declaration: Declaration, spans: Sequence[Span], *, by: Sequence[str]) -> list[tuple[Any, ...]]:
        """Count the buckets that have rows, for each group of keys."""
        return self.distinct(declaration, "bucket", spans, by=by, where={})

    def rows(self, declaration: Declaration) -> list[tuple[Any, ...]]:
        """Return every row, in the order of the index."""
        columns = [*declaration.row_key, *(column.name for column in declaration.columns)]
        order = ", ".join(declaration.row_key)
        return self._cursor.execute(f"SELECT {', '.join(columns)} FROM {declaration.table} ORDER BY {order}").fetchall()

    def size(self, declaration: Declaration) -> int:
        """Count the rows of a read model."""
        return int(self._cursor.execute(f"SELECT count(*) FROM {declaration.table}").fetchone()[0])

    def unreadable(self, name: str, start: int = 0, end: int = 2**62) -> int:
        """Count what a projection could not read in the hours that start in [start, end)."""
        return int(self._cursor.execute(COUNT_UNREADABLE, (name, start, end)).fetchone()[0])

    def unreadable_values(self, limit: int) -> list[tuple[str, int, str]]:
        """List the first values that could not be read: projection, position, field."""
        return self._cursor.execute(LIST_UNREADABLE, (limit,)).fetchall()


# ── statements ──────────────────────────────────────────────────────────────────────────────────────────────────


def _settings(connection: sqlite3.Connection) -> None:
    connection.create_function("merge_histograms", 2, histograms.merge, deterministic=True)
    connection.execute("PRAGMA synchronous = NORMAL")  # what a power failure takes is derived again
    connection.execute("PRAGMA cache_size = -32000")


def _create(declaration: Declaration) -> str:
    keys = [f"{key.name} TEXT NOT NULL" for key in declaration.keys]
    columns = [f"{c.name} {'TEXT NOT NULL' if c.merge == 'histogram' else 'INTEGER'}" for c in declaration.columns]
    return (
        f"CREATE TABLE IF NOT EXISTS {declaration.table} (grain TEXT NOT NULL, bucket INTEGER NOT NULL, "
        f"{', '.join([*keys, *columns])}, PRIMARY KEY ({', '.join(declaration.row_key)})) STRICT, WITHOUT ROWID"
    )


def _merge(cursor: sqlite3.Cursor, declaration: Declaration, folded: Folded) -> None:
    """Merge rows into what is there. STRICT refuses a sum beyond 64 bits, which SQLite would turn into a float."""
    names = [*declaration.row_key, *(column.name for column in declaration.columns)]
    merged = ", ".join(_MERGED[column.merge].format(c=column.name) for column in declaration.columns)
    cursor.executemany(
        f"INSERT INTO {declaration.table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
        f"ON CONFLICT ({', '.join(declaration.row_key)}) DO UPDATE SET {merged}",
        folded.rows,
    )
    listed = [(declaration.name, hour, position, field) for position, hour, field in folded.unreadable]
    cursor.executemany(WRITE_UNREADABLE, listed)


def _rows(
    declaration: Declaration, columns: Sequence[str], spans: Sequence[Span], where: Mapping[str, str]
) -> tuple[str, list[Any]]:
    """Rows of these buckets, each with its bucket or its span's label."""
    filters = "".join(f" AND {name} = ?" for name in where)
    chosen = ", ".join(name for name in dict.fromkeys(columns) if name != "bucket")
    parts, parameters = [], []
    for span in spans:
        bucket = "bucket" if span.label is None else str(int(span.label))
        parts.append(
            f"SELECT {bucket} AS bucket{', ' if chosen else ''}{chosen} FROM {declaration.table} "
            f"WHERE grain = ? AND {_within(declaration, span.grain, where)}{filters}"
        )
        parameters += [span.grain, span.start, span.end, *where.values()]
    return " UNION ALL ".join(parts), parameters


def _within(declaration: Declaration, grain: Grain, where: Mapping[str, str]) -> str:
    """One entity is found by its place in each bucket; which buckets there are, the rows of all events together say."""
    within = "bucket >= ? AND bucket < ?"
    if not declaration.entities or declaration.entity_key("id") not in where:
        return within
    of_all = f"grain = '{grain}' AND {declaration.entity_key('type')} = ''"
    return f"bucket IN (SELECT bucket FROM {declaration.table} WHERE {of_all} AND {within})"


def _select(
    declaration: Declaration,
    columns: Sequence[Column],
    spans: Sequence[Span],
    where: Mapping[str, str],
    by: Sequence[str],
    by_time: bool,
    *,
    summed: Mapping[str, str] = _SUMMED,
) -> tuple[str, list[Any]]:
    rows, parameters = _rows(declaration, [*by, *(column.name for column in columns)], spans, where)
    groups = [*(["bucket"] if by_time else []), *by]
    merged = [summed[column.merge].format(c=column.name) for column in columns]
    tail = f" GROUP BY {', '.join(groups)} ORDER BY {', '.join(groups)}" if groups else ""
    return f"SELECT {', '.join([*groups, *merged, 'count(*)'])} FROM ({rows}){tail}", parameters


def _together(columns: Sequence[Column], values: Sequence[Any]) -> list[Any]:
    """Read merged columns: a histogram becomes its buckets, a sum in halves becomes one number."""
    return [_whole(column, value) for column, value in zip(columns, values, strict=False)]


def _whole(column: Column, value: Any) -> Any:
    if column.merge == "histogram":
        return histograms.add(value.split("\n")) if value else {}
    if isinstance(value, str):
        high, low = map(int, value.split())
        return (high << 32) + low
    return value
