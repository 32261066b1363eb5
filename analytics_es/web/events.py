"""CloudEvents and events of our own in bodies of requests → messages, and what each of them says."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from io import BytesIO
from typing import Any

import orjson
from attrs import evolve, frozen

from analytics_es.errors import BadEvent, OwnWords, UnreadableMessage
from analytics_es.events import cloudevents
from analytics_es.events.event import EARLIEST, LATEST, is_type
from analytics_es.events.walking import MAX_SMALL, Malformed, Walk
from analytics_es.ingest import Message
from analytics_es.ingest.messages import BINARY, STRUCTURED, arguments, attributes_in, event_of, loaded
from analytics_es.ingest.problems import ARGUMENTS, NEEDED
from analytics_es.ingest.recorder import Recorder
from analytics_es.ingest.strictness import is_strict
from analytics_es.ingest.subscription import Form
from analytics_es.web.counts import OTHERS
from analytics_es.web.refusals import MalformedBody

_ATTRIBUTE = re.compile("[a-z0-9]{1,20}")  # as CloudEvents names them
MOST_LEVELS = 200  # of objects and lists in one another: what is written again holds no more
ATTRIBUTES = ("specversion", "id", "source", "type", "time", "data", "data_base64", "datacontenttype", "dataschema")
SOURCE = "http"  # of what is kept because it gave no event


@frozen(kw_only=True)
class CloudEvent(Message):
    """An event in the format of CloudEvents: its payload, or its headers, say so.

    whose: whether its subject is whose event it is.
    """

    whose: bool = False


# ── bodies ──────────────────────────────────────────────────────────────────────────────────────────────────────


def one_or_many(body: bytes, *, cloud: bool) -> Iterator[Message]:
    """Yield the events of a JSON object, or of a list; raises MalformedBody.

    An element that cannot be read, such as one with half a sign of Unicode, is a message that gives no event.
    """
    if len(body) <= MAX_SMALL:
        with suppress(MalformedBody):
            document = _loads(body)
            if isinstance(document, list | dict):
                documents = document if isinstance(document, list) else [document]
                return (_message(one, cloud=cloud) for one in documents)
    return _walked(body, cloud=cloud)


def of_lines(body: bytes) -> Iterator[Message]:
    """Yield the event of each line that is not empty; one that is no JSON is a message that gives none.

    Raises MalformedBody where no line is JSON, once all are read.
    """
    lines, malformed = 0, 0
    for line in filter(bytes.strip, BytesIO(body)):  # one by one: who takes no more than so many stops here
        message = _of_text(line.rstrip(b"\n"), cloud=False)
        lines, malformed = lines + 1, malformed + isinstance(message.payload, bytes)
        yield message
    if lines and lines == malformed:
        raise MalformedBody(problem="no line of it is valid JSON")


def in_headers(headers: Mapping[str, str], body: bytes) -> Message:
    """Return the event whose attributes are headers; of the others nothing is taken over."""
    own = {name: text for name, text in headers.items() if name.startswith(BINARY)}
    return CloudEvent(topic=own.get("ce-type", ""), payload=body, headers=own)


def _walked(body: bytes, *, cloud: bool) -> Iterator[Message]:
    """Yield the events of a text one by one: what one takes of memory is bounded, and one that is wrong is one."""
    walk = Walk(BytesIO(body).read)
    try:
        if walk.kind() == b"{":
            yield _message(_loads(walk.text() or b""), cloud=cloud)
        else:
            for _ in walk.elements():
                yield _of_text(walk.text(), cloud=cloud)
        walk.end()
    except Malformed:
        raise MalformedBody(problem="it is not valid JSON") from None
    except ValueError:
        raise MalformedBody(problem="it is neither a JSON object nor a list of them") from None


def _of_text(text: bytes | None, *, cloud: bool) -> Message:
    """Return the event of a part of a body; None is one that is too large."""
    try:
        return _message(_loads(text or b""), cloud=cloud)
    except MalformedBody:
        return Message(topic="", payload=text or b"")


def _loads(text: bytes) -> Any:
    try:
        document = loaded(text)
        if text.count(b"{") + text.count(b"[") > MOST_LEVELS and _levels(document) > MOST_LEVELS:
            raise ValueError
        return document
    except (ValueError, RecursionError):
        raise MalformedBody(problem="it is not valid JSON, or out of bounds") from None


def _levels(document: Any) -> int:
    """Return how many levels objects and lists have that lie in one another."""
    levels, inside = 0, [document]
    while inside := [part for part in inside if isinstance(part, dict | list)]:
        levels += 1
        inside = [value for part in inside for value in (part.values() if isinstance(part, dict) else part)]
    return levels


def _message(document: Any, *, cloud: bool) -> Message:
    is_mapping = isinstance(document, Mapping)
    if cloud or (is_mapping and "specversion" in document):
        return CloudEvent(topic=_text(document, "type"), payload=document)
    return Message(topic=_text(document, "event_type"), payload=document)


def _text(document: Any, name: str) -> str:
    named = document.get(name) if isinstance(document, Mapping) else None
    return named if isinstance(named, str) else ""


def with_subject(message: Message) -> Message:
    """Return a CloudEvent of a client of OpenMeter: its subject is whose event it is, as far as its data do not tell.

    As `user_id`, since it may name a person, whom the policy of privacy gives a pseudonym.
    """
    return evolve(message, whose=True) if isinstance(message, CloudEvent) else message


def arriving(messages: Sequence[Message], recorder: Recorder) -> list[Message]:
    """Give CloudEvents that tell no time that of their arrival: such a source is known by its ids alone from then on.

    So what is sent again is known again. Where a source cannot be, they stay without, and are refused.
    """
    now = recorder.door.clock()
    return [
        evolve(message, time=now) if (source := _timeless(message)) and is_strict(recorder.log, source) else message
        for message in messages
    ]


def _timeless(message: Message) -> str | None:
    """Return the source of a CloudEvent that tells no time; None of every other message."""
    if not isinstance(message, CloudEvent):
        return None
    told = _attributes(message)
    if told.get("time") is not None or not is_type(message.topic):
        return None
    return told["source"] if isinstance(told.get("source"), str) and told.get("id") is not None else None


def not_read(messages: Iterable[Message]) -> Counter[str]:
    """Count attributes of CloudEvents of which nothing is taken over, such as extensions, by name."""
    names = Counter[str]()
    for message in messages:
        if isinstance(message, CloudEvent):
            names.update(_not_read(message))
    return names


def _not_read(message: CloudEvent) -> Iterator[str]:
    for name in _attributes(message):
        if name not in ATTRIBUTES and not (name == "subject" and message.whose):
            yield name if isinstance(name, str) and _ATTRIBUTE.fullmatch(name) else OTHERS


def _attributes(message: CloudEvent) -> Mapping[str, Any]:
    """Return what a CloudEvent tells, by name; nothing where it is no object."""
    if message.headers:
        return attributes_in(message.headers)
    return message.payload if isinstance(message.payload, Mapping) else {}


# ── what an event says ──────────────────────────────────────────────────────────────────────────────────────────


def _read(message: Message) -> dict[str, Any]:
    """Return the arguments of `record_event`; raises RefusedEvent."""
    return _of_cloud(message) if isinstance(message, CloudEvent) else _of_own(message)


def _of_cloud(message: CloudEvent) -> dict[str, Any]:
    """Read a CloudEvent: what is sent again must be known again, so it has to have the id and the source it owes."""
    if message.headers:
        event = arguments(message)
    elif isinstance(message.payload, Mapping):
        event = arguments(evolve(message, headers=_STRUCTURED))
    else:
        raise UnreadableMessage(problem=OwnWords("it is not a JSON object"))
    for name in ("id", "source"):
        if event[name] is None:
            raise UnreadableMessage(problem=OwnWords(f"its {name} is missing, which every CloudEvent has"))
    if message.whose and (subject := _attributes(message).get("subject")) and event["data"].get("user_id") is None:
        event["data"] = {**event["data"], "user_id": subject}
    return event


_STRUCTURED = {"content-type": STRUCTURED}


def _of_own(message: Message) -> dict[str, Any]:
    event = message.payload
    if isinstance(event, bytes):
        raise UnreadableMessage(problem=OwnWords("it is not valid JSON, or out of bounds"))
    if not isinstance(event, Mapping) or not NEEDED <= event.keys() <= ARGUMENTS:
        raise BadEvent(problem=_mistake(event))
    return dict(event)


def _mistake(event: Any) -> OwnWords:
    """Say what is wrong with an event of our own, without the names that it has: an answer tells them to nobody."""
    if not isinstance(event, Mapping):
        return OwnWords("this is no JSON object")
    missing = " and ".join(sorted(NEEDED - event.keys()))
    return OwnWords(f"of this one {missing} is missing" if missing else "this one has others, too")


def _event_of(message: Message) -> dict[str, Any] | None:
    """Return what a message that gives no event says of one."""
    event = message.payload
    if isinstance(message, CloudEvent) or not isinstance(event, Mapping):
        return event_of(evolve(message, headers=_STRUCTURED) if isinstance(event, Mapping) else message)
    return {
        "type": event.get("event_type"),
        "source": event.get("source"),
        "id": event.get("id"),
        "occurred_at": event.get("occurred_at"),
        "data": event.get("data"),
    }


def _named(message: Message) -> Message:
    """Return a message that gives no event with what it says of itself: sent again, it is the same."""
    payload = message.payload
    # Not every number that JSON may hold is one of orjson.
    written = payload if isinstance(payload, bytes) else json.dumps(payload, default=str).encode()
    digest = hashlib.sha256(written + orjson.dumps(dict(message.headers))).hexdigest()
    return evolve(message, id=digest, source=SOURCE, time=_time(message))


def _time(message: Message) -> datetime | None:
    if isinstance(message, CloudEvent):
        said = _attributes(message).get("time")
    else:
        said = message.payload.get("occurred_at") if isinstance(message.payload, Mapping) else None
    if isinstance(said, str):
        with suppress(ValueError, OverflowError):
            time = cloudevents.moment(said)
            return time if EARLIEST <= time < LATEST else None
    return None


HTTP = Form(_read, _event_of, _named)
