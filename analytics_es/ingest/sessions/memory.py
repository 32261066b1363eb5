"""What is remembered of all files: derived from the agent's events in the log, and kept beside so that it is quick."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from attrs import define, field

from analytics_es.ingest.sessions.declaration import Agent
from analytics_es.ingest.sessions.state import State
from analytics_es.log import EventLog
from analytics_es.log.strict import beginning

LOG, HEAD, KEY = (
    "log",
    "head",
    "key",
)  # notes of the state: which log it stands on, how far that was, and what was there
SCANNED = 10_000  # events at once


def forget_another(state: State, log: EventLog) -> None:
    """Forget all of a state that stands on another log, or on one that has lost events since, as one restored has."""
    identity, head = state.note(LOG), int(state.note(HEAD) or 0)
    last = log.at(head) if head else None
    if (identity or log.identity) != log.identity or log.head() < head or (last and last["key"] != state.note(KEY)):
        state.forget()


@define(kw_only=True)
class Memory:
    """Texts by key, of one agent."""

    agent: Agent
    state: State
    log: EventLog
    _new: dict[str, str] = field(init=False, factory=dict)
    _upto: int = field(init=False)

    @_upto.default
    def _noted(self) -> int:
        return int(self.state.note(self._name) or 0)

    @property
    def _name(self) -> str:
        return f"remembered:{self.agent.name}"

    def known(self, key: str) -> str | None:
        """Return what is remembered under a key; None where nothing is."""
        text = self._new.get(key)
        return self.state.remembered(self.agent.name, key) if text is None else text

    def put(self, key: str, text: str) -> None:
        """Remember a text under a key; the last one stays."""
        self._new[key] = text

    def remember(self, event: Mapping[str, Any]) -> None:
        """Remember what the agent's declaration takes of an event: source, id, event_type, occurred_at, data."""
        if self.agent.remember:
            self._new.update(self.agent.remember(event))

    def recorded(self, events: int) -> None:
        """Say that so many events were recorded, all of them remembered; what came between them is caught up with."""
        if self.log.head() - self._upto == events:
            self._upto += events
        else:
            self.catch_up()

    def catch_up(self) -> None:
        """Remember what the log has of this agent since the last look, whoever recorded it."""
        head = self.log.head()
        while self.agent.remember and self._upto < head:
            table = self.log.scan(after=self._upto, limit=SCANNED, upto=head)
            if not table.num_rows:
                break
            self._upto = table["position"][-1].as_py()
            self._take(table["type"].to_pylist(), table["state"].to_pylist())
        self._upto = head

    def _take(self, types: list[str], states: list[bytes | None]) -> None:
        start = beginning(self.agent.name)
        for event_type, state in zip(types, states, strict=True):
            if state and state.startswith(start):
                try:
                    self.remember({**orjson.loads(state), "event_type": event_type})
                except (ValueError, TypeError, KeyError, AttributeError):  # a damaged event is told of elsewhere
                    continue

    def taken(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return what is new since this was asked last, and notes that say of which log and how far."""
        new, self._new = self._new, {}
        head = self.log.head()
        last = self.log.at(head) if head else None
        key = str(last["key"]) if last else ""
        return new, {self._name: str(self._upto), LOG: self.log.identity, HEAD: str(head), KEY: key}
