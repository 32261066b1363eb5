"""Log records → events: what agents tell of their calls and tools; all else is ignored, and counted by name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from attrs import define, field

from analytics_es.events.checks import MAX_TEXT
from analytics_es.events.event import time_of
from analytics_es.ingest.otel.logs.agents import AGENTS, Kind, kinds_of
from analytics_es.ingest.otel.logs.fields import fields_of, left_over
from analytics_es.ingest.otel.logs.operations import details
from analytics_es.ingest.otel.logs.record import LogRecord

MOST_NAMES = 1000  # of what is ignored: a sender may make up any number
OTHERS, UNNAMED = "(others)", "(without a name)"


@define
class LogReader:
    """Turns log records into events, and counts those that give none, by the name of the event or of the scope.

    read: how many records were read. ignored: how many of them gave no event, by name.
    """

    read: int = field(default=0, init=False)
    ignored: Counter[str] = field(factory=Counter, init=False)

    def events(self, records: Iterable[LogRecord]) -> list[dict[str, Any]]:
        """Return the events of some records, in the shape that `record_events` takes."""
        return [event for record in records if (event := self.event(record))]

    def event(self, record: LogRecord) -> dict[str, Any] | None:
        """Return the event of a record, None where it gives none."""
        self.read += 1
        name = name_of(record)
        for kind in kinds_of(name):
            if kind.fits(record.attributes):
                return _event(record, kind)
        if (event := details(record, name)) is not None:
            return event
        self._ignore(name or record.scope or record.service or UNNAMED)
        return None

    def _ignore(self, name: str) -> None:
        known = name in self.ignored or len(self.ignored) < MOST_NAMES
        self.ignored[name[:MAX_TEXT] if known else OTHERS] += 1


def name_of(record: LogRecord) -> str:
    """Return what a record is called: by its attribute, its field, or, of an agent, its body, with the agent's prefix.

    The attribute goes first: a library of Codex's language puts a place of the source into the field.
    """
    told = record.attributes.get("event.name") or record.event_name
    body = record.body if type(record.body) is str else ""
    name = told if type(told) is str else ""
    for agent in AGENTS:
        if name.startswith(agent.prefix):
            return name
        if body.startswith(agent.prefix) and len(body) <= MAX_TEXT and " " not in body:
            return body
        if name and any(record.scope.startswith(scope.rstrip("*")) for scope in agent.scopes) and "." not in name:
            return agent.prefix + name
    return name


def _event(record: LogRecord, kind: Kind) -> dict[str, Any]:
    attributes = record.attributes
    data = fields_of(record, kind)
    data["attributes"] = left_over(record, kind)
    return {
        "event_type": kind.told.event_type,
        "data": {name: value for name, value in data.items() if value is not None},
        "occurred_at": _time(record),
        "id": kind.id_of(attributes) or _digest(record),
        "source": kind.agent.name,
    }


def _time(record: LogRecord) -> datetime | None:
    """Return when it happened; the door refuses what tells none."""
    told = record.attributes.get("event.timestamp")
    if type(told) is str:
        try:
            time = datetime.fromisoformat(told)
            return time if time.tzinfo else time.replace(tzinfo=UTC)
        except ValueError:
            pass
    when = record.time_us or record.observed_us
    return time_of(when) if when > 0 else None


def _digest(record: LogRecord) -> str:
    """Return what tells a record from others where it has no id: what it says, and when."""
    said = {"attributes": _plain(record.attributes), "time": record.time_us, "scope": record.scope}
    text = json.dumps(said, sort_keys=True, default=str).encode("utf-8", "surrogatepass")
    return f"log:{blake2b(text, digest_size=16).hexdigest()}"


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in attributes.items()}
