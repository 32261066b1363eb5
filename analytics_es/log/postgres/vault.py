"""The vault's entries in a table of a PostgreSQL schema, which is written anew when one is destroyed."""

from __future__ import annotations

from analytics_es.log.postgres.database import Database
from analytics_es.log.pseudonyms import Entries

FIND = "SELECT pseudonym FROM vault WHERE digest = %s"

# Of several who give one subject a pseudonym at once, one does.
ADD = "INSERT INTO vault (digest, pseudonym) VALUES (%s, %s) ON CONFLICT DO NOTHING"

DESTROY = "DELETE FROM vault WHERE digest = %s"
MOVE_ON = (
    "INSERT INTO vault_about VALUES ('generation', '1') "
    "ON CONFLICT (name) DO UPDATE SET value = (vault_about.value::bigint + 1)::text"
)
ABOUT = "SELECT value FROM vault_about WHERE name = %s"
NOTE = "INSERT INTO vault_about VALUES (%s, %s) ON CONFLICT DO NOTHING"


class PostgresEntries(Entries):
    """Entries in the schema of a log, whose database is the log's to close."""

    def __init__(self, database: Database) -> None:
        self.place = database.place
        self._database = database

    def find(self, digest: bytes) -> str | None:
        """Return the pseudonym of a digest, None where there is none."""
        return self._one(FIND, digest)

    def _one(self, statement: str, name: bytes | str) -> str | None:
        def look() -> str | None:
            with self._database.connection() as connection:
                row = connection.execute(statement.encode(), [name]).fetchone()
            return None if row is None else str(next(iter(row.values())))

        return self._database.again(look)

    def add(self, digest: bytes, pseudonym: str) -> str:
        """Give a digest a pseudonym, durably, unless it has one; returns the one it has."""

        def insert() -> None:
            with self._database.connection() as connection:
                connection.execute(ADD.encode(), (digest, pseudonym))

        self._database.again(insert)
        return self.find(digest) or pseudonym

    def destroy(self, digest: bytes) -> bool:
        """Remove an entry, durably, and move on the generation; False where there was none."""
        with self._database.connection() as connection, connection.transaction():
            destroyed = connection.execute(DESTROY.encode(), [digest]).rowcount == 1
            connection.execute(MOVE_ON.encode())
        return destroyed

    def scrub(self) -> list[str]:
        """Write the table anew, from what is in it; the server's log has what it has."""
        if self._database.scrub(["vault"], compact=True):
            return []
        return ["the pages of the table vault, until somebody who may does VACUUM FULL vault"]

    def generation(self) -> int:
        """Return how many times an entry was destroyed."""
        return int(self._one(ABOUT, "generation") or 0)

    def check_value(self, mine: str | None = None) -> str | None:
        """Return the check value of the key the vault was made with, which is `mine` where there was none."""
        if mine is not None:
            with self._database.connection() as connection:
                connection.execute(NOTE.encode(), ("key", mine))
        return self._one(ABOUT, "key")

    def close(self) -> None:
        """Leave the database to the log."""
