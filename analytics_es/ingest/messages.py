"""One message → the arguments of `record_event`: CloudEvents, structured or binary, or plain JSON by topic."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import orjson

from analytics_es.errors import RefusedEvent, UnreadableMessage
from analytics_es.events import cloudevents
from analytics_es.events.checks import MAX_TEXT
from analytics_es.events.event import EARLIEST, LATEST, REJECTED
from analytics_es.events.walking import check_size
from analytics_es.ingest.bus import Message
from analytics_es.ingest.rejections import cleaned, reason_of
from analytics_es.ingest.rejections import event_of as anything_of

RAW_BYTES = 96 * 1024  # of a rejected message: as base64, with its headers, below what an event may take
HEADER_BYTES = 8 * 1024
STRUCTURED = "application/cloudevents+json"
BINARY = "ce-"

# A number that may have more digits than a binary fraction or 64 bits hold; or a text like one, which does no harm.
_MANY_DIGITS = re.compile(rb"[0-9][0-9.]{15}")

Look = Callable[[str], Any]


# ── what buses hand over ────────────────────────────────────────────────────────────────────────────────────────


def to_message(*positional: Any, **named: Any) -> Message:
    """Return what a bus has called a handler with as a message; raises UnreadableMessage.

    It is a Message; or topic, payload and maybe headers; or one mapping or object that has them, by these names or
    others in use; or the same as keyword arguments; or a CloudEvent as a mapping.
    """
    if len(positional) > 1:
        topic, payload, *more = positional
        headers = more[0] if more and isinstance(more[0], Mapping) else named.get("headers")
        return Message(topic=topic, payload=payload, headers=_headers(headers))
    delivery = positional[0] if positional else named
    if isinstance(delivery, Message):
        return delivery
    look: Look = delivery.get if isinstance(delivery, Mapping) else lambda name: getattr(delivery, name, None)
    if isinstance(delivery, Mapping) and "specversion" in delivery:
        return Message(topic=str(delivery.get("type")), payload=delivery)
    topic = _first(look, "topic", "subject", "event_type", "type")
    if not isinstance(topic, str):
        raise UnreadableMessage(problem=f"a {type(delivery).__name__} without a topic or type")
    return Message(
        topic=topic,
        payload=_first(look, "payload", "data", "body", "value"),
        headers=_headers(look("headers")),
        id=_first(look, "id", "message_id", "event_id"),
        source=look("source"),
        time=_time(_first(look, "occurred_at", "time", "timestamp")),
    )


def _first(look: Look, *names: str) -> Any:
    return next((value for name in names if (value := look(name)) is not None), None)


def _headers(headers: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in headers.items()} if isinstance(headers, Mapping) else {}


def _time(time: Any) -> datetime | None:
    if time is None or isinstance(time, datetime):
        return time
    if not isinstance(time, str):
        raise UnreadableMessage(problem=f"its time is {time!r:.60}: neither a datetime nor ISO 8601 text")
    try:
        return cloudevents.moment(time)
    except ValueError as error:
        raise UnreadableMessage(problem=error) from None


# ── what it says ────────────────────────────────────────────────────────────────────────────────────────────────


def arguments(message: Message) -> dict[str, Any]:
    """Return the arguments of `record_event` that a message means; raises UnreadableMessage."""
    try:
        return _arguments(message)
    except Exception as error:  # the payload may be of the publisher's own class
        raise UnreadableMessage(problem=str(error).partition("\n")[0][:200]) from error


def _arguments(message: Message) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in message.headers.items()} if message.headers else {}
    body = _body(message.payload)
    of_bus = {"id": message.id, "source": message.source, "time": message.time}
    structured = headers.get("content-type", "").lower().startswith(STRUCTURED)
    if "ce-type" in headers and not structured:  # of a structured one they may be in headers as well
        return cloudevents.arguments({**attributes_in(headers), "data": body}, of_bus)
    if structured or (isinstance(body, Mapping) and "specversion" in body and "type" in body):
        if not isinstance(body, Mapping):
            raise ValueError("it is not a JSON object")
        return cloudevents.arguments(body, of_bus)
    return cloudevents.arguments({"type": message.topic, "data": body}, of_bus)


def attributes_in(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes of a CloudEvent that headers hold, whose names are in lower case."""
    return {name.removeprefix(BINARY): unquote(text) for name, text in headers.items() if name.startswith(BINARY)}


def loaded(text: bytes) -> Any:
    """Read JSON, its numbers as exact as they are written; raises ValueError, RecursionError."""
    check_size(text)
    document = orjson.loads(text)
    return cloudevents.exact(text) if _MANY_DIGITS.search(text) else document


def _body(payload: Any) -> Any:
    """Return what the payload holds; none is no data. Its numbers stay exact."""
    if payload is None or isinstance(payload, Mapping):
        return payload
    text = payload.encode() if isinstance(payload, str) else bytes(memoryview(payload))
    return loaded(text) if text else None


# ── what cannot be recorded ─────────────────────────────────────────────────────────────────────────────────────


def rejection(message: Message, reason: RefusedEvent) -> dict[str, Any]:
    """Return the arguments of `record_event` that keep a message which gives no event, with the reason why.

    The same message gives the same event, whenever it is delivered. Here alone is decided what is kept of it.
    """
    raw, headers = _raw(message.payload), _short(message.headers)
    named, timed = _name(message), _is_time(message.time)
    return {
        "event_type": REJECTED,
        "data": {
            "subject": cleaned(message.topic, MAX_TEXT),
            "stream": message.stream,
            "sequence": message.sequence,
            "reason": reason_of(reason),
            "raw": base64.b64encode(raw[:RAW_BYTES]).decode(),
            "size": len(raw),
            "sha256": hashlib.sha256(raw).hexdigest(),
            "headers": headers,
            "truncated": len(raw) > RAW_BYTES or len(headers) < len(message.headers),
        },
        "occurred_at": message.time if timed else None,
        "id": named if timed else None,
        "source": cleaned(message.source or "bus", 256),
    }


def event_of(message: Message) -> dict[str, Any] | None:
    """Return what a message that gives no event says of one, as far as that can be read; None where that is nothing."""
    try:
        said = arguments(message)
        return {"type": said.pop("event_type"), **said}
    except UnreadableMessage:
        about = {"type": message.topic or None, "source": message.source, "id": message.id, "occurred_at": message.time}
        try:
            return anything_of(message.payload, about)
        except Exception:  # the payload may be of the publisher's own class
            return None


def _name(message: Message) -> str | None:
    """Return what tells a rejected message from all others of its source."""
    if message.sequence is not None:
        return cleaned(f"rejected {message.stream}:{message.sequence}", MAX_TEXT)
    return f"rejected {hashlib.sha256(repr(message.id).encode()).hexdigest()}" if message.id is not None else None


def _is_time(time: Any) -> bool:
    return isinstance(time, datetime) and time.utcoffset() is not None and EARLIEST <= time < LATEST


def _raw(payload: Any) -> bytes:
    """Return the bytes of a payload, or, where it is none, what it looks like."""
    if isinstance(payload, str):
        return payload.encode("utf-8", "backslashreplace")
    try:
        return payload if isinstance(payload, bytes) else bytes(memoryview(payload))
    except TypeError:
        return _written(payload)


def _written(payload: Any) -> bytes:
    try:
        return orjson.dumps(payload, default=repr, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError, RecursionError):
        return _look(payload).encode("utf-8", "backslashreplace")


def _look(payload: Any) -> str:
    try:
        return repr(payload)
    except Exception:  # of the publisher's own class
        return type(payload).__name__


def _short(headers: Mapping[str, str]) -> dict[str, str]:
    """Return as many headers as there is room for."""
    short, room = dict[str, str](), HEADER_BYTES
    for name, value in headers.items():
        room -= len(str(name)) + len(str(value))
        if room < 0:
            break
        short[cleaned(name, HEADER_BYTES)] = cleaned(value, HEADER_BYTES)
    return short
