"""What is kept of what came in and gave no event: what the policy of privacy leaves of it, and what was wrong with it.

Nothing of it was checked, so nothing of it is what its name says. Of a field that is documented and wrong, figures are
kept and texts are not: a cost may say anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import Any

import orjson

from analytics_es.errors import AnalyticsError, BadVaultKey, NoVaultKey, OtherVaultKey, RefusedEvent
from analytics_es.events.checks import MAX_DEPTH, MAX_INTEGER, MAX_TEXT
from analytics_es.events.fields import VOCABULARY, fields_of
from analytics_es.ingest.door import Door
from analytics_es.ingest.outcomes import why
from analytics_es.ingest.privacy import KEEP
from analytics_es.ingest.problems import plain_name
from analytics_es.types.values import plain, written

MAX_LEVELS = MAX_DEPTH - 4  # of what nobody could check; it lies in an event itself
MAX_BYTES = 96 * 1024  # of what the policy leaves, as JSON; beside raw bytes below what an event may take
EVENT = "event"  # under this name is what the policy leaves

# A number as it is written, with the code of a currency or not; such a code, or a sign in its place.
_NUMBER = r"[+-]?[0-9][0-9.,_]{0,40}(?:[eE][+-]?[0-9]{1,3})?"
_FIGURE, _CURRENCY = re.compile(rf"{_NUMBER}( ?[A-Z]{{3}})?"), re.compile(r"[A-Za-z]{3}|[A-Z]{0,2}[$€£¥]")
# A field and its number, or the code of a currency, in what is no JSON.
_PAIR = re.compile(rf'"?\b([a-z][a-z0-9_]{{2,40}})"?\s*[:=]\s*"?({_NUMBER}|[A-Z]{{3}})\b')

Event = dict[str, Any]


def reason_of(error: RefusedEvent) -> dict[str, Any]:
    """Return why something gives no event: its field, and in words that hold nothing of what was passed."""
    field = plain_name(error.details.get("field"))
    named = {"field": field} if field else {}
    return {"code": error.code, **named, "problem": cleaned(why(error), MAX_TEXT), "message": cleaned(error, MAX_TEXT)}


def kept(data: Mapping[str, Any], event: Mapping[str, Any] | None, door: Door) -> dict[str, Any]:
    """Return what is stored of a rejection: what the policy leaves of it, and of the event that it would have been.

    Where the policy leaves the raw bytes, all of them, the event is in there.
    """
    stored, reason = dict(data), data.get("reason")
    said: dict[str, Any] = {name: stored.pop(name) for name in ("raw", "headers") if name in stored}
    if isinstance(reason, Mapping) and "message" in reason:
        said["reason"] = {"message": reason["message"]}
        stored["reason"] = {name: text for name, text in reason.items() if name != "message"}
    left = door.policy.of_own.apply(said, _pseudonyms(door))
    if "reason" in left:
        left["reason"] = {**stored["reason"], **left["reason"]}
    stored |= left
    if stored.get("raw") is None:
        stored.pop("sha256", None)  # who knows the rest of the bytes could try names against it
    if event is not None and (stored.get("raw") is None or stored.get("truncated")):
        stored[EVENT] = _fitting(_left(event, door))
    return stored


def _left(event: Mapping[str, Any], door: Door) -> Event:
    """Return what the policy leaves of an event of which nothing was checked."""
    about = {name: cleaned(written(text), MAX_TEXT) for name, text in event.items() if name != "data" and text}
    if not _is_time(about.get("occurred_at")):
        about.pop("occurred_at", None)  # it may say anything
    try:
        data = storable(event.get("data"))
    except Exception:  # of a class of the caller's own
        data = None
    if not isinstance(data, dict):
        return about
    event_type = str(event.get("type"))
    # What is documented means the same under a type that is none of ours, or is no type.
    fields, policy = {**VOCABULARY, **fields_of(event_type.partition(".")[0])}, door.policy_of(event_type)
    for name in fields.keys() & data.keys():
        if policy.action(name) == KEEP and not _is_right(fields[name], name, data[name]):
            data[name] = data[name] if name == "attributes" else _figures(name, data[name])
    return {**about, "data": policy.apply(data, _pseudonyms(door))}


def _is_time(text: str | None) -> bool:
    with suppress(ValueError):
        return text is not None and bool(datetime.fromisoformat(text))
    return False


def _is_right(check: Any, name: str, content: Any) -> bool:
    try:
        check(name, content)
    except (AnalyticsError, TypeError):  # one of them takes a zone, too: a time is no figure
        return False
    return True


def _figures(name: str, content: Any) -> Any:
    """Return numbers and truth values, and texts that are written like figures; the other texts are left out."""
    if isinstance(content, dict):
        return {name: left for name, inner in content.items() if (left := _figures(name, inner)) is not None}
    if isinstance(content, list):
        return [left for inner in content if (left := _figures(name, inner)) is not None]
    figure = _CURRENCY if name == "currency" else _FIGURE
    return content if not isinstance(content, str) or figure.fullmatch(content) else None


def _fitting(event: Event) -> Event:
    """Return an event as it is where there is room for it, else what is short in it, and of that what fits."""
    if len(orjson.dumps(event)) <= MAX_BYTES:
        return event
    short, room = dict[str, Any](), MAX_BYTES
    for name, content in sorted(event.get("data", {}).items(), key=lambda item: item[0] not in VOCABULARY):
        room -= len(size := orjson.dumps({name: content})) if not isinstance(content, dict | list) else 0
        if room >= 0 and not isinstance(content, dict | list) and len(size) <= 2 * MAX_TEXT:
            short[name] = content
    return {**event, "data": short, "truncated": True}


def _pseudonyms(door: Door) -> Any:
    """Return what makes pseudonyms; nothing in their place where the vault has no key, or another one."""

    def pseudonym_of(kind: str, text: str) -> str | None:
        try:
            return door.pseudonym_of(kind, text)
        except (NoVaultKey, BadVaultKey, OtherVaultKey):
            return None

    return pseudonym_of


# ── what was never checked ──────────────────────────────────────────────────────────────────────────────────────


def storable(value: Any, depth: int = 0) -> Any:
    """Return any value as JSON can hold it; what says nothing that JSON has is None."""
    value = written(plain(value))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return cleaned(value)
    if isinstance(value, int):
        return value if abs(value) <= MAX_INTEGER else _digits(value)
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if isinstance(value, Decimal):
        is_exact = value.is_finite() and Decimal(repr(float(value))) == value
        return float(value) if is_exact else str(value)[:MAX_TEXT]
    if depth < MAX_LEVELS and isinstance(value, Mapping):
        return {cleaned(name, MAX_TEXT): storable(inner, depth + 1) for name, inner in value.items()}
    if depth < MAX_LEVELS and isinstance(value, list | tuple):
        return [storable(inner, depth + 1) for inner in value]
    return None


def _digits(value: int) -> str | None:
    with suppress(ValueError):  # more of them than Python writes out
        return str(value)[:MAX_TEXT]
    return None


def event_of(delivery: Any, about: Mapping[str, Any]) -> Event | None:
    """Return what may be an event in what could not be read as one, with what is known about it; None of nothing."""
    shapes = list(_mappings(delivery, 0))
    data: Any = shapes[0] if shapes else _pairs(delivery)
    envelope = shapes[-1] if shapes and "specversion" in shapes[-1] else {}
    told = {name: envelope[other] for name, other in _ENVELOPE.items() if isinstance(envelope.get(other), str)}
    return {**about, **told, "data": data} if data else None


_ENVELOPE = {"type": "type", "source": "source", "id": "id", "occurred_at": "time"}
_INSIDE = ("data", "payload", "body", "value")


def _mappings(delivery: Any, depth: int) -> Iterator[Mapping[Any, Any]]:
    """Yield what may be the data of an event, or hold them: what lies deepest first."""
    if depth > MAX_LEVELS:
        return
    if isinstance(delivery, Mapping):
        for name in _INSIDE:
            yield from _mappings(delivery.get(name), depth + 1)
        yield delivery
    elif isinstance(delivery, tuple | list):
        for part in delivery:
            yield from _mappings(part, depth + 1)
    elif isinstance(delivery, bytes | str):
        with suppress(ValueError, RecursionError):
            text = delivery if isinstance(delivery, str) else delivery.decode("utf-8", "replace")
            content = json.loads(text, strict=False, parse_float=Decimal)
            yield from () if isinstance(content, str) else _mappings(content, depth + 1)


def _pairs(raw: Any) -> dict[str, str]:
    """Return documented fields with their numbers, as far as they can be found in what is no JSON."""
    text = raw[:MAX_BYTES].decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)[:MAX_BYTES]
    return {name: said for name, said in _PAIR.findall(text) if name in VOCABULARY and _figures(name, said)}


def cleaned(text: object, limit: int | None = None) -> str:
    """Return a text that can be stored."""
    return str(text).encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")[:limit]
