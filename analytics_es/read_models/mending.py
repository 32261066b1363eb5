"""What read models of a PostgreSQL schema are noted in, made anew where a table of it is gone or unusable."""

from __future__ import annotations

import logging
from itertools import count
from typing import Any

from analytics_es.errors import StoreDamaged
from analytics_es.log.postgres import Database, migrations
from analytics_es.log.postgres.checkpoints import PostgresCheckpoints
from analytics_es.log.postgres.database import Cursor
from analytics_es.read_models import registry

logger = logging.getLogger("analytics_es")

# The tables that say what read models are, with their columns.
NOTED = {
    "about": {"name", "value"},
    "unreadable": {"projection", "hour", "position", "field"},
    "discarded": {"projection", "position", "field"},
    "registry": {"projection", "read_model", "generation", "definition", "log", "retired"},
    "aside": {"read_model", "log"},
    "ledger": {"read_model", "day", "events", "checksum"},
    "tracking": {"application_name", "notification_id"},
}

# The columns of tables that are there.
COLUMNS_OF = (
    "SELECT name, array_agg(attname::text) FROM unnest(?::text[]) AS name JOIN pg_attribute "
    "ON attrelid = to_regclass(name) AND attnum > 0 AND NOT attisdropped GROUP BY name"
)

# Give a table another name.
RENAME = "ALTER TABLE {} RENAME TO {}"

# What was noted of read models that are all derived again; the marks of what was accepted stay.
FORGET = tuple(f"DELETE FROM {name}" for name in ("registry", "ledger", "unreadable"))
FORGET_CHECKPOINTS = "DELETE FROM tracking WHERE application_name LIKE '%:%'"


def mend(database: Database) -> None:
    """Make what read models are noted in whole again; where something was lost, all of them are derived anew."""
    with database.read() as cursor:
        broken = _broken(cursor)
    if not broken:
        return
    with migrations.preparing(database) as connection:
        cursor = Cursor(connection.cursor())
        for name, is_there in _broken(cursor).items():  # another process may have been faster
            aside = _free_name(cursor, name)
            if is_there:
                cursor.execute(RENAME.format(name, aside))
            migrations.make_noted(connection, name, PostgresCheckpoints(database))
            what = f"is unusable, and is now {aside}" if is_there else "was not there"
            logger.warning(
                "The table %s of %s %s: read models are derived again from the log.", name, database.place, what
            )
        for statement in (*FORGET, FORGET_CHECKPOINTS):
            cursor.execute(statement)


def _broken(cursor: Any) -> dict[str, bool]:
    """Return the names of tables that cannot be used, and whether they are there."""
    columns = dict(cursor.execute(COLUMNS_OF, [list(NOTED)]).fetchall())
    broken = {name: name in columns for name, names in NOTED.items() if not names <= {*columns.get(name, ())}}
    if not broken:
        try:
            registry.live(cursor)
        except StoreDamaged:
            return {"registry": True}
    return broken


def _free_name(cursor: Any, name: str) -> str:
    names = (f"{name}_damaged_{number}" for number in count(1))
    return next(free for free in names if not cursor.execute(COLUMNS_OF, [[free]]).fetchall())
