"""What becomes of events: retention, sealing, erasure, archives, exports, backups."""

from analytics_es.lifecycle.retention import RetentionPolicy

__all__ = ["RetentionPolicy"]
