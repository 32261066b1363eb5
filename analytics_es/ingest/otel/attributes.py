"""What no field takes of a span: its other attributes, short and flat; and when its first chunk came."""

from __future__ import annotations

import math
from typing import Any

from analytics_es.events.fields import CONTRADICTION
from analytics_es.ingest.otel.conventions.texts import FIRST_CHUNK_EVENTS
from analytics_es.ingest.otel.plan import MAX_ATTRIBUTES
from analytics_es.ingest.otel.reading import Reading
from analytics_es.ingest.otel.spans import MAX_VALUE, Span, duration
from analytics_es.ingest.otel.values import cut, plain, remembered

FIRST_CHUNK = "time_to_first_chunk"
SLACK_MS = 1  # by how much clocks of one machine may differ


def left_over(span: Span, reading: Reading, what: str) -> dict[str, Any]:
    """Return what an event of an activity (`TAKEN`) has no field for; what there was no room for is counted."""
    names, unfit = reading.names_left_over(what)
    if len(names) > MAX_ATTRIBUTES:
        names, unfit = names[:MAX_ATTRIBUTES], unfit + len(names) - MAX_ATTRIBUTES
    others, values = about(span, unfit + span.dropped), span.attributes
    for name in names:
        value = values[name]
        kind = type(value)
        if kind is str and len(value) <= MAX_VALUE and value.isascii() and "\0" not in value:
            others[name] = value  # most are such texts, or numbers: that is seen without more
        elif kind is int or kind is bool:
            others[name] = value
        elif value is not None:
            others[name] = short(value)
    return others


def about(span: Span, dropped: int = 0) -> dict[str, Any]:
    """Return where a span comes from, and how many attributes of it are not there."""
    origin: dict[str, Any] = {}
    if span.service:
        origin["service.name"] = _name(span.service)
    if span.scope:
        origin["otel.scope.name"] = _name(span.scope)
    if span.parent_id:
        origin["otel.parent_span_id"] = span.parent_id
    if span.start_us > span.end_us:
        origin["otel.clock_set_back_ms"] = (span.start_us - span.end_us) / 1000
    if dropped:
        origin["otel.dropped_attributes"] = dropped
    return origin


@remembered
def _name(text: str) -> str:
    """Return a name that many spans have."""
    return cut(plain(text), MAX_VALUE)


def short(value: Any) -> str | float:
    """Return a value of an attribute as it is stored: a number, or a short text."""
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value  # a truth value, too
    if type(value) is list and len(value) == 1 and type(value[0]) is str:
        return _alone(value[0])  # most often why it finished
    return cut(plain(value), MAX_VALUE)


@remembered
def _alone(text: str) -> str:
    """Return a list of one text."""
    return cut(plain([text]), MAX_VALUE)


def of_models(reading: Reading) -> dict[str, str]:
    """Return the models that were asked for and that answered, as far as they have other names than the model."""
    asked, answered = reading.fields.get("request_model"), reading.fields.get("response_model")
    names = {"gen_ai.request.model": asked, "gen_ai.response.model": answered}
    return {name: short(model) for name, model in names.items() if model and model != reading.model}  # type: ignore[misc]


def first_chunk(span: Span, reading: Reading) -> tuple[float | None, str]:
    """Return the milliseconds until the first chunk of the answer, by an attribute or by the event of the first.

    What lies outside of the span is none of its times: instead of it the field is returned, which contradicts itself.
    """
    wait = reading.fields.get(FIRST_CHUNK)
    if wait is None:
        times = [event.at_us for event in span.events if event.name in FIRST_CHUNK_EVENTS] if span.events else []
        wait = (min(times) - span.start_us) / 1000 if times and min(times) >= span.start_us else None
    if wait is None:
        return None, ""
    took = duration(span)
    if wait < 0 or (took is not None and wait > took + SLACK_MS):
        return None, FIRST_CHUNK
    return wait, ""


def contradicting(*fields: str) -> dict[str, str]:
    """Return the attribute that says which fields contradict one another, nothing where none does."""
    said = " ".join(dict.fromkeys(filter(None, fields)))
    return {CONTRADICTION: said} if said else {}
