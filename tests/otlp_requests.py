"""Requests of OTLP for tests: made up in JSON, as a sender writes it, and the same request in protobuf."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Json = dict[str, Any]

# ── made up ─────────────────────────────────────────────────────────────────────────────────────────────────────

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = st.sampled_from(["gen_ai.operation.name", "gen_ai.usage.input_tokens", "service.name", "", "ключ"]) | TEXTS
SCALARS = st.one_of(
    TEXTS.map(lambda text: {"stringValue": text}),
    st.booleans().map(lambda is_true: {"boolValue": is_true}),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: {"intValue": str(number)}),
    st.floats(allow_nan=False).map(lambda number: {"doubleValue": number if abs(number) < 1e308 else _named(number)}),
    st.binary(max_size=8).map(lambda content: {"bytesValue": base64.b64encode(content).decode()}),
    st.just({}),
)


def _named(number: float) -> float | str:
    return {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(number, number)


def _pairs(values: st.SearchStrategy[Json]) -> st.SearchStrategy[list[Json]]:
    return st.lists(st.builds(lambda name, value: {"key": name, "value": value}, NAMES, values), max_size=4)


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda values: {"arrayValue": {"values": values}}),
        _pairs(inner).map(lambda pairs: {"kvlistValue": {"values": pairs}}),
    ),
    max_leaves=8,
)
ATTRIBUTES = _pairs(VALUES)
TIMES = st.sampled_from(["0", "1", "999", "1790000000000000000", "1790000002500000999", str(2**64 - 1)])
COUNTS = st.integers(0, 2**32 - 1)


def _hex(size: int) -> st.SearchStrategy[str]:
    """Return ids, now and then of a wrong length, or of zeros alone."""
    usual = st.binary(min_size=size, max_size=size)
    return st.one_of(usual, usual, usual, st.just(bytes(size)), st.binary(max_size=size + 2)).map(bytes.hex)


EVENTS = st.fixed_dictionaries({"timeUnixNano": TIMES, "name": TEXTS, "attributes": ATTRIBUTES})
SPANS = st.fixed_dictionaries(
    {"traceId": _hex(16), "spanId": _hex(8), "startTimeUnixNano": TIMES, "endTimeUnixNano": TIMES},
    optional={
        "parentSpanId": _hex(8),
        "name": TEXTS,
        "attributes": ATTRIBUTES,
        "events": st.lists(EVENTS, max_size=2),
        "droppedAttributesCount": COUNTS,
        "status": st.fixed_dictionaries({}, optional={"code": st.integers(0, 3), "message": TEXTS}),
    },
)
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "timeUnixNano": TIMES,
        "observedTimeUnixNano": TIMES,
        "severityNumber": st.integers(0, 24),
        "eventName": TEXTS,
        "body": VALUES,
        "attributes": ATTRIBUTES,
        "traceId": _hex(16),
        "spanId": _hex(8),
        "droppedAttributesCount": COUNTS,
    },
)


def _requests(groups: str, scopes: str, name: str, records: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    scope = st.fixed_dictionaries({}, optional={"name": TEXTS, "version": TEXTS})
    scoped = st.fixed_dictionaries({name: st.lists(records, max_size=3)}, optional={"scope": scope})
    resource = st.fixed_dictionaries({"attributes": ATTRIBUTES})
    group = st.fixed_dictionaries({scopes: st.lists(scoped, max_size=2)}, optional={"resource": resource})
    return st.fixed_dictionaries({groups: st.lists(group, max_size=2)})


TRACES = _requests("resourceSpans", "scopeSpans", "spans", SPANS)
LOGS = _requests("resourceLogs", "scopeLogs", "logRecords", RECORDS)

# ── the same in protobuf ────────────────────────────────────────────────────────────────────────────────────────


def trace_body(request: Json) -> bytes:
    """Return a request of traces as a sender of protobuf writes it."""
    message = ExportTraceServiceRequest()
    for group in request["resourceSpans"]:
        sent = message.resource_spans.add()
        _tell(sent.resource, group.get("resource", {}))
        for scoped in group["scopeSpans"]:
            inner = sent.scope_spans.add()
            _name(inner.scope, scoped.get("scope", {}))
            inner.spans.extend(_span(span) for span in scoped["spans"])
    return message.SerializeToString()


def log_body(request: Json) -> bytes:
    """Return a request of logs as a sender of protobuf writes it."""
    message = ExportLogsServiceRequest()
    for group in request["resourceLogs"]:
        sent = message.resource_logs.add()
        _tell(sent.resource, group.get("resource", {}))
        for scoped in group["scopeLogs"]:
            inner = sent.scope_logs.add()
            _name(inner.scope, scoped.get("scope", {}))
            inner.log_records.extend(_record(record) for record in scoped["logRecords"])
    return message.SerializeToString()


def _tell(resource: Any, document: Json) -> None:
    resource.attributes.extend(_attributes(document.get("attributes", [])))


def _name(scope: Any, document: Json) -> None:
    scope.name, scope.version = document.get("name", ""), document.get("version", "")


def _span(document: Json) -> Span:
    span = Span(
        trace_id=bytes.fromhex(document["traceId"]),
        span_id=bytes.fromhex(document["spanId"]),
        parent_span_id=bytes.fromhex(document.get("parentSpanId", "")),
        name=document.get("name", ""),
        start_time_unix_nano=int(document["startTimeUnixNano"]),
        end_time_unix_nano=int(document["endTimeUnixNano"]),
        attributes=_attributes(document.get("attributes", [])),
        dropped_attributes_count=document.get("droppedAttributesCount", 0),
    )
    for event in document.get("events", []):
        at, attributes = int(event["timeUnixNano"]), _attributes(event["attributes"])
        span.events.add(time_unix_nano=at, name=event["name"], attributes=attributes)
    span.status.code = document.get("status", {}).get("code", 0)
    return span


def _record(document: Json) -> LogRecord:
    record = LogRecord(
        time_unix_nano=int(document.get("timeUnixNano", 0)),
        observed_time_unix_nano=int(document.get("observedTimeUnixNano", 0)),
        severity_number=document.get("severityNumber", 0),
        event_name=document.get("eventName", ""),
        attributes=_attributes(document.get("attributes", [])),
        trace_id=bytes.fromhex(document.get("traceId", "")),
        span_id=bytes.fromhex(document.get("spanId", "")),
        dropped_attributes_count=document.get("droppedAttributesCount", 0),
    )
    if "body" in document:
        record.body.CopyFrom(_value(document["body"]))
    return record


def _attributes(pairs: list[Json]) -> list[KeyValue]:
    return [KeyValue(key=pair["key"], value=_value(pair["value"])) for pair in pairs]


def _value(typed: Mapping[str, Any]) -> AnyValue:
    value = AnyValue()
    for kind, content in typed.items():
        if kind == "arrayValue":
            value.array_value.SetInParent()
            value.array_value.values.extend(_value(member) for member in content["values"])
        elif kind == "kvlistValue":
            value.kvlist_value.SetInParent()
            value.kvlist_value.values.extend(_attributes(content["values"]))
        else:
            setattr(value, *_scalar(kind, content))
    return value


def _scalar(kind: str, content: Any) -> tuple[str, Any]:
    if kind == "bytesValue":
        return "bytes_value", base64.b64decode(content)
    name = f"{kind.removesuffix('Value')}_value"
    return name, {"int_value": int, "double_value": float}.get(name, lambda same: same)(content)
