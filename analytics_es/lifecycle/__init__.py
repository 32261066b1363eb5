"""What becomes of events: retention, sealing, erasure, archives, exports, backups."""

from typing import TYPE_CHECKING

from analytics_es.process import face

if TYPE_CHECKING:
    from analytics_es.lifecycle.archive_source import rebuild_from
    from analytics_es.lifecycle.backup import back_up
    from analytics_es.lifecycle.erasure import Erasure
    from analytics_es.lifecycle.export import export_data
    from analytics_es.lifecycle.retention import RetentionPolicy
    from analytics_es.lifecycle.sealing import Sealing

__all__ = ["Erasure", "RetentionPolicy", "Sealing", "back_up", "export_data", "rebuild_from"]

_HOMES = {
    "archive_source": ["rebuild_from"],
    "backup": ["back_up"],
    "erasure": ["Erasure"],
    "export": ["export_data"],
    "retention": ["RetentionPolicy"],
    "sealing": ["Sealing"],
}

if not TYPE_CHECKING:
    __getattr__ = face(__name__, _HOMES)
