"""The last spans that a log holds: what a process that begins anew knows of those that came before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import orjson

from analytics_es.events.event import microseconds
from analytics_es.ingest.otel.nesting import Node
from analytics_es.ingest.otel.shapes import SOURCE
from analytics_es.ingest.otel.usage import KINDS, usage_of, who_is
from analytics_es.log import EventLog

RECALLED = 5_000  # of the last events of the log: less than 0.1 s, once

_BEGINNING = orjson.dumps({"source": SOURCE})[:-1]


def recalling(analytics: Any) -> Callable[[], list[Node]]:
    """Return what tells the last spans in the log of an analytics service, and raises what reading it raises."""
    return partial(_recall, analytics)


def _recall(analytics: Any) -> list[Node]:
    try:
        return recalled(analytics.store.log)
    except AttributeError:  # it is none of ours, and has no log
        return []


def recalled(log: EventLog) -> list[Node]:
    """Return the spans of which the last events of a log are, with the usage that is recorded of each."""
    events = log.scan(after=max(log.head() - RECALLED, 0), limit=RECALLED)
    spans: dict[str, dict[str, Any]] = {}
    for event_type, state in zip(events["type"].to_pylist(), events["state"].to_pylist(), strict=True):
        if state and state.startswith(_BEGINNING):
            try:
                _take(spans, event_type, orjson.loads(state))
            except (ValueError, TypeError, KeyError, AttributeError):  # a damaged event is told of elsewhere
                continue
    return [_node(key, span) for key, span in spans.items()]


def _take(spans: dict[str, dict[str, Any]], event_type: str, event: Mapping[str, Any]) -> None:
    trace, span_id, *more = event["id"].split(":")
    data, attributes = event["data"], event["data"].get("attributes", {})
    span = spans.setdefault(f"{trace}:{span_id}", {"parent": "", "usage": {}})
    span["usage"] |= {name: data[name] for name in ("cost", "currency") if name in data}
    for kind in KINDS & data.keys():
        span["usage"][kind] = span["usage"].get(kind, 0) + data[kind]
    if "provider" in data or "model" in data:
        names = (data.get("model"), attributes.get("gen_ai.request.model"), attributes.get("gen_ai.response.model"))
        span["who"] = who_is(data.get("provider"), *(name for name in names if isinstance(name, str)))
    if parent := attributes.get("otel.parent_span_id"):
        span["parent"] = f"{trace}:{parent}"
    if not more:
        span["call"] = event_type.startswith("provider.call.")
        span["tool"] = data.get("tool", "") if event_type.startswith("tool.call.") else ""
        span["ends"] = microseconds(datetime.fromisoformat(event["occurred_at"]))


def _node(key: str, span: Mapping[str, Any]) -> Node:
    usage = usage_of(span.get("who") or who_is(None), span["usage"]) if span["usage"] or span.get("call") else None
    return Node(key, span["parent"], span.get("call", False), usage, span.get("tool", ""), span.get("ends", 0), True)
