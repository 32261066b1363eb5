"""SQLite databases of ours: told apart from others, created private, pooled, with driver errors translated."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Condition
from typing import Any
from uuid import uuid4

from eventsourcing.persistence import ConnectionPoolClosedError, PersistenceError
from eventsourcing.sqlite import SQLiteConnection, SQLiteConnectionPool, SQLiteCursor, SQLiteDatastore

from analytics_es import forks
from analytics_es.errors import (
    Closed,
    Forked,
    NewerSchema,
    NoFolder,
    NotAFile,
    NotOurs,
    NotWritable,
    OldSqlite,
    StoreBusy,
    StoreFailed,
    StoreMoved,
)

LOCK_TIMEOUT = 5
LOGS_AHEAD = b"\2\2"  # in the file's header, where it says which versions may write and read it
NEEDED_SQLITE = (3, 37, 0)  # STRICT tables

# How many pages there are, how many of them are free, and how large one is; so many are given back at once.
PAGE_COUNTS = "SELECT * FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
PAGES = 2000
# Files that were being read or written when this process was forked from another: SQLite then believes for good that
# this process holds locks on them, which it does not.
_cut_through: set[Path] = set()

OnConnect = Callable[[sqlite3.Connection], None]


class _Pool(SQLiteConnectionPool):
    def __init__(self, db_name: str, on_connect: OnConnect, **options: Any) -> None:
        self.on_connect = on_connect
        super().__init__(db_name=db_name, lock_timeout=LOCK_TIMEOUT, **options)

    def _create_connection(self) -> SQLiteConnection:
        # The library's own connect keeps one prepared statement; this keeps as many as the driver does.
        connection = sqlite3.connect(
            self.db_name, timeout=LOCK_TIMEOUT, isolation_level=None, check_same_thread=False, uri=True
        )
        connection.row_factory = sqlite3.Row
        self.on_connect(connection)
        return SQLiteConnection(connection, max_age=self.max_age)

    def close(self) -> None:
        """Close what is not in use; the library's own closes connections under the threads at work, which crashes."""
        with self._put_condition:
            self._put_condition.wait_for(lambda: not self._in_use, timeout=LOCK_TIMEOUT)
            self._in_use.clear()
            super().close()

    def rest(self) -> None:
        """Let nobody in, and close what is not in use, when it is not in use any more."""
        self._put_condition.acquire()
        self._put_condition.wait_for(lambda: not self._in_use, timeout=LOCK_TIMEOUT)
        while self._pool and not self.is_sqlite_memory_mode:  # one in memory lives as long as its connections
            self._pool.pop().close()

    def go_on(self) -> None:
        """Let them in again."""
        self._put_condition.release()

    def leave(self) -> bool:
        """Forget all connections, without touching one; says whether some were in use."""
        cut_through = bool(self._in_use)
        forks.leave((self._in_use, self._pool))
        self._in_use, self._pool, self._closed = {}, deque(), True
        self._put_condition = Condition()  # who may close this pool as garbage must not wait for who held the other
        return cut_through


class _Datastore(SQLiteDatastore):
    """The library's datastore, with our pool: one writer, or many readers."""

    pool: _Pool

    def __init__(self, db_name: str, on_connect: OnConnect, **options: Any) -> None:
        super().__init__(db_name, originator_id_type="text")
        self.pool.close()
        self.pool = _Pool(db_name, on_connect, **options)


class Database:
    """One SQLite database with a pool for writing and one for reading (a queued writer would block its pool's readers).

    A path of None is a private database in memory, where both are the same pool.
    """

    def __init__(self, path: Path | None, *, kind: int, schema: int, on_connect: OnConnect) -> None:
        if sqlite3.sqlite_version_info < NEEDED_SQLITE:
            raise OldSqlite(found=sqlite3.sqlite_version, needed=".".join(map(str, NEEDED_SQLITE)))
        self.path, self._left = path, False
        if path is None:
            name = f"file:{uuid4().hex}?mode=memory&cache=shared"
        else:
            if path.absolute() in _cut_through:
                raise Forked(place=path, problem="which was using it at that moment")
            check(path, kind=kind, schema=schema)
            _create(path, kind=kind, schema=schema)
            self._file = _file_at(path)
            name = f"file:{_escaped(path)}?mode=rw"  # a connection made later must not bring a deleted file back, empty
        with translated():
            self.writing = _Datastore(name, on_connect, pool_size=1, max_overflow=0, pool_timeout=LOCK_TIMEOUT)
            self.reading = self.writing if path is None else _Datastore(name, on_connect)
        forks.register(self)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Cursor]:
        """Open a transaction that holds the write lock from its beginning: it queues instead of failing later."""
        self._check_not_left()
        with self._translated(), self.writing.get_connection(commit=True) as connection:
            cursor = _plain(connection.cursor())
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
                self._check_unmoved()  # what is acknowledged must be where the next one to open the path finds it
                connection.commit()
            except BaseException:
                connection.rollback()
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Cursor]:
        """Open a transaction that sees one state of the database."""
        self._check_not_left()
        with self._translated(), self.reading.transaction(commit=False) as cursor:
            self._check_unmoved()
            yield _plain(cursor)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn driver errors into ours; where the file is gone, whatever the driver says is about that."""
        try:
            with translated():
                yield
        except StoreFailed:
            self._check_unmoved()
            raise

    def size(self) -> tuple[int, int]:
        """Return the bytes of the database, and of these the ones of free pages."""
        with self.read() as cursor:
            pages, free, size = cursor.execute(PAGE_COUNTS).fetchone()
        return pages * size, free * size

    def shrink(self) -> Iterator[None]:
        """Give free pages back to the disk, step by step; a file that was made without this ability keeps them."""
        if not self.path:
            return
        with (
            translated(),
            closing(sqlite3.connect(self.path, timeout=LOCK_TIMEOUT, isolation_level=None)) as connection,
        ):
            before = -1
            while (size := self.size()[0]) != before:
                before = size
                # As a script, of which the driver takes all steps: each gives back one page, and all are one commit.
                connection.executescript(f"PRAGMA incremental_vacuum({PAGES})")
                yield
            # As far as those who read it allow: the next one does the rest.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def scrub(self, *, compact: bool = False) -> bool:
        """Leave in the file only what is stored: `compact` writes it anew, else what was deleted must be overwritten.

        False where somebody who reads kept the write-ahead log from being emptied; the next one to try may do it.
        """
        if self.path is None:
            return True
        with self._translated(), self.writing.get_connection(commit=True) as connection:
            cursor = _plain(connection.cursor())
            if compact:
                cursor.execute("VACUUM")
            return not cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]

    def moved(self) -> bool:
        """Say whether the path no longer leads to the file that is open, which has then no name or another."""
        return self.path is not None and _file_at(self.path) != self._file

    def _check_unmoved(self) -> None:
        if self.moved():
            raise StoreMoved(path=self.path)

    def close(self) -> None:
        """Close all connections."""
        if not self._left:
            self.reading.close()
            self.writing.close()

    # A fork inherits SQLite's notes of who holds which lock on an open file, but not the locks: with these notes, two
    # processes would write at the same time. So no connection outlives a fork.

    def before_fork(self) -> None:
        """Close all connections; they are opened again when needed."""
        for each in self._pools():
            each.rest()

    def after_fork(self, *, child: bool) -> None:
        """Go on; in the child, never again: open the file anew."""
        for each in self._pools():
            if child:
                self._left = True
                if each.leave() and self.path:
                    _cut_through.add(self.path.absolute())
            else:
                each.go_on()

    def _pools(self) -> list[_Pool]:
        return [each.pool for each in {id(each): each for each in (self.writing, self.reading)}.values()]

    def _check_not_left(self) -> None:
        if self._left:
            raise Forked(place=self.path or "a store in memory", problem="open it again in this process")


def _file_at(path: Path) -> tuple[int, int] | None:
    """Return what tells the file at a path from every other, as long as that one is open; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _plain(cursor: SQLiteCursor) -> sqlite3.Cursor:
    """Return the driver's own cursor, whose rows are tuples."""
    plain = cursor.sqlite_cursor
    plain.row_factory = None
    return plain


def check(path: Path, *, kind: int, schema: int) -> None:
    """Raise CannotOpen, having touched nothing, unless a path can hold or already holds a database of this kind."""
    try:
        _check(path, kind, schema)
    except OSError as error:  # no permission to look, a name too long
        raise NotWritable(path=path, problem=error.strerror) from None


def _check(path: Path, kind: int, schema: int) -> None:
    if path.is_dir():
        raise NotAFile(path=path)
    if not path.parent.is_dir():
        raise NoFolder(path=path.parent)
    if path.exists() and not path.is_file():
        raise NotWritable(path=path, problem="it is not a file")
    if path.exists() and path.stat().st_size:
        _check_header(path, kind, schema)
    # SQLite writes files beside the database, too.
    if not all(os.access(place, os.W_OK) for place in (path, path.parent) if place.exists()):
        raise NotWritable(path=path, problem="no permission")


def _check_header(path: Path, kind: int, schema: int) -> None:
    found = _header(path)
    if found is None:
        raise NotOurs(path=path, problem="it is not a SQLite database")
    if found[0] != kind:
        raise NotOurs(path=path, problem="it is a SQLite database of another application")
    if found[1] > schema:
        raise NewerSchema(path=path, found=found[1], known=schema)


def _header(path: Path) -> tuple[int, int] | None:
    """Read application id and schema version from the file's first page, without opening it as a database."""
    head = _first_page(path)
    if len(head) < 100 or not head.startswith(b"SQLite format 3\0"):
        return None
    return int.from_bytes(head[68:72], "big"), int.from_bytes(head[60:64], "big")


def _first_page(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(100)


def _create(path: Path, *, kind: int, schema: int) -> None:
    """Make a database of this kind where there is none; other processes may be doing the same."""
    if path.exists() and _first_page(path)[18:20] == LOGS_AHEAD:
        return
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(path, timeout=LOCK_TIMEOUT, isolation_level=None)
    except (OSError, ValueError, sqlite3.Error) as error:
        raise NotWritable(path=path, problem=error) from None
    with translated(), closing(connection):
        # Before write-ahead logging begins, so that the file itself says whose it is.
        connection.execute("BEGIN")
        # This writes, and before there is anything: pages that are freed can be given back to the disk later.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        if not connection.execute("PRAGMA application_id").fetchone()[0]:
            connection.execute(f"PRAGMA application_id = {kind}")
            connection.execute(f"PRAGMA user_version = {schema}")
        connection.execute("COMMIT")
        _log_ahead(connection)


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Begin write-ahead logging; unlike any other statement, this one does not wait for its turn."""
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


@contextmanager
def only_one(path: Path) -> Iterator[bool]:
    """Say whether nobody else is in here, as long as this is open; SQLite lets go of it when a process ends.

    The lock is one on a small database beside the path, so that nobody who works on the path waits for it.
    """
    beside = path.with_name(f"{path.name}-rebuild")
    with translated():
        os.close(os.open(beside, os.O_CREAT | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(beside, timeout=0, isolation_level=None, check_same_thread=False)) as connection:
            try:
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                yield False
                return
            yield True


def _escaped(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


@contextmanager
def translated() -> Iterator[None]:
    """Turn driver errors into ours."""
    try:
        yield
    except ConnectionPoolClosedError:
        raise Closed from None
    except (sqlite3.Error, PersistenceError) as error:
        text = str(error)
        if "locked" in text or "busy" in text or "Timed out" in text:
            raise StoreBusy(seconds=LOCK_TIMEOUT) from error
        raise StoreFailed(problem=text) from error
