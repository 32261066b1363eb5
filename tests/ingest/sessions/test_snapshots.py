"""A database of somebody else's is read as it stands, and no file beside it is touched."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from types import SimpleNamespace

import pytest

from analytics_es.ingest.sessions.files import snapshots
from analytics_es.ingest.sessions.files.snapshots import NotReadable, read

WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for line in sys.stdin:
    try:
        connection.execute(line)
        print("done", flush=True)
    except sqlite3.Error as error:
        print(error, flush=True)
"""
READER = """
import os, sys
from pathlib import Path
from analytics_es.ingest.sessions.files.snapshots import read
path = Path(sys.argv[1])
if os.geteuid() == 0:  # who may write to all folders
    os.setgid(65534)
    os.setuid(65534)
try:
    (path.parent / "x").touch()
except OSError:
    print("may not write")
print(read(path, lambda connection: [row[0] for row in connection.execute("SELECT number FROM calls")]))
"""
Files = dict[str, tuple[int, int, int, str]]


class Writer:
    """Another process that has a database open."""

    def __init__(self, path: Path, *statements: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for statement in statements:
            self.does(statement)

    def does(self, statement: str) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(statement.replace("\n", " ") + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def crashes(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Callable[..., Writer]]:
    """Return how to start another process with a database, which ends with the test."""
    writers: list[Writer] = []

    def started(*statements: str) -> Writer:
        (tmp_path / "agent").mkdir(exist_ok=True)
        writers.append(Writer(tmp_path / "agent" / "a.db", *statements))
        return writers[-1]

    yield started
    for writer in writers:
        writer.crashes()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return where the database is."""
    return tmp_path / "agent" / "a.db"


def files(folder: Path) -> Files:
    """Return what each file in a folder is, and when it was changed."""
    return {
        path.name: (
            (status := path.stat()).st_ino,
            status.st_size,
            status.st_mtime_ns,
            blake2b(path.read_bytes()).hexdigest(),
        )
        for path in folder.iterdir()
    }


def numbers(connection: sqlite3.Connection) -> list[int]:
    return [row[0] for row in connection.execute("SELECT number FROM calls ORDER BY number")]


def untouched(database: Path) -> list[int]:
    """Return what is read of a database; nothing in its folder is another file afterwards."""
    before = files(database.parent)
    told = read(database, numbers)
    assert files(database.parent) == before
    return told


WAL = ("PRAGMA journal_mode=WAL", "CREATE TABLE calls (number INTEGER)", "INSERT INTO calls VALUES (1)")
ROLLBACK = ("PRAGMA journal_mode=DELETE", *WAL[1:])


def test_what_a_living_writer_has_committed_is_read(writer: Callable[..., Writer], database: Path) -> None:
    living = writer(*WAL)
    assert untouched(database) == [1]
    living.does("INSERT INTO calls VALUES (2)")
    assert untouched(database) == [1, 2]
    assert sorted(files(database.parent)) == ["a.db", "a.db-shm", "a.db-wal"]


def test_what_a_living_writer_has_not_committed_is_not_read(writer: Callable[..., Writer], database: Path) -> None:
    writer(*WAL, "BEGIN IMMEDIATE", "INSERT INTO calls VALUES (2)")
    assert untouched(database) == [1]


@pytest.mark.parametrize("mode", [WAL, ROLLBACK], ids=["log", "journal"])
def test_a_reader_does_not_hold_up_the_writer(
    writer: Callable[..., Writer], database: Path, mode: tuple[str, ...]
) -> None:
    living = writer(*mode)
    looks: list[list[int]] = []

    def during(connection: sqlite3.Connection) -> list[int]:
        looks.append(numbers(connection))
        if len(looks) == 1:
            living.does("INSERT INTO calls VALUES (2)")
        return looks[-1]

    assert read(database, during) == looks[-1]
    assert untouched(database) == [1, 2]


def test_a_log_that_a_crash_left_is_read(writer: Callable[..., Writer], database: Path) -> None:
    writer(*WAL, "INSERT INTO calls VALUES (2)").crashes()
    assert untouched(database) == [1, 2]
    (database.parent / "a.db-shm").unlink()
    assert untouched(database) == [1, 2]
    assert sorted(files(database.parent)) == ["a.db", "a.db-wal"]


def test_a_log_without_its_end_is_read_up_to_there(writer: Callable[..., Writer], database: Path) -> None:
    writer(*WAL, "INSERT INTO calls VALUES (2)").crashes()
    log = database.parent / "a.db-wal"
    log.write_bytes(log.read_bytes()[:-100])
    (database.parent / "a.db-shm").unlink()
    assert untouched(database) == [1]


def test_an_empty_log_is_none(writer: Callable[..., Writer], database: Path) -> None:
    living = writer(*WAL, "PRAGMA wal_checkpoint(TRUNCATE)")
    assert (database.parent / "a.db-wal").stat().st_size == 0
    assert untouched(database) == [1]
    living.does("INSERT INTO calls VALUES (2)")
    assert untouched(database) == [1, 2]
    living.crashes()


def test_a_database_at_rest_is_read(writer: Callable[..., Writer], database: Path) -> None:
    for mode in (WAL, ROLLBACK):
        last = writer("DROP TABLE IF EXISTS calls", *mode)
        last.process.communicate("")
        assert sorted(files(database.parent)) == ["a.db"]
        assert untouched(database) == [1]


def test_what_is_written_with_a_journal_is_read_as_it_was_before(writer: Callable[..., Writer], database: Path) -> None:
    living = writer(*ROLLBACK, "BEGIN EXCLUSIVE")
    assert untouched(database) == [1]
    living.does("INSERT INTO calls VALUES (2)")
    assert untouched(database) == [1]
    living.does("COMMIT")
    assert untouched(database) == [1, 2]


def test_a_journal_that_a_crash_left_is_rolled_back(writer: Callable[..., Writer], database: Path) -> None:
    crashing = writer(*ROLLBACK, "PRAGMA cache_spill=1", "PRAGMA cache_size=1", "BEGIN IMMEDIATE")
    crashing.does("UPDATE calls SET number = 7")
    crashing.does(
        "WITH n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) INSERT INTO calls SELECT i FROM n"
    )
    crashing.crashes()
    assert (database.parent / "a.db-journal").stat().st_size > 0
    assert database.stat().st_size > 5 * 4096  # half of it is written
    assert untouched(database) == [1]


def test_a_database_that_a_program_has_for_itself_is_read(writer: Callable[..., Writer], database: Path) -> None:
    writer("PRAGMA locking_mode=EXCLUSIVE", *WAL, "INSERT INTO calls VALUES (2)")
    assert "a.db-shm" not in files(database.parent)
    assert untouched(database) == [1, 2]


def test_a_folder_that_nobody_may_write_to_is_read() -> None:
    folder = Path(tempfile.mkdtemp())  # not below one that others may not see
    living = Writer(folder / "a.db", *WAL)
    try:
        for path in (*folder.iterdir(), folder):
            path.chmod(0o555)
        before = files(folder)
        output = subprocess.run(
            [sys.executable, "-c", READER, str(folder / "a.db")],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        assert (output.stdout, files(folder)) == ("may not write\n[1]\n", before), output.stderr
    finally:
        living.crashes()
        folder.chmod(0o700)
        shutil.rmtree(folder)


def test_a_database_that_is_replaced_while_it_is_read_is_read_anew(
    writer: Callable[..., Writer], database: Path, tmp_path: Path
) -> None:
    writer(*WAL).process.communicate("")
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.executescript("CREATE TABLE calls (number INTEGER); INSERT INTO calls VALUES (5)")
    looks: list[list[int]] = []

    def replacing(connection: sqlite3.Connection) -> list[int]:
        if not looks:
            other.replace(database)
        looks.append(numbers(connection))
        return looks[-1]

    assert read(database, replacing) == [5]
    assert looks == [[1], [5]]


def test_what_is_written_while_a_copy_is_made_makes_another_one(
    writer: Callable[..., Writer], database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer(*WAL, "INSERT INTO calls VALUES (2)").crashes()
    (database.parent / "a.db-shm").unlink()
    copies: list[str] = []

    def copied(source: str, target: str) -> None:
        shutil.copyfile(source, target)
        copies.append(source)
        if len(copies) == 1:  # the agent starts again, and its log goes into the database
            with closing(sqlite3.connect(database)) as agent:
                agent.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    monkeypatch.setattr(snapshots, "shutil", SimpleNamespace(copyfile=copied, disk_usage=shutil.disk_usage))
    assert read(database, numbers) == [1, 2]
    assert copies[0] == str(database)


def test_a_database_that_is_never_left_alone_is_told(
    writer: Callable[..., Writer], database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "TICK", 0.0)
    writer(*ROLLBACK).process.communicate("")

    def written(connection: sqlite3.Connection) -> list[int]:
        told = numbers(connection)
        with closing(sqlite3.connect(database)) as writing:
            writing.execute("INSERT INTO calls VALUES (2)")
            writing.commit()
        return told

    with pytest.raises(NotReadable, match="it is being written all the time; it is read at the next look"):
        read(database, written)


@pytest.mark.parametrize("content", [b"no database, but long enough to be taken for one" * 100, b"short"])
def test_what_is_no_database_is_told(database: Path, content: bytes) -> None:
    database.parent.mkdir()
    database.write_bytes(content)
    with pytest.raises(NotReadable, match="SQLite cannot read it: file is not a database"):
        untouched(database)


def test_what_is_too_large_to_be_copied_is_told(
    writer: Callable[..., Writer], database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "LARGEST_COPY", 100)
    writer("PRAGMA locking_mode=EXCLUSIVE", *WAL)
    with pytest.raises(NotReadable, match="it has to be copied to be read, and has 0 MB; close the program"):
        untouched(database)


def test_without_locks_of_this_system_a_living_database_is_read_in_a_copy(
    writer: Callable[..., Writer], database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "fcntl", None)
    writer(*WAL, "INSERT INTO calls VALUES (2)")
    assert untouched(database) == [1, 2]


def test_the_last_writer_that_leaves_takes_nothing_away_that_is_read(
    writer: Callable[..., Writer], database: Path
) -> None:
    living = writer(*WAL)

    def leaving(connection: sqlite3.Connection) -> list[int]:
        living.process.communicate("")
        return numbers(connection)

    assert read(database, leaving) == [1]
    assert untouched(database) == [1]
