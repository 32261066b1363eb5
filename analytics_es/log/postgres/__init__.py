"""The event log on PostgreSQL, and what is needed to keep read models beside it."""

from analytics_es.log.postgres import migrations
from analytics_es.log.postgres.database import Database
from analytics_es.log.postgres.log import PostgresLog
from analytics_es.log.postgres.vault import PostgresEntries

__all__ = ["Database", "PostgresEntries", "PostgresLog", "migrations"]
