"""A span of a trace, and what it says beside the fields that tables have names for: times, errors, texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from attrs import Factory, field, frozen

from analytics_es.ingest.otel.conventions.texts import NOT_FREE
from analytics_es.ingest.otel.values import cut, plain

MAX_VALUE = 256  # characters of a value: dimensions are short, and what is long is most likely something that was said
MAX_CONTENT = 32_768  # characters of what was said, where that is asked for


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
    scope_version: str = ""
    dropped: int = 0  # attributes that the emitter left out
    reading: Any = field(default=None, init=False, eq=False, repr=False)  # what it tells, once it was read (`reading`)
    key: str = field(init=False, eq=False, repr=False)  # its identity, which is asked for many times

    @property
    def title(self) -> str:
        """Return the name as a field can hold it."""
        return cut(plain(self.name), MAX_VALUE)

    @key.default
    def _identity(self) -> str:
        return f"{self.trace_id}:{self.span_id}"

    @property
    def parent(self) -> str:
        """Return the identity of the span it lies in, "" if there is none."""
        return f"{self.trace_id}:{self.parent_id}" if self.parent_id else ""


# ── the fields ──────────────────────────────────────────────────────────────────────────────────────────────────


def duration(span: Span) -> float | None:
    """Return milliseconds; None where the clock was set back meanwhile, which nobody can tell the duration of."""
    return (span.end_us - span.start_us) / 1000 if span.end_us >= span.start_us else None


def exception_type(span: Span) -> str | None:
    """Return the type of the last exception of a span that failed; one that was handled is none."""
    if not span.failed:
        return None
    types = [event.attributes.get("exception.type") for event in span.events if event.name == "exception"]
    return plain(types[-1]) if types and types[-1] else None


# ── what was said ───────────────────────────────────────────────────────────────────────────────────────────────


def said(span: Span, fields: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return what was said, by field."""
    texts = {field: next(filter(None, (_text_of(span, name) for name in names)), "") for field, names in fields.items()}
    return {field: cut(text, MAX_CONTENT) for field, text in texts.items() if text}


def _text_of(span: Span, name: str) -> str | None:
    """Return the text of an attribute, or of all that lie below it, as JSON."""
    below = {
        key[len(name) + 1 :]: value
        for key, value in span.attributes.items()
        if key.startswith(f"{name}.") and key not in NOT_FREE
    }
    value = span.attributes.get(name) or below
    return plain(value) if value else None
