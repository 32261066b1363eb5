"""Traces in OTLP/JSON → events: the shape of OpenTelemetry's file exporters and of its collector's."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from analytics_es.ingest.files.events import ImportedRow, refused
from analytics_es.ingest.files.problems import in_one_line, reading
from analytics_es.ingest.files.records import json_records
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.ingest.otel.spans import Span, SpanEvent

MAX_DOCUMENT = 256 * 2**20  # bytes of a file that is one request
ERROR = (2, "STATUS_CODE_ERROR")
NO_SPAN = "0" * 16
OTHER_SHAPES = {"instrumentationLibrarySpans", "scope_spans"}  # before 2022; not as OTLP/JSON writes names

_TRACE_ID, _SPAN_ID = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{16}")


class _Row(NamedTuple):
    row: int
    span: Span | None
    raw: str | None
    problem: str


def traces(path: Path) -> Iterator[ImportedRow]:
    """Yield what each span gives; a row is a span. One request a line, or one a file; spans in any order.

    The file is read twice: first for which span lies in which, which takes about 300 bytes of memory a span. Spans that
    are none of GenAI give nothing.
    """
    reader = Reader()
    for row in _rows(path):
        if row.span:
            reader.see([row.span])
    return _events(path, reader)


def _events(path: Path, reader: Reader) -> Iterator[ImportedRow]:
    for row in _rows(path):
        if row.span is None:
            yield refused(row.row, row.problem, row.raw)
            continue
        for event in reader.events(row.span):
            yield ImportedRow(row=row.row, event=event, error=None, raw=row.raw)


def _rows(path: Path) -> Iterator[_Row]:
    number = 0
    for request, raw, problem in _requests(path):
        try:
            if problem:
                raise ValueError(problem)
            found = list(_spans(request))
        except ValueError as error:
            number += 1
            yield _Row(number, None, raw, in_one_line(error))
            continue
        for resource, scope, span in found:
            number += 1
            yield _row(number, resource, scope, span)


def _row(number: int, resource: Mapping[str, Any], scope: str, told: Any) -> _Row:
    raw = None
    try:
        raw = orjson.dumps(told).decode()
        return _Row(number, _span(resource, scope, told), raw, "")
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError, OverflowError) as error:
        return _Row(number, None, raw, f"not a span: {in_one_line(error)}")


def _requests(path: Path) -> Iterator[tuple[Any, str | None, str]]:
    """Yield each request, its text, and what is wrong with it. A file whose first line is none is one request."""
    for index, record in enumerate(json_records(path)):
        if record.problem and index == 0 and (document := _document(path)) is not None:
            yield document, None, ""
            return
        yield record.fields, record.raw, record.problem


def _document(path: Path) -> Any:
    """Return a file as one JSON object, None if it is none."""
    opened: Any = gzip.open if path.name.lower().endswith(".gz") else open
    with reading(path), opened(path, "rb") as file:
        text = file.read(MAX_DOCUMENT + 1)
    if len(text) > MAX_DOCUMENT:
        return None
    try:
        found = orjson.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _spans(request: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str, Any]]:
    """Yield resource attributes, scope name and span of each span of a request; raises ValueError where it is none."""
    if "resourceSpans" not in request:
        raise ValueError("not a trace: it has no resourceSpans")
    try:
        for group in request["resourceSpans"] or ():
            if found := group.keys() & OTHER_SHAPES:
                raise ValueError(f"not a trace of today: it has {min(found)}, not scopeSpans")
            resource = _attributes((group.get("resource") or {}).get("attributes"))
            for scoped in group.get("scopeSpans") or ():
                name = str((scoped.get("scope") or {}).get("name", ""))
                yield from ((resource, name, span) for span in scoped.get("spans") or ())
    except (TypeError, AttributeError, KeyError, RecursionError) as error:
        raise ValueError(f"not a trace: {in_one_line(error)}") from error


def _span(resource: Mapping[str, Any], scope: str, told: Mapping[str, Any]) -> Span:
    parent = told.get("parentSpanId") or NO_SPAN
    return Span(
        trace_id=_id("traceId", told.get("traceId"), _TRACE_ID),
        span_id=_id("spanId", told.get("spanId"), _SPAN_ID),
        parent_id="" if parent == NO_SPAN else _id("parentSpanId", parent, _SPAN_ID),
        name=str(told.get("name", "")),
        start_us=_microseconds("startTimeUnixNano", told),
        end_us=_microseconds("endTimeUnixNano", told),
        failed=(told.get("status") or {}).get("code") in ERROR,
        attributes=_attributes(told.get("attributes")),
        events=tuple(_span_event(event) for event in told.get("events") or ()),
        service=str(resource.get("service.name", "")),
        scope=scope,
        dropped=int(told.get("droppedAttributesCount") or 0),
    )


def _span_event(told: Mapping[str, Any]) -> SpanEvent:
    at = int(told.get("timeUnixNano") or 0) // 1000
    return SpanEvent(str(told.get("name", "")), at, _attributes(told.get("attributes")))


def _id(name: str, value: Any, pattern: re.Pattern[str]) -> str:
    found = value.lower() if isinstance(value, str) else ""
    if not pattern.fullmatch(found):
        raise ValueError(f"its {name} is {value!r:.60}, not hex digits as OTLP/JSON has them")
    return found


def _microseconds(name: str, told: Mapping[str, Any]) -> int:
    nanoseconds = int(told.get(name) or 0)
    if not 0 < nanoseconds < 2**64:
        raise ValueError(f"its {name} is missing, or none")
    return nanoseconds // 1000


def _attributes(pairs: Iterable[Mapping[str, Any]] | None) -> dict[str, Any]:
    return {str(pair["key"]): _value(pair.get("value") or {}) for pair in pairs or ()}


def _value(told: Mapping[str, Any]) -> Any:
    """Return what an AnyValue holds; 64-bit integers come as text, and so do numbers that JSON does not know."""
    for kind, value in told.items():
        if kind == "intValue":
            return int(value)
        if kind == "doubleValue":
            return float(value)
        if kind == "arrayValue":
            return [_value(each) for each in value.get("values") or ()]
        if kind == "kvlistValue":
            return _attributes(value.get("values"))
        return value
    return None
