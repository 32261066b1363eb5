"""SQLite databases of somebody else → what they say at one moment, without touching any of their files.

Three ways, of which each is right in its place. A live log of changes is read by SQLite's own protocol, with the index
that its writer keeps, opened so that it cannot be written. Where there is no such log, the file alone is read, and what
was read is thrown away if it changed meanwhile. What a crash has left behind is repaired in a copy.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

try:
    import fcntl
except ImportError:  # Windows, where a database that is being written is read in a copy
    fcntl = None  # type: ignore[assignment]

T = TypeVar("T")
Take = Callable[[sqlite3.Connection], T]

LOG, INDEX, JOURNAL = "-wal", "-shm", "-journal"
LARGEST_COPY = 2 << 30  # bytes
LARGEST_VALUE = 128 << 20  # bytes of one value in a row
TRIES = 5
TICK = 0.02  # seconds: within so many, a file may change without its time of change
SHARED_FROM, SHARED_LENGTH = 0x40000002, 510  # bytes that SQLite locks while it reads
HEADER = 32  # bytes of a log, which are others when it is begun anew

Standing = tuple[int, int, int, int] | None  # a file: device, inode, size, time of change; None where it is not


class NotReadable(OSError):
    """A database that cannot be read now, and why."""


class _Moved(Exception):
    """What was read may be torn: the files changed meanwhile."""


def read(path: Path, take: Take[T]) -> T:
    """Return what `take` reads of a database as it stands; it may be called several times. Raises NotReadable."""
    path = path.resolve()  # beside a link there is nothing
    for _ in range(TRIES):
        try:
            return _way(path)(path, take)
        except _Moved:
            time.sleep(TICK)
        except sqlite3.Error as error:
            raise NotReadable(f"SQLite cannot read it: {error}") from None
    raise NotReadable("it is being written all the time; it is read at the next look")


def _way(path: Path) -> Callable[[Path, Take[T]], T]:
    if _size(path, JOURNAL) or (_size(path, LOG) and not (fcntl and _is_there(path, INDEX))):
        return _of_copy
    return _of_live if _size(path, LOG) else _of_file


# ── the ways ────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_live(path: Path, take: Take[T]) -> T:
    """Read by SQLite's own protocol, under a lock by which the last writer that leaves takes nothing away."""
    with path.open("rb") as file:  # until the end: closing it gives up all locks that this process has on it
        try:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB, SHARED_LENGTH, SHARED_FROM)
        except OSError:
            return _of_copy(path, take)
        if not (_is_there(path, LOG) and _is_there(path, INDEX)):
            raise _Moved
        try:
            with closing(_connected(f"{path.as_uri()}?mode=ro&readonly_shm=1")) as connection:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
                return take(connection)
        except sqlite3.OperationalError:  # an index that fits no log: no writer lives
            return _of_copy(path, take)


def _of_file(path: Path, take: Take[T]) -> T:
    """Read the file alone; what is in it does not change before a writer is through with its log."""
    before = _settled(path)
    try:
        with closing(_connected(f"{path.as_uri()}?immutable=1")) as connection:
            taken = take(connection)
    except sqlite3.Error:
        if _stands(path) != before:
            raise _Moved from None
        raise
    if _stands(path) != before:
        raise _Moved
    return taken


def _of_copy(path: Path, take: Take[T]) -> T:
    """Read a copy of the file and of what belongs to it, which SQLite may repair."""
    before, journal, log = _settled(path), _stands(path, JOURNAL), _header(path)
    size = sum(_size(path, suffix) for suffix in ("", LOG, JOURNAL))
    with tempfile.TemporaryDirectory(prefix="analytics-es-") as folder:
        free = shutil.disk_usage(folder).free
        if size > min(LARGEST_COPY, free // 2):
            raise NotReadable(
                f"it has to be copied to be read, and has {size >> 20:,} MB; close the program that has it open"
            )
        copy = Path(folder) / "copy.db"
        for suffix in ("", LOG, JOURNAL):
            try:
                shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
            except FileNotFoundError:
                if not suffix:
                    raise
        if (_stands(path), _stands(path, JOURNAL), _header(path)) != (before, journal, log):
            raise _Moved
        with closing(_connected(copy.as_uri())) as connection:
            return take(connection)


def _connected(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_VALUE)
        connection.execute("PRAGMA trusted_schema=OFF")  # the file is somebody else's
        connection.execute("PRAGMA temp_store=FILE")
        connection.execute("BEGIN")
    except BaseException:
        connection.close()
        raise
    return connection


# ── how the files stand ─────────────────────────────────────────────────────────────────────────────────────────


def _stands(path: Path, suffix: str = "") -> Standing:
    try:
        status = Path(f"{path}{suffix}").stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _settled(path: Path) -> Standing:
    """Return how a file stands, so late after its last change that another one shows."""
    stands = _stands(path)
    if stands is None:
        raise FileNotFoundError(2, "No such file or directory", str(path))
    if 0 <= time.time_ns() - stands[3] < TICK * 1e9:
        time.sleep(TICK)
        return _stands(path)
    return stands


def _is_there(path: Path, suffix: str) -> bool:
    return _stands(path, suffix) is not None


def _size(path: Path, suffix: str) -> int:
    stands = _stands(path, suffix)
    return stands[2] if stands else 0


def _header(path: Path) -> bytes:
    """Return what tells a log from the one that is begun in its place."""
    try:
        with Path(f"{path}{LOG}").open("rb") as file:
            return file.read(HEADER)
    except FileNotFoundError:
        return b""
