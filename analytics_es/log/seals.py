"""Seals: what a log keeps of events that are gone: their rows, their number by day, and up to when."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from attrs import astuple, frozen

from analytics_es.errors import DamagedSealing
from analytics_es.events.event import MICRO, key_of_time
from analytics_es.log import signed
from analytics_es.log.database import Cursor, Database
from analytics_es.log.horizon import Horizon, Times, condition, of_family

HORIZON, REFUSED = "horizon", "refused"

# Up to when, and how many events were refused for that.
SELECT_STATE = "SELECT value FROM sealing WHERE name = ?"
WRITE_STATE = "INSERT INTO sealing VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
COUNT_REFUSED = (
    f"INSERT INTO sealing VALUES ('{REFUSED}', ?) ON CONFLICT (name) DO UPDATE SET "
    "value = CAST(CAST(sealing.value AS BIGINT) + CAST(excluded.value AS BIGINT) AS TEXT)"
)

# What is kept of sealed events: rows of each definition and day, packed.
INSERT_ROWS = "INSERT INTO sealed_rows VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
SELECT_ROWS = (
    "SELECT seal, projection, definition, grain, day, rows, sha256, content FROM sealed_rows "
    "WHERE projection = ? AND day >= ? AND day < ? ORDER BY seal, day, definition, grain"
)

# Which definitions a seal holds rows of.
INSERT_DEFINITION = "INSERT INTO seals VALUES (?, ?, ?, ?)"
SELECT_DEFINITIONS = "SELECT seal, definition, declared FROM seals WHERE projection = ? ORDER BY seal, definition"

# Change rows that must not be kept in that form.
REPLACE_ROWS = (
    "UPDATE sealed_rows SET rows = ?, sha256 = ?, content = ? "
    "WHERE seal = ? AND projection = ? AND definition = ? AND grain = ? AND day = ?"
)

# The projections of which rows are kept.
SELECT_PROJECTIONS = "SELECT DISTINCT projection FROM seals ORDER BY projection"

# Let go of rows that are older than they are to be kept.
DELETE_ROWS = "DELETE FROM sealed_rows WHERE grain = ? AND day < ?"

# How many events of each day were sealed, and the sum of their checksums.
INSERT_DAY = "INSERT INTO sealed_days VALUES (?, ?, ?, ?)"
SELECT_DAYS = (
    "SELECT day, CAST(sum(events) AS BIGINT), CAST(sum(checksum) AS BIGINT) FROM sealed_days GROUP BY day ORDER BY day"
)

# What is kept of seals, but for the rows themselves, which have checksums of their own.
SELECT_KEPT = (
    "SELECT seal, projection, definition FROM seals",
    "SELECT seal, projection, definition, grain, day, rows, sha256 FROM sealed_rows",
    "SELECT seal, day, events, checksum FROM sealed_days",
)

NONE_KEPT = signed.sum_of([[]] * len(SELECT_KEPT))

# The first event that is older than it is to be kept, of a stretch of time.
FIRST_BEFORE = (
    "SELECT originator_id FROM stored_events WHERE originator_id >= ? AND originator_id < ? AND {old}{unsealed} "
    "ORDER BY originator_id LIMIT 1"
)

# What nobody notes.
SELECT_STRANGE = f"SELECT name FROM sealing WHERE name NOT IN ('{HORIZON}', '{REFUSED}')"

# What would be sealed.
COUNT_EVENTS = "SELECT topic, count(*), sum(length(state)) FROM stored_events WHERE {old} GROUP BY topic ORDER BY topic"


@frozen(order=True)
class SealedRows:
    """The rows of one grain (or what was unreadable) of one definition on one day, packed, with their checksum."""

    seal: int
    projection: str
    definition: str  # its fingerprint
    grain: str
    day: int
    rows: int
    sha256: str
    content: bytes


class Size(NamedTuple):
    """The bytes that a log takes on disk, and of these, the ones that later events will use first."""

    bytes: int
    free: int


class Counted(NamedTuple):
    """How many events of a type there are, and the bytes of what they say."""

    type: str
    events: int
    bytes: int


class Definition(NamedTuple):
    """A definition whose rows a seal holds: its fingerprint, and its text."""

    seal: int
    projection: str
    definition: str
    declared: str


class Seals(ABC):
    """The seals of one log, in its own database: they are as much the truth as the events were."""

    lock: str | None = None  # what keeps others from appending, where a transaction alone does not

    def __init__(self, database: Database) -> None:
        self._database = database

    # ── what a database does in its own way ─────────────────────────────────────────────────────────────────────

    @abstractmethod
    def delete(self, limit: int) -> int:
        """Delete at most so many of the events that are sealed, never the last one of the log; returns how many."""

    @abstractmethod
    def size(self) -> Size:
        """Return how large the log is."""

    @abstractmethod
    def shrink(self) -> Iterator[None]:
        """Give back the space of what was deleted, step by step: others write between."""

    # ── what follows ────────────────────────────────────────────────────────────────────────────────────────────

    def horizon(self) -> Horizon:
        """Return up to when events are refused and sealed."""
        with self._database.glance() as cursor:
            return horizon_of(cursor)

    def advance(self, horizon: Horizon) -> None:
        """Change the horizon; who appends afterwards is refused what is before it."""
        with self._changing() as cursor:
            if self.lock:
                cursor.execute(self.lock)
            _write(cursor, horizon)

    @contextmanager
    def _changing(self) -> Iterator[Cursor]:
        """Open a transaction that changes what is kept, of which nothing is damaged; raises DamagedSealing."""
        with self._database.write() as cursor:
            _check(cursor)
            yield cursor
            if horizon := _text_of(cursor):
                cursor.execute(WRITE_STATE, (HORIZON, signed.signed(Horizon.read(horizon).write(), _kept(cursor))))

    def check(self) -> None:
        """Raise DamagedSealing where what is kept is not what was sealed, as far as their sum says.

        Rows are read, and their own checksums looked at, by who derives from them.
        """
        with self._database.look() as cursor:
            _check(cursor)

    def seal(
        self,
        horizon: Horizon,
        definitions: Iterable[Definition],
        rows: Iterable[SealedRows],
        days: Iterable[tuple[int, int, int]],
    ) -> None:
        """Keep rows and days in the place of events, and move the horizon, all in one transaction."""
        with self._changing() as cursor:
            for definition in definitions:
                cursor.execute(INSERT_DEFINITION, definition)
            for sealed in rows:
                cursor.execute(INSERT_ROWS, astuple(sealed))
            for day in days:
                cursor.execute(INSERT_DAY, (horizon.seal, *day))
            _write(cursor, horizon)

    def rows(self, projection: str, start: int, end: int) -> Iterator[SealedRows]:
        """Return what is kept of a projection on the days that start in [start, end)."""
        return (SealedRows(*row) for row in self._fetch(SELECT_ROWS, projection, start, end))

    def definitions(self, projection: str) -> list[Definition]:
        """Return which definitions of a projection were sealed, seal by seal."""
        rows = self._fetch(SELECT_DEFINITIONS, projection)
        return [Definition(seal, projection, name, declared) for seal, name, declared in rows]

    def projections(self) -> list[str]:
        """Return the names of the projections that have sealed rows."""
        return [name for (name,) in self._fetch(SELECT_PROJECTIONS)]

    def replace(self, rows: Iterable[SealedRows]) -> None:
        """Change what is kept: only for what must not be kept in that form."""
        with self._changing() as cursor:
            for sealed in rows:
                *identity, count, digest, content = astuple(sealed)
                cursor.execute(REPLACE_ROWS, (count, digest, content, *identity))

    def days(self) -> list[tuple[int, int, int]]:
        """Return, day by day, how many events were sealed, and the sum of their checksums."""
        return [(int(day), int(events), int(checksum)) for day, events, checksum in self._fetch(SELECT_DAYS)]

    def count(self, times: Times) -> list[Counted]:
        """Count what occurred before these times, by type."""
        rows = self._fetch(COUNT_EVENTS.format(old=condition(times)))
        return [Counted(kind, int(events), int(size)) for kind, events, size in rows]

    def first_before(self, times: Times) -> str | None:
        """Return the key of the first event that occurred before these times and is not sealed, None where none is."""
        bounded = {family: at for family, at in times.items() if at}
        if not bounded:
            return None
        with self._database.look() as cursor:
            horizon = horizon_of(cursor)
            since = min(of_family(horizon.sealed, family) for family in bounded)
            bounds = key_of_time(since * MICRO), key_of_time(max(bounded.values()) * MICRO)
            cursor.execute(FIRST_BEFORE.format(old=condition(times), unsealed=horizon.unsealed()), bounds)
            row = cursor.fetchone()
        return row and str(row[0])

    def drop(self, grain: str, before: int) -> None:
        """Let go of the rows of one grain that are older than they are to be kept."""
        with self._changing() as cursor:
            cursor.execute(DELETE_ROWS, (grain, before))

    def count_refused(self, events: int) -> None:
        """Count events that came too late to be taken in."""
        with self._database.write() as cursor:
            cursor.execute(COUNT_REFUSED, (str(events),))

    def refused(self) -> int:
        """Return how many events came too late to be taken in."""
        return next((int(text) for (text,) in self._fetch(SELECT_STATE, REFUSED)), 0)

    def _fetch(self, statement: str, *parameters: object) -> list[Any]:
        with self._database.look() as cursor:
            cursor.execute(statement, parameters)
            rows: list[Any] = cursor.fetchall()
        return rows


def horizon_of(cursor: Cursor) -> Horizon:
    """Read the horizon in a transaction; raises DamagedSealing."""
    return Horizon.read(_text_of(cursor))


def _text_of(cursor: Cursor) -> str | None:
    cursor.execute(SELECT_STATE, (HORIZON,))
    row = cursor.fetchone()
    return row[0] if row else None


def _write(cursor: Cursor, horizon: Horizon) -> None:
    cursor.execute(WRITE_STATE, (HORIZON, horizon.write()))


def _kept(cursor: Cursor) -> str:
    tables = []
    for statement in SELECT_KEPT:
        cursor.execute(statement)
        tables.append(cursor.fetchall())
    return signed.sum_of(tables)


def _check(cursor: Cursor) -> None:
    text = _text_of(cursor)
    kept = signed.read(text)[1] if text else NONE_KEPT
    if kept is not None and kept != _kept(cursor):
        raise DamagedSealing(problem="seals, sealed rows or sealed days have another checksum")
    cursor.execute(SELECT_STRANGE)
    if row := cursor.fetchone():
        raise DamagedSealing(problem=f"{row[0]!r} is noted of it, which nobody notes")


def tables(*, integer: str, blob: str) -> list[str]:
    """Return the statements that create what seals are kept in, in the words of a database."""
    return [
        "CREATE TABLE IF NOT EXISTS sealing (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
        f"CREATE TABLE IF NOT EXISTS seals (seal {integer} NOT NULL, projection TEXT NOT NULL, "
        "definition TEXT NOT NULL, declared TEXT NOT NULL, PRIMARY KEY (seal, projection, definition))",
        f"CREATE TABLE IF NOT EXISTS sealed_rows (seal {integer} NOT NULL, projection TEXT NOT NULL, "
        f"definition TEXT NOT NULL, grain TEXT NOT NULL, day {integer} NOT NULL, rows {integer} NOT NULL, "
        f"sha256 TEXT NOT NULL, content {blob} NOT NULL, PRIMARY KEY (projection, day, seal, definition, grain))",
        f"CREATE TABLE IF NOT EXISTS sealed_days (seal {integer} NOT NULL, day {integer} NOT NULL, "
        f"events {integer} NOT NULL, checksum {integer} NOT NULL, PRIMARY KEY (seal, day))",
    ]
