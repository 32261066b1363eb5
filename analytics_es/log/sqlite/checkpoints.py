"""Checkpoints on SQLite, where a transaction that writes is the only one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eventsourcing.sqlite import SQLiteTrackingRecorder

from analytics_es.log.checkpoints import Checkpoints
from analytics_es.log.sqlite.database import Database

# Whether the table is there, with the library's mark in it that says which shape it has.
FIND_TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'tracking'"


class SQLiteCheckpoints(Checkpoints, SQLiteTrackingRecorder):
    """The library's tracking recorder, with an exact advance."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.writing)
        with database.write() as cursor:  # under the write lock: processes may open a new store at the same time
            cursor.execute(FIND_TABLE)
            if not cursor.fetchone():
                self._create_table(cursor)  # type: ignore[arg-type]  # only execute() is asked of it

    def hold(self, cursor: Any, name: str) -> int:
        """Return a checkpoint that nobody else can move: a transaction that writes is the only one."""
        return self.positions(cursor, [name])[name]

    def positions(self, cursor: Any, names: Sequence[str]) -> dict[str, int]:
        """Return checkpoints, 0 where nothing is done yet."""
        return {name: self._max_tracking_id(name, cursor) or 0 for name in names}
