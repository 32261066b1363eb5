"""Seals on PostgreSQL: sealed events deleted in slices, and their space made ready for later ones."""

from __future__ import annotations

from collections.abc import Iterator

from analytics_es.log import seals
from analytics_es.log.horizon import condition
from analytics_es.log.postgres.database import Database
from analytics_es.log.seals import Size

# Delete some of what is sealed; positions are counted on from the last row.
DELETE = (
    "DELETE FROM stored_events WHERE notification_id IN "
    "(SELECT notification_id FROM stored_events WHERE {old} LIMIT ?) "
    "AND notification_id < (SELECT max(notification_id) FROM stored_events)"
)

# The same, with how many there were.
COUNT_DELETED = f"WITH deleted AS ({DELETE} RETURNING 1) SELECT count(*) FROM deleted"

# The table and its indexes. What is free in them, the server only estimates: as the share of rows that are gone.
SELECT_SIZE = (
    "SELECT pg_total_relation_size('stored_events'), "
    "coalesce((SELECT n_dead_tup::float8 / nullif(n_live_tup + n_dead_tup, 0) FROM pg_stat_user_tables "
    "WHERE relid = 'stored_events'::regclass), 0)"
)

# Make the space of deleted events ready for later ones.
VACUUM = "VACUUM stored_events"


class PostgresSeals(seals.Seals):
    """The seals of a log in a schema."""

    _database: Database
    lock = "LOCK TABLE stored_events IN EXCLUSIVE MODE"  # as the library locks it to append

    def delete(self, limit: int) -> int:
        """Delete at most so many of the events that are sealed, never the last one of the log; returns how many."""
        with self._database.write() as cursor:
            cursor.execute(COUNT_DELETED.format(old=condition(seals.horizon_of(cursor).sealed)), [limit])
            return int(cursor.fetchone()[0])

    def size(self) -> Size:
        """Return how large the log is."""
        with self._database.look() as cursor:
            cursor.execute(SELECT_SIZE)
            total, dead = cursor.fetchone()
        return Size(int(total), int(total * dead))

    def shrink(self) -> Iterator[None]:
        """Let later events use the space, and give back what is at the end of the table: nobody has to wait."""
        with self._database.connect() as connection:
            connection.execute(VACUUM)
        yield
