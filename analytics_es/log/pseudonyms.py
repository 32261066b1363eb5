"""Where the entries of a vault are kept: beside the log, in its own database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from analytics_es.log.database import Cursor

# The pseudonym of a digest.
FIND = "SELECT pseudonym FROM vault WHERE digest = ?"

# Of several who give one subject a pseudonym at once, one does.
ADD = "INSERT INTO vault (digest, pseudonym, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"

# Whether an entry has a name; give it one; take all of them away.
NAMED = "SELECT pseudonym FROM vault WHERE digest = ? AND name IS NOT NULL"
NAME = "UPDATE vault SET name = ? WHERE digest = ? AND name IS NULL"
UNNAME = "UPDATE vault SET name = NULL WHERE name IS NOT NULL RETURNING 1"

# The entries of so many pseudonyms; there is no index, since it would hold what was destroyed for longer.
OF_PSEUDONYMS = "SELECT pseudonym, digest, name FROM vault WHERE pseudonym IN ({marks})"
AT_ONCE = 10_000

# Remove an entry, and say whether there was one.
DESTROY = "DELETE FROM vault WHERE digest = ? RETURNING 1"

# How many entries were destroyed, and the check value of the key.
MOVE_ON = (
    "INSERT INTO {about} VALUES ('generation', '1') "
    "ON CONFLICT (name) DO UPDATE SET value = CAST(CAST({about}.value AS BIGINT) + 1 AS TEXT)"
)
ABOUT = "SELECT value FROM {about} WHERE name = ?"
NOTE = "INSERT INTO {about} VALUES (?, ?) ON CONFLICT DO NOTHING"


class NamedEntry(NamedTuple):
    """An entry, with the name that was sealed for it, None where there is none."""

    pseudonym: str
    digest: bytes
    name: bytes | None


class Entries(ABC):
    """Where the entries of one vault are: digest → pseudonym. None of it tells who somebody is, without the key."""

    place: object  # where that is, for people
    about: str  # the table of what is noted of them

    @abstractmethod
    def writing(self) -> AbstractContextManager[Cursor]:
        """Open a transaction that is durable when it ends."""

    @abstractmethod
    def rows(self, statement: str, parameters: Sequence[bytes | str]) -> list[Any]:
        """Return what a statement selects."""

    @abstractmethod
    def scrub(self) -> list[str]:
        """Overwrite what was removed; says in words what of it remains somewhere."""

    @abstractmethod
    def close(self) -> None:
        """Close what is open."""

    def look_up(self, statement: str, name: bytes | str) -> str | None:
        """Return what a statement selects under a name, None where that is nothing."""
        rows = self.rows(statement, [name])
        return str(rows[0][0]) if rows else None

    def find(self, digest: bytes) -> str | None:
        """Return the pseudonym of a digest, None where there is none."""
        return self.look_up(FIND, digest)

    def add(self, digest: bytes, pseudonym: str, name: bytes | None = None) -> str:
        """Give a digest a pseudonym, and its sealed name, durably, unless it has one; returns the one it has."""
        with self.writing() as cursor:
            cursor.execute(ADD, (digest, pseudonym, name))
            return str(cursor.execute(FIND, [digest]).fetchone()[0])

    def named(self, digest: bytes) -> bool:
        """Say whether an entry has a name."""
        return self.look_up(NAMED, digest) is not None

    def name(self, digest: bytes, sealed: bytes) -> None:
        """Give an entry the name that was sealed for it, durably, unless it has one."""
        with self.writing() as cursor:
            cursor.execute(NAME, (sealed, digest))

    def unname(self) -> int:
        """Take the names of all entries away, durably, and say how many there were."""
        with self.writing() as cursor:
            return len(cursor.execute(UNNAME).fetchall())

    def of(self, pseudonyms: Sequence[str]) -> list[NamedEntry]:
        """Return the entries that there are of these pseudonyms."""
        entries = []
        for first in range(0, len(pseudonyms), AT_ONCE):
            asked = pseudonyms[first : first + AT_ONCE]
            statement = OF_PSEUDONYMS.format(marks=", ".join("?" * len(asked)))
            rows = self.rows(statement, asked)
            entries += [NamedEntry(text, bytes(digest), name and bytes(name)) for text, digest, name in rows]
        return entries

    def destroy(self, digest: bytes) -> bool:
        """Remove an entry, durably, and move on the generation; False where there was none."""
        with self.writing() as cursor:
            destroyed = cursor.execute(DESTROY, [digest]).fetchall()
            cursor.execute(MOVE_ON.format(about=self.about))
        return bool(destroyed)

    def generation(self) -> int:
        """Return how many times an entry was destroyed."""
        return int(self.look_up(ABOUT.format(about=self.about), "generation") or 0)

    def check_value(self, mine: str | None = None) -> str | None:
        """Return the check value of the key the vault was made with, which is `mine` where there was none."""
        if mine is not None:
            with self.writing() as cursor:
                cursor.execute(NOTE.format(about=self.about), ("key", mine))
        return self.look_up(ABOUT.format(about=self.about), "key")
