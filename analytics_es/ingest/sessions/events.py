"""Facts of sessions → events of ours: totals that hold their parts, who served the model, which project it was for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import define, field

from analytics_es.events.fields import CONTRADICTION
from analytics_es.ingest.models import served
from analytics_es.ingest.otel.tokens import Layout, add_up
from analytics_es.ingest.sessions.declaration import Agent
from analytics_es.ingest.sessions.facts import Call, Happened, Moment

PARTIAL = "partial"
MILLISECONDS = 100_000_000_000  # Unix times from here on are in milliseconds: as seconds they are beyond the year 5000
_APART = re.compile(r"[/\\]+")


def moment(at: Moment) -> datetime | None:
    """Return a time as UTC, to the microsecond; None where it is none. Numbers are Unix seconds, or milliseconds."""
    try:
        if isinstance(at, str):
            at = datetime.fromisoformat(at)
        elif isinstance(at, (int, float)) and not isinstance(at, bool):
            at = datetime.fromtimestamp(at / 1000 if at >= MILLISECONDS else at, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    if not isinstance(at, datetime):
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def project_of(folder: str) -> str:
    """Return the last part of a path, of any system: the whole of it says where somebody keeps things."""
    return _APART.split(folder.rstrip("/\\"))[-1]


@define(kw_only=True)
class Events:
    """Makes the events of an agent's facts.

    machine: its name, "" not to tell it; user: who has it, "" not to tell.
    """

    agent: Agent
    machine: str = ""
    user: str = ""
    _layout: Layout = field(init=False)
    _projects: dict[str, str] = field(init=False, factory=dict)

    @_layout.default
    def _of_agent(self) -> Layout:
        return Layout(self.agent.beside, frozenset(), True)

    def of(self, fact: Call | Happened) -> dict[str, Any] | None:
        """Return the event of a fact, as `record_events` takes it; None where it tells no time."""
        at = moment(fact.at)
        if at is None:
            return None
        told = {name: text for name, text in fact.fields.items() if text is not None}
        data: dict[str, Any] = {"agent_id": self.agent.name, **told}
        if self.user:
            data.setdefault("user_id", self.user)
        attributes = self._attributes(fact.attributes)
        if isinstance(fact, Call):
            self._complete(fact, data, attributes)
        event_type = "provider.call.completed" if isinstance(fact, Call) else fact.event_type
        data["attributes"] = attributes
        return {"event_type": event_type, "data": data, "occurred_at": at, "id": fact.id, "source": self.agent.name}

    def _complete(self, call: Call, data: dict[str, Any], attributes: dict[str, Any]) -> None:
        tokens, said = add_up(call.tokens, self._layout, "chat")
        data.update({name: count for name, count in tokens.items() if count})
        data.setdefault("operation", "chat")
        told = data.get("provider") or self._provider(call.model)
        provider, model = served(told, call.model)
        data["provider"], data["model"] = provider, model
        if call.final is False:
            attributes[PARTIAL] = True
        if said:
            attributes[CONTRADICTION] = " ".join(sorted(set(said)))

    def _provider(self, model: str | None) -> str | None:
        for pattern, provider in self.agent.providers.items():
            if model and (model.startswith(pattern[:-1]) if pattern.endswith("*") else model == pattern):
                return provider or None
        return None

    def _attributes(self, told: Mapping[str, Any]) -> dict[str, Any]:
        attributes = {name: text for name, text in told.items() if text not in (None, "") and name != "cwd"}
        folder = told.get("cwd")
        if isinstance(folder, str) and (project := self._projects.get(folder) or project_of(folder)):
            self._projects[folder] = project
            attributes.setdefault("project", project)
        if self.machine:
            attributes["machine"] = self.machine
        return attributes


def size(call: Call) -> int:
    """Return how many tokens a call tells of: of several records of one call the largest counts."""
    size = 0
    for count in call.tokens.values():
        if type(count) is int:
            size += count
    return size
