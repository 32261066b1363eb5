"""Events and answers as JSON: event ⇄ stored bytes, upcasters, answer → JSON."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Context, Decimal
from typing import Any

import orjson

from analytics_es.errors import BadField, BadText, TooLarge
from analytics_es.events.event import RecordedEvent
from analytics_es.events.fields import AMOUNTS, LEFT_OUT
from analytics_es.types import Listing

MAX_BYTES = 256 * 1024

# What orjson returns was cut to size from a kilobyte of memory. Where many of these are kept, each takes five times as
# long as a copy of it, which cutting off the newline makes.
_STATE = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE

_ALL_DIGITS = Context(prec=60)  # an amount has 36 at most

# What JSON has of a stored event, and what is put beside it.
_ENCODED = {
    "source": str,
    "id": str,
    "occurred_at": str,
    "recorded_at": str,
    "data": dict,
    "type": str,
    "position": int,
}

# Stored shapes change by a new entry here, never by a change of what is stored: type → function of the data.
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTERS: dict[str, Upcaster] = {}


def encode(event: RecordedEvent) -> bytes:
    """Return the bytes to store: JSON, with times as ISO 8601 in UTC; raises RefusedEvent for what JSON cannot hold."""
    return encoded(event.source, event.id, event.occurred_at, event.recorded_at, event.data)


def written(time: datetime) -> orjson.Fragment:
    """Return a time as it is stored, for many events that were recorded then."""
    return orjson.Fragment(orjson.dumps(time, option=_STATE)[:-1])


def encoded(
    source: str,
    id: str,
    occurred_at: datetime,
    recorded_at: datetime | orjson.Fragment | None,
    data: dict[str, Any],
) -> bytes:
    """Return the bytes to store of an event by its parts, as `encode` does."""
    event = {"source": source, "id": id, "occurred_at": occurred_at, "recorded_at": recorded_at, "data": data}
    try:
        state = orjson.dumps(event, option=_STATE)[:-1]
    except orjson.JSONEncodeError as error:
        raise _unspeakable(event, error) from None
    if len(state) > MAX_BYTES:
        _refuse_large(event)
    if b"\\" in state and b"\\u0000" in state:  # one byte is found several times faster than six
        _refuse_nul(event)
    return state


def _refuse_large(event: dict[str, Any]) -> None:
    size = len(orjson.dumps(event["data"]))
    if size > MAX_BYTES:
        raise TooLarge(size=size, limit=MAX_BYTES)


def _unspeakable(event: dict[str, Any], error: Exception) -> BadText | BadField:
    for path, text in _texts_of(event):
        if any("\ud800" <= character <= "\udfff" for character in text):
            return BadText(field=_safe(path), problem="half of a surrogate pair")
    return BadField(field="data", problem=f"cannot be stored as JSON ({error})")


def _refuse_nul(event: dict[str, Any]) -> None:
    for path, text in _texts_of(event):
        if "\0" in text:
            raise BadText(field=_safe(path), problem="a NUL character")


def _safe(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def _texts_of(event: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((name, event[name]) for name in ("source", "id"))
    yield from _texts("", event["data"])


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield path or name, name
            yield from _texts(f"{path}.{name}" if path else name, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(path, inner)


@functools.cache
def _converter() -> Any:
    from cattrs.preconf.orjson import make_converter  # not everybody reads events one by one, or prints JSON

    converter = make_converter()
    converter.register_structure_hook(datetime, lambda value, _: datetime.fromisoformat(value))
    converter.register_unstructure_hook(datetime, lambda value: value.isoformat())
    converter.register_unstructure_hook(Listing, lambda rows: converter.unstructure(list(rows)))
    converter.register_unstructure_hook(Decimal, lambda value: format(value, "f"))
    return converter


def decode(position: int, event_type: str, state: bytes) -> RecordedEvent:
    """Return the event that was stored, from bytes as the log gives them."""
    stored = {**_loaded(state), "type": event_type, "position": position}
    event: RecordedEvent = _as_encoded(stored) or _converter().structure(stored, RecordedEvent)
    return event


def _loaded(state: bytes) -> Any:
    """Read JSON; with the numbers that it has none of, such as NaN, as the fold reads what another hand has stored."""
    try:
        return orjson.loads(state)
    except orjson.JSONDecodeError:
        return json.loads(state)


def _as_encoded(stored: dict[str, Any]) -> RecordedEvent | None:
    """Return an event all of whose parts are as `encode` writes them, None of any other, which takes a converter."""
    if {name: type(part) for name, part in stored.items()} != _ENCODED:
        return None
    try:
        times = {name: datetime.fromisoformat(stored[name]) for name in ("occurred_at", "recorded_at")}
    except ValueError:
        return None
    return RecordedEvent(**{**stored, **times})


def upcast(event_type: str, state: bytes) -> bytes:
    """Return stored bytes with their data brought to today's shape; the log does so with all it gives.

    What cannot be brought there stays as it is, and is listed by the fold as unreadable.
    """
    if event_type not in UPCASTERS:
        return state
    try:
        stored = orjson.loads(state)
        return orjson.dumps({**stored, "data": UPCASTERS[event_type](stored["data"])})
    except Exception:
        return state


def same_content(one: bytes, other: bytes) -> bool:
    """Say whether two stored events of one identity tell the same; when it happened, or was recorded, is not compared.

    One call that is told by two paths has a time of each; the first one's stays.
    """
    try:
        first, second = orjson.loads(one), orjson.loads(other)
        for event in (first, second):
            event.pop("occurred_at", None), event.pop("recorded_at", None)
            event["data"] = plain_amounts(event.get("data"))
            event["data"].pop(LEFT_OUT, None)  # the same event loses as much as the policy of its time says
    except (ValueError, AttributeError, TypeError):  # bytes of another hand
        return False
    return _same(first, second)


def plain_amounts(data: Any) -> Any:
    """Return data with amounts of money as they are compared: 0.20 and 0.2, which are kept as they came, are one."""
    if not isinstance(data, dict):  # bytes of another hand
        return data
    return {
        name: _plain(value) if name in AMOUNTS and isinstance(value, str) else value for name, value in data.items()
    }


def _plain(amount: str) -> str:
    try:
        return str(Decimal(amount).normalize(_ALL_DIGITS))
    except ArithmeticError:  # stored by another hand
        return amount


def _same(one: Any, other: Any) -> bool:
    """Compare as JSON does: 1 and 1.0 are one number, and true is none."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def to_plain(answer: Any) -> Any:
    """Return an answer as plain dicts and lists: times as ISO 8601, decimals as text."""
    return _converter().unstructure(answer)


def to_json(answer: Any, *, indent: bool = True) -> str:
    """Return an answer as JSON, field for field."""
    plain = to_plain(answer)
    try:
        return orjson.dumps(plain, option=orjson.OPT_INDENT_2 if indent else 0).decode()
    except orjson.JSONEncodeError:  # the name of a file need not be UTF-8
        return json.dumps(plain, indent=2 if indent else None)
