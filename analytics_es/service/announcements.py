"""What looks as if the service had said it, and is ignored because the service does not speak so: listed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics_es.cost.price_log import DEFAULT_CHANGED, PUBLISHED, read_default, read_published
from analytics_es.cost.tags import DECLARED, read_tags
from analytics_es.ingest import PrivacyPolicy
from analytics_es.ingest.in_force import CONFIGURED
from analytics_es.lifecycle import RetentionPolicy
from analytics_es.lifecycle.copies import BACKED_UP, EXPORTED, REPORTED, Copy, Report
from analytics_es.lifecycle.retention import RETENTION_CONFIGURED, SEALED
from analytics_es.lifecycle.trace import BEGUN, FORGOTTEN, read_begun, read_forgotten
from analytics_es.log import EventLog, announced
from analytics_es.log.announcements import Read, number
from analytics_es.types import Listing, UnreadAnnouncement

# How each is read where it matters; of the rest, what must be in it.
READERS: Mapping[str, Read[Any]] = {
    DECLARED: read_tags,
    PUBLISHED: read_published,
    DEFAULT_CHANGED: read_default,
    CONFIGURED: PrivacyPolicy.read,
    RETENTION_CONFIGURED: RetentionPolicy.read,
    EXPORTED: lambda data: Copy.of(0, EXPORTED, data),
    BACKED_UP: lambda data: Copy.of(0, BACKED_UP, data),
    REPORTED: Report.of,
    BEGUN: read_begun,
    FORGOTTEN: read_forgotten,
    SEALED: lambda data: (number(data, "seal"), number(data, "events")),
}


def unread_announcements(log: EventLog) -> Listing[UnreadAnnouncement]:
    """List, by position, what cannot be read and is ignored; from an index."""
    unread = (announced(log, event_type, read).unread for event_type, read in READERS.items())
    announcements = (announcement for listed in unread for announcement in listed)
    return Listing(sorted(announcements, key=lambda one: one.position), of=UnreadAnnouncement)
