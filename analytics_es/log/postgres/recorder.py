"""Appending to the log on PostgreSQL: the library's recorder, in one trip to the server, and skipping what is there."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from eventsourcing.postgres import PostgresApplicationRecorder
from psycopg.errors import UniqueViolation
from psycopg.rows import tuple_row

from analytics_es.log.event_log import LAST, PLACE, Appended, Entry, Stored, check_horizon, fresh, sorted_out
from analytics_es.log.horizon import Horizon
from analytics_es.log.postgres.database import Cursor
from analytics_es.log.seals import HORIZON
from analytics_es.log.strict import STRICT, Strict, condition
from analytics_es.log.sums import STORED, contents

# What holds of the log from here on.
WRITE_NOTES = (
    "INSERT INTO log_notes SELECT * FROM unnest(%b::text[], %b::text[]) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)

# Append what is not there yet. Positions are counted on from the head instead of taken from the sequence, which the
# table's lock allows: so there are no gaps, and a log has the same positions on every database.
_APPEND = f"""
WITH new AS (
    INSERT INTO stored_events (originator_id, originator_version, topic, state, notification_id, checksum)
    SELECT key, 1, topic, state, position, {STORED.format(content="content", position="position")}
    FROM (
        SELECT *, (SELECT coalesce(max(notification_id), 0) FROM stored_events) + row_number() OVER () AS position
        FROM (
            SELECT key COLLATE "C" AS key, topic, state, content
            FROM unnest(%b::text[], %b::text[], %b::bytea[], %b::bigint[]) WITH ORDINALITY
                AS given (key, topic, state, content, n)
            WHERE {{missing}}
            ORDER BY n
        ) AS missing
    ) AS placed{{otherwise}}
    RETURNING notification_id
)
SELECT count(*), coalesce(min(notification_id), 0), coalesce(max(notification_id), 0) FROM new"""
# OFFSET 0: row by row, from an index. The plan is kept, and a table that was as good as empty then was read to its end
# for every row from then on, whatever had come since.
NOT_THERE = "NOT EXISTS ({same} OFFSET 0)"
SAME = 'SELECT FROM stored_events WHERE originator_id = key COLLATE "C" AND originator_version = 1'
SAME_AT_ANY_TIME = 'SELECT FROM stored_events WHERE substr(originator_id, 13) = substr(key COLLATE "C", 13)'

BYTES = "'\\x{}'::bytea"  # how they are written

# Up to when events are refused and sealed, and for whom ids are strict.
SELECT_HELD = (
    f"SELECT (SELECT value FROM sealing WHERE name = '{HORIZON}'), "
    f"(SELECT value FROM log_notes WHERE name = '{STRICT}')"
)

# Wait for the disk, together with all who do, unless it has everything by now: the commit of a message that nobody
# reads waits for what was written before, whoever wrote it; and for replicas, where commits wait for any.
FLUSH = (
    "SELECT CASE WHEN pg_current_wal_flush_lsn() < pg_current_wal_insert_lsn() "
    "OR current_setting('synchronous_standby_names') <> '' "
    "THEN pg_logical_emit_message(true, 'analytics_es', '') END"
)

# Let go of the lock before the disk has what was written.
IN_GROUPS = "SET LOCAL synchronous_commit = off"

# Where events of these keys were before, and what they say.
FIND = (
    "SELECT originator_id, notification_id, topic, state FROM stored_events "
    "WHERE originator_id = ANY(%s) AND originator_version = 1 AND notification_id <= %s"
)
FIND_IDENTITY = (
    "SELECT substr(originator_id, 13), notification_id, topic, state FROM stored_events "
    "WHERE substr(originator_id, 13) = ANY(%s) AND notification_id <= %s{strict}"
)


class StrictMoved(Exception):
    """For more sources than was known, ids are strict."""


@functools.lru_cache(maxsize=16)
def append_statement(strict: Strict, *, doubtful: bool = False) -> str:
    """Return the statement that appends what is not there, where ids are strict for some sources, or every.

    Under the table's lock nothing can come between looking and inserting. Where something did all the same, it is
    `doubtful`, and every index is asked about every row once more, which takes a third longer.
    """
    missing = NOT_THERE.format(same=SAME_AT_ANY_TIME if strict.every else SAME)
    if strict.patterns and not strict.every:
        missing += f" AND CASE {' '.join(map(_when_strict, strict.patterns))} ELSE true END"
    return _APPEND.format(missing=missing, otherwise="\n    ON CONFLICT DO NOTHING" if doubtful else "")


def _when_strict(pattern: str) -> str:
    """Return the look at the index of a pattern where a row is of it, and at no other: one of its identity is, too."""
    of_pattern = condition(pattern, BYTES)
    return f"WHEN {of_pattern} THEN {NOT_THERE.format(same=f'{SAME_AT_ANY_TIME} AND {of_pattern}')}"


class PostgresRecorder(PostgresApplicationRecorder):
    """The library's recorder, with an append that skips what is there.

    `in_groups`: the lock of the table is let go before the disk is waited for, so that many who append wait together.
    """

    in_groups = False

    def append(
        self, connection: Any, entries: Sequence[Entry], notes: Mapping[str, str], *, strict: Strict, again: bool
    ) -> list[Appended]:
        """Insert the new ones of these entries, in order and in one commit, and say where each is.

        `again`: an attempt before may have done so already; then what is there, to the byte, is no duplicate.
        """
        try:
            return self._append(connection, entries, notes, append_statement(strict), strict=strict, again=again)
        except UniqueViolation:  # more ids are strict than was known, or somebody appends without the lock
            doubtful = append_statement(strict, doubtful=True)
            return self._append(connection, entries, notes, doubtful, strict=strict, again=again)

    def _append(
        self,
        connection: Any,
        entries: Sequence[Entry],
        notes: Mapping[str, str],
        statement: str,
        *,
        strict: Strict,
        again: bool,
    ) -> list[Appended]:
        new, some = dict[str, Entry](), strict.every or bool(strict.patterns)
        for entry in entries:
            new.setdefault(entry.key[PLACE:] if some and _is_strict(entry, strict) else entry.key, entry)
        keys, types, states = (list(column) for column in zip(*new.values(), strict=True))
        columns = [keys, types, states, list(contents(keys, types, states))]
        cursor = connection.cursor(row_factory=tuple_row)
        # In one go: nobody waits for us while the table is locked.
        with connection.pipeline(), self._durable(connection), connection.transaction():
            # What the driver wants the server to forget of this connection, after tables were dropped, goes out after
            # the first statement: were that one prepared anew, it would be forgotten with the rest.
            cursor.execute("SELECT", prepare=False)
            if self.in_groups:
                cursor.execute(IN_GROUPS)
            self._lock_table(cursor)
            self._notify_channel(cursor)
            looking = Cursor(connection.cursor(row_factory=tuple_row))
            looking.execute(SELECT_HELD)  # by now nobody else moves it
            if notes:
                cursor.execute(WRITE_NOTES, [list(notes), list(notes.values())])
            cursor.execute(statement, columns, prepare=True)
            horizon, patterns = looking.fetchone() or (None, None)
            if Strict.read(patterns).patterns != strict.patterns and (patterns or not strict.every):
                raise StrictMoved
            check_horizon(Horizon.read(horizon), entries)
        inserted, first, last = cursor.fetchone()
        if not inserted:  # what was there may be of somebody who still waits for the disk
            connection.execute(FLUSH)
        if inserted == len(entries) == last - first + 1:
            return fresh(range(first, last + 1))
        return self._sort_out(cursor, entries, list(new.values()), range(first, last + 1), inserted, again, strict)

    @contextmanager
    def _durable(self, connection: Any) -> Iterator[None]:
        """Wait for the disk after the lock is let go, where that is done in groups; the commit waits else."""
        yield
        if self.in_groups:
            connection.execute(FLUSH)

    def _sort_out(
        self,
        cursor: Any,
        entries: Sequence[Entry],
        new: list[Entry],
        taken: range,
        inserted: int,
        again: bool,
        strict: Strict,
    ) -> list[Appended]:
        before = taken.start - 1 if inserted else LAST
        stored = self._look_up(cursor, FIND, {entry.key for entry in new}, before)
        missing = [entry.key for entry in new if entry.key not in stored]
        if len(missing) != inserted:
            for which in [""] if strict.every else [f" AND {condition(pattern, BYTES)}" for pattern in strict.patterns]:
                statement = FIND_IDENTITY.format(strict=which)
                stored |= self._look_up(cursor, statement, {key[PLACE:] for key in missing}, before)
            missing = [key for key in missing if key[PLACE:] not in stored]
        if missing:
            fresh = list(zip(missing, taken, strict=True))
            stored |= {name: (position, "", None) for key, position in fresh for name in (key, key[PLACE:])}
        return sorted_out(entries, stored, before=before, again=again)

    def _look_up(self, cursor: Any, statement: str, names: set[str], before: int) -> dict[str, Stored]:
        rows = cursor.execute(statement, [sorted(names), before], binary=True).fetchall()
        return {name: (position, event_type, state) for name, position, event_type, state in rows}


def _is_strict(entry: Entry, strict: Strict) -> bool:
    return strict.every or (bool(strict.patterns) and entry.state.startswith(strict.beginnings))
