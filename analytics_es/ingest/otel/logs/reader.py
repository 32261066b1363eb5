"""Log records → events: what agents tell of their calls and tools; all else is ignored, and counted by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from attrs import define, field

from analytics_es.ingest.otel.logs.record import LogRecord


@define
class LogReader:
    """Turns log records into events, and counts those that give none, by the name of the event or of the scope.

    read: how many records were read. ignored: how many of them gave no event, by name.
    """

    read: int = field(default=0, init=False)
    ignored: Counter[str] = field(factory=Counter, init=False)

    def events(self, records: Iterable[LogRecord]) -> list[dict[str, Any]]:
        """Return the events of some records, in the shape that `record_events` takes."""
        events = list[dict[str, Any]]()
        for record in records:
            self.read += 1
            self.ignored[record.event_name or record.scope] += 1
        return events
