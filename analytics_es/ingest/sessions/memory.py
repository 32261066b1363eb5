"""What is remembered of all files: derived from the agent's events in the log, and kept beside so that it is quick."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import orjson
from attrs import define, field

from analytics_es.ingest.sessions.declaration import Agent
from analytics_es.ingest.sessions.state import State
from analytics_es.log import EventLog
from analytics_es.log.strict import beginning

# Notes of the state: which log it stands on, how far that was, and what was there.
LOG, HEAD, KEY = "log", "head", "key"
SCANNED = 10_000  # events at once


def forget_another(state: State, log: EventLog) -> None:
    """Forget all of a state that stands on another log, or on one that has lost events since, as one restored has."""
    identity, head = state.note(LOG), _number(state.note(HEAD))
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
    _has_more: bool = field(init=False)  # whether the state may know what is not new

    @_upto.default
    def _noted(self) -> int:
        return _number(self.state.note(self._name))

    @_has_more.default
    def _kept(self) -> bool:
        return self.state.remembers(self.agent.name)

    @property
    def _name(self) -> str:
        return f"remembered:{self.agent.name}"

    def known(self, key: str) -> str | None:
        """Return what is remembered under a key; None where nothing is."""
        return self.known_of((key,)).get(key)

    def known_of(self, keys: Collection[str]) -> dict[str, str]:
        """Return what is remembered under some keys, of those under which anything is."""
        known = {key: self._new[text] for key in keys if (text := _text(key)) in self._new}
        if self._has_more and len(known) < len(keys):
            texts = {_text(key): key for key in keys if key not in known}
            kept = self.state.remembered(self.agent.name, texts.keys())
            known |= {texts[text]: remembered for text, remembered in kept.items()}
        return known

    def is_new(self, key: str) -> bool:
        """Say whether something is remembered under a key that is not kept yet."""
        return _text(key) in self._new

    def put(self, key: str, text: str) -> None:
        """Remember a text under a key; the last one stays."""
        self._new[_text(key)] = _text(text)

    def remember(self, event: Mapping[str, Any]) -> None:
        """Remember what the agent's declaration takes of an event: source, id, event_type, occurred_at, data."""
        if self.agent.remember:
            for key, text in self.agent.remember(event):
                self._new[_text(key)] = _text(text)

    def forget(self, event: Mapping[str, Any]) -> None:
        """Remember nothing of an event that was refused."""
        if self.agent.remember:
            for key, _ in self.agent.remember(event):
                self._new.pop(_text(key), None)

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

    def new(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return what is to be kept, and notes that say of which log and how far."""
        head = self.log.head()
        last = self.log.at(head) if head else None
        key = str(last["key"]) if last else ""
        return self._new, {self._name: str(self._upto), LOG: self.log.identity, HEAD: str(head), KEY: key}

    def kept(self) -> None:
        """Say that what is new is kept."""
        self._new, self._has_more = {}, self._has_more or bool(self._new)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _text(text: str) -> str:
    """Return a text that SQLite can hold: one that is no Unicode as it would be written in Python."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text
