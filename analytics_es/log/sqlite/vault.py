"""The vault's entries in a SQLite file of their own, or in memory, where what is destroyed is overwritten."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from analytics_es.log.pseudonyms import Entries
from analytics_es.log.sqlite.database import Database

KIND = 0x4145534B  # "AESK"
SCHEMA = 1

CREATE = (
    "CREATE TABLE IF NOT EXISTS vault (digest BLOB PRIMARY KEY, pseudonym TEXT NOT NULL, "
    "created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
)
FIND = "SELECT pseudonym FROM vault WHERE digest = ?"

# Of several who give one subject a pseudonym at once, one does.
ADD = "INSERT INTO vault (digest, pseudonym) VALUES (?, ?) ON CONFLICT DO NOTHING"

DESTROY = "DELETE FROM vault WHERE digest = ?"
MOVE_ON = (
    "INSERT INTO about VALUES ('generation', '1') ON CONFLICT (name) DO UPDATE SET value = CAST(value + 1 AS TEXT)"
)
ABOUT = "SELECT value FROM about WHERE name = ?"
NOTE = "INSERT INTO about VALUES (?, ?) ON CONFLICT DO NOTHING"


class SQLiteEntries(Entries):
    """Entries in one file, private to its owner, or in memory where the path is None."""

    def __init__(self, path: Path | None) -> None:
        self.place = path or "a store in memory"
        self._database = Database(path, kind=KIND, schema=SCHEMA, on_connect=_settings)
        with self._database.write() as cursor:
            for statement in CREATE:
                cursor.execute(statement)

    def find(self, digest: bytes) -> str | None:
        """Return the pseudonym of a digest, None where there is none."""
        return self._one(FIND, digest)

    def _one(self, statement: str, name: bytes | str) -> str | None:
        with self._database.read() as cursor:
            row = cursor.execute(statement, [name]).fetchone()
        return row[0] if row else None

    def add(self, digest: bytes, pseudonym: str) -> str:
        """Give a digest a pseudonym, durably, unless it has one; returns the one it has."""
        with self._database.write() as cursor:
            cursor.execute(ADD, (digest, pseudonym))
            return str(cursor.execute(FIND, [digest]).fetchone()[0])

    def destroy(self, digest: bytes) -> bool:
        """Remove an entry, durably, and move on the generation; False where there was none."""
        with self._database.write() as cursor:
            destroyed = cursor.execute(DESTROY, [digest]).rowcount == 1
            cursor.execute(MOVE_ON)
        return destroyed

    def scrub(self) -> list[str]:
        """Write the file anew, from what is in it."""
        if self._database.scrub(compact=True):
            return []
        return [f"{self.place}-wal, until nobody reads the vault for a moment"]

    def generation(self) -> int:
        """Return how many times an entry was destroyed."""
        return int(self._one(ABOUT, "generation") or 0)

    def check_value(self, mine: str | None = None) -> str | None:
        """Return the check value of the key the vault was made with, which is `mine` where there was none."""
        if mine is not None:
            with self._database.write() as cursor:
                cursor.execute(NOTE, ("key", mine))
        return self._one(ABOUT, "key")

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _settings(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA synchronous = FULL")  # the same subject has the same pseudonym after a power failure
    connection.execute("PRAGMA secure_delete = ON")
