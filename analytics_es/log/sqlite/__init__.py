"""The event log on SQLite, and what is needed to keep read models beside it."""

from analytics_es.log.sqlite.log import SQLiteLog

__all__ = ["SQLiteLog"]
