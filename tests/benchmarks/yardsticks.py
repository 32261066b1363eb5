"""What figures are held against: SQLite without us, and the event sourcing library's own way to project."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eventsourcing.persistence import Tracking
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteCursor, SQLiteDatastore, SQLiteTrackingRecorder

INSERT = "INSERT INTO stored_events VALUES (?, ?, ?, ?, ?)"

# The events that a store recorded since a position, as they are stored.
STORED = (
    "SELECT originator_id, originator_version, topic, state, checksum FROM stored_events WHERE rowid > ? ORDER BY rowid"
)

# What a log's table looks like, with its indexes.
SHAPE = "SELECT sql FROM sqlite_master WHERE tbl_name = 'stored_events' AND sql IS NOT NULL"

PAGE = 500  # what a subscription of the library selects at once

Rows = Sequence[tuple[Any, ...]]


class RawLog:
    """A table of the shape of a store's log in a database of its own, with the same pragmas, through sqlite3 alone."""

    def __init__(self, path: Path, like: Path) -> None:
        self._store = sqlite3.connect(like, isolation_level=None)
        self._raw = sqlite3.connect(path, isolation_level=None)
        self._raw.execute("PRAGMA journal_mode = WAL")
        self._raw.execute("PRAGMA synchronous = FULL")
        for (statement,) in self._store.execute(SHAPE).fetchall():
            self._raw.execute(statement)
        self._read = 0

    def new(self) -> Rows:
        """Return the rows that the store has got since the last call."""
        rows = self._store.execute(STORED, (self._read,)).fetchall()
        self._read += len(rows)
        return rows

    def append(self, rows: Rows, batch: int) -> None:
        """Insert rows, one commit a batch."""
        for first in range(0, len(rows), batch):
            self._raw.execute("BEGIN IMMEDIATE")
            self._raw.executemany(INSERT, rows[first : first + batch])
            self._raw.execute("COMMIT")

    def append_singly(self, rows: Rows) -> None:
        """Insert rows, one commit each."""
        for row in rows:
            self._raw.execute("BEGIN IMMEDIATE")
            self._raw.execute(INSERT, row)
            self._raw.execute("COMMIT")

    def close(self) -> None:
        """Close both databases."""
        self._raw.close()
        self._store.close()


class Counters(SQLiteTrackingRecorder):
    """A materialised view as the library documents it: counters, each moved in one transaction with its tracking."""

    def construct_create_table_statements(self) -> list[str]:
        """Add a table to the library's own."""
        own = "CREATE TABLE IF NOT EXISTS counters (topic TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID"
        return [*super().construct_create_table_statements(), own]

    def count(self, topic: str, tracking: Tracking) -> None:
        """Count one event."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            self._count(cursor, topic)

    def _count(self, cursor: SQLiteCursor, topic: str) -> None:
        cursor.execute("INSERT INTO counters VALUES (?, 1) ON CONFLICT (topic) DO UPDATE SET n = n + 1", (topic,))


def project(log: Path, read_models: Path, events: int) -> None:
    """Project the first events of a log into counters, one event a transaction.

    The library's runner needs a subscription, which its SQLite recorder does not have: so its loop is driven by hand,
    without the time it would take to make domain objects.
    """
    stored, viewed = SQLiteDatastore(f"file:{log}", originator_id_type="text"), SQLiteDatastore(f"file:{read_models}")
    try:
        recorder, counters = SQLiteApplicationRecorder(stored), Counters(viewed)
        counters.create_table()
        done = 0
        while done < events:
            page = recorder.select_notifications(start=done, limit=min(PAGE, events - done), inclusive_of_start=False)
            for notification in page:
                counters.count(notification.topic, Tracking("log", notification.id))
            done += len(page)
            if not page:
                break
    finally:
        stored.close()
        viewed.close()
