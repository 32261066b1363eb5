"""Checkpoints: how far each projection is, in the library's tracking table, moved by compare-and-set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eventsourcing.sqlite import SQLiteTrackingRecorder

from analytics_es.log.sqlite.database import Database

# Whether the table is there, with the library's mark in it that says which shape it has.
FIND_TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'tracking'"

# A checkpoint begins at 0, before the first position.
BEGIN = "INSERT INTO tracking VALUES (:name, 0) ON CONFLICT DO NOTHING"

# Move a checkpoint only from where it is believed to be: the library's own statement only asks for "greater".
ADVANCE = (
    "UPDATE tracking SET notification_id = :position WHERE application_name = :name AND notification_id = :expected"
)

# Begin again.
RESET = "UPDATE tracking SET notification_id = 0 WHERE application_name = :name"

# Remove a checkpoint.
FORGET = "DELETE FROM tracking WHERE application_name = :name"


class SQLiteCheckpoints(SQLiteTrackingRecorder):
    """The library's tracking recorder, with an exact advance."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.writing)
        with database.write() as cursor:  # under the write lock: processes may open a new store at the same time
            cursor.execute(FIND_TABLE)
            if not cursor.fetchone():
                self._create_table(cursor)  # type: ignore[arg-type]  # only execute() is asked of it

    def begin(self, cursor: Any, name: str) -> None:
        """Make sure there is a checkpoint."""
        cursor.execute(BEGIN, {"name": name})

    def advance(self, cursor: Any, name: str, *, expected: int, position: int) -> bool:
        """Move a checkpoint from the expected position; False where another runner was faster."""
        cursor.execute(ADVANCE, {"name": name, "expected": expected, "position": position})
        return bool(cursor.rowcount == 1)

    def reset(self, cursor: Any, name: str) -> None:
        """Move a checkpoint back to the beginning."""
        cursor.execute(RESET, {"name": name})

    def forget(self, cursor: Any, name: str) -> None:
        """Remove a checkpoint: who still believes in it can no longer move it."""
        cursor.execute(FORGET, {"name": name})

    def hold(self, cursor: Any, name: str) -> int:
        """Return a checkpoint that nobody else can move: a transaction that writes is the only one."""
        return self.positions(cursor, [name])[name]

    def positions(self, cursor: Any, names: Sequence[str]) -> dict[str, int]:
        """Return checkpoints, 0 where nothing is done yet."""
        return {name: self._max_tracking_id(name, cursor) or 0 for name in names}
