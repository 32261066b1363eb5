"""Files of SQLite databases of ours: told apart from others without opening them, and created private."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from analytics_es.errors import NewerSchema, NoFolder, NotAFile, NotOurs, NotWritable, SeveralNames

HEADER = 100  # bytes of a database, which say whose it is


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
    if path.exists() and (count := path.stat().st_nlink) > 1:
        raise SeveralNames(path=path, count=count)
    if path.exists() and path.stat().st_size:
        _check_header(path, kind, schema)
    # SQLite writes files beside the database, too: beside what a link leads to.
    folder = Path(os.path.realpath(path)).parent
    if not all(os.access(place, os.W_OK) for place in (path, folder) if place.exists()):
        raise NotWritable(path=path, problem="no permission")


def _check_header(path: Path, kind: int, schema: int) -> None:
    header = _header(path)
    if header is None:
        raise NotOurs(path=path, problem="it is not a SQLite database")
    application, version = header
    if application != kind:
        raise NotOurs(path=path, problem="it is a SQLite database of another application")
    if version > schema:
        raise NewerSchema(path=path, found=version, known=schema)


def _header(path: Path) -> tuple[int, int] | None:
    """Read application id and schema version from the file's first page; None where it is no database.

    SQLite reads them, as if nobody ever wrote to the file: it locks nothing and makes no files. Closing a file that was
    opened by hand ends all locks of this process on it: another process could take its write-ahead log away.
    """
    if path.stat().st_size < HEADER:
        return None
    try:
        with closing(sqlite3.connect(f"file:{escaped(path)}?mode=ro&immutable=1", uri=True)) as connection:
            connection.execute("PRAGMA writable_schema = ON")  # however long the file should be: somebody may write it
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError as error:
        raise NotWritable(path=path, problem=error) from None
    except sqlite3.DatabaseError:
        return None
    return application, version


def touch(path: Path) -> None:
    """Make a file, private, where there is none; one that is there is not opened by hand, as `_header` says."""
    with suppress(FileExistsError):
        os.close(os.open(os.path.realpath(path), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def create(path: Path, *, kind: int, schema: int, timeout: float) -> None:
    """Make a database of this kind where there is none; waits `timeout` seconds for others who do the same."""
    try:
        touch(path)
        connection = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    except ValueError:
        raise NotWritable(path=path, problem="its name holds a NUL character") from None
    except (OSError, sqlite3.Error) as error:
        raise NotWritable(path=path, problem=error) from None
    with closing(connection):
        if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            return
        # Before write-ahead logging begins, so that the file itself says whose it is.
        connection.execute("BEGIN")
        # This writes, and before there is anything: pages that are freed can be given back to the disk later.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        if not connection.execute("PRAGMA application_id").fetchone()[0]:
            connection.execute(f"PRAGMA application_id = {kind}")
            connection.execute(f"PRAGMA user_version = {schema}")
        connection.execute("COMMIT")
        _write_ahead(connection, timeout)


def _write_ahead(connection: sqlite3.Connection, timeout: float) -> None:
    """Begin write-ahead logging; unlike any other statement, this one does not wait for its turn."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def file_at(path: Path) -> tuple[int, int] | None:
    """Return what tells the file at a path from every other, as long as that one is open; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def escaped(path: Path) -> str:
    """Return a path as a URI holds it."""
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
