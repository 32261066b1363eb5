"""The read models on PostgreSQL: one table a projection beside the log, upserted by merging."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from itertools import count
from typing import Any

from analytics_es.errors import AnalyticsError, StoreFailed
from analytics_es.log.postgres import Database, migrations
from analytics_es.log.postgres.checkpoints import PostgresCheckpoints
from analytics_es.log.postgres.database import Cursor
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Folded
from analytics_es.projection.rows import Row, Rows
from analytics_es.read_models.mending import COLUMNS_OF, RENAME, mend
from analytics_es.read_models.registry import Live
from analytics_es.read_models.seeds import NOTHING, Seeds
from analytics_es.read_models.snapshot import Sums
from analytics_es.read_models.store import WRITE_UNREADABLE, ReadModels, names_of
from analytics_es.read_models.views.dialects import PostgreSQL
from analytics_es.read_models.views.shown import Shown

logger = logging.getLogger("analytics_es")

PIECE = 10_000  # rows of one statement
TRIES = 5  # to begin to read, while one rebuild after the other is promoted

# How many checkpoints are there.
COUNT_CHECKPOINTS = "SELECT count(*) FROM tracking WHERE application_name = ANY(?)"

# Keep what is live: a state of the database is one of rows, and a table that is dropped is gone from all of them.
KEEP_TABLES = "LOCK TABLE {} IN ACCESS SHARE MODE"

# One who rebuilds, aggregates, seals or forgets at a time, as long as its connection.
TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"

# The columns of a table, and their places in its key, null where they are not in it.
COLUMNS = (
    "SELECT attname::text, array_position(indkey::smallint[], attnum) + 1 FROM pg_attribute "
    "LEFT JOIN pg_index ON indrelid = attrelid AND indisprimary "
    "WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped ORDER BY 2"
)

# The tables that were given another name.
FIND_APART = (
    r"SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() AND tablename ~ '_damaged_[0-9]+$' "
    "ORDER BY 1"
)

# Columns that may pass 64 bits, and are still of them: those of an earlier version.
FIND_NARROW = (
    "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(?) AND atttypid = 'bigint'::regtype "
    "AND attname::text = ANY(?)"
)
WIDEN = "ALTER TABLE {} {}"

_MERGED = {
    "sum": "{c} = coalesce(old.{c} + excluded.{c}, old.{c}, excluded.{c})",
    "min": "{c} = least(old.{c}, excluded.{c})",
    "max": "{c} = greatest(old.{c}, excluded.{c})",
    "histogram": "{c} = merge_histograms(old.{c}, excluded.{c})",
}
# A sum of 64 bits is a numeric, which passes them: as text it is whole.
_SUMS = {
    "sum": "trim_scale(sum({c}))::text",
    "min": "min({c})",
    "max": "max({c})",
    "histogram": "string_agg({c}, chr(10))",
}
_SUMS |= {f"wide {merge}": _SUMS[merge] for merge in ("sum", "min", "max")}


class PostgresReadModels(ReadModels):
    """All read models of one log, in its schema; the database is the log's to close."""

    key_type, integer_type, wide_type = 'text COLLATE "C"', "bigint", "numeric"
    beside_log = True
    sums = Sums(sums=_SUMS, exact=_SUMS, overflow=lambda _: False, arrays=True)

    def __init__(
        self,
        database: Database,
        declarations: Sequence[Declaration],
        *,
        log: str,
        timezone: str,
        seeds: Seeds = NOTHING,
    ) -> None:
        super().__init__(declarations, log=log, place=database.place, seeds=seeds)
        self._database = database
        self.shown = Shown(PostgreSQL(), log)
        self.checkpoints = PostgresCheckpoints(database)
        mend(database)
        if not self._prepared(timezone):
            with migrations.preparing(database) as connection:
                self.prepare(Cursor(connection.cursor()), timezone)
        elif self._lacks_views():
            with suppress(AnalyticsError), migrations.preparing(database) as connection:  # of who may not make them
                self.shown.follow(Cursor(connection.cursor()), self.attempting)

    def _prepared(self, timezone: str) -> bool:
        """Say whether everything is there: then nothing need be done, nor be allowed."""
        with self.reading() as cursor:
            about, live = self.about(cursor, timezone), self.live_in(cursor)
            ours = [read_model.declaration for read_model in live.values() if read_model.log == self.log]
            names = [self.checkpoint_name(declaration) for declaration in ours]
            tables = dict(cursor.execute(COLUMNS_OF, [[declaration.table for declaration in ours]]).fetchall())
            checkpoints = cursor.execute(COUNT_CHECKPOINTS, [names]).fetchone()[0]
            narrow = any(_narrow(cursor, declaration) for declaration in ours)
        unchanged = all(
            read_model.position or read_model.declaration.definition == self.declarations[name].definition
            for name, read_model in live.items()
        )
        whole = all({*tables.get(declaration.table, ())} == names_of(declaration) for declaration in ours)
        ready = "timezone" in about and unchanged and not narrow and whole and len(ours) == checkpoints == len(live)
        return ready and self.shown.is_there(about)

    def _lacks_views(self) -> bool:
        with self.reading() as cursor:
            return self.shown.is_behind(cursor, also_changed=True)

    def _there(self) -> Database:
        return self._database

    def writing(self, *, lasting: bool = False) -> AbstractContextManager[Any]:
        """Open a transaction. Unless it is `lasting`, nobody waits for the disk: what a crash takes is derived again.

        A crash takes only the last commits, in the order in which they were made, the log's among them: so what is left
        is a state that there was, and whatever else is brought to the disk brings this with it.
        """
        return self._database.write(lasting=lasting)

    @contextmanager
    def keeping(self, *, long: bool = False) -> Iterator[tuple[Any, dict[str, Live]]]:
        """Open a transaction to read in which what is live stays there: who wants to drop it waits."""
        cursor, live, reading = self._locked(long)
        with reading:
            yield cursor, live

    def _locked(self, long: bool) -> tuple[Any, dict[str, Live], ExitStack]:
        """Lock what is live; once more where that was promoted and dropped just before."""
        for left in reversed(range(TRIES)):
            try:
                with ExitStack() as opening:
                    cursor = opening.enter_context(self.reading(long=long))
                    live = self.live_in(cursor)
                    if live:
                        tables = ", ".join(read_model.declaration.table for read_model in live.values())
                        cursor.execute(KEEP_TABLES.format(tables))
                        cursor.execute("SELECT 1").fetchone()
                    return cursor, live, opening.pop_all()
            except StoreFailed:
                if not left:
                    raise
        raise AssertionError  # one of the tries has returned or raised

    def create(self, cursor: Any, declaration: Declaration) -> None:
        """Create the table of a projection; widen the columns of one that an earlier version has made."""
        super().create(cursor, declaration)
        if names := _narrow(cursor, declaration):
            self.shown.remove(cursor)
            changes = ", ".join(f"ALTER COLUMN {name} TYPE {self.wide_type}" for name in names)
            cursor.execute(WIDEN.format(declaration.table, changes))

    def merge(self, cursor: Any, declaration: Declaration, folded: Folded) -> None:
        """Merge rows into what is there."""
        statement = _upsert(declaration)
        for first in range(0, len(folded.rows), PIECE):
            cursor.execute(statement, _columns(folded.rows, first, first + PIECE))
        for position, hour, field in folded.unreadable:
            cursor.execute(WRITE_UNREADABLE, (declaration.table, hour, position, field))
        self.shown.merged(cursor, declaration, folded.rows)

    @contextmanager
    def attempting(self, cursor: Any) -> Iterator[None]:
        """Open a part of a transaction that can fail by itself: what was done in it is undone. Raises RowsRefused."""
        with self._database.translated(), cursor.savepoint():
            yield

    def columns(self, cursor: Any, table: str) -> tuple[set[str], list[str]]:
        """Return the columns of a table, and those of its key in their order."""
        columns = cursor.execute(COLUMNS, [table]).fetchall()
        return {name for name, _ in columns}, [name for name, place in columns if place]

    def set_apart(self, cursor: Any, table: str, error: AnalyticsError) -> None:
        """Give a table another name, which says that it is damaged and which none has."""
        numbers = (f"{table}_damaged_{number}" for number in count(1))
        name = next(name for name in numbers if not self.columns(cursor, name)[0])
        self.shown.remove(cursor)
        cursor.execute(RENAME.format(table, name))
        problem = error.details.get("problem", "is of another log")
        logger.warning("%s (%s): it is now %s, and what it held is derived again from the log.", table, problem, name)

    def scrub(self) -> list[str]:
        """Remove the rows that were deleted, beside everybody; their bytes stay in the free space of pages."""
        tables = [read_model.declaration.table for read_model in self.live().values()]
        tables += ["costs_priced", "budgets_shown"]
        done = self._database.scrub(tables)
        unless = "" if done else ", and the deleted rows, until somebody who may does VACUUM"
        return [f"the free space in the pages of {', '.join(tables)}{unless}: VACUUM FULL writes them anew"]

    def kept_apart(self) -> list[str]:
        """Name the tables that were set apart."""
        with self.reading() as cursor:
            tables = cursor.execute(FIND_APART).fetchall()
        return [f"the table {table}, which was set apart" for (table,) in tables]

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Say whether nobody else is in here, as long as a connection of its own."""
        with self._database.connect() as connection:
            yield connection.execute(TRY_LOCK, [f"rebuild {self.log}"]).fetchone()[0]  # type: ignore[index]

    def close(self) -> None:
        """Leave the database to the log."""


def _narrow(cursor: Any, declaration: Declaration) -> list[str]:
    """Return the columns that may pass 64 bits, and are still of them."""
    wide = [column.name for column in declaration.columns if column.wide]
    return [name for (name,) in cursor.execute(FIND_NARROW, [declaration.table, wide]).fetchall()]


def _columns(rows: Sequence[Row], first: int, last: int) -> list[list[Any]]:
    if isinstance(rows, Rows):
        return rows.columns(first, last)
    return [list(column) for column in zip(*rows[first:last], strict=True)]


@functools.lru_cache(maxsize=256)
def _upsert(declaration: Declaration) -> str:
    types = dict.fromkeys(("grain", *(key.name for key in declaration.keys)), "text")
    types |= {column.name: "text" for column in declaration.columns if column.merge == "histogram"}
    types |= {column.name: "numeric" for column in declaration.columns if column.wide}
    names = [*declaration.row_key, *(column.name for column in declaration.columns)]
    arrays = ", ".join(f"%b::{types.get(name, 'bigint')}[]" for name in names)
    merged = ", ".join(_MERGED[column.merge].format(c=column.name) for column in declaration.columns)
    return (
        f"INSERT INTO {declaration.table} AS old ({', '.join(names)}) SELECT * FROM unnest({arrays}) "
        f"ON CONFLICT ({', '.join(declaration.row_key)}) DO UPDATE SET {merged}"
    )
