"""Requests of OTLP, in protobuf or JSON, as the readers of spans and of log records take them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from typing import Any

from analytics_es.events.walking import MAX_SMALL, Malformed, check_size
from analytics_es.ingest.files.large_traces import LargeRequest
from analytics_es.ingest.otel import otlp, protobuf
from analytics_es.ingest.otel.halves import loads
from analytics_es.ingest.otel.logs.record import ReadRecord
from analytics_es.ingest.otel.otlp import ReadSpan
from analytics_es.ingest.otel.shapes import LOGS, SPANS
from analytics_es.web.refusals import MalformedBody


def spans_of(body: bytes, *, in_protobuf: bool) -> Iterator[ReadSpan]:
    """Yield what each span of a request gives; raises MalformedBody where it is no trace."""
    if in_protobuf:
        return _read("an ExportTraceServiceRequest in protobuf", lambda: protobuf.read_spans(body))
    return _read("a trace in OTLP/JSON", lambda: _spans_in_json(body))


def records_of(body: bytes, *, in_protobuf: bool) -> Iterator[ReadRecord]:
    """Yield what each log record of a request gives; raises MalformedBody where it holds none."""
    if in_protobuf:
        return _read("an ExportLogsServiceRequest in protobuf", lambda: protobuf.read_records(body))
    return _read("logs in OTLP/JSON", lambda: _records_in_json(body))


def _spans_in_json(body: bytes) -> Iterator[ReadSpan]:
    if len(body) > MAX_SMALL:
        return _large(body, SPANS).spans()
    document = _loaded(body)
    return otlp.read_spans(document) if document else iter(())  # nothing is a request, too


def _records_in_json(body: bytes) -> Iterator[ReadRecord]:
    if len(body) > MAX_SMALL:
        return _large(body, LOGS).records()
    document = _loaded(body)
    return otlp.read_logs(document) if document else iter(())


def _large(body: bytes, kind: str) -> LargeRequest:
    request = LargeRequest(partial(BytesIO, body))
    request.check()
    if kind not in request.kinds or request.broken_off:
        raise ValueError(f"it holds no {kind}, or breaks off")
    return request


def _loaded(body: bytes) -> dict[str, Any]:
    check_size(body)
    document = loads(body)
    if not isinstance(document, dict):
        raise Malformed("no JSON object")
    return document


def _read(what: str, read: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    """Yield what is read; an error of a reader may hold what was sent, and so is not told."""
    try:
        yield from read()
    except (ValueError, RecursionError):
        raise MalformedBody(problem=f"it is not {what}") from None
