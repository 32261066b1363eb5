"""What a schema needs to hold a store, made by one process at a time and written down by version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import psycopg.rows
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresRecorder, PostgresTrackingRecorder
from psycopg.sql import SQL, Identifier

from analytics_es.errors import NewerSchema, NotMigrated, NotOurs
from analytics_es.log import seals
from analytics_es.log.event_log import ROWS_BY_PLACE
from analytics_es.log.postgres.database import Database
from analytics_es.log.sums import UNSUMMED

Connection = psycopg.Connection[Any]
NotUnique = psycopg.errors.UniqueViolation

# One process at a time prepares a schema.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('analytics_es ' || current_setting('search_path'), 0))"

# Whether the schema is there, and how it is made.
FIND_SCHEMA = "SELECT 1 FROM pg_namespace WHERE nspname = %s"
CREATE_SCHEMA = SQL("CREATE SCHEMA {}")

# Which versions of this list are done; whether the tables are ours, too.
FIND_VERSIONS = "SELECT to_regclass('analytics_es_migrations'), to_regclass('stored_events')"
CREATE_VERSIONS = (
    "CREATE TABLE analytics_es_migrations (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
)
SELECT_VERSION = "SELECT coalesce(max(version), 0) FROM analytics_es_migrations"
WRITE_VERSION = "INSERT INTO analytics_es_migrations (version) VALUES (%s)"

# Keys are compared byte by byte: an index of such texts is a range of time, and faster.
COMPARE_BYTES = 'ALTER TABLE stored_events ALTER COLUMN originator_id TYPE text COLLATE "C"'

# What tells this log from every other.
CREATE_IDENTITY = "CREATE TABLE log_identity (id text NOT NULL)"
INSERT_IDENTITY = "INSERT INTO log_identity VALUES (%s)"

# What read models say of themselves, and the values that their folds could not read or were told to accept.
CREATE_ABOUT = "CREATE TABLE about (name text PRIMARY KEY, value text NOT NULL)"
CREATE_UNREADABLE = (
    'CREATE TABLE unreadable (projection text COLLATE "C" NOT NULL, hour bigint NOT NULL, position bigint NOT NULL, '
    'field text COLLATE "C" NOT NULL, PRIMARY KEY (projection, hour, position, field))'
)
CREATE_DISCARDED = (
    'CREATE TABLE discarded (projection text COLLATE "C" NOT NULL, position bigint NOT NULL, '
    'field text COLLATE "C" NOT NULL, PRIMARY KEY (projection, position, field))'
)

# Add two stored histograms, texts of the form [[indexes],[counts]].
CREATE_MERGE = r"""
CREATE FUNCTION merge_histograms(one text, other text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT format('[[%s],[%s]]', string_agg(i::text, ',' ORDER BY i), string_agg(n::text, ',' ORDER BY i))
    FROM (
        SELECT i, sum(n) AS n
        FROM (VALUES (one), (other)) AS given(stored),
            unnest(
                string_to_array(substr(split_part(stored, '],[', 1), 3), ',')::bigint[],
                string_to_array(rtrim(split_part(stored, '],[', 2), ']'), ',')::bigint[]
            ) AS bucket(i, n)
        GROUP BY i
    ) AS merged
$$"""

# Up to where rows of files may be known by their place.
NOTE_ROWS = (
    "INSERT INTO log_notes SELECT %s, max(notification_id)::text FROM stored_events "
    "HAVING max(notification_id) IS NOT NULL ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)

# Which read models are live or set aside, and what each has taken in, day by day.
CREATE_REGISTRY = (
    'CREATE TABLE registry (projection text COLLATE "C" PRIMARY KEY, read_model text NOT NULL, '
    "generation bigint NOT NULL, definition text NOT NULL, log text NOT NULL, retired text NOT NULL)",
    "CREATE TABLE aside (read_model text PRIMARY KEY, log text NOT NULL)",
    "CREATE TABLE ledger (read_model text NOT NULL, day bigint NOT NULL, events bigint NOT NULL, "
    "checksum bigint NOT NULL, PRIMARY KEY (read_model, day))",
)

# Pseudonyms, what is noted of them, and what holds of the log from here on.
CREATE_VAULT = (
    "CREATE TABLE vault (digest bytea PRIMARY KEY, pseudonym text NOT NULL, "
    "created timestamptz NOT NULL DEFAULT now())",
    "CREATE TABLE vault_about (name text PRIMARY KEY, value text NOT NULL)",
    "CREATE TABLE log_notes (name text PRIMARY KEY, value text NOT NULL)",
)

# The name behind a pseudonym, sealed with the vault's key, where names are kept.
ADD_NAME = "ALTER TABLE vault ADD COLUMN name bytea"

# What the service itself has to say is found by its type; a small index, since everything else is not in it.
CREATE_OWN = (
    "CREATE INDEX stored_events_own ON stored_events (topic, notification_id) WHERE substr(topic, 1, 10) = 'analytics.'"
)

# Each event has a checksum from here on, which those that are there do not have.
ADD_CHECKSUM = (
    "ALTER TABLE stored_events ADD COLUMN checksum integer, "
    "ADD CONSTRAINT stored_events_summed CHECK (checksum IS NOT NULL) NOT VALID"
)


def _first(connection: Connection, recorders: tuple[PostgresApplicationRecorder, PostgresTrackingRecorder]) -> None:
    """Make the library's tables, without its types and functions, and ours."""
    for recorder in recorders:
        for statement in _tables(recorder):
            connection.execute(statement)
    connection.execute(COMPARE_BYTES)
    recorders[1]._insert_tracking(connection.cursor(row_factory=psycopg.rows.dict_row), Tracking("__migration__", 1))
    connection.execute(CREATE_IDENTITY)
    connection.execute(INSERT_IDENTITY, [uuid4().hex])
    for statement in (CREATE_ABOUT, CREATE_UNREADABLE, CREATE_MERGE):
        connection.execute(statement)


def _second(connection: Connection, _: object) -> None:
    """Make room for read models beside the live ones, which are derived again, and for accepted dead letters."""
    for statement in (*CREATE_REGISTRY, CREATE_DISCARDED):
        connection.execute(statement)


def _third(connection: Connection, _: object) -> None:
    """Make room for seals, for pseudonyms, and for what holds of the log from here on."""
    for statement in seals.tables(integer="bigint", blob="bytea"):
        connection.execute(statement.encode())
    for statement in CREATE_VAULT:
        connection.execute(statement)


def _fourth(connection: Connection, _: object) -> None:
    """Find what the service itself has to say."""
    connection.execute(CREATE_OWN)


def _fifth(connection: Connection, _: object) -> None:
    """Note up to where rows of files are known by their place."""
    connection.execute(NOTE_ROWS, [ROWS_BY_PLACE])


def _sixth(connection: Connection, _: object) -> None:
    """Make room for names in the vault."""
    connection.execute(ADD_NAME)


def _seventh(connection: Connection, _: object) -> None:
    """Keep out who would write rows and not note what the SQL views of costs have to be priced for."""


def _eighth(connection: Connection, _: object) -> None:
    """Make room for checksums, note up to which event there are none, and keep out who would write none."""
    connection.execute(ADD_CHECKSUM)
    connection.execute(NOTE_ROWS, [UNSUMMED])


MIGRATIONS = (_first, _second, _third, _fourth, _fifth, _sixth, _seventh, _eighth)


def make_noted(connection: Connection, name: str, recorder: Any) -> None:
    """Make a table of what read models are noted in, by its name, where it is gone."""
    if name == "tracking":
        for statement in _tables(recorder):
            connection.execute(statement)
        recorder._insert_tracking(connection.cursor(row_factory=psycopg.rows.dict_row), Tracking("__migration__", 1))
        return
    for create in (CREATE_ABOUT, CREATE_UNREADABLE, CREATE_DISCARDED, *CREATE_REGISTRY):
        if create.startswith(f"CREATE TABLE {name} "):
            connection.execute(create)


def _tables(recorder: PostgresRecorder) -> list[Any]:
    makes = ("CREATE TABLE", "CREATE UNIQUE INDEX")
    return [create for create in recorder.sql_create_statements if create.as_string().lstrip().startswith(makes)]


def version(database: Database) -> int:
    """Return the version of a schema, 0 where there is no store in it; raises NotOurs, NewerSchema."""
    with database.connect() as connection:
        return _version(connection, database)


def _version(connection: Connection, database: Database) -> int:
    ours, events = connection.execute(FIND_VERSIONS).fetchone() or (None, None)
    if ours is None:
        if events is not None:
            raise NotOurs(path=database.place, problem="it has a table stored_events of another application")
        return 0
    row = connection.execute(SELECT_VERSION).fetchone()
    done = int(row[0]) if row else 0
    if done > len(MIGRATIONS):
        raise NewerSchema(path=database.place, found=done, known=len(MIGRATIONS))
    return done


def migrate(database: Database, *recorders: Any) -> bool:
    """Bring a schema up to this version; False where it was. Raises NotMigrated for a role that may not."""
    if version(database) == len(MIGRATIONS):
        return False
    with preparing(database) as connection:
        if not connection.execute(FIND_SCHEMA, [database.schema]).fetchone():
            connection.execute(CREATE_SCHEMA.format(Identifier(database.schema)))
        done = _version(connection, database)
        if not done:
            connection.execute(CREATE_VERSIONS)
        for number, apply in enumerate(MIGRATIONS[done:], done + 1):
            apply(connection, recorders)
            connection.execute(WRITE_VERSION, [number])
    return True


@contextmanager
def preparing(database: Database) -> Iterator[Connection]:
    """Open a transaction in which tables are made, one process after another; raises NotMigrated."""
    with database.connect() as connection:
        connection.execute("SET lock_timeout = 0")  # the others are nearly done
        try:
            with connection.transaction():
                connection.execute(LOCK)
                yield connection
        except psycopg.errors.InsufficientPrivilege as error:
            raise NotMigrated(place=database.place, problem=database.message(error)) from None
