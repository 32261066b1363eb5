"""The read models: rows and checkpoints of every projection, committed together; the only SQL dialect code."""

from analytics_es.read_models.registry import Live
from analytics_es.read_models.snapshot import Snapshot, Span
from analytics_es.read_models.store import ReadModels

__all__ = ["Live", "ReadModels", "Snapshot", "Span"]
