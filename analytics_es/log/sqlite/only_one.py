"""A lock of all processes beside a file, which ends with its process, and which no fork takes with it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from analytics_es.log.sqlite.database import translated
from analytics_es.log.sqlite.file import file_at, touch

try:
    import fcntl
except ModuleNotFoundError:  # of a system without forks
    fcntl = None  # type: ignore[assignment]

# The bytes that SQLite locks of a database: so nobody who locks this one in its way comes in beside us.
LOCKED_FROM, LOCKED_BYTES = 0x40000000, 512

# What this process holds: its locks on a file keep nobody out who is in it. A fork, which has none of them, is another.
_held: dict[tuple[int, tuple[int, int] | None], object] = {}


@contextmanager
def only_one(path: Path) -> Iterator[bool]:
    """Say whether nobody else is in here, as long as this is open; the system lets go of it when a process ends.

    The lock is on a small file beside the path, so that nobody who works on the path waits for it.
    """
    beside = Path(f"{os.path.realpath(path)}-rebuild")
    with translated():
        touch(beside)
        place, mine = (os.getpid(), file_at(beside)), object()
        if _held.setdefault(place, mine) is not mine:  # in one step, whoever else is at it
            yield False
            return
        try:
            with _locked(beside) if fcntl else _locked_by_sqlite(beside) as alone:
                yield alone
        finally:
            del _held[place]


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Lock as the system does, which a fork has no part in: SQLite's notes of its own locks would go along."""
    with path.open("r+b") as file:  # whose end is that of the lock: nobody else of this process may open it by hand
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, LOCKED_BYTES, LOCKED_FROM)
        except (BlockingIOError, PermissionError):
            alone = False
        else:
            alone = True
        yield alone


@contextmanager
def _locked_by_sqlite(path: Path) -> Iterator[bool]:
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
            alone = True
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            alone = False
        yield alone
