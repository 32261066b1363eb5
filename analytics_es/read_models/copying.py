"""Rows of a file, copied into memory by SQLite itself: none of them has to become Python's on the way."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from analytics_es.log.sqlite.database import translated
from analytics_es.log.sqlite.file import escaped
from analytics_es.read_models.snapshot import Snapshot
from analytics_es.read_models.sqlite import SQLiteReadModels
from analytics_es.read_models.store import ReadModels

# The file beside the database in memory, and what changes in it with every transaction of anybody.
ATTACH = "ATTACH ? AS live"
DETACH = "DETACH live"
VERSION = "PRAGMA live.data_version"
LOOK = "SELECT count(*) FROM live.about"


@contextmanager
def copying(live: ReadModels, memory: SQLiteReadModels) -> Iterator[tuple[Snapshot, sqlite3.Cursor | None]]:
    """Open one state of live read models; and a transaction in memory that sees the very same as `live`.

    There is none where they are in no file of SQLite, or where somebody wrote to it at this moment.
    """
    with ExitStack() as attached:
        cursor = attached.enter_context(_attached(live, memory)) if isinstance(live, SQLiteReadModels) else None
        version = cursor and _version(cursor)
        with live.read(long=True) as snapshot:
            if cursor and not _is_same(cursor, version, live):
                attached.close()
                cursor = None
            yield snapshot, cursor
            if cursor:
                cursor.execute("COMMIT")


@contextmanager
def _attached(live: SQLiteReadModels, memory: SQLiteReadModels) -> Iterator[sqlite3.Cursor | None]:
    path = live._there().path
    if path is None:
        yield None
        return
    with translated(), memory._there().writing.get_connection(commit=False) as connection:
        cursor = connection.cursor().sqlite_cursor
        try:
            cursor.execute(ATTACH, (f"file:{escaped(path)}?mode=ro&cache=private",))
        except sqlite3.Error:  # whoever reads the file says what is the matter with it
            yield None
            return
        try:
            yield cursor
        finally:
            if cursor.connection.in_transaction:
                cursor.execute("ROLLBACK")
            cursor.execute(DETACH)


def _is_same(cursor: sqlite3.Cursor, version: Any, live: ReadModels) -> bool:
    """Begin the transaction; say whether nobody wrote since there was this version, nor put another file there."""
    cursor.execute("BEGIN")
    cursor.execute(LOOK).fetchall()
    return bool(_version(cursor) == version and isinstance(live, SQLiteReadModels) and not live._database.moved())


def _version(cursor: sqlite3.Cursor) -> Any:
    return cursor.execute(VERSION).fetchone()[0]
