"""Checkpoints on PostgreSQL: the library's tracking table, moved by compare-and-set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eventsourcing.postgres import PostgresTrackingRecorder

from analytics_es.log.postgres.database import Database

TABLE = "tracking"

# A checkpoint begins at 0, before the first position.
BEGIN = f"INSERT INTO {TABLE} VALUES (?, 0) ON CONFLICT DO NOTHING"

# Move a checkpoint only from where it is believed to be; who comes second waits, and then finds it elsewhere.
ADVANCE = f"UPDATE {TABLE} SET notification_id = ? WHERE application_name = ? AND notification_id = ? RETURNING 1"

# Look at a checkpoint, and keep it from moving.
HOLD = f"SELECT notification_id FROM {TABLE} WHERE application_name = ? FOR UPDATE"

POSITIONS = f"SELECT application_name, notification_id FROM {TABLE} WHERE application_name = ANY(?)"

# Begin again.
RESET = f"UPDATE {TABLE} SET notification_id = 0 WHERE application_name = ?"

# Remove a checkpoint.
FORGET = f"DELETE FROM {TABLE} WHERE application_name = ?"


class PostgresCheckpoints(PostgresTrackingRecorder):
    """The library's tracking recorder, with an exact advance."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.writing, tracking_table_name=TABLE)

    def begin(self, cursor: Any, name: str) -> None:
        """Make sure there is a checkpoint."""
        cursor.execute(BEGIN, [name])

    def advance(self, cursor: Any, name: str, *, expected: int, position: int) -> bool:
        """Move a checkpoint from the expected position; False where another runner was faster."""
        return cursor.execute(ADVANCE, [position, name, expected]).fetchone() is not None

    def forget(self, cursor: Any, name: str) -> None:
        """Remove a checkpoint: who still believes in it can no longer move it."""
        cursor.execute(FORGET, [name])

    def hold(self, cursor: Any, name: str) -> int:
        """Return a checkpoint that nobody else can move until this transaction ends."""
        found = cursor.execute(HOLD, [name]).fetchone()
        return int(found[0]) if found else 0

    def reset(self, cursor: Any, name: str) -> None:
        """Move a checkpoint back to the beginning."""
        cursor.execute(RESET, [name])

    def positions(self, cursor: Any, names: Sequence[str]) -> dict[str, int]:
        """Return checkpoints, 0 where nothing is done yet."""
        return dict.fromkeys(names, 0) | dict(cursor.execute(POSITIONS, [list(names)]).fetchall())
