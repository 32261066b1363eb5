"""The read models: rows and checkpoints of every projection, committed together; the only SQL dialect code."""

from analytics_es.views.port import Views
from analytics_es.views.registry import Live
from analytics_es.views.snapshot import Snapshot, Span

__all__ = ["Live", "Snapshot", "Span", "Views"]
