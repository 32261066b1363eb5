"""Requests in OTLP/JSON → spans and log records: of OpenTelemetry's file exporters, its collector's, and OTLP/HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import orjson

from analytics_es.ingest.otel.logs.record import LogRecord, ReadRecord
from analytics_es.ingest.otel.shapes import (
    LOGS,
    RECORDS,
    SCOPE,
    SCOPES,
    SPANS,
    TOP,
    WITHIN,
    Json,
    Origin,
    attributes_of,
    hex_of,
    of_today,
    origin_of,
    value_of,
)
from analytics_es.ingest.otel.spans import Span, SpanEvent
from analytics_es.ingest.problems import in_one_line

ERROR = (2, "STATUS_CODE_ERROR")
NO_SPAN, NO_TRACE = "0" * 16, "0" * 32
UNREADABLE = (ValueError, TypeError, AttributeError, KeyError, RecursionError, OverflowError)

Read = TypeVar("Read")


class ReadSpan(NamedTuple):
    """A span of a request and its text; or None, and the problem that refuses it."""

    span: Span | None
    raw: str | None
    problem: str = ""


class Part(NamedTuple):
    """A span, a log record or a metric (SPANS, LOGS, METRICS) as a document has it, and who tells it."""

    kind: str
    origin: Origin
    document: Any


def read_spans(request: Json) -> Iterator[ReadSpan]:
    """Return what each span of a request gives; raises ValueError where it is no trace."""
    parts = _parts(request, SPANS, "a trace: it has no resourceSpans")
    return (read_span(part.origin, part.document) for part in parts)


def read_logs(request: Json) -> Iterator[ReadRecord]:
    """Return what each log record of a request gives; raises ValueError where it has none."""
    parts = _parts(request, LOGS, "a log: it has no resourceLogs")
    return (read_record(part.origin, part.document) for part in parts)


def _parts(request: Json, kind: str, missing: str) -> list[Part]:
    if kind not in kinds_of(request):
        raise ValueError(f"not {missing}")
    return [part for part in parts_of(request) if part.kind == kind]


def kinds_of(document: Json) -> set[str]:
    """Return what a document may hold, by the names at its top; nothing where it is none of OTLP."""
    kinds = {TOP[name] for name in document if name in TOP}
    within = document.get("trace") if WITHIN in kinds else None
    return (kinds - {WITHIN}) | (kinds_of(within) if isinstance(within, dict) and "trace" not in within else set())


def parts_of(document: Json) -> Iterator[Part]:
    """Yield what a document holds; raises ValueError where it is not put together as one of OTLP."""
    try:
        for name, groups in document.items():
            kind = TOP.get(name)
            if kind == WITHIN and isinstance(groups, dict) and "trace" not in groups:
                yield from parts_of(groups)
            elif kind and kind != WITHIN:
                for group in groups or ():
                    yield from _of_group(group)
    except (TypeError, AttributeError, KeyError, RecursionError) as error:
        raise ValueError(f"not a trace: {in_one_line(error)}") from error


def _of_group(group: Json) -> Iterator[Part]:
    origin_of(group.get("resource"), None)
    names = group.keys() & SCOPES.keys() or _none(group, "scopeSpans")
    for name in names:
        for scoped in group[name] or ():
            scope = next((scoped[one] for one in SCOPE if one in scoped), None)
            origin = origin_of(group.get("resource"), scope)
            for records in scoped.keys() & RECORDS.keys() or _none(scoped, "spans"):
                yield from (Part(SCOPES[name], origin, document) for document in scoped[records] or ())


def _none(holder: Json, missing: str) -> set[str]:
    """Return nothing; raises ValueError where records may be under another name."""
    for name, value in holder.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            raise ValueError(unknown(name, missing))
    return set()


def unknown(name: str, missing: str) -> str:
    """Return what is wrong with a list that nobody knows, where another one is missing."""
    return f"not a trace of today: it has {name:.40}, not {missing}"


def read_span(origin: Origin, document: Any) -> ReadSpan:
    """Return what one span of a request gives."""
    return ReadSpan(*_read(_span, origin, document, "a span"))


def read_record(origin: Origin, document: Any) -> ReadRecord:
    """Return what one log record of a request gives."""
    return ReadRecord(*_read(_record, origin, document, "a log record"))


def _read(
    read: Callable[[Origin, Any], Read], origin: Origin, document: Any, kind: str
) -> tuple[Read | None, str | None, str]:
    raw = None
    try:
        raw = orjson.dumps(document).decode()
        return read(origin, of_today(document)), raw, ""
    except UNREADABLE as error:
        return None, raw, f"not {kind}: {in_one_line(error)}"


def _span(origin: Origin, document: Json) -> Span:
    parent = document.get("parentSpanId") or NO_SPAN
    return Span(
        trace_id=hex_of("traceId", document.get("traceId"), 16),
        span_id=hex_of("spanId", document.get("spanId"), 8),
        parent_id="" if parent == NO_SPAN else hex_of("parentSpanId", parent, 8),
        name=str(document.get("name", "")),
        start_us=_microseconds("startTimeUnixNano", document),
        end_us=_microseconds("endTimeUnixNano", document),
        failed=(document.get("status") or {}).get("code") in ERROR,
        attributes=attributes_of(document.get("attributes")),
        events=tuple(_span_event(event) for event in document.get("events") or ()),
        service=origin.service,
        scope=origin.scope,
        scope_version=origin.scope_version,
        dropped=int(document.get("droppedAttributesCount") or 0),
    )


def _span_event(document: Json) -> SpanEvent:
    at = int(document.get("timeUnixNano") or 0) // 1000
    return SpanEvent(str(document.get("name", "")), at, attributes_of(document.get("attributes")))


def _record(origin: Origin, document: Json) -> LogRecord:
    trace, span = document.get("traceId") or NO_TRACE, document.get("spanId") or NO_SPAN
    return LogRecord(
        event_name=str(document.get("eventName") or ""),
        time_us=_time("timeUnixNano", document),
        observed_us=_time("observedTimeUnixNano", document),
        body=value_of(document.get("body") or {}),
        attributes=attributes_of(document.get("attributes")),
        resource=origin.resource,
        service=origin.service,
        scope=origin.scope,
        scope_version=origin.scope_version,
        trace_id="" if trace == NO_TRACE else hex_of("traceId", trace, 16),
        span_id="" if span == NO_SPAN else hex_of("spanId", span, 8),
        dropped=int(document.get("droppedAttributesCount") or 0),
    )


def _microseconds(name: str, document: Json) -> int:
    microseconds = _time(name, document)
    if not int(document.get(name) or 0):
        raise ValueError(f"its {name} is missing, or none")
    return microseconds


def _time(name: str, document: Json) -> int:
    """Return Unix microseconds, 0 where there is no time."""
    nanoseconds = int(document.get(name) or 0)
    if not 0 <= nanoseconds < 2**64:
        raise ValueError(f"its {name} is missing, or none")
    return nanoseconds // 1000
