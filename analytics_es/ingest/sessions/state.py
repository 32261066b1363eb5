"""What was read already, so that only what is new is read: a cache in one SQLite file, which may be lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from attrs import Factory, asdict, define, field

VERSION = 1  # of what is kept: another one is thrown away
_SCHEMA = """
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (agent TEXT, path TEXT, entry BLOB NOT NULL, PRIMARY KEY (agent, path)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS open_calls (agent TEXT PRIMARY KEY, calls BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS memory (agent TEXT, key TEXT, text TEXT NOT NULL, PRIMARY KEY (agent, key)) WITHOUT ROWID;
"""


@define(kw_only=True)
class FileEntry:
    """What was read of one file.

    device, inode: which file it was; size, modified: as of when it was found last, in bytes and Unix seconds.
    offset: up to where it is read, in bytes; `before`: a digest of what stands just before, to know it again.
    notes: what the declaration wrote down; `cursors`: how far each query of a database is.
    rested: whether all of it was taken to be certain.
    counts: what was passed over, by reason.
    """

    device: int = 0
    inode: int = 0
    size: int = 0
    modified: float = 0.0
    offset: int = 0
    before: str = ""
    notes: dict[str, Any] = Factory(dict)
    cursors: dict[str, int] = Factory(dict)
    rested: bool = False
    counts: dict[str, int] = Factory(dict)


@define
class State:
    """The cache of one store, on this machine. One that is damaged, or of another version, is begun anew."""

    path: Path
    _connection: sqlite3.Connection = field(init=False)

    @_connection.default
    def _opened(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._ready()
        except sqlite3.DatabaseError:
            for suffix in ("", "-wal", "-shm", "-journal"):
                Path(f"{self.path}{suffix}").unlink(missing_ok=True)
            return self._ready()

    def _ready(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] not in (0, VERSION):
                raise sqlite3.DatabaseError("another version")
            connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_SCHEMA}")
            connection.execute(f"PRAGMA user_version={VERSION}")
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def forget(self) -> None:
        """Begin anew."""
        self._connection.executescript(
            "DELETE FROM files; DELETE FROM open_calls; DELETE FROM memory; DELETE FROM notes"
        )

    def note(self, name: str) -> str | None:
        """Return what is noted under a name."""
        row = self._connection.execute("SELECT text FROM notes WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def files(self, agent: str) -> dict[str, FileEntry]:
        """Return what was read of an agent's files, by path."""
        rows = self._connection.execute("SELECT path, entry FROM files WHERE agent = ?", (agent,))
        return {path: FileEntry(**orjson.loads(entry)) for path, entry in rows}

    def open_calls(self, agent: str) -> list[dict[str, Any]]:
        """Return the calls of an agent that are not certain."""
        row = self._connection.execute("SELECT calls FROM open_calls WHERE agent = ?", (agent,)).fetchone()
        return orjson.loads(row[0]) if row else []

    def remembered(self, agent: str, key: str) -> str | None:
        """Return what is remembered under a key."""
        row = self._connection.execute("SELECT text FROM memory WHERE agent = ? AND key = ?", (agent, key)).fetchone()
        return row[0] if row else None

    def keep(
        self,
        agent: str,
        *,
        files: Mapping[str, FileEntry],
        open_calls: list[dict[str, Any]],
        memory: Mapping[str, str],
        notes: Mapping[str, str],
    ) -> None:
        """Keep, at once, what belongs together."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?)",
                [(agent, path, orjson.dumps(asdict(entry))) for path, entry in files.items()],
            )
            connection.execute("INSERT OR REPLACE INTO open_calls VALUES (?, ?)", (agent, orjson.dumps(open_calls)))
            connection.executemany(
                "INSERT OR REPLACE INTO memory VALUES (?, ?, ?)", [(agent, key, text) for key, text in memory.items()]
            )
            connection.executemany("INSERT OR REPLACE INTO notes VALUES (?, ?)", list(notes.items()))
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
