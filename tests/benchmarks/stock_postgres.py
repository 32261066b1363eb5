"""What figures on PostgreSQL are held against: the event sourcing library's own recorders, and bare COPY."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

import psycopg
from eventsourcing.persistence import StoredEvent, Tracking
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore, PostgresTrackingRecorder
from psycopg.sql import SQL, Identifier

from analytics_es.log import Entry

PAGE = 500  # what a subscription of the library selects at once
_POSITIONS = count(10**9)


def datastore(url: str, schema: str) -> PostgresDatastore:
    """Open the library's datastore in a schema, with text ids as ours."""
    given = psycopg.conninfo.conninfo_to_dict(url)
    names = ("dbname", "host", "port", "user", "password")
    place = {name: str(given.get(name) or {"port": 5432}.get(name, "")) for name in names}
    return PostgresDatastore(**place, schema=schema, originator_id_type="text", pool_size=1)  # type: ignore[arg-type]


def recorder(url: str, schema: str) -> PostgresApplicationRecorder:
    """Open the library's recorder, with its tables."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(schema)))
    found = PostgresApplicationRecorder(datastore(url, schema))
    found.create_table()
    return found


def stored(entries: Sequence[Entry]) -> list[StoredEvent]:
    """Return entries as the library takes them."""
    return [StoredEvent(entry.key, 1, entry.type, entry.state) for entry in entries]


class Copy:
    """COPY into a table of the same shape, under the same lock."""

    def __init__(self, url: str, schema: str) -> None:
        self._table = SQL("{}.stored_events").format(Identifier(schema))
        recorder(url, schema).datastore.close()
        self._connection = psycopg.connect(url, autocommit=True)

    def append(self, entries: Sequence[Entry]) -> None:
        """Copy rows, in one commit."""
        columns = "(originator_id, originator_version, topic, state, notification_id)"
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(self._table))
            cursor.execute("NOTIFY copied")
            into = SQL(f"COPY {{}} {columns} FROM STDIN (FORMAT binary)").format(self._table)  # type: ignore[arg-type]
            with cursor.copy(into) as copy:
                copy.set_types(["text", "int8", "text", "bytea", "int8"])
                for entry in entries:
                    copy.write_row((entry.key, 1, entry.type, entry.state, next(_POSITIONS)))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Counters(PostgresTrackingRecorder):
    """A materialised view as the library documents it: counters, each moved in one transaction with its tracking."""

    def __init__(self, store: PostgresDatastore) -> None:
        super().__init__(store)
        table = "CREATE TABLE IF NOT EXISTS {}.counters (topic text PRIMARY KEY, n bigint NOT NULL)"
        self.sql_create_statements.append(SQL(table).format(Identifier(store.schema)))
        insert = "INSERT INTO {0}.counters AS c VALUES (%s, 1) ON CONFLICT (topic) DO UPDATE SET n = c.n + 1"
        self._add = SQL(insert).format(Identifier(store.schema))

    def count(self, topic: str, tracking: Tracking) -> None:
        """Count one event."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(self._add, [topic], prepare=True)


def project(url: str, events: PostgresApplicationRecorder, schema: str, number: int) -> None:
    """Project the first events into counters, one event a transaction; what the library's runner does, without it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(schema)))
    viewed: Any = datastore(url, schema)
    try:
        counters, done = Counters(viewed), 0
        counters.create_table()
        while done < number:
            page = events.select_notifications(start=done, limit=min(PAGE, number - done), inclusive_of_start=False)
            for notification in page:
                counters.count(notification.topic, Tracking("log", notification.id))
            done += len(page)
            if not page:
                break
    finally:
        viewed.close()
