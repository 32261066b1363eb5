"""The read models on SQLite: one STRICT table a projection, upserted by merging, in a file beside the log."""

from __future__ import annotations

import functools
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, cast

from analytics_es.errors import AnalyticsError, DamagedReadModels, StoreDamaged
from analytics_es.log.sqlite.checkpoints import SQLiteCheckpoints
from analytics_es.log.sqlite.database import Database, translated
from analytics_es.log.sqlite.file import check
from analytics_es.log.sqlite.only_one import only_one
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Folded
from analytics_es.projection.rows import Row, Rows
from analytics_es.read_models import aside, doubt, histograms, registry
from analytics_es.read_models.priced import CREATE_PRICES
from analytics_es.read_models.seeds import NOTHING, Seeds
from analytics_es.read_models.snapshot import Sums
from analytics_es.read_models.store import WRITE_UNREADABLE, ReadModels
from analytics_es.read_models.stored import PARTS, added_digits, digits, form
from analytics_es.read_models.views.dialects import SQLite
from analytics_es.read_models.views.joining import CREATE_ROW_PRICES
from analytics_es.read_models.views.shown import Shown

KIND = 0x41455356  # "AESV"
SCHEMA = 4  # until 3, who wrote did not note what the SQL views of costs have to be priced for
WIDE = 3  # the first schema whose sums may pass 64 bits

# What the read models say of themselves.
CREATE_ABOUT = "CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID"

# What folds could not read, and what of it was accepted as it is.
CREATE_UNREADABLE = (
    "CREATE TABLE IF NOT EXISTS unreadable (projection TEXT NOT NULL, hour INTEGER NOT NULL, "
    "position INTEGER NOT NULL, field TEXT NOT NULL, "
    "PRIMARY KEY (projection, hour, position, field)) STRICT, WITHOUT ROWID"
)
CREATE_DISCARDED = (
    "CREATE TABLE IF NOT EXISTS discarded (projection TEXT NOT NULL, position INTEGER NOT NULL, field TEXT NOT NULL, "
    "PRIMARY KEY (projection, position, field)) STRICT, WITHOUT ROWID"
)

# Which read models are live or set aside, and what each has taken in, day by day.
CREATE_REGISTRY = (
    "CREATE TABLE IF NOT EXISTS registry (projection TEXT PRIMARY KEY, read_model TEXT NOT NULL, "
    "generation INTEGER NOT NULL, definition TEXT NOT NULL, log TEXT NOT NULL, retired TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS aside (read_model TEXT PRIMARY KEY, log TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS ledger (read_model TEXT NOT NULL, day INTEGER NOT NULL, events INTEGER NOT NULL, "
    "checksum INTEGER NOT NULL, PRIMARY KEY (read_model, day)) STRICT, WITHOUT ROWID",
)

# The columns of a table, and their places in its key, 0 where they are not in it.
COLUMNS = "SELECT name, pk FROM pragma_table_info(?) ORDER BY pk"

# A number that does not fit 64 bits is a text of its digits. A sum of integers is native as long as it is an integer.
_MERGED = {
    "sum": "{c} = coalesce({c} + excluded.{c}, {c}, excluded.{c})",
    "min": "{c} = coalesce(min({c}, excluded.{c}), {c}, excluded.{c})",
    "max": "{c} = coalesce(max({c}, excluded.{c}), {c}, excluded.{c})",
    "histogram": "{c} = merge_histograms({c}, excluded.{c})",
    "wide sum": "{c} = CASE WHEN excluded.{c} IS NULL THEN {c} WHEN {c} IS NULL THEN excluded.{c} "
    "WHEN typeof({c} + excluded.{c}) = 'integer' THEN {c} + excluded.{c} ELSE exact_sum({c}, excluded.{c}) END",
    "wide min": "{c} = exact_min({c}, excluded.{c})",
    "wide max": "{c} = exact_max({c}, excluded.{c})",
}
_SUMS = {"sum": "sum({c})", "min": "min({c})", "max": "max({c})", "histogram": "group_concat({c}, char(10))"}
_SUMS |= {"wide sum": "sum({c})", "wide min": "exact_min({c})", "wide max": "exact_max({c})"}

_SPACE = " || ' ' || "
_EXACT_SUM = f"CASE WHEN count({{c}}) > 0 THEN {_SPACE.join(f'coalesce({part}, 0)' for part in PARTS)} END"


def _overflow(error: Exception) -> bool:
    return isinstance(error, sqlite3.OperationalError) and "overflow" in str(error)


class SQLiteReadModels(ReadModels):
    """All read models of one log, in one file that may be deleted at any time, or in memory where the path is None."""

    key_type, integer_type, table_options = "TEXT", "INTEGER", " STRICT, WITHOUT ROWID"
    wide_type = "ANY CHECK (typeof({c}) <> 'real')"  # a list of types would be made anew for each row
    sums = Sums(
        sums=_SUMS,
        exact={**_SUMS, "wide sum": _EXACT_SUM},
        overflow=_overflow,
        inexact="count(*) FILTER (WHERE typeof(money) = 'real')",
    )

    def __init__(
        self, path: Path | None, declarations: Sequence[Declaration], *, log: str, timezone: str, seeds: Seeds = NOTHING
    ) -> None:
        super().__init__(declarations, log=log, place=path, seeds=seeds)
        self._timezone = timezone
        self.shown = Shown(SQLite() if path else None, log)  # what is in memory, nobody else reads
        self._reopening, self._rebuilding = threading.Lock(), threading.Lock()
        self._database = self._opened(path)

    def _opened(self, path: Path | None) -> Database:
        return aside.opened(path, partial(self._open, path)) if path else self._open(None)

    def _open(self, path: Path | None) -> Database:
        database = Database(path, kind=KIND, schema=SCHEMA, on_connect=_settings)
        try:
            with database.look() as cursor:
                if path and cursor.execute("PRAGMA application_id").fetchone()[0] != KIND:
                    raise StoreDamaged(path=path, problem="its write-ahead log is that of another database")
            self.checkpoints = SQLiteCheckpoints(database)
            with database.write() as cursor:
                for statement in (CREATE_ABOUT, CREATE_UNREADABLE, CREATE_DISCARDED, *CREATE_REGISTRY):
                    cursor.execute(statement)
                version = cursor.execute("PRAGMA user_version").fetchone()[0]
                if version < WIDE:
                    self._widen(cursor)
                if version < SCHEMA:
                    cursor.execute(f"PRAGMA user_version = {SCHEMA}")
                self.prepare(cursor, self._timezone)
        except BaseException:
            database.close()
            raise
        database.on_damage = partial(self._move_aside, database)
        return database

    def _move_aside(self, database: Database, error: StoreDamaged) -> None:
        """Let a damaged file go, which is moved aside and opened anew by who comes next; raises DamagedReadModels."""
        if database.path and aside.move_aside(database.path, error, database.file):
            raise DamagedReadModels(path=database.path, problem=error.details["problem"]) from error

    @contextmanager
    def making_sense(self) -> Iterator[None]:
        """Take rows out of them: where these make no sense, look whether they are damaged; raises DamagedReadModels."""
        try:
            yield
        except doubt.ODD as error:
            database = self._database
            if database.path and not isinstance(error, AnalyticsError):
                declarations = [live.declaration for live in self.live().values()]
                if problem := doubt.problem_of(database.path, declarations):
                    self._move_aside(database, StoreDamaged(path=database.path, problem=problem))
            raise

    @contextmanager
    def reading(self, *, long: bool = False) -> Iterator[Any]:
        """Open a transaction that sees one state; rows that make no sense are looked at when it is over."""
        with self.making_sense(), super().reading(long=long) as cursor:
            yield cursor

    def columns(self, cursor: Any, table: str) -> tuple[set[str], list[str]]:
        """Return the columns of a table, and those of its key in their order."""
        columns = cursor.execute(COLUMNS, [table]).fetchall()
        return {name for name, _ in columns}, [name for name, place in columns if place]

    def set_apart(self, cursor: Any, table: str, error: AnalyticsError) -> NoReturn:
        """Raise the error: the file is moved aside as a whole."""
        raise error

    @staticmethod
    def check(path: Path) -> None:
        """Raise CannotOpen, having touched nothing, unless the read models can be kept at this path."""
        check(path, kind=KIND, schema=SCHEMA)

    def _there(self) -> Database:
        """Return the database, opened again where its file was deleted or replaced: everything can be derived again."""
        with self._reopening:
            if self._database.moved():
                self._database.close()
                self._database = self._opened(self._database.path)
            return self._database

    def _widen(self, cursor: Any) -> None:
        """Write anew the tables of an earlier version, whose sums end at 64 bits."""
        for live in registry.live(cursor).values():
            table, narrow = live.declaration.table, f"narrow_{live.declaration.table}"
            cursor.execute(f"ALTER TABLE {table} RENAME TO {narrow}")
            self.create(cursor, live.declaration)
            cursor.execute(f"INSERT INTO {table} SELECT * FROM {narrow}")
            cursor.execute(f"DROP TABLE {narrow}")

    def merge(self, cursor: Any, declaration: Declaration, folded: Folded) -> None:
        """Merge rows into what is there."""
        rows = folded.rows
        cursor.executemany(
            _upsert(declaration),
            rows.in_64_bits() if isinstance(rows, Rows) else map(_bound, rows),
        )
        listed = [(declaration.table, hour, position, field) for position, hour, field in folded.unreadable]
        cursor.executemany(WRITE_UNREADABLE, listed)
        self.shown.merged(cursor, declaration, rows)

    @contextmanager
    def attempting(self, cursor: Any) -> Iterator[None]:
        """Open a part of a transaction that can fail by itself: what was done in it is undone. Raises RowsRefused."""
        cursor.execute("SAVEPOINT attempt")
        try:
            with translated():
                yield
        except BaseException:
            cursor.execute("ROLLBACK TO attempt")
            raise
        finally:
            cursor.execute("RELEASE attempt")

    def scrub(self) -> list[str]:
        """Write the file anew, from what is in it."""
        if self._there().scrub(compact=True):
            return []
        return [f"{self._database.wal}, until nobody reads the read models for a moment"]

    def kept_apart(self) -> list[str]:
        """Name the files that were moved aside."""
        path = self._database.path
        return [f"{place}, which was moved aside" for place in (aside.moved_aside(path) if path else [])]

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Say whether nobody else is in here, in this process or another."""
        if not self._rebuilding.acquire(blocking=False):
            yield False
            return
        try:
            with only_one(self._database.path) if self._database.path else nullcontext(True) as alone:
                yield alone
        finally:
            self._rebuilding.release()

    def shrink(self) -> None:
        """Give back to the disk the space of rows that are gone."""
        for _ in self._there().shrink():
            pass

    def close(self) -> None:
        """Close the database."""
        self._database.close()


@functools.lru_cache(maxsize=256)
def _upsert(declaration: Declaration) -> str:
    names = [*declaration.row_key, *(column.name for column in declaration.columns)]
    merged = ", ".join(_MERGED[form(column)].format(c=column.name) for column in declaration.columns)
    return (
        f"INSERT INTO {declaration.table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
        f"ON CONFLICT ({', '.join(declaration.row_key)}) DO UPDATE SET {merged}"
    )


def _bound(row: Row) -> list[Any]:
    """Return a row as SQLite takes it: a number that does not fit 64 bits is the text of its digits."""
    return [_stored(number) if type(number) is int else number for number in row]


def _stored(number: int | None) -> int | str | None:
    return number if number is None or -(2**63) <= number < 2**63 else str(number)


def _exact_sum(first: int | str, second: int | str) -> int | str | None:
    return _stored(int(first) + int(second))


def _choosing(choose: Callable[[Iterable[int]], int]) -> Callable[..., int | str | None]:
    """Return the function of two stored numbers, or none, that chooses one of them."""

    def chosen(*numbers: int | str | None) -> int | str | None:
        there = [int(number) for number in numbers if number is not None]
        return _stored(choose(there)) if there else None

    return chosen


def _aggregate(add: Callable[[Any, Any], int | str | None]) -> type:
    """Return the aggregate of a function of two stored numbers."""

    class Aggregate:
        def __init__(self) -> None:
            self._so_far: int | str | None = None

        def step(self, number: int | str | None) -> None:
            if number is not None:
                self._so_far = number if self._so_far is None else add(self._so_far, number)

        def finalize(self) -> int | str | None:
            return self._so_far

    return Aggregate


_EXACT: dict[str, Callable[..., int | str | None]] = {
    "exact_sum": _exact_sum,
    "exact_min": _choosing(min),
    "exact_max": _choosing(max),
}


def _settings(connection: sqlite3.Connection) -> None:
    for name, function in _EXACT.items():
        connection.create_function(name, 2, function, deterministic=True)
        connection.create_aggregate(name, 1, cast(Any, _aggregate(function)))
    connection.create_function("merge_histograms", 2, histograms.merge, deterministic=True)
    connection.create_function("digits", 4, digits, deterministic=True)
    connection.create_function("added_digits", 2, added_digits, deterministic=True)
    connection.execute(CREATE_PRICES)
    connection.execute(CREATE_ROW_PRICES)
    connection.execute("PRAGMA synchronous = NORMAL")  # what a power failure takes is derived again
    connection.execute("PRAGMA cache_size = -8000")
