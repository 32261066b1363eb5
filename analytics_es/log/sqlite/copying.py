"""A copy of a log in SQLite, page by page, while others go on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from analytics_es.log.sqlite.database import Database
from analytics_es.log.sqlite.file import escaped
from analytics_es.types import Progress

PAGES = 1024  # that are copied at once

# The last position.
HEAD = "SELECT max(rowid) FROM stored_events"


def copy(database: Database, to: Path, progress: Progress, *, kind: int, schema: int) -> int:
    """Copy a log as it is now into a file; returns its head. Progress is in pages."""
    if database.path:
        return _copy(database, to, progress, kind=kind, schema=schema)
    stages: list[tuple[str, int, int]] = []
    head = _copy(database, to, lambda *stage: stages.append(stage), kind=kind, schema=schema)
    for stage in stages:  # who is told may ask, and one in memory has a single connection
        progress(*stage)
    return head


def _copy(database: Database, to: Path, progress: Progress, *, kind: int, schema: int) -> int:
    with database.read() as cursor:
        # This first read decides which state is copied, however long it takes.
        head = cursor.execute(HEAD).fetchone()[0] or 0
        # It is nobody else's: no locks, of which its owner has one that these might end.
        with closing(sqlite3.connect(f"file:{escaped(to)}?nolock=1", uri=True)) as target:
            cursor.connection.backup(
                target, pages=PAGES, progress=lambda _, left, pages: progress("copying", pages - left, pages)
            )
            if database.path is None:  # one in memory does not say whose it is
                target.execute(f"PRAGMA application_id = {kind}")
                target.execute(f"PRAGMA user_version = {schema}")
    return int(head)
