"""The vault's entries in a table of a PostgreSQL schema, which is written anew when one is destroyed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg.rows import tuple_row

from analytics_es.log.postgres.database import Cursor, Database
from analytics_es.log.pseudonyms import ADD, Entries


class PostgresEntries(Entries):
    """Entries in the schema of a log, whose database is the log's to close."""

    about = "vault_about"

    def __init__(self, database: Database) -> None:
        self.place = database.place
        self._database = database

    @contextmanager
    def writing(self) -> Iterator[Cursor]:
        """Open a transaction that is durable when it ends."""
        with self._database.connection() as connection, connection.transaction():
            yield Cursor(connection.cursor(row_factory=tuple_row))

    def rows(self, statement: str, parameters: Sequence[bytes | str]) -> list[Any]:
        """Return what a statement selects."""

        def look() -> list[Any]:
            with self._database.connection() as connection:
                return Cursor(connection.cursor(row_factory=tuple_row)).execute(statement, parameters).fetchall()

        return self._database.again(look)

    def add(self, digest: bytes, pseudonym: str, name: bytes | None = None) -> str:
        """Give a digest a pseudonym, and its sealed name, durably, unless it has one; returns the one it has."""

        def insert() -> None:
            with self._database.connection() as connection:
                Cursor(connection.cursor()).execute(ADD, (digest, pseudonym, name))

        self._database.again(insert)
        return self.find(digest) or pseudonym

    def scrub(self) -> list[str]:
        """Write the table anew, from what is in it; the server's log has what it has."""
        if self._database.scrub(["vault"], compact=True):
            return []
        return ["the pages of the table vault, until somebody who may does VACUUM FULL vault"]

    def close(self) -> None:
        """Leave the database to the log."""
