"""Stored events without a subject: masked where they say who it is, told where else its name is."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from attrs import define, field, frozen

from analytics_es.events.event import REJECTED, microseconds
from analytics_es.events.fields import ENTITIES
from analytics_es.ingest import PrivacyPolicy
from analytics_es.ingest.privacy import PRESETS, PSEUDONYMISE, Rules
from analytics_es.log import Held
from analytics_es.projection.declaration import Declaration, shortened
from analytics_es.projection.rows import Row

IN_NAMES, UNREADABLE = "(field names)", "(unreadable)"

_OF_REJECTED = PrivacyPolicy(rules=tuple((name, PSEUDONYMISE) for name in ("reason", "subject", "headers")))
_RAW = ("raw", "sha256")
_NUMBER = re.compile(r"\[\d+\]")


@frozen
class Masked:
    """An event without the subject: its new state, when it occurred (microseconds), and which fields were masked."""

    state: bytes
    at: int | None
    fields: list[str]


def identities(entity: str, rules: Rules) -> PrivacyPolicy:
    """Return which fields may name a subject: those of the default, those of these rules, and its entity's own."""
    rules = (*PRESETS["pseudonymous"], *rules, (ENTITIES[entity], PSEUDONYMISE))
    return PrivacyPolicy(rules=tuple(rule for rule in rules if rule[1] == PSEUDONYMISE))


@define
class Masking:
    """Takes one subject out of stored events: whole values of `identities`, and every occurrence in `fields`."""

    subject: str
    entity: str
    identities: PrivacyPolicy
    fields: Sequence[str]
    mask: str = ""
    text: bytes = field(init=False)  # the subject, as JSON has it
    _named: PrivacyPolicy = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.text = orjson.dumps(self.subject)[1:-1]
        self._named = PrivacyPolicy(rules=tuple((path, PSEUDONYMISE) for path in self.fields))

    def masked(self, held: Held) -> Masked | None:
        """Return a stored event masked, None where nothing is to be masked in it, or where it cannot be."""
        try:
            return self._masked(held)
        except (RecursionError, orjson.JSONEncodeError):  # so deep that nothing writes it again: it is a mention
            return None

    def _masked(self, held: Held) -> Masked | None:
        event = read(held)
        if event is None:
            return None
        data = event["data"]
        before = dict(_leaves("", data))
        if held.type == REJECTED:
            _OF_REJECTED.apply(data, self._within)
            self._clear(data)
            if isinstance(event_of := data.get("event"), dict) and isinstance(event_of.get("data"), dict):
                self.identities.apply(event_of["data"], self._whole)
                self._named.apply(event_of["data"], self._within)
        else:
            self.identities.apply(data, self._whole)
            self._named.apply(data, self._within)
        after = dict(_leaves("", data))
        changed = [path for path, value in before.items() if after.get(path) != value]
        return Masked(orjson.dumps(event), _time(event), self._sayable(changed)) if changed else None

    def row(self, declaration: Declaration, row: Row) -> Row:
        """Return a row of a read model with the subject masked where its keys say who it is."""
        names = declaration.row_key
        if shortened(self.subject) not in row[: len(names)]:
            return row
        masked = {
            name for name, value in zip(names, row, strict=False) if self._is_named(declaration, name, value, row)
        }
        return (
            *(self.mask if name in masked else value for name, value in zip(names, row, strict=False)),
            *row[len(names) :],
        )

    def _is_named(self, declaration: Declaration, name: str, value: Any, row: Row) -> bool:
        key = next((key for key in declaration.keys if key.name == name), None)
        if key is None or value != shortened(self.subject):
            return False
        if key.of_entity:
            return (
                key.of_entity == "id" and row[declaration.row_key.index(declaration.entity_key("type"))] == self.entity
            )
        return self.identities.action(key.sql) == PSEUDONYMISE or key.sql in self.fields

    def _whole(self, kind: str, text: str) -> str:
        return self.mask if text == self.subject and kind == self.entity else text

    def _within(self, _: str, text: str) -> str:
        return text.replace(self.subject, self.mask) if self.subject in text else text

    def _clear(self, data: dict[str, Any]) -> None:
        """Clear a rejected message that names the subject: as a value where it is JSON, else anywhere in it."""
        raw = _raw(data)
        try:
            named = any(str(value) == self.subject for _, value in _leaves("", orjson.loads(raw)))
        except orjson.JSONDecodeError:
            named = self.subject.encode() in raw
        if named:
            data |= {name: "" for name in _RAW if name in data}

    def mentions(self, held: Held, masked: Masked | None) -> list[str]:
        """Name the fields of an event in which the subject's name still is."""
        state = masked.state if masked else held.state
        event = read(Held(held.position, held.type, state))
        if event is None:
            return [UNREADABLE] if self.text in state else []
        paths = [path for path, value in _leaves("", event) if self.subject in str(value)]
        if held.type == REJECTED and self.subject.encode() in _raw(event["data"]):
            paths.append("data.raw")
        return self._sayable(paths) or ([IN_NAMES] if self.text in state else [])

    def _sayable(self, paths: list[str]) -> list[str]:
        """Return paths that may be told: without numbers of items, and never the subject itself."""
        sayable = (IN_NAMES if self.subject in path else _NUMBER.sub("", path) for path in paths)
        return list(dict.fromkeys(sayable))


def _raw(data: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(data.get("raw") or "", validate=True)
    except (binascii.Error, ValueError, TypeError):
        return b""


def read(held: Held) -> dict[str, Any] | None:
    """Return what is stored, None where it is no event."""
    try:
        event = orjson.loads(held.state)
    except orjson.JSONDecodeError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("data"), dict) else None


def _time(event: Mapping[str, Any]) -> int | None:
    try:
        return microseconds(datetime.fromisoformat(event["occurred_at"]))
    except (KeyError, TypeError, ValueError):
        return None


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the plain values of data, with their paths; the items of a list are numbered. It may be of any depth."""
    waiting = [(path, value)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{path}.{name}" if path else name, member) for name, member in reversed(value.items())]
        elif isinstance(value, list):
            waiting += [(f"{path}[{place}]", member) for place, member in reversed([*enumerate(value)])]
        else:
            yield path, value
