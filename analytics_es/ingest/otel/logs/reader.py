"""Log records → events: what agents tell of their calls and tools; all else is ignored, and counted by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from attrs import define, field

from analytics_es.events.checks import MAX_TEXT
from analytics_es.events.event import time_of
from analytics_es.ingest.otel.agents.declaration import Agent
from analytics_es.ingest.otel.agents.kinds import AGENTS, Kind, kinds_of, says
from analytics_es.ingest.otel.logs.fields import data_of
from analytics_es.ingest.otel.logs.operations import details
from analytics_es.ingest.otel.logs.record import LogRecord, digest

MOST_NAMES = 1000  # of what is ignored: a sender may make up any number
MAX_NAME = 128  # characters
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
        agent = agent_of(record)
        name = name_of(record, agent)
        event = next((_event(record, kind) for kind in kinds_of(name) if kind.fits(record.attributes)), None)
        if event is None and agent is None:
            event = details(record, name)
        if event is None:
            self._ignore(called(record, name))
        return event

    def called(self, record: LogRecord) -> str:
        """Return the name by which a record that gives no event is counted."""
        return called(record, name_of(record, agent_of(record)))

    def _ignore(self, name: str) -> None:
        known = name in self.ignored or len(self.ignored) < MOST_NAMES
        self.ignored[name if known else OTHERS] += 1


def called(record: LogRecord, name: str) -> str:
    """Return the name by which a record that gives no event is counted."""
    return (name or record.scope or record.service or UNNAMED)[:MAX_NAME]


def agent_of(record: LogRecord) -> Agent | None:
    """Return the agent that wrote a record, None where it is none of ours."""
    told, body = record.attributes.get("event.name"), record.body
    for agent in AGENTS:
        if record.service == agent.name or (record.scope and says(record.scope, agent.scopes)):
            return agent
        if any(type(text) is str and text.startswith(agent.prefix) for text in (told, record.event_name, body)):
            return agent
    return None


def name_of(record: LogRecord, agent: Agent | None) -> str:
    """Return what a record is called: by its attribute, its field, or, of an agent, its body, with the agent's prefix.

    The attribute goes first: a library of Codex's language puts a place of the source into the field.
    """
    told = record.attributes.get("event.name") or record.event_name
    name = told if type(told) is str else ""
    if agent is None:
        return name
    body = record.body if type(record.body) is str else ""
    names = (name, record.event_name, body if len(body) <= MAX_TEXT and " " not in body else "")
    full = next((text for text in names if text.startswith(agent.prefix)), "")
    return full or (agent.prefix + name if name and "." not in name else name)


def _event(record: LogRecord, kind: Kind) -> dict[str, Any]:
    return {
        "event_type": kind.told.event_type,
        "data": data_of(record, kind),
        "occurred_at": _time(record),
        "id": kind.id_of(record.attributes) or digest(record),
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
