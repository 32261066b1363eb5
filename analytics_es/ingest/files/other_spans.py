"""Spans and log records as other exporters write them into files: those that are certain are read, others are named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from analytics_es.events.event import EPOCH
from analytics_es.ingest.otel.logs.record import LogRecord, ReadRecord
from analytics_es.ingest.otel.otlp import ERROR, UNREADABLE, ReadSpan, read_span
from analytics_es.ingest.otel.shapes import NOBODY, hex_of
from analytics_es.ingest.otel.spans import Span, SpanEvent
from analytics_es.ingest.problems import in_one_line

Json = Mapping[str, Any]
Records = Iterable[ReadSpan | ReadRecord]

ZIPKIN = "spans of Zipkin: send or write them as OTLP"


def read_other(document: Json) -> Records:
    """Return what an object gives that is no request of OTLP; raises ValueError where it is nothing that is known."""
    names = document.keys()
    if "traceID" in names and isinstance(document.get("spans"), list):
        return _of_jaeger(document)
    if isinstance(document.get("context"), Mapping) and "start_time" in names:
        return [_span_by(_of_console, document)]
    if {"traceId", "startTimeUnixNano"} <= names or {"trace_id", "start_time_unix_nano"} <= names:
        return [read_span(NOBODY, document)]
    if "hrTime" in names:
        return [_record_of_javascript(document)]
    if isinstance(document.get("startTime"), list) and isinstance(document.get("endTime"), list):
        return [_span_by(_of_javascript, document)]
    if {"traceId", "id", "timestamp"} <= names:
        raise ValueError(f": {ZIPKIN}")
    raise ValueError(": it has no resourceSpans")


def _span_by(read: Callable[[Json], Span], document: Json) -> ReadSpan:
    raw = None
    try:
        raw = orjson.dumps(document).decode()
        return ReadSpan(read(document), raw)
    except UNREADABLE as error:
        return ReadSpan(None, raw, f"not a span: {in_one_line(error)}")


# ── the console exporter of Python's SDK ────────────────────────────────────────────────────────────────────────


def _of_console(document: Json) -> Span:
    context = document["context"]
    return Span(
        trace_id=_of_0x("trace_id", context.get("trace_id"), 16),
        span_id=_of_0x("span_id", context.get("span_id"), 8),
        parent_id=_of_0x("parent_id", document["parent_id"], 8) if document.get("parent_id") else "",
        name=str(document.get("name", "")),
        start_us=_instant(document.get("start_time")),
        end_us=_instant(document.get("end_time")),
        failed=str((document.get("status") or {}).get("status_code")) == "ERROR",
        attributes=dict(document.get("attributes") or {}),
        events=tuple(
            SpanEvent(str(event.get("name", "")), _instant(event.get("timestamp")), dict(event.get("attributes") or {}))
            for event in document.get("events") or ()
        ),
        service=str(((document.get("resource") or {}).get("attributes") or {}).get("service.name", "")),
    )


def _of_0x(name: str, value: Any, size: int) -> str:
    return hex_of(name, value.removeprefix("0x") if isinstance(value, str) else value, size)


def _instant(value: Any) -> int:
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError(f"its time {value!r:.40} has no zone")
    return (time - EPOCH) // timedelta(microseconds=1)


# ── JSON of the SDK's objects in JavaScript, as Gemini CLI writes into its own file ─────────────────────────────


def _of_javascript(document: Json) -> Span:
    context = document.get("_spanContext") or document.get("spanContext") or document
    parent = (document.get("parentSpanContext") or {}).get("spanId") or document.get("parentSpanId")
    scope = document.get("instrumentationScope") or document.get("instrumentationLibrary") or {}
    return Span(
        trace_id=hex_of("traceId", context.get("traceId"), 16),
        span_id=hex_of("spanId", context.get("spanId"), 8),
        parent_id=hex_of("parentSpanId", parent, 8) if parent else "",
        name=str(document.get("name", "")),
        start_us=_of_pair(document["startTime"]),
        end_us=_of_pair(document["endTime"]),
        failed=(document.get("status") or {}).get("code") in ERROR,
        attributes=dict(document.get("attributes") or {}),
        events=tuple(
            SpanEvent(str(event.get("name", "")), _of_pair(event["time"]), dict(event.get("attributes") or {}))
            for event in document.get("events") or ()
        ),
        service=str(_resource(document).get("service.name", "")),
        scope=str(scope.get("name", "")),
    )


def _record_of_javascript(document: Json) -> ReadRecord:
    raw = None
    try:
        raw = orjson.dumps(document).decode()
        scope = document.get("instrumentationScope") or {}
        resource = _resource(document)
        record = LogRecord(
            event_name=str(document.get("eventName") or document.get("_eventName") or ""),
            time_us=_of_pair(document["hrTime"]),
            body=document.get("body", document.get("_body")),
            attributes=dict(document.get("attributes") or {}),
            resource=resource,
            service=str(resource.get("service.name", "")),
            scope=str(scope.get("name", "")),
            scope_version=str(scope.get("version") or ""),
            span_id=str((document.get("spanContext") or {}).get("spanId") or ""),
        )
        return ReadRecord(record, raw)
    except UNREADABLE as error:
        return ReadRecord(None, raw, f"not a log record: {in_one_line(error)}")


def _resource(document: Json) -> dict[str, Any]:
    """Return the attributes of a resource: as they are, or as the pairs that newer ones hold."""
    resource = document.get("resource") or {}
    attributes = resource.get("attributes") or resource.get("_attributes") or {}
    pairs = resource.get("_rawAttributes") or ()
    return {**attributes, **{name: value for name, value in pairs if isinstance(name, str)}}


def _of_pair(time: Any) -> int:
    seconds, nanoseconds = time
    return int(seconds) * 1_000_000 + int(nanoseconds) // 1000


# ── Jaeger ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_jaeger(trace: Json) -> Iterator[ReadSpan]:
    processes = trace.get("processes") if isinstance(trace.get("processes"), Mapping) else {}
    for document in trace["spans"]:
        yield _span_by(lambda span: _of_jaeger_span(span, processes or {}), document)


def _of_jaeger_span(document: Json, processes: Json) -> Span:
    tags = _tags(document.get("tags"))
    parents = [one for one in document.get("references") or () if one.get("refType") == "CHILD_OF"]
    start = int(document["startTime"])
    scope = tags.pop("otel.scope.name", "") or tags.pop("otel.library.name", "")
    return Span(
        trace_id=hex_of("traceID", str(document.get("traceID")).zfill(32), 16),
        span_id=hex_of("spanID", str(document.get("spanID")).zfill(16), 8),
        parent_id=hex_of("spanID", str(parents[0].get("spanID")).zfill(16), 8) if parents else "",
        name=str(document.get("operationName", "")),
        start_us=start,
        end_us=start + int(document["duration"]),
        failed=tags.get("error") in (True, "true") or tags.pop("otel.status_code", "") == "ERROR",
        attributes={name: value for name, value in tags.items() if name not in ("error", "span.kind")},
        events=tuple(_jaeger_event(log) for log in document.get("logs") or ()),
        service=str((processes.get(str(document.get("processID"))) or {}).get("serviceName", "")),
        scope=str(scope),
    )


def _jaeger_event(log: Json) -> SpanEvent:
    fields = _tags(log.get("fields"))
    return SpanEvent(str(fields.pop("event", "")), int(log.get("timestamp") or 0), fields)


def _tags(tags: Any) -> dict[str, Any]:
    return {str(tag["key"]): _tag(tag) for tag in tags or ()}


def _tag(tag: Json) -> Any:
    """Return the value of a tag; whole numbers come as numbers or as texts."""
    value = tag.get("value")
    return int(value) if tag.get("type") == "int64" and isinstance(value, str) else value
