"""SQLite databases of ours: connections pooled, and left alone by forks, with driver errors translated."""

from __future__ import annotations

import os
import re
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Condition
from typing import Any, TypeGuard
from uuid import uuid4

from eventsourcing.persistence import ConnectionPoolClosedError, PersistenceError
from eventsourcing.sqlite import SQLiteConnection, SQLiteConnectionPool, SQLiteCursor, SQLiteDatastore

from analytics_es.errors import (
    HERE,
    Closed,
    Forked,
    OldSqlite,
    RowsRefused,
    StoreBusy,
    StoreDamaged,
    StoreFailed,
    StoreMoved,
)
from analytics_es.log.sqlite.file import check, create, escaped, file_at
from analytics_es.log.turns import Turns
from analytics_es.process import endings, forks

LOCK_TIMEOUT = 5
READERS, LOOKERS = 10, 5
KEPT = 5  # of their connections, when they are not in use
MOMENT = 250  # milliseconds that who only tries to write waits for the lock
CACHE = 16 << 20  # bytes of pages that the connection which writes keeps at most; by itself it keeps 2 MB
NEEDED_SQLITE = (3, 37, 0)  # STRICT tables

# How many pages there are, how many of them are free, and how large one is; so many are given back at once.
PAGE_COUNTS = "SELECT * FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
PAGES = 2000
# What SQLite says of a file that is not what it should be (the lower byte of a code is its kind), or lacks a part.
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
OTHERWISE = re.compile(
    r"no such (table|column)|table \S+ has (no column|\d+ columns)|ON CONFLICT clause does not|"
    r"Could not decode to UTF-8"
)
# Files that were being read or written when this process was forked from another: SQLite then believes for good that
# this process holds locks on them, which it does not.
_cut_through: set[str] = set()

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

    def put_connection(self, conn: SQLiteConnection) -> None:
        """Take a connection back, without the transaction that who was interrupted has left open."""
        if not conn.closed and conn._sqlite_conn.in_transaction:
            conn.rollback()
        super().put_connection(conn)

    def close(self) -> None:
        """Close what is not in use; the library's own closes connections under the threads at work, which crashes."""
        with self._put_condition:
            self._put_condition.wait_for(lambda: not self._in_use, timeout=LOCK_TIMEOUT)
            self._in_use.clear()
            super().close()

    def rest(self, seconds: float | None = None) -> None:
        """Let nobody in, and close what is not in use, when it is not in use any more."""
        self._put_condition.acquire()
        self._put_condition.wait_for(lambda: not self._in_use, timeout=LOCK_TIMEOUT if seconds is None else seconds)
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


class Database(endings.Ending):
    """One SQLite database with a pool for writing and one for reading (a queued writer would block its pool's readers).

    The pool for reading has a connection for each turn: of those who read, and apart from them of who looks something
    up. A path of None is a private database in memory, where all are one connection.
    """

    def __init__(self, path: Path | None, *, kind: int, schema: int, on_connect: OnConnect) -> None:
        if sqlite3.sqlite_version_info < NEEDED_SQLITE:
            raise OldSqlite(found=sqlite3.sqlite_version, needed=".".join(map(str, NEEDED_SQLITE)))
        self.path, self._left = path and path.absolute(), False  # the working directory may be another one later
        # Takes notice, outside of transactions, of a file that is not what it should be; may raise another error.
        self.on_damage: Callable[[StoreDamaged], None] = lambda _: None
        if path is None:
            name = f"file:{uuid4().hex}?mode=memory&cache=shared"
        else:
            if os.path.realpath(path) in _cut_through:
                raise Forked(place=path, problem="which was using it at that moment")
            check(path, kind=kind, schema=schema)
            with translated(self.path):
                create(path, kind=kind, schema=schema, timeout=LOCK_TIMEOUT)
            self.file = file_at(path)
            name = f"file:{escaped(path)}?mode=rw"  # a connection made later must not bring a deleted file back, empty
        with translated(self.path):
            writing = partial(_for_writing, on_connect)
            self.writing = _Datastore(name, writing, pool_size=1, max_overflow=0, pool_timeout=LOCK_TIMEOUT)
            more = {"pool_size": KEPT, "max_overflow": READERS + LOOKERS - KEPT}
            self.reading = self.writing if path is None else _Datastore(name, on_connect, **more)
            once = {"pool_size": 1, "max_overflow": 0, "pool_timeout": LOCK_TIMEOUT / 5}
            trying = partial(_for_trying, on_connect)
            self._trying = self.writing if path is None else _Datastore(name, trying, **once)
        self._to_read = Turns(READERS if path else 1)
        self._to_look = Turns(LOOKERS) if path else self._to_read
        forks.register(self)
        endings.watch(self)

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
    def attempt(self) -> Iterator[sqlite3.Cursor]:
        """Open a transaction as `write` does, on a connection apart; it waits for a moment, and is undone."""
        self._check_not_left()
        with self._translated(), self._trying.get_connection(commit=True) as connection:
            cursor = _plain(connection.cursor())
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
                self._check_unmoved()
            finally:
                connection.rollback()

    def read(self) -> AbstractContextManager[sqlite3.Cursor]:
        """Open a transaction that sees one state of the database, in turn with all who ask."""
        return self._state(self._to_read)

    def look(self) -> AbstractContextManager[sqlite3.Cursor]:
        """The same, to look something up at once."""
        return self._state(self._to_look)

    glance, read_long = look, read  # a file does not mind

    @contextmanager
    def _state(self, turns: Turns) -> Iterator[sqlite3.Cursor]:
        self._check_not_left()
        with self._translated(), turns.turn(), self.reading.transaction(commit=False) as cursor:
            self._check_unmoved()
            yield _plain(cursor)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn driver errors into ours; where the file is gone, whatever the driver says is about that."""
        try:
            with translated(self.path):
                yield
        except StoreFailed as error:
            self._check_unmoved()
            if is_damage(error, self.path):
                self.on_damage(error)
            raise

    def size(self) -> tuple[int, int]:
        """Return the bytes of the database, and of these the ones of free pages."""
        with self.look() as cursor:
            pages, free, size = cursor.execute(PAGE_COUNTS).fetchone()
        return pages * size, free * size

    def shrink(self) -> Iterator[None]:
        """Give free pages back to the disk, step by step; a file that was made without this ability keeps them."""
        if not self.path:
            return
        with (
            translated(self.path),
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

    @property
    def wal(self) -> str:
        """Where its write-ahead log is: beside the file, not beside a link to it."""
        return f"{os.path.realpath(self.path or '')}-wal"

    def moved(self) -> bool:
        """Say whether the path no longer leads to the file that is open, which has then no name or another."""
        return self.path is not None and file_at(self.path) != self.file

    def _check_unmoved(self) -> None:
        if self.moved():
            raise StoreMoved(path=self.path)

    def close(self) -> None:
        """Close all connections."""
        if not self._left:
            self._to_read.close()
            self._to_look.close()
            for datastore in self._datastores():
                datastore.close()

    def end(self) -> None:
        """Close connections with the process; a hook that runs later and records opens one again."""
        if not self._left:
            for pool in self._pools():
                pool.rest(endings.patience())
                pool.go_on()

    # A fork inherits SQLite's notes of who holds which lock on an open file, but not the locks: with these notes, two
    # processes would write at the same time. So no connection outlives a fork.

    def before_fork(self) -> None:
        """Close all connections; they are opened again when needed."""
        for pool in self._pools():
            pool.rest()

    def after_fork(self, *, child: bool) -> None:
        """Go on; in the child, never again: open the file anew."""
        for pool in self._pools():
            if child:
                self._left = True
                if pool.leave() and self.path:
                    _cut_through.add(os.path.realpath(self.path))
            else:
                pool.go_on()

    def _pools(self) -> list[_Pool]:
        return [datastore.pool for datastore in reversed(self._datastores())]

    def _datastores(self) -> list[_Datastore]:
        """Return each once, and last the one whose end empties the write-ahead log."""
        return list(dict.fromkeys((self.reading, self._trying, self.writing)))

    def _check_not_left(self) -> None:
        if self._left:
            raise Forked(place=self.path or "a store in memory", problem="open it again in this process")


def _for_writing(on_connect: OnConnect, connection: sqlite3.Connection) -> None:
    """Set up the connection that writes: an index of ids, which come in no order, is written all over."""
    on_connect(connection)
    connection.execute(f"PRAGMA cache_size = {-CACHE >> 10}")


def _for_trying(on_connect: OnConnect, connection: sqlite3.Connection) -> None:
    """Set up the connection that only tries to write: what it writes is not kept in memory, and goes to the disk."""
    on_connect(connection)
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("PRAGMA cache_spill = 1")
    connection.execute(f"PRAGMA busy_timeout = {MOMENT}")


def durable(connection: sqlite3.Connection) -> None:
    """Set up a connection to what cannot be derived again."""
    connection.execute("PRAGMA synchronous = FULL")  # what is acknowledged survives a power failure
    connection.execute("PRAGMA secure_delete = ON")  # what is masked or destroyed is overwritten


def _plain(cursor: SQLiteCursor) -> sqlite3.Cursor:
    """Return the driver's own cursor, whose rows are tuples."""
    plain = cursor.sqlite_cursor
    plain.row_factory = None
    return plain


@contextmanager
def translated(path: Path | None = None) -> Iterator[None]:
    """Turn driver errors of the database at a path into ours."""
    try:
        yield
    except ConnectionPoolClosedError:
        raise Closed from None
    except OverflowError as error:  # the driver's own, of an integer beyond 64 bits
        raise RowsRefused(problem=error) from error
    except UnicodeDecodeError as error:  # of a table's own words, which the driver puts into its message
        raise StoreDamaged(path=path or HERE, problem="its schema cannot be read") from error
    except (sqlite3.Error, PersistenceError) as error:
        text = str(error)
        if "locked" in text or "busy" in text or "Timed out" in text:
            raise StoreBusy(seconds=LOCK_TIMEOUT) from error
        if _code(error) in DAMAGED or OTHERWISE.match(text):
            raise StoreDamaged(path=path or HERE, problem=text) from error
        refused = isinstance(error, (sqlite3.IntegrityError, sqlite3.DataError))
        raise (RowsRefused if refused else StoreFailed)(problem=text) from error


def is_damage(error: Exception, path: Path | None) -> TypeGuard[StoreDamaged]:
    """Say whether an error is damage of the file at a path, and not of another one that was asked meanwhile."""
    return isinstance(error, StoreDamaged) and error.details["path"] in (path, HERE)


def _code(error: BaseException | None) -> int:
    """Return the kind of a driver's error, which the library may have wrapped in one of its own."""
    while error and not isinstance(error, sqlite3.Error):
        error = error.__cause__
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
