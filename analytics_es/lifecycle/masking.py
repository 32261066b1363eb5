"""Stored events without a subject: masked where they say who it is, told where else its name is."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from attrs import define, field, frozen

from analytics_es.events.event import REJECTED, microseconds
from analytics_es.events.fields import ENTITIES
from analytics_es.ingest import PrivacyPolicy
from analytics_es.ingest.privacy import PRESETS, PSEUDONYMISE, Rules, kind_of
from analytics_es.ingest.rejections import EVENT
from analytics_es.lifecycle.spelling import folded, unescaped
from analytics_es.log import Held

IN_NAMES, UNREADABLE = "(field names)", "(unreadable)"

_OF_REJECTED = PrivacyPolicy(rules=tuple((name, PSEUDONYMISE) for name in ("reason", "subject", "headers")))
_RAW = ("raw", "sha256")
_NUMBER = re.compile(r"\[\d+\]")
# What the store goes by: a policy of which a text was masked could not be read any more.
_SETTINGS = ("analytics.privacy.configured", "analytics.retention.configured", "analytics.tags.declared")


@frozen
class Masked:
    """An event without the subject: its new state, when it occurred (microseconds), and which fields were masked."""

    state: bytes
    at: int | None
    fields: list[str]


@frozen
class Mentions:
    """Fields of an event: those that hold the subject's name, and those that hold it in another spelling."""

    same: list[str]
    alike: list[str]


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
    mask: str = f"p_{'0' * 16}"  # until there is a pseudonym
    text: bytes = field(init=False)  # the subject, as JSON has it
    _spelled: str = field(init=False)
    _named: PrivacyPolicy = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.text = orjson.dumps(self.subject)[1:-1]
        self._spelled = folded(self.subject)
        self._named = PrivacyPolicy(rules=tuple((path, PSEUDONYMISE) for path in self.fields))

    def masked(self, held: Held) -> Masked | None:
        """Return a stored event masked, None where nothing is to be masked in it, or where it cannot be."""
        try:
            return self._masked(held)
        except (RecursionError, orjson.JSONEncodeError):  # so deep that nothing writes it again: it is a mention
            return None

    def _masked(self, held: Held) -> Masked | None:
        event = read(held)
        if event is None or held.type in _SETTINGS:
            return None
        data = event["data"]
        before = dict(_leaves("", data))
        if held.type == REJECTED:
            _OF_REJECTED.apply(data, self._within)
            self._clear(data)
            self._mask(_event_in(data))
        self._mask(data)
        after = dict(_leaves("", data))
        changed = [path for path, value in before.items() if after.get(path) != value]
        return Masked(orjson.dumps(event), _time(event), self._sayable(changed)) if changed else None

    def _mask(self, data: dict[str, Any]) -> None:
        self.identities.apply(data, self._whole)
        self._named.apply(data, self._within)

    def names(self, path: Sequence[str]) -> bool:
        """Say whether a field, such as ("attributes", "email"), is one in which the subject is masked."""
        text = _policy_path(path)
        named = self.identities.action(text) == PSEUDONYMISE and kind_of(text) == self.entity
        return named or self.names_within(path)

    def names_within(self, path: Sequence[str]) -> bool:
        """Say whether a field is one in whose texts it is masked, whatever else they say."""
        return self._named.action(_policy_path(path)) == PSEUDONYMISE

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
            named = any(
                form in raw for form in (self.text, self.subject.encode(), json.dumps(self.subject)[1:-1].encode())
            )
        if named:
            data |= {name: "" for name in _RAW if name in data}

    @property
    def spelled(self) -> bytes:
        """What a database can look for, whatever the capitals: nothing where only we can tell what is spelled alike."""
        is_plain = self.subject.isascii() and self.text == self.subject.encode() and "/" not in self.subject
        return self.text if is_plain else b""

    def mentions(self, held: Held, masked: Masked | None) -> Mentions:
        """Name the fields of an event in which the subject's name still is, and those where it is spelled otherwise."""
        state = masked.state if masked else held.state
        written = state.decode("utf-8", "replace")
        whole = folded(written)
        if held.type != REJECTED and folded(self.text.decode()) not in whole and not self._escaped_in(written):
            return Mentions([], [])
        event, is_there = read(Held(held.position, held.type, state)), self.text in state
        if event is None:
            return Mentions([UNREADABLE] * is_there, [UNREADABLE] * (not is_there))
        texts = [(path, str(value)) for path, value in _leaves("", event)]
        if held.type in _SETTINGS:  # mostly words of ours, of which any short name is a part
            word = re.compile(rf"(?<![^\W_]){re.escape(self.subject)}(?![^\W_])")
            return Mentions(self._sayable([path for path, text in texts if word.search(text)]), [])
        if held.type == REJECTED:
            texts += (("data.raw", text) for text in _texts(_raw(event["data"])))
        same = [path for path, text in texts if self.subject in text]
        alike = [
            path for path, text in texts if self.subject not in text and self._is_alike(text, escaped=path not in same)
        ]
        in_names = not (same or alike or is_there) and self._spelled in whole
        return Mentions(
            self._sayable(same) or [IN_NAMES] * is_there,
            self._sayable(alike) or [IN_NAMES] * in_names,
        )

    def _is_alike(self, text: str, *, escaped: bool) -> bool:
        return self._spelled in folded(text) or (escaped and self._escaped_in(text))

    def _escaped_in(self, text: str) -> bool:
        return "\\" in text and self._spelled in folded(unescaped(text))

    def sayable(self, path: str) -> str:
        """Return a path that may be told: never the subject itself, however it is spelled."""
        return IN_NAMES if self._spelled in folded(path) else _NUMBER.sub("", path)

    def _sayable(self, paths: list[str]) -> list[str]:
        return list(dict.fromkeys(map(self.sayable, paths)))


def _policy_path(path: Sequence[str]) -> str:
    """Return a path as policies have it, from the top of data."""
    return ".".join(path[1:] if path[0] == "data" else path)


def _raw(data: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(data.get("raw") or "", validate=True)
    except (binascii.Error, ValueError, TypeError):
        return b""


def _texts(raw: bytes) -> list[str]:
    """Return what a message says, where it is JSON, and what it looks like."""
    try:
        values = [str(value) for _, value in _leaves("", orjson.loads(raw))]
    except orjson.JSONDecodeError:
        values = []
    return [*values, raw.decode("utf-8", "replace")]


def _event_in(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of the event that a rejected message would have been, as far as it is kept."""
    event = data.get(EVENT)
    inner = event.get("data") if isinstance(event, dict) else None
    return inner if isinstance(inner, dict) else {}


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
