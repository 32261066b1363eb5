"""Requests of OTLP in protobuf → spans and records of logs: the same as of the same requests in JSON (extra `web`)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson
from attrs import frozen

from analytics_es.errors import MissingExtra
from analytics_es.events.walking import MOST_INSIDE
from analytics_es.ingest.otel.logs.record import LogRecord, ReadRecord
from analytics_es.ingest.otel.otlp import ERROR, ReadSpan
from analytics_es.ingest.otel.spans import Span, SpanEvent
from analytics_es.ingest.otel.wire import Group, groups, is_crowded

try:
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as SentRecord
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as SentSpan
except ModuleNotFoundError as error:
    raise MissingExtra(package=error.name, extra="web") from None

_NO_TRACE, _NO_SPAN = bytes(16), bytes(8)


def read_spans(body: bytes) -> Iterator[ReadSpan]:
    """Return what each span of an ExportTraceServiceRequest gives; raises ValueError where it is none."""
    sent = groups(body)  # before anything of it is read
    return (_read_span(place, content) for place, content in _sent(body, sent))


def read_records(body: bytes) -> Iterator[ReadRecord]:
    """Return what each record of an ExportLogsServiceRequest gives; raises ValueError where it is none."""
    sent = groups(body)
    return (_read_record(place, content) for place, content in _sent(body, sent))


# ── who tells it ────────────────────────────────────────────────────────────────────────────────────────────────


@frozen
class _Place:
    """Where records of a request come from; where it has a problem, none of them can be read."""

    resource: dict[str, Any]
    service: str
    scope: str
    version: str
    problem: str = ""


def _sent(body: bytes, sent: Iterable[Group]) -> Iterator[tuple[_Place, bytes]]:
    for group in sent:
        place = _place(group)
        for record in group.records:
            yield place, body[record.start : record.end]


def _place(group: Group) -> _Place:
    try:
        _check("resource", group.resource)
        _check("scope", group.scope)
        scope = InstrumentationScope.FromString(group.scope)
        resource = _attributes(Resource.FromString(group.resource).attributes)
        return _Place(resource, _service(resource), scope.name, scope.version)
    except (DecodeError, ValueError) as error:
        return _Place({}, "", "", "", f"who tells it cannot be read: {_problem(error)}")


# ── spans ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _read_span(place: _Place, content: bytes) -> ReadSpan:
    try:
        if place.problem:
            raise ValueError(place.problem)
        _check("span", content)
        return ReadSpan(_span(place, SentSpan.FromString(content)), None)
    except (DecodeError, ValueError) as error:
        return ReadSpan(None, _raw(content), f"not a span: {_problem(error)}")


def _span(place: _Place, sent: SentSpan) -> Span:
    trace_id, span_id, parent_id = sent.trace_id, sent.span_id, sent.parent_span_id
    start, end = sent.start_time_unix_nano, sent.end_time_unix_nano
    if len(trace_id) != 16 or trace_id == _NO_TRACE:
        raise ValueError(_no_id("traceId", trace_id))
    if len(span_id) != 8 or span_id == _NO_SPAN:
        raise ValueError(_no_id("spanId", span_id))
    if parent_id and len(parent_id) != 8:
        raise ValueError(_no_id("parentSpanId", parent_id))
    if not start or not end:
        raise ValueError(f"its {'endTimeUnixNano' if start else 'startTimeUnixNano'} is missing, or none")
    return Span(
        trace_id=trace_id.hex(),
        span_id=span_id.hex(),
        parent_id="" if parent_id == _NO_SPAN else parent_id.hex(),
        name=sent.name,
        start_us=start // 1000,
        end_us=end // 1000,
        failed=sent.status.code in ERROR,
        attributes=_attributes(sent.attributes),
        events=tuple(
            [
                SpanEvent(event.name, event.time_unix_nano // 1000, _attributes(event.attributes))
                for event in sent.events
            ]
        ),
        service=place.service,
        scope=place.scope,
        scope_version=place.version,
        dropped=sent.dropped_attributes_count,
    )


# ── records of logs ─────────────────────────────────────────────────────────────────────────────────────────────


def _read_record(place: _Place, content: bytes) -> ReadRecord:
    try:
        if place.problem:
            raise ValueError(place.problem)
        _check("record", content)
        return ReadRecord(_record(place, SentRecord.FromString(content)), None)
    except (DecodeError, ValueError) as error:
        return ReadRecord(None, _raw(content), f"not a log record: {_problem(error)}")


def _record(place: _Place, sent: SentRecord) -> LogRecord:
    return LogRecord(
        event_name=sent.event_name,
        time_us=sent.time_unix_nano // 1000,
        observed_us=sent.observed_time_unix_nano // 1000,
        body=_value(sent.body),
        attributes=_attributes(sent.attributes),
        resource=place.resource,
        service=place.service,
        scope=place.scope,
        scope_version=place.version,
        trace_id=_id_or_none("traceId", sent.trace_id, _NO_TRACE),
        span_id=_id_or_none("spanId", sent.span_id, _NO_SPAN),
        dropped=sent.dropped_attributes_count,
    )


def _id_or_none(name: str, sent: bytes, none: bytes) -> str:
    """Return the id of the trace or span that a record lies in, "" where it lies in none."""
    if not sent or sent == none:
        return ""
    if len(sent) != len(none):
        raise ValueError(_no_id(name, sent))
    return sent.hex()


# ── values ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    attributes = {}
    for pair in pairs:
        value = pair.value
        attributes[pair.key] = value.string_value or value.int_value or _value(value)  # most are texts or counts
    return attributes


def _value(value: AnyValue) -> Any:
    """Return what an AnyValue holds; bytes as the text that JSON has for them."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    read = _OTHERS.get(kind)
    return read(getattr(value, kind)) if read else getattr(value, kind)


def _list(values: Any) -> list[Any]:
    return [_value(value) for value in values.values]


def _mapping(pairs: Any) -> dict[str, Any]:
    return _attributes(pairs.values)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _index(_: int) -> None:
    """Return nothing: which text an index means is only told in profiles."""


_OTHERS: dict[str, Callable[[Any], Any]] = {
    "array_value": _list,
    "kvlist_value": _mapping,
    "bytes_value": _text,
    "string_value_strindex": _index,
}


def _service(resource: dict[str, Any]) -> str:
    service = resource.get("service.name")
    return "" if service is None else str(service)


# ── what is wrong ───────────────────────────────────────────────────────────────────────────────────────────────


def _check(message: str, content: bytes) -> None:
    """Raise ValueError where a message would take too much memory."""
    if is_crowded(message, content):
        raise ValueError(f"it is of more than {MOST_INSIDE} messages")


def _no_id(name: str, sent: bytes) -> str:
    return f"its {name} is of {len(sent)} bytes, or of zeros alone"


def _problem(error: Exception) -> str:
    return "its bytes are not those of one" if isinstance(error, DecodeError) else str(error)


def _raw(content: bytes) -> str:
    """Return the bytes of what is refused as a JSON text."""
    return orjson.dumps({"protobuf": _text(content)}).decode()
