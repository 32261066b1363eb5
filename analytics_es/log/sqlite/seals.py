"""Seals on SQLite: sealed events deleted in slices, and their pages given back to the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from analytics_es.log import seals
from analytics_es.log.horizon import condition
from analytics_es.log.seals import Size
from analytics_es.log.sqlite.database import Database

# Delete some of what is sealed. A position is a rowid, and that of the last row would be used again.
DELETE = (
    "DELETE FROM stored_events WHERE rowid IN (SELECT rowid FROM stored_events WHERE {old} LIMIT ?) "
    "AND rowid < (SELECT max(rowid) FROM stored_events)"
)


class SQLiteSeals(seals.Seals):
    """The seals of a log in a file, or in memory."""

    _database: Database

    def create(self, cursor: sqlite3.Cursor) -> None:
        """Make room for seals."""
        for statement in seals.tables(integer="INTEGER", blob="BLOB"):
            cursor.execute(f"{statement} STRICT")

    def delete(self, limit: int) -> int:
        """Delete at most so many of the events that are sealed, never the last one of the log; returns how many."""
        with self._database.write() as cursor:
            cursor.execute(DELETE.format(old=condition(seals.horizon_of(cursor).sealed)), [limit])
            return cursor.rowcount

    def size(self) -> Size:
        """Return how large the log is."""
        return Size(*self._database.size())

    def shrink(self) -> Iterator[None]:
        """Give back free pages, step by step; a file that was made without this ability keeps them for later events."""
        yield from self._database.shrink()
