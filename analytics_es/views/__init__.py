"""The read models: rows and checkpoints of every projection, committed together; the only SQL dialect code."""

from analytics_es.views.sqlite import Snapshot, Span, SQLiteViews

__all__ = ["SQLiteViews", "Snapshot", "Span"]
