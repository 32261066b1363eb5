"""The event log on PostgreSQL, and what is needed to keep read models beside it."""

from collections.abc import Iterator
from contextlib import contextmanager

from analytics_es.log.postgres import migrations
from analytics_es.log.postgres.database import Database
from analytics_es.log.postgres.log import PostgresLog
from analytics_es.log.postgres.vault import PostgresEntries

__all__ = ["Database", "PostgresEntries", "PostgresLog", "migrations", "opened"]


@contextmanager
def opened(url: str, schema: str) -> Iterator[Database]:
    """Open a schema for a moment."""
    database = Database(url, schema)
    try:
        yield database
    finally:
        database.close()
