"""The registry: which read model of each projection is live, of which definition, and which are set aside."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from analytics_es.errors import HERE, StoreDamaged
from analytics_es.log.database import Cursor
from analytics_es.projection.declaration import Declaration, defined

# Where the live read models stand.
SELECT_LIVE = (
    "SELECT projection, generation, definition, log, retired, coalesce(notification_id, 0) FROM registry "
    "LEFT JOIN tracking ON application_name = log || ':' || read_model"
)

# What the read models are of, in which zone, and up to which seal one of them has begun with what is sealed.
WRITE_ABOUT = "INSERT INTO about VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
FORGET_ABOUT = "DELETE FROM about WHERE name = ?"

# Make a read model the live one of its projection.
REGISTER = (
    "INSERT INTO registry VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (projection) DO UPDATE SET "
    "read_model = excluded.read_model, generation = excluded.generation, definition = excluded.definition, "
    "log = excluded.log, retired = excluded.retired"
)

# Which read models are not live.
SET_ASIDE = "INSERT INTO aside VALUES (?, ?) ON CONFLICT DO NOTHING"
SELECT_ASIDE = "SELECT read_model, log FROM aside"
FORGET = "DELETE FROM aside WHERE read_model = ?"


@frozen
class Live:
    """A live read model: its definition and generation, its position, its log, and fingerprints that were before it."""

    declaration: Declaration
    position: int
    log: str
    retired: tuple[str, ...]

    def retired_by(self, successor: Declaration) -> list[str]:
        """Return the fingerprints that were before a definition that takes its place."""
        before = dict.fromkeys([*self.retired, self.declaration.fingerprint])
        return [fingerprint for fingerprint in before if fingerprint != successor.fingerprint]


def live(cursor: Cursor) -> dict[str, Live]:
    """Return the live read models by projection; raises StoreDamaged."""
    cursor.execute(SELECT_LIVE)
    return {
        name: Live(_defined(name, definition, generation), position, log, tuple(retired.split()))
        for name, generation, definition, log, retired, position in cursor.fetchall()
    }


def _defined(name: str, definition: str, generation: int) -> Declaration:
    try:
        return defined(definition, generation)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise StoreDamaged(path=HERE, problem=f"the registry has no definition of {name!r:.80}") from None


def register(cursor: Cursor, declaration: Declaration, log: str, retired: Sequence[str] = ()) -> None:
    """Make a read model the live one of its projection."""
    columns = (declaration.name, declaration.table, declaration.generation, declaration.definition)
    cursor.execute(REGISTER, (*columns, log, " ".join(retired)))


def promote(cursor: Cursor, beside: Declaration, before: Live) -> None:
    """Make a read model that was set aside the live one, and set the other aside."""
    set_aside(cursor, before.declaration.table, before.log)
    forget(cursor, beside.table)
    register(cursor, beside, before.log, before.retired_by(beside))


def set_aside(cursor: Cursor, table: str, log: str) -> None:
    """Note a read model that is not live."""
    cursor.execute(SET_ASIDE, (table, log))


def aside(cursor: Cursor) -> dict[str, str]:
    """Return the read models that are not live, each with its log."""
    cursor.execute(SELECT_ASIDE)
    return dict(map(tuple, cursor.fetchall()))


def forget(cursor: Cursor, table: str) -> None:
    """Take a read model off the list of those set aside."""
    cursor.execute(FORGET, (table,))
