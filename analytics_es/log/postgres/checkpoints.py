"""Checkpoints on PostgreSQL, where a row is locked by who moves it, and others wait."""

from __future__ import annotations

from collections.abc import Sequence

from eventsourcing.postgres import PostgresTrackingRecorder

from analytics_es.log.checkpoints import Checkpoints
from analytics_es.log.database import Cursor
from analytics_es.log.postgres.database import Database

# Look at a checkpoint, and keep it from moving.
HOLD = "SELECT notification_id FROM tracking WHERE application_name = ? FOR UPDATE"

# Move several, or none of them, from where they all are believed to be. Nobody waits for one that another transaction
# has at the moment: two who wait for one another's would be one too many.
ADVANCE_ALL = (
    "WITH held AS MATERIALIZED (SELECT application_name FROM tracking WHERE application_name = ANY(?) "
    "AND notification_id = ? FOR UPDATE SKIP LOCKED) "
    "UPDATE tracking SET notification_id = ? WHERE application_name IN (SELECT application_name FROM held) "
    "AND (SELECT count(*) FROM held) = ? RETURNING 1"
)

# How far some projections are.
POSITIONS = "SELECT application_name, notification_id FROM tracking WHERE application_name = ANY(?)"


class PostgresCheckpoints(Checkpoints, PostgresTrackingRecorder):
    """The library's tracking recorder, with an exact advance."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.writing, tracking_table_name="tracking")

    def advance_all(self, cursor: Cursor, names: Sequence[str], *, expected: int, position: int) -> bool:
        """Move several checkpoints, or none; not where another transaction has one of them, for which nobody waits."""
        cursor.execute(ADVANCE_ALL, [list(names), expected, position, len(names)])
        return len(cursor.fetchall()) == len(names)

    def hold(self, cursor: Cursor, name: str) -> int:
        """Return a checkpoint that nobody else can move until this transaction ends."""
        row = cursor.execute(HOLD, [name]).fetchone()
        return int(row[0]) if row else 0

    def positions(self, cursor: Cursor, names: Sequence[str]) -> dict[str, int]:
        """Return checkpoints, 0 where nothing is done yet."""
        return dict.fromkeys(names, 0) | dict(cursor.execute(POSITIONS, [list(names)]).fetchall())
