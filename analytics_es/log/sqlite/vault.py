"""The vault's entries in a SQLite file of their own, or in memory, where what is destroyed is overwritten."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

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

# Vaults of before have no room for names, sealed with the key: what is destroyed goes with its entry.
COLUMNS = "SELECT name FROM pragma_table_info('vault')"
ADD_NAME = "ALTER TABLE vault ADD COLUMN name BLOB"


class SQLiteEntries(Entries):
    """Entries in one file, private to its owner, or in memory where the path is None."""

    about = "about"

    def __init__(self, path: Path | None) -> None:
        self.place = path or "a store in memory"
        self._database = Database(path, kind=KIND, schema=SCHEMA, on_connect=durable)
        with self._database.write() as cursor:
            for statement in CREATE:
                cursor.execute(statement)
            if ("name",) not in cursor.execute(COLUMNS).fetchall():
                cursor.execute(ADD_NAME)

    def writing(self) -> AbstractContextManager[sqlite3.Cursor]:
        """Open a transaction that is durable when it ends."""
        return self._database.write()

    def rows(self, statement: str, parameters: Sequence[bytes | str]) -> list[Any]:
        """Return what a statement selects."""
        with self._database.look() as cursor:
            return cursor.execute(statement, parameters).fetchall()

    def scrub(self) -> list[str]:
        """Write the file anew, from what is in it."""
        if self._database.scrub(compact=True):
            return []
        return [f"{self._database.wal}, until nobody reads the vault for a moment"]

    def close(self) -> None:
        """Close the file."""
        self._database.close()
