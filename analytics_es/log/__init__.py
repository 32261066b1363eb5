"""The event log: append-only, on eventsourcing's recorders; everything said in positions is here."""

from analytics_es.log.sqlite import Appended, Entry, SQLiteLog

__all__ = ["Appended", "Entry", "SQLiteLog"]
