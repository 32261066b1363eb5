"""Where the entries of a vault are kept: beside the log, in its own database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

from analytics_es.log.database import Cursor

# The pseudonym of a digest.
FIND = "SELECT pseudonym FROM vault WHERE digest = ?"

# Of several who give one subject a pseudonym at once, one does.
ADD = "INSERT INTO vault (digest, pseudonym) VALUES (?, ?) ON CONFLICT DO NOTHING"

# Remove an entry, and say whether there was one.
DESTROY = "DELETE FROM vault WHERE digest = ? RETURNING 1"

# How many entries were destroyed, and the check value of the key.
MOVE_ON = (
    "INSERT INTO {about} VALUES ('generation', '1') "
    "ON CONFLICT (name) DO UPDATE SET value = CAST(CAST({about}.value AS BIGINT) + 1 AS TEXT)"
)
ABOUT = "SELECT value FROM {about} WHERE name = ?"
NOTE = "INSERT INTO {about} VALUES (?, ?) ON CONFLICT DO NOTHING"


class Entries(ABC):
    """Where the entries of one vault are: digest → pseudonym. None of it tells who somebody is."""

    place: object  # where that is, for people
    about: str  # the table of what is noted of them

    @abstractmethod
    def writing(self) -> AbstractContextManager[Cursor]:
        """Open a transaction that is durable when it ends."""

    @abstractmethod
    def look_up(self, statement: str, name: bytes | str) -> str | None:
        """Return what a statement selects under a name, None where that is nothing."""

    @abstractmethod
    def scrub(self) -> list[str]:
        """Overwrite what was removed; says in words what of it remains somewhere."""

    @abstractmethod
    def close(self) -> None:
        """Close what is open."""

    def find(self, digest: bytes) -> str | None:
        """Return the pseudonym of a digest, None where there is none."""
        return self.look_up(FIND, digest)

    def add(self, digest: bytes, pseudonym: str) -> str:
        """Give a digest a pseudonym, durably, unless it has one; returns the one it has."""
        with self.writing() as cursor:
            cursor.execute(ADD, (digest, pseudonym))
            return str(cursor.execute(FIND, [digest]).fetchone()[0])

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
