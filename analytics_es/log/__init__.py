"""The event log: append-only, on eventsourcing's recorders; everything said in positions is here."""

from analytics_es.log.address import absolute, log_path, on_server, redacted
from analytics_es.log.announcements import Announcements, announced, last_announced
from analytics_es.log.event_log import REWRITTEN, ROWS_BY_PLACE, Appended, Entry, EventLog, Held, check_horizon
from analytics_es.log.holding import Holding
from analytics_es.log.horizon import Horizon
from analytics_es.log.proof import damaged, damaged_at, damaged_upto
from analytics_es.log.scanned import gathered
from analytics_es.log.slice import LogSlice

__all__ = [
    "REWRITTEN",
    "ROWS_BY_PLACE",
    "Announcements",
    "Appended",
    "Entry",
    "EventLog",
    "Held",
    "Holding",
    "Horizon",
    "LogSlice",
    "absolute",
    "announced",
    "check_horizon",
    "damaged",
    "damaged_at",
    "damaged_upto",
    "gathered",
    "last_announced",
    "log_path",
    "on_server",
    "redacted",
]
