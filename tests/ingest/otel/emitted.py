"""Spans as emitters write them, and what is read of them: for the tests of emitters."""

from __future__ import annotations

from typing import Any

from analytics_es.events.event import EPOCH, admit
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.ingest.otel.spans import Span
from analytics_es.testing import NOON

END_US = (NOON - EPOCH).days * 86_400_000_000 + 12 * 3_600_000_000
TRACE = "0af7651916cd43dd8448eb211c80319c"

Attributes = dict[str, Any]


def span(attributes: Attributes, *, id: int = 1, parent: int | None = None, **changes: Any) -> Span:
    """Return a span of two seconds."""
    given = {"name": "a span", "trace_id": TRACE, "start_us": END_US - 2_000_000, "end_us": END_US}
    around = f"{parent:016x}" if parent else ""
    return Span(**{**given, "span_id": f"{id:016x}", "parent_id": around, "attributes": attributes, **changes})


def events(*spans: Span) -> list[dict[str, Any]]:
    reader = Reader()
    reader.see(spans)
    return [event for one in spans for event in reader.events(one)]


def event(attributes: Attributes, **changes: Any) -> dict[str, Any]:
    (only,) = events(span(attributes, **changes))
    admit(**only, now=NOON)
    return only


def data(attributes: Attributes, **changes: Any) -> dict[str, Any]:
    told: dict[str, Any] = event(attributes, **changes)["data"]
    return told


def tokens(told: dict[str, Any]) -> dict[str, int]:
    """Return the counts of an event, by short names."""
    return {name.removesuffix("_tokens"): count for name, count in told.items() if name.endswith("_tokens")}
