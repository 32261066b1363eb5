"""Appending to the log on PostgreSQL: the library's recorder, in one trip to the server, and skipping what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eventsourcing.postgres import PostgresApplicationRecorder
from psycopg.rows import tuple_row

from analytics_es.log.event_log import LAST, PLACE, Appended, Entry, Stored, check_horizon, sorted_out
from analytics_es.log.horizon import Horizon
from analytics_es.log.postgres.database import Cursor
from analytics_es.log.seals import HORIZON, SELECT_STATE

# What holds of the log from here on.
WRITE_NOTES = (
    "INSERT INTO log_notes SELECT * FROM unnest(%b::text[], %b::text[]) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)

# Append what is not there yet. Positions are counted on from the head instead of taken from the sequence, which the
# table's lock allows: so there are no gaps, and a log has the same positions on every database.
_APPEND = """
WITH new AS (
    INSERT INTO stored_events (originator_id, originator_version, topic, state, notification_id)
    SELECT key, 1, topic, state, (SELECT coalesce(max(notification_id), 0) FROM stored_events) + row_number() OVER ()
    FROM (
        SELECT key COLLATE "C" AS key, topic, state
        FROM unnest(%b::text[], %b::text[], %b::bytea[]) WITH ORDINALITY AS given (key, topic, state, n)
        WHERE NOT EXISTS (SELECT FROM stored_events WHERE {same})
        ORDER BY n
    ) AS missing
    ON CONFLICT DO NOTHING
    RETURNING notification_id
)
SELECT count(*), coalesce(min(notification_id), 0), coalesce(max(notification_id), 0) FROM new"""
APPEND = _APPEND.format(same='originator_id = key COLLATE "C" AND originator_version = 1')
APPEND_STRICTLY = _APPEND.format(same='substr(originator_id, 13) = substr(key COLLATE "C", 13)')

# Where events of these keys were before, and what they say.
FIND = (
    "SELECT originator_id, notification_id, topic, state FROM stored_events "
    "WHERE originator_id = ANY(%s) AND originator_version = 1 AND notification_id <= %s"
)
FIND_IDENTITY = (
    "SELECT substr(originator_id, 13), notification_id, topic, state FROM stored_events "
    "WHERE substr(originator_id, 13) = ANY(%s) AND notification_id <= %s"
)


class PostgresRecorder(PostgresApplicationRecorder):
    """The library's recorder, with an append that skips what is there."""

    def append(
        self, connection: Any, entries: Sequence[Entry], notes: Mapping[str, str], *, strict: bool, again: bool
    ) -> list[Appended]:
        """Insert the new ones of these entries, in order and in one commit, and say where each is.

        `again`: an attempt before may have done so already; then what is there, to the byte, is no duplicate.
        """
        new: dict[str, Entry] = {}
        for entry in entries:
            new.setdefault(entry.key[PLACE:] if strict else entry.key, entry)
        columns = [list(column) for column in zip(*new.values(), strict=True)]
        cursor = connection.cursor(row_factory=tuple_row)
        # In one go: nobody waits for us while the table is locked.
        with connection.pipeline(), connection.transaction():
            self._lock_table(cursor)
            self._notify_channel(cursor)
            looking = Cursor(connection.cursor(row_factory=tuple_row))
            looking.execute(SELECT_STATE, (HORIZON,))  # by now nobody else moves it
            if notes:
                cursor.execute(WRITE_NOTES, [list(notes), list(notes.values())])
            cursor.execute(APPEND_STRICTLY if strict else APPEND, columns, prepare=True)
            check_horizon(Horizon.read((looking.fetchone() or (None,))[0]), entries)
        inserted, first, last = cursor.fetchone()
        if inserted == len(entries) == last - first + 1:
            return [Appended(position, False, False) for position in range(first, last + 1)]
        return self._sort_out(cursor, entries, list(new.values()), range(first, last + 1), inserted, again)

    def _sort_out(
        self, cursor: Any, entries: Sequence[Entry], new: list[Entry], taken: range, inserted: int, again: bool
    ) -> list[Appended]:
        before = taken.start - 1 if inserted else LAST
        stored = self._look_up(cursor, FIND, {entry.key for entry in new}, before)
        missing = [entry.key for entry in new if entry.key not in stored]
        if len(missing) != inserted:
            stored |= self._look_up(cursor, FIND_IDENTITY, {key[PLACE:] for key in missing}, before)
            missing = [key for key in missing if key[PLACE:] not in stored]
        if missing:
            fresh = list(zip(missing, taken, strict=True))
            stored |= {name: (position, "", None) for key, position in fresh for name in (key, key[PLACE:])}
        return sorted_out(entries, stored, before=before, again=again)

    def _look_up(self, cursor: Any, statement: str, names: set[str], before: int) -> dict[str, Stored]:
        rows = cursor.execute(statement, [sorted(names), before], binary=True).fetchall()
        return {name: (position, event_type, state) for name, position, event_type, state in rows}
