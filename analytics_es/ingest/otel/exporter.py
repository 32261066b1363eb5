"""Live spans → events: an exporter for the OpenTelemetry SDK."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from analytics_es.errors import AnalyticsError, MissingExtra
from analytics_es.ingest.otel.intake import UNREADABLE, Records, rejection, take, unreadable
from analytics_es.ingest.otel.recalled import recalling
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.ingest.otel.spans import Span, SpanEvent
from analytics_es.ingest.otel.what_became import Counts
from analytics_es.ingest.problems import reason
from analytics_es.process import forks
from analytics_es.process.cycles import relaxed

try:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
    from opentelemetry.trace import StatusCode, format_span_id, format_trace_id
except ModuleNotFoundError as error:
    raise MissingExtra(package=error.name, extra="otel") from None

REMEMBERED = 20_000  # spans: minutes of a busy process, about 20 MB

logger = logging.getLogger("analytics_es")


@frozen(kw_only=True)
class ExportStats:
    """What became of the spans an exporter was given; of a forked process since the fork.

    spans: how many there were.
    ignored: how many of them gave no event: they are none of GenAI, or only hold others together.
    pending: how many had only begun, as their emitter marks them; they come again when they have ended.
    recorded: how many events are new in the log.
    duplicates: how many were there before.
    differing: how many of the duplicates told something else than what is stored, which stays.
    refused: how many the door refused; they are kept in the log with the reason.
    failed: how many could not be recorded because the store failed.
    ignored_by_scope: those ignored, by the instrumentation scope that wrote them, "" where it names none.
    contradictions: how many events tell figures that contradict one another, by the word for it.
    """

    spans: int = 0
    ignored: int = 0
    pending: int = 0
    recorded: int = 0
    duplicates: int = 0
    differing: int = 0
    refused: int = 0
    failed: int = 0
    ignored_by_scope: Mapping[str, int] = field(factory=dict, eq=False)
    contradictions: Mapping[str, int] = field(factory=dict, eq=False)


class AnalyticsSpanExporter(SpanExporter, forks.Forking):
    """Records what GenAI spans tell; for a BatchSpanProcessor or a SimpleSpanProcessor. Durable when `export` returns.

    Other spans are ignored, and counted. Nothing is raised into the application. With `content`, prompts, answers and
    the arguments and results of tools are taken over too. `remembered` is how many of the last spans are known when
    another turns up that lies in one of them or holds one (limits in
    https://github.com/analytics-es/analytics-es/blob/main/docs/opentelemetry.md).
    """

    def __init__(self, analytics: Records, *, content: bool = False, remembered: int = REMEMBERED) -> None:
        self._analytics = analytics
        self._reader = Reader(content=content, limit=remembered, before=recalling(analytics))
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._closed = False
        forks.register(self)

    def before_fork(self) -> None:
        """Let nobody in: a child could not end what another thread had begun."""
        self._lock.acquire()
        self._reader.lock.acquire()

    def after_fork(self, *, child: bool) -> None:
        """Go on; a child counts for itself."""
        if child:
            self._counts.clear()
            self._reader.counts = Counts()
        self._reader.lock.release()
        self._lock.release()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Record the events of some spans, in one commit."""
        if self._closed:
            return SpanExportResult.FAILURE
        try:
            with relaxed():  # what an export makes has next to no cycles
                return self._export(spans)
        except AnalyticsError as error:  # what was recorded before cannot be looked at
            return self._fail(len(spans), str(error))
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
        with self._lock, self._reader.lock:
            became = self._reader.counts
            return ExportStats(
                **self._counts,
                ignored=became.ignored.total(),
                pending=became.pending,
                ignored_by_scope=dict(became.ignored),
                contradictions=dict(became.contradictions),
            )

    def _export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        events, rejected = self._read(spans)
        taken = take(self._analytics, events, rejected)
        self._count(recorded=taken.recorded, duplicates=taken.duplicates, differing=taken.differing)
        if taken.differing:
            logger.warning("%d span events tell something else than what is recorded of them", taken.differing)
        if taken.failure:
            return self._fail(taken.failed, taken.failure.message)
        self._count(refused=taken.refused.total())
        return SpanExportResult.SUCCESS

    def _read(self, spans: Sequence[ReadableSpan]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the events of spans, and those that say which spans cannot be read."""
        self._count(spans=len(spans))
        batch, rejected = list[Span](), list[dict[str, Any]]()
        for ended in spans:
            try:
                batch.append(span_of(ended))
            except Exception as error:  # whatever an emitter managed to put into a span
                rejected.append(rejection(UNREADABLE, reason(error), {"name": ended.name}))
        read = self._reader.read(batch)
        return [event for one in read for event in one.events], rejected + unreadable(read)

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
        scope_version=(span.instrumentation_scope.version or "") if span.instrumentation_scope else "",
        dropped=span.dropped_attributes,
    )
