"""A span of a trace, and what its attributes say in the fields of our vocabulary."""

from __future__ import annotations

import base64
import functools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from attrs import Factory, define, frozen

from analytics_es.ingest.otel import conventions as semconv

MAX_ATTRIBUTES = 64
MAX_NAME = 128  # characters of an attribute's name
MAX_VALUE = 256  # … of its value: dimensions are short, and what is long is most likely something that was said
MAX_CONTENT = 32_768  # … of what was said, where that is asked for


class SpanEvent(NamedTuple):
    """Something that happened during a span, at Unix microseconds."""

    name: str
    at_us: int
    attributes: Mapping[str, Any]


@frozen(kw_only=True)
class Span:
    """One finished span. Ids are lower-case hex, times Unix microseconds, attributes plain values or lists of them."""

    trace_id: str
    span_id: str
    parent_id: str = ""
    name: str
    start_us: int
    end_us: int
    failed: bool = False
    attributes: Mapping[str, Any] = Factory(dict)
    events: Sequence[SpanEvent] = ()
    service: str = ""
    scope: str = ""
    dropped: int = 0  # attributes that the emitter left out

    @property
    def title(self) -> str:
        """Return the name as a field can hold it."""
        return cut(_plain(self.name), MAX_VALUE)

    @property
    def key(self) -> str:
        """Return the span's identity."""
        return f"{self.trace_id}:{self.span_id}"

    @property
    def parent(self) -> str:
        """Return the identity of the span it lies in, "" if there is none."""
        return f"{self.trace_id}:{self.parent_id}" if self.parent_id else ""


# ── the fields ──────────────────────────────────────────────────────────────────────────────────────────────────


@define
class Attributes:
    """A span's attributes by name, and which of them have been taken over into fields."""

    values: Mapping[str, Any]
    taken: set[str] = Factory(set)

    def first(self, names: Iterable[str]) -> Any:
        """Return the first value there is under these names, and take it."""
        for name in names:
            value = self.values.get(name)
            if value is not None and value != "":
                self.taken.update(alias for alias in names if self.values.get(alias) == value)
                return value
        return None

    def text(self, names: Iterable[str]) -> str | None:
        """Return the first value there is, as text, and take it."""
        value = self.first(names)
        return None if value is None else _plain(value)

    def number(self, names: Iterable[str]) -> Any:
        """Return the first value there is, as a number if it is one or says one; the door refuses anything else."""
        value = self.first(names)
        whole = value.isdecimal() if isinstance(value, str) else isinstance(value, float) and value.is_integer()
        return int(value) if whole else value

    def attempt(self) -> Any:
        """Return which attempt it was, from 1, None where nothing tells; the door refuses what is no such number."""
        own = self.number((f"{semconv.OWN}attempt",))
        if own is not None:
            return own
        resends = self.number(semconv.RESENDS)
        return resends + 1 if type(resends) is int else resends

    def called(self, operation: str | None) -> dict[str, Any]:
        """Return who was called, for what."""
        self.taken.update(name for name in semconv.OPERATION if self.values.get(name) == operation)
        provider = self.text(semconv.PROVIDER)
        provider = provider and semconv.PROVIDERS.get(provider.lower(), provider.lower())
        service_tier = self.text(semconv.SERVICE_TIER)
        return {"provider": provider, "model": self._model(), "operation": operation, "service_tier": service_tier}

    def used(self) -> dict[str, Any]:
        """Return tokens and cost."""
        cost = self.first(semconv.COST)
        return {**self._tokens(), **({} if cost is None else {"cost": cost, "currency": "USD"})}

    def _model(self) -> str | None:
        for name in semconv.MODEL:
            model = self.text((name,))
            if model is not None and name.endswith("invocation_parameters"):
                model = _model_in(model)
            if model:
                return model
        return None

    def _tokens(self) -> dict[str, Any]:
        """Return token counts whose totals include their parts, as most emitters report them and some do not.

        A part above its total gives it away, and so does a grand total that only the sum of all makes.
        """
        tokens = {name: self.number(names) for name, names in semconv.USAGE.items()}
        for name, names in semconv.PARTS.items():
            whole = "output_tokens" if name == "reasoning_tokens" else "input_tokens"
            if tokens[whole] is not None:
                tokens[name] = self.number(names)
        if all(value is None or (type(value) is int and value >= 0) for value in tokens.values()):
            _include_parts(tokens, self.number(semconv.TOTAL_TOKENS))
        return tokens


def common(span: Span, attributes: Attributes) -> dict[str, Any]:
    """Return the fields every event may have, None where there is nothing."""
    ids = {name: attributes.text((semconv.OWN + name, *names)) for name, names in semconv.IDS.items()}
    ids["job_id"] = ids["job_id"] or span.trace_id  # a trace is one job: the one thing every span of it can tell
    error = attributes.text(semconv.ERROR) or _exception(span)
    return {**ids, "error_type": error and cut(error, MAX_VALUE)}


def _model_in(parameters: str) -> str | None:
    try:
        model = json.loads(parameters)["model"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return model if isinstance(model, str) else None


def _include_parts(tokens: dict[str, Any], total: Any) -> None:
    cached = (tokens.get("cache_read_tokens") or 0) + (tokens.get("cache_creation_tokens") or 0)
    reasoning = tokens.get("reasoning_tokens") or 0
    reported = (tokens["input_tokens"] or 0, tokens["output_tokens"] or 0)
    readings = [(reported[0] + more, reported[1] + other) for more in (0, cached) for other in (0, reasoning)]
    possible = [reading for reading in readings if reading[0] >= cached and reading[1] >= reasoning]
    chosen = next((reading for reading in possible if sum(reading) == total), possible[0])
    for name, value in zip(("input_tokens", "output_tokens"), chosen, strict=True):
        if tokens[name] is not None:
            tokens[name] = value


def duration(span: Span) -> float | None:
    """Return milliseconds; None where the clock was set back meanwhile, which nobody can tell the duration of."""
    return (span.end_us - span.start_us) / 1000 if span.end_us >= span.start_us else None


def first_chunk(span: Span, attributes: Attributes) -> float | None:
    """Return the milliseconds until the first chunk of the answer, by an attribute or by the event of the first."""
    seconds = attributes.first(semconv.FIRST_CHUNK)
    if isinstance(seconds, int | float):
        return seconds * 1000
    times = [event.at_us for event in span.events if event.name in semconv.FIRST_CHUNK_EVENTS]
    return (min(times) - span.start_us) / 1000 if times and min(times) >= span.start_us else None


def _exception(span: Span) -> str | None:
    """Return the type of the last exception of a span that failed; one that was handled is none."""
    types = [event.attributes.get("exception.type") for event in span.events if event.name == "exception"]
    return _plain(types[-1]) if span.failed and types and types[-1] else None


# ── attributes ──────────────────────────────────────────────────────────────────────────────────────────────────


def left_over(span: Span, attributes: Attributes) -> dict[str, Any]:
    """Return what no field has taken: short, flat, without what was said; what there was no room for is counted."""
    names = sorted(name for name in span.attributes if name not in attributes.taken and not is_free_text(name))
    fitting = [name for name in names if len(name) <= MAX_NAME and _plain(name) == name][:MAX_ATTRIBUTES]
    about = {
        "service.name": span.service,
        "otel.scope.name": span.scope,
        "otel.parent_span_id": span.parent_id,
        "otel.clock_set_back_ms": max(span.start_us - span.end_us, 0) / 1000,
        "otel.dropped_attributes": span.dropped + len(names) - len(fitting),
    }
    values = {name: _short(span.attributes[name]) for name in fitting if span.attributes[name] is not None}
    return {**{name: _short(value) for name, value in about.items() if value}, **values}


@functools.lru_cache(maxsize=4096)
def is_free_text(name: str) -> bool:
    """Say whether an attribute holds what was said: prompts, answers, arguments, documents."""
    return name not in semconv.NOT_FREE and any(
        name == free or name.startswith(f"{free}.") for free in semconv.FREE_TEXT
    )


def _short(value: Any) -> str | float:
    if type(value) is str:  # most are: that is seen without more
        return cut(_plain(value), MAX_VALUE)
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return cut(_plain(value), MAX_VALUE)


def said(span: Span, fields: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return what was said, by field."""
    texts = {field: next(filter(None, (_text_of(span, name) for name in names)), "") for field, names in fields.items()}
    return {field: cut(text, MAX_CONTENT) for field, text in texts.items() if text}


def _text_of(span: Span, name: str) -> str | None:
    """Return the text of an attribute, or of all that lie below it, as JSON."""
    below = {
        key[len(name) + 1 :]: value
        for key, value in span.attributes.items()
        if key.startswith(f"{name}.") and key not in semconv.NOT_FREE
    }
    value = span.attributes.get(name) or below
    return _plain(value) if value else None


def _plain(value: Any) -> str:
    """Return any value of an attribute as a text that can be stored: lists and mappings as JSON."""
    if type(value) is str and value.isascii() and "\0" not in value:
        return value
    if isinstance(value, bytes):
        value = base64.b64encode(value).decode()
    if isinstance(value, Mapping | list | tuple):
        value = json.dumps(value, default=_plain_object, ensure_ascii=False)
    return str(value).encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _plain_object(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else _plain(value)


def cut(text: str, limit: int) -> str:
    """Return a text of at most so many characters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
