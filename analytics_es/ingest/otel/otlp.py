"""Requests in OTLP/JSON → spans: the shape of OpenTelemetry's file exporters, of its collector's, and of OTLP/HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from analytics_es.ingest.otel.spans import Span, SpanEvent
from analytics_es.ingest.problems import in_one_line

ERROR = (2, "STATUS_CODE_ERROR")
NO_SPAN = "0" * 16
OTHER_SHAPES = {"instrumentationLibrarySpans", "scope_spans"}  # before 2022; not as OTLP/JSON writes names

_TRACE_ID, _SPAN_ID = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{16}")

Json = Mapping[str, Any]


class ReadSpan(NamedTuple):
    """A span of a request and its text; or None, and the problem that refuses it."""

    span: Span | None
    raw: str | None
    problem: str = ""


def read_spans(request: Json) -> Iterator[ReadSpan]:
    """Return what each span of a request gives; raises ValueError where it is no trace."""
    documents = list(_documents(request))
    return (read_span(*document) for document in documents)


def service_of(resource: Any) -> str:
    """Return the service that a resource is; raises TypeError, AttributeError or KeyError where it is none."""
    return str(_attributes((resource or {}).get("attributes")).get("service.name", ""))


def scope_of(scope: Any) -> str:
    """Return the name of a scope, on the next line its version if it has one; raises AttributeError for no scope."""
    name, version = ((scope or {}).get(key) or "" for key in ("name", "version"))
    return "\n".join([str(name).replace("\n", " "), *([str(version)] if version else [])])


def _documents(request: Json) -> Iterator[tuple[str, str, Any]]:
    """Yield the service, the name of the scope and the document of each span; raises ValueError."""
    if "resourceSpans" not in request:
        raise ValueError("not a trace: it has no resourceSpans")
    try:
        for group in request["resourceSpans"] or ():
            if old := group.keys() & OTHER_SHAPES:
                raise ValueError(f"not a trace of today: it has {min(old)}, not scopeSpans")
            service = service_of(group.get("resource"))
            for scoped in group.get("scopeSpans") or ():
                name = scope_of(scoped.get("scope"))
                yield from ((service, name, span) for span in scoped.get("spans") or ())
    except (TypeError, AttributeError, KeyError, RecursionError) as error:
        raise ValueError(f"not a trace: {in_one_line(error)}") from error


def read_span(service: str, scope: str, document: Any) -> ReadSpan:
    """Return what one span of a request gives."""
    raw = None
    try:
        raw = orjson.dumps(document).decode()
        return ReadSpan(_span(service, scope, document), raw)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError, OverflowError) as error:
        return ReadSpan(None, raw, f"not a span: {in_one_line(error)}")


def _span(service: str, scope: str, document: Json) -> Span:
    parent = document.get("parentSpanId") or NO_SPAN
    scope, _, version = scope.partition("\n")
    return Span(
        trace_id=_id("traceId", document.get("traceId"), _TRACE_ID),
        span_id=_id("spanId", document.get("spanId"), _SPAN_ID),
        parent_id="" if parent == NO_SPAN else _id("parentSpanId", parent, _SPAN_ID),
        name=str(document.get("name", "")),
        start_us=_microseconds("startTimeUnixNano", document),
        end_us=_microseconds("endTimeUnixNano", document),
        failed=(document.get("status") or {}).get("code") in ERROR,
        attributes=_attributes(document.get("attributes")),
        events=tuple(_span_event(event) for event in document.get("events") or ()),
        service=service,
        scope=scope,
        scope_version=version,
        dropped=int(document.get("droppedAttributesCount") or 0),
    )


def _span_event(document: Json) -> SpanEvent:
    at = int(document.get("timeUnixNano") or 0) // 1000
    return SpanEvent(str(document.get("name", "")), at, _attributes(document.get("attributes")))


def _id(name: str, value: Any, pattern: re.Pattern[str]) -> str:
    digits = value.lower() if isinstance(value, str) else ""
    if not pattern.fullmatch(digits):
        raise ValueError(f"its {name} is {value!r:.60}, not hex digits as OTLP/JSON has them")
    if not digits.strip("0"):
        raise ValueError(f"its {name} is zeros alone, which stand for none")
    return digits


def _microseconds(name: str, document: Json) -> int:
    nanoseconds = int(document.get(name) or 0)
    if not 0 < nanoseconds < 2**64:
        raise ValueError(f"its {name} is missing, or none")
    return nanoseconds // 1000


def _attributes(pairs: Iterable[Json] | None) -> dict[str, Any]:
    return {str(pair["key"]): _value(pair.get("value") or {}) for pair in pairs or ()}


def _value(typed: Json) -> Any:
    """Return what an AnyValue holds; 64-bit integers come as text, and so do numbers that JSON does not know."""
    for kind, value in typed.items():
        if kind == "intValue":
            return int(value)
        if kind == "doubleValue":
            return float(value)
        if kind == "arrayValue":
            return [_value(member) for member in value.get("values") or ()]
        if kind == "kvlistValue":
            return _attributes(value.get("values"))
        return value
    return None
