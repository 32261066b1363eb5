"""Rows of databases: how much of them is held at once, and what is read again after an end in the middle."""

from __future__ import annotations

import sqlite3
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest

from analytics_es import AnalyticsService
from analytics_es.ingest.sessions import look
from analytics_es.ingest.sessions.agents import declared
from analytics_es.ingest.sessions.declaration import Tables
from analytics_es.ingest.sessions.files import tables
from analytics_es.ingest.sessions.files.tables import TableReader
from analytics_es.ingest.sessions.recording import Recording
from tests.ingest.sessions.databases import made
from tests.ingest.sessions.ledger import Ledger
from tests.ingest.sessions.test_opencode import AT, COLUMNS, answer, put

SECRET = "what nobody is to read"
ROWS = 5000


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = made(tmp_path / "opencode/opencode.db", f"CREATE TABLE message {COLUMNS};")
    with closing(sqlite3.connect(path)) as connection, connection:
        for number in range(ROWS):
            times = {"created": AT + number * 1000, "completed": AT + number * 1000 + 500}
            message = answer(time=times, content=[{"type": "text", "text": SECRET * 100}], error={"data": SECRET})
            put(connection, f"msg_{number:05}", message, at=AT + number)
    return path


def reader(path: Path) -> TableReader:
    (kind,) = (files for files in declared("opencode").files if isinstance(files, Tables))
    return TableReader(path, kind, {}, path.stat().st_mtime)


def test_a_few_rows_are_held_at_once(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "IN_MEMORY", 100_000)
    tracemalloc.start()
    try:
        assert sum(1 for _ in reader(database).rows()) == ROWS
        assert tracemalloc.get_traced_memory()[1] < 1_000_000  # bytes, of some 14 million in the database
    finally:
        tracemalloc.stop()


def test_nothing_that_was_said_is_taken_from_a_database(database: Path) -> None:
    assert not [record for _, record in reader(database).rows() if SECRET in str(record)]


def test_cursors_go_on_when_all_rows_were_given(database: Path) -> None:
    table = reader(database)
    rows = table.rows()
    next(rows)
    assert table.reached == {}
    assert len(list(rows)) == ROWS - 1
    assert table.reached == {"1.row": ROWS, "1.time_updated": AT + ROWS - 1}


def test_a_reader_that_is_ended_in_the_middle_begins_again_and_adds_nothing_twice(
    database: Path, analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCODE_DATA_DIR", str(database.parent))
    monkeypatch.setattr(look, "BATCH", 1000)
    monkeypatch.setattr(look, "KEEP_EVERY", -1.0)
    ledger, flush, flushes = Ledger(analytics, tmp_path, ("opencode",)), Recording.flush, list[int]()

    def ended(self: Recording) -> None:
        flushes.append(1)
        if len(flushes) == 3:
            raise KeyboardInterrupt
        flush(self)

    with monkeypatch.context() as patch:
        patch.setattr(Recording, "flush", ended)
        with pytest.raises(KeyboardInterrupt):
            ledger.read()
    assert len(ledger.calls()) == 2000
    assert ledger.read().calls == ROWS - 2000
    assert len(ledger.calls()) == ROWS
