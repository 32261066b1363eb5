"""Calls that only a log tells of, by OpenTelemetry's event of an operation; where there is a span, that tells them."""

from __future__ import annotations

from typing import Any

from analytics_es.ingest.otel.logs.record import LogRecord, digest
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.ingest.otel.spans import Span

DETAILS = "gen_ai.client.inference.operation.details"


def details(record: LogRecord, name: str) -> dict[str, Any] | None:
    """Return the event of a call that a record tells of; None where it tells of none, or lies in a span.

    By the conventions this event is the details of an operation, beside its span, which has all that counts as well: a
    record that lies in a span is left to that, or each call would be two. It tells no duration, and no job.
    """
    if name != DETAILS or record.span_id or not (when := record.time_us or record.observed_us):
        return None
    key = digest(record)
    span = Span(
        trace_id="",
        span_id=key,
        name=name,
        start_us=when,
        end_us=when,
        attributes={key: value for key, value in record.attributes.items() if key != "event.name"},
        service=record.service,
        scope=record.scope,
        dropped=record.dropped,
    )
    reader = Reader()
    reader.see([span])
    for event in reader.events(span):
        data = {name: value for name, value in event["data"].items() if name not in ("job_id", "duration_ms")}
        return {**event, "data": data, "id": key}
    return None
