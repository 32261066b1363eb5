"""The door: any literal as an event is admitted and encoded, or refused with a code."""

from __future__ import annotations

import ast

from analytics_es.errors import RefusedEvent
from analytics_es.events.codec import decode
from analytics_es.ingest.batch import admitted
from analytics_es.ingest.door import Door
from analytics_es.testing import NOON, provider_call


def target(content: bytes) -> None:
    """Read bytes as Python's literal of `data`, else as a text, and record it in a call of a provider."""
    text = content.decode("utf-8", "surrogateescape")
    try:
        data = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        data = {text[:5]: text}
    event = provider_call()
    for given in ({**event, "data": data}, {**event, "id": text}, {**event, "event_type": text}, data):
        try:
            entry = admitted(Door(lambda: NOON), NOON, given)
        except RefusedEvent:
            continue
        decode(1, entry.type, entry.state)
    if isinstance(data, dict):
        try:
            admitted(Door(lambda: NOON), NOON, {**event, "data": {**event["data"], **data}})
        except RefusedEvent:
            return
