"""Live spans → events: an exporter for the OpenTelemetry SDK."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from attrs import frozen

from analytics_es.errors import AnalyticsError, MissingExtra
from analytics_es.events.event import EARLIEST, LATEST, REJECTED
from analytics_es.ingest.otel.span_events import SOURCE, Reader
from analytics_es.ingest.otel.spans import Span, SpanEvent
from analytics_es.ingest.problems import reason
from analytics_es.types import Refusal

try:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
    from opentelemetry.trace import StatusCode, format_span_id, format_trace_id
except ModuleNotFoundError as error:
    raise MissingExtra(package=error.name, extra="otel") from None

UNREADABLE = "unreadable_span"
REMEMBERED = 20_000  # spans: minutes of a busy process, about 6 MB
MAX_RAW = 96 * 1024  # bytes of what is kept of a span that was refused
CONTENT = {"prompt", "completion", "arguments", "result"}

logger = logging.getLogger("analytics_es")


@frozen(kw_only=True)
class ExportStats:
    """What became of the spans an exporter was given.

    spans: how many there were.
    ignored: how many of them are none of GenAI; each of the others gave one event or two.
    recorded: how many events are new in the log.
    duplicates: how many were there before.
    differing: how many of the duplicates told something else than what is stored, which stays.
    refused: how many the door refused; they are kept in the log with the reason.
    failed: how many could not be recorded because the store failed.
    """

    spans: int = 0
    ignored: int = 0
    recorded: int = 0
    duplicates: int = 0
    differing: int = 0
    refused: int = 0
    failed: int = 0


class Records(Protocol):
    """What an exporter hands events to: an AnalyticsService."""

    def record_events(self, events: Any, *, skip_refused: bool = ..., on_refused: Any = ...) -> Any:
        """Record any number of events."""

    @property
    def store(self) -> Any:
        """The parts of the open store, of which the recorder keeps what was refused."""


class AnalyticsSpanExporter(SpanExporter):
    """Records what GenAI spans tell; for a BatchSpanProcessor or a SimpleSpanProcessor. Durable when `export` returns.

    Other spans are ignored, and counted. Nothing is raised into the application. With `content`, prompts, answers and
    the arguments and results of tools are taken over too. `remembered` is how many of the last spans are known when
    another turns up that lies in one of them or holds one (limits in
    https://github.com/analytics-es/analytics-es/blob/main/docs/opentelemetry.md).
    """

    def __init__(self, analytics: Records, *, content: bool = False, remembered: int = REMEMBERED) -> None:
        self._analytics = analytics
        self._reader = Reader(content=content, limit=remembered)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._closed = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Record the events of some spans, in one commit."""
        if self._closed:
            return SpanExportResult.FAILURE
        try:
            return self._export(spans)
        except Exception as error:  # a bug of ours must not become the application's
            logger.debug("exporting %d spans", len(spans), exc_info=True)
            return self._fail(len(spans), reason(error))

    def shutdown(self) -> None:
        """Take no more spans; the analytics service stays open."""
        self._closed = True

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Say that nothing waits: what was exported is durable."""
        return True

    def stats(self) -> ExportStats:
        """Return what became of all spans so far."""
        with self._lock:
            return ExportStats(**self._counts)

    def _export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        events, rejected = self._read(spans)

        def refuse(refusal: Refusal) -> None:
            rejected.append(_rejection(refusal.code, refusal.message, events[refusal.index], refusal.field))

        if events:
            result = self._analytics.record_events(events, skip_refused=True, on_refused=refuse)
            if result.failure:
                return self._fail(len(events), result.failure.message)
            receipt = result.unwrap()
            self._count(recorded=receipt.recorded, duplicates=receipt.duplicates, differing=receipt.differing)
            if receipt.differing:
                logger.warning("%d span events tell something else than what is recorded of them", receipt.differing)
        return self._reject(rejected)

    def _read(self, spans: Sequence[ReadableSpan]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the events of spans, and those that say which spans cannot be read."""
        batch, per_span, rejected = list[Span](), list[list[dict[str, Any]]](), list[dict[str, Any]]()
        for ended in spans:
            try:
                batch.append(span_of(ended))
            except Exception as error:  # whatever an emitter managed to put into a span
                rejected.append(_rejection(UNREADABLE, reason(error), {"name": ended.name}))
        with self._lock:
            self._reader.see(batch)
            for span in batch:
                try:
                    per_span.append(self._reader.events(span))
                except Exception as error:  # a bug of ours must not cost the other spans
                    rejected.append(_rejection(UNREADABLE, reason(error), {"id": span.key, "name": span.name}))
        self._count(spans=len(spans), ignored=per_span.count([]))
        return [event for events in per_span for event in events], rejected

    def _reject(self, rejected: list[dict[str, Any]]) -> SpanExportResult:
        if not rejected:
            return SpanExportResult.SUCCESS
        try:
            self._analytics.store.recorder.reject(rejected)
        except AnalyticsError as error:
            return self._fail(len(rejected), str(error))
        self._count(refused=len(rejected))
        return SpanExportResult.SUCCESS

    def _fail(self, events: int, problem: str) -> SpanExportResult:
        logger.error("%d span events were not recorded: %s", events, problem)
        self._count(failed=events)
        return SpanExportResult.FAILURE

    def _count(self, **more: int) -> None:
        with self._lock:
            self._counts.update(more)


def span_of(span: ReadableSpan) -> Span:
    """Return a finished span of the SDK as ours; raises ValueError where it has no ids or times."""
    context = span.get_span_context()
    if context is None or not span.start_time or not span.end_time:
        raise ValueError("it has no ids, or has not ended")
    return Span(
        trace_id=format_trace_id(context.trace_id),
        span_id=format_span_id(context.span_id),
        parent_id=format_span_id(span.parent.span_id) if span.parent else "",
        name=span.name,
        start_us=span.start_time // 1000,
        end_us=span.end_time // 1000,
        failed=span.status.status_code is StatusCode.ERROR,
        attributes=dict(span.attributes or {}),
        events=tuple(SpanEvent(e.name, e.timestamp // 1000, dict(e.attributes or {})) for e in span.events),
        service=str(span.resource.attributes.get("service.name", "")),
        scope=span.instrumentation_scope.name if span.instrumentation_scope else "",
        dropped=span.dropped_attributes,
    )


def _rejection(code: str, message: str, event: Mapping[str, Any], field: str | None = None) -> dict[str, Any]:
    """Return what keeps an event that was refused, in the shape of a bus's rejected messages, without what was said."""
    data = {name: value for name, value in event.get("data", {}).items() if name not in CONTENT}
    raw = json.dumps({**event, "data": data}, default=str).encode()
    when = event.get("occurred_at")
    timed = when is not None and EARLIEST <= when < LATEST
    return {
        "event_type": REJECTED,
        "data": {
            "subject": event.get("event_type", "span"),
            "reason": {"code": code, **({"field": field} if field else {}), "message": message},
            "raw": base64.b64encode(raw[:MAX_RAW]).decode(),
            "size": len(raw),
            "truncated": len(raw) > MAX_RAW,
        },
        "occurred_at": when if timed else None,
        "id": f"rejected {event['id']}" if timed else None,
        "source": SOURCE,
        "event": {
            "type": event.get("event_type"),
            "source": SOURCE,
            "id": event.get("id"),
            "occurred_at": when and when.isoformat(),
            "data": data,
        },
    }
