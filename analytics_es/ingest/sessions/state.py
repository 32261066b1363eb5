"""What was read already, so that only what is new is read: a cache in one SQLite file, which may be lost."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import orjson
from attrs import Factory, define, field, fields

VERSION = 2  # of what is kept: another one is thrown away
IN_MEMORY = ":memory:"
LOOKED = "looked:"  # a note of each agent: when its files were looked at last, in Unix seconds
TURN = "turn:"  # a note of each agent: which look has kept last, so that no other keeps over it
_SCHEMA = """
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (agent TEXT, path, entry BLOB NOT NULL, PRIMARY KEY (agent, path)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS open_calls (agent TEXT PRIMARY KEY, calls BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS memory (agent TEXT, key TEXT, text TEXT NOT NULL, PRIMARY KEY (agent, key)) WITHOUT ROWID;
"""
_FORGET = "DELETE FROM files; DELETE FROM open_calls; DELETE FROM memory; DELETE FROM notes"


@define(kw_only=True)
class FileEntry:
    """What was read of one file.

    device, inode: which file it was; size, modified, changed: as of when it was found last, in bytes, Unix seconds,
        and Unix nanoseconds.
    offset: up to where it is read, in bytes; `before`: a digest of what stands just before, to know it again.
    notes: what the declaration wrote down; `cursors`: how far each query of a database is.
    rested: whether all of it was taken to be certain; since: when it was found first as it stands, in Unix seconds.
    counts: what was passed over, by reason.
    problem: why it could not be read, or not all of it; gone: whether it was not there any more.
    """

    device: int = 0
    inode: int = 0
    size: int = 0
    modified: float = 0.0
    changed: int = 0
    offset: int = 0
    before: str = ""
    notes: dict[str, Any] = Factory(dict)
    cursors: dict[str, int] = Factory(dict)
    rested: bool = False
    since: float = 0.0
    counts: dict[str, int] = Factory(dict)
    problem: str = ""
    gone: bool = False


Content = TypeVar("Content")
_FIELDS = tuple(attribute.name for attribute in fields(FileEntry))


@define
class State:
    """The cache of one store, on this machine. One that is damaged, or of another version, is begun anew.

    problem: why nothing can be kept beyond this process, as in a folder that may not be written; "" if it can.
    """

    path: Path
    problem: str = field(init=False, default="")
    _connection: sqlite3.Connection = field(init=False)

    @_connection.default
    def _opened(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                return _ready(self.path)
            except sqlite3.DatabaseError as error:
                if _is_of_place(error):
                    raise
                _remove(self.path)
                return _ready(self.path)
        except (OSError, sqlite3.Error) as error:
            self.problem = getattr(error, "strerror", None) or str(error)
            return _ready(IN_MEMORY)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def begin_anew(self) -> None:
        """Throw all of it away: it is damaged."""
        self._connection.close()
        try:
            _remove(self.path)
        except OSError as error:
            self.problem = error.strerror or str(error)
            self._connection = _ready(IN_MEMORY)
            return
        self._connection = self._opened()

    def forget(self) -> None:
        """Begin anew."""
        self._connection.executescript(f"BEGIN IMMEDIATE; {_FORGET}; COMMIT")

    def note(self, name: str) -> str | None:
        """Return what is noted under a name."""
        row = self._connection.execute("SELECT text FROM notes WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def seen(self, agent: str) -> tuple[dict[str, FileEntry], list[dict[str, Any]], str]:
        """Return, of one moment, what was read of an agent's files, its calls that are not certain, and whose turn it
        was to keep that, which `keep` asks for; raises DatabaseError where it is damaged."""
        self._connection.execute("BEGIN")
        try:
            return self.files(agent), self.open_calls(agent), self.note(f"{TURN}{agent}") or ""
        finally:
            self._connection.execute("ROLLBACK")

    def files(self, agent: str) -> dict[str, FileEntry]:
        """Return what was read of an agent's files, by path; raises DatabaseError where that is damaged."""
        rows = self._connection.execute("SELECT path, entry FROM files WHERE agent = ?", (agent,))
        return {_path(path): _sound(lambda: FileEntry(**_read(entry))) for path, entry in rows}  # noqa: B023

    def open_calls(self, agent: str) -> list[dict[str, Any]]:
        """Return the calls of an agent that are not certain; raises DatabaseError where that is damaged."""
        row = self._connection.execute("SELECT calls FROM open_calls WHERE agent = ?", (agent,)).fetchone()
        return _sound(lambda: _listed(_read(row[0]))) if row else []

    def remembers(self, agent: str) -> bool:
        """Say whether anything is remembered of an agent."""
        return self._connection.execute("SELECT 1 FROM memory WHERE agent = ? LIMIT 1", (agent,)).fetchone() is not None

    def remembered(self, agent: str, keys: Collection[str]) -> dict[str, str]:
        """Return what is remembered under some keys, of those under which anything is."""
        if len(keys) == 1:
            statement, names = "= ?", str(next(iter(keys)))
        else:
            statement, names = "IN (SELECT value FROM json_each(?))", orjson.dumps(list(keys)).decode()
        return dict(
            self._connection.execute(
                f"SELECT key, text FROM memory WHERE agent = ? AND key {statement}", (agent, names)
            )
        )

    def keep(
        self,
        agent: str,
        *,
        files: Mapping[str, FileEntry],
        open_calls: list[dict[str, Any]],
        memory: Mapping[str, str],
        notes: Mapping[str, str],
        turn: str = "",
    ) -> str | None:
        """Keep, at once, what belongs together; returns whose turn it is now, which the next one is to tell.

        None, with nothing kept, where another look has kept something since this turn.
        """
        connection, name, now = self._connection, f"{TURN}{agent}", uuid4().hex
        connection.execute("BEGIN IMMEDIATE")
        try:
            if (self.note(name) or "") != turn:
                connection.execute("ROLLBACK")
                return None
            connection.executemany(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?)",
                ((agent, _stored(path), _written(entry)) for path, entry in files.items()),
            )
            connection.execute("INSERT OR REPLACE INTO open_calls VALUES (?, ?)", (agent, _dumped(open_calls)))
            connection.executemany(
                "INSERT OR REPLACE INTO memory VALUES (?, ?, ?)",
                [(agent, key, memory[key]) for key in sorted(memory)],  # neighbours of the index after one another
            )
            connection.executemany("INSERT OR REPLACE INTO notes VALUES (?, ?)", [*notes.items(), (name, now)])
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return now


def _ready(path: Path | str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        if connection.execute("PRAGMA user_version").fetchone()[0] not in (0, VERSION):
            raise sqlite3.DatabaseError("another version")
        connection.executescript(
            f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32768; {_SCHEMA}"
        )
        connection.execute(f"PRAGMA user_version={VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_of_place(error: sqlite3.Error) -> bool:
    """Say whether it is the place that is wrong, or somebody else is at it: not what stands there."""
    return isinstance(error, sqlite3.OperationalError) and (getattr(error, "sqlite_errorcode", 0) & 0xFF) in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_PERM,
    )


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _sound(read: Callable[[], Content]) -> Content:
    try:
        return read()
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise sqlite3.DatabaseError(f"damaged: {error}") from error


def _listed(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, list):
        return content
    raise TypeError("no list")


def _written(entry: FileEntry) -> bytes:
    return _dumped({name: getattr(entry, name) for name in _FIELDS})


def _dumped(content: Any) -> bytes:
    """Write JSON, also of what is no Unicode, as names of files may be, and of numbers that are large."""
    try:
        return orjson.dumps(content, default=str)
    except TypeError:
        return json.dumps(content, default=str).encode()


def _read(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:
        return json.loads(text)


def _stored(path: str) -> str | bytes:
    """Return a path as SQLite holds it: one that is no Unicode as bytes."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


def _path(stored: str | bytes) -> str:
    return os.fsdecode(stored) if isinstance(stored, bytes) else stored
