"""Requests as they are sent, and what came of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson

from analytics_es import AnalyticsService
from tests.otlp_requests import trace_body
from tests.stores import recorded

JSON = {"content-type": "application/json"}
PROTOBUF = {"content-type": "application/x-protobuf"}
LINES = {"content-type": "application/x-ndjson"}
CLOUD = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}

CALL = "provider.call.completed"
REJECTED = "analytics.message.rejected"
START = 1_772_000_000_000_000_000  # nanoseconds: in February 2026
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC).isoformat()
SECRET = "the-password-is-hunter2"  # what nobody may find in an answer or a log

Json = dict[str, Any]


def span(number: int, **attributes: Any) -> Json:
    """Return a call of a model as a span."""
    told = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
        **attributes,
    }
    return {
        "traceId": f"{number + 1:032x}",
        "spanId": f"{number + 1:016x}",
        "name": "chat",
        "startTimeUnixNano": str(START + number),
        "endTimeUnixNano": str(START + 1_000_000_000 + number),
        "attributes": [_pair(name, value) for name, value in told.items()],
    }


def _pair(name: str, value: Any) -> Json:
    kind = {int: "intValue", str: "stringValue", float: "doubleValue"}[type(value)]
    return {"key": name, "value": {kind: str(value) if kind == "intValue" else value}}


def trace(*spans: Json, scope: str = "tests") -> Json:
    """Return a request with spans."""
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {"name": scope}, "spans": list(spans)}]}]}


def log(body: str, scope: str, **attributes: Any) -> Json:
    """Return a request with one log record."""
    record = {
        "timeUnixNano": str(START),
        "body": {"stringValue": body},
        "attributes": [_pair(name, value) for name, value in attributes.items()],
    }
    return {"resourceLogs": [{"resource": {}, "scopeLogs": [{"scope": {"name": scope}, "logRecords": [record]}]}]}


def in_json(request: Any) -> bytes:
    return orjson.dumps(request)


def in_protobuf(request: Json) -> bytes:
    return trace_body(request)


def event(number: int, **data: Any) -> Json:
    """Return an event of our own as it is sent."""
    return {
        "event_type": "job.completed",
        "data": {"job_id": f"j-{number}", **data},
        "occurred_at": NOON,
        "id": f"j-{number}",
        "source": "web",
    }


def cloud_event(number: int, **data: Any) -> Json:
    """Return the same as a CloudEvent."""
    return {
        "specversion": "1.0",
        "type": "job.completed",
        "source": "web",
        "id": f"j-{number}",
        "time": NOON,
        "data": {"job_id": f"j-{number}", **data},
    }


def calls(analytics: AnalyticsService) -> int:
    return len(recorded(analytics, CALL))


def jobs(analytics: AnalyticsService) -> list[str]:
    return [event.data["job_id"] for event in recorded(analytics, "job.completed")]


def reasons(analytics: AnalyticsService) -> list[str]:
    """Return why what is kept was refused."""
    return [event.data["reason"]["code"] for event in recorded(analytics, REJECTED)]


def slowly(parts: Iterable[bytes]) -> Iterable[bytes]:
    """Yield a body in parts, which a client sends chunked: it says no length."""
    yield from parts
