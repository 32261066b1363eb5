"""The vault's entries in a SQLite file of their own, or in memory, where what is destroyed is overwritten."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path

from analytics_es.log.pseudonyms import Entries
from analytics_es.log.sqlite.database import Database, durable

KIND = 0x4145534B  # "AESK"
SCHEMA = 1

# Pseudonyms, and what is noted of them.
CREATE = (
    "CREATE TABLE IF NOT EXISTS vault (digest BLOB PRIMARY KEY, pseudonym TEXT NOT NULL, "
    "created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
)


class SQLiteEntries(Entries):
    """Entries in one file, private to its owner, or in memory where the path is None."""

    about = "about"

    def __init__(self, path: Path | None) -> None:
        self.place = path or "a store in memory"
        self._database = Database(path, kind=KIND, schema=SCHEMA, on_connect=durable)
        with self._database.write() as cursor:
            for statement in CREATE:
                cursor.execute(statement)

    def writing(self) -> AbstractContextManager[sqlite3.Cursor]:
        """Open a transaction that is durable when it ends."""
        return self._database.write()

    def look_up(self, statement: str, name: bytes | str) -> str | None:
        """Return what a statement selects under a name, None where that is nothing."""
        with self._database.look() as cursor:
            row = cursor.execute(statement, [name]).fetchone()
        return row[0] if row else None

    def scrub(self) -> list[str]:
        """Write the file anew, from what is in it."""
        if self._database.scrub(compact=True):
            return []
        return [f"{self.place}-wal, until nobody reads the vault for a moment"]

    def close(self) -> None:
        """Close the file."""
        self._database.close()
