"""Spans of OpenTelemetry into the log: over HTTP and by the exporter, until they are durable, and until seen."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.ingest.otel import AnalyticsSpanExporter
from analytics_es.web import analytics_app
from analytics_es.web.server import listening, serving, url_of
from tests.benchmarks.figures import Effort, Figure, Target, figure, pace, rates
from tests.benchmarks.store import Store, say
from tests.benchmarks.telemetry import START, bodies, spans
from tests.otlp_sending import sender

REQUEST, OF_COLLECTOR = 512, 8192  # spans: a batch of the SDK, and one of the Collector
ROUND, SEEN = 20_000, 5_000
RATE, SECONDS = 15_000, 2.0  # what is wanted
TIMEOUT = 120.0
YARDSTICK = "opentelemetry-proto, sqlite3"
_FROM = datetime.fromtimestamp(START // 1_000_000_000 // 3_600 * 3_600, UTC)
PERIOD = TimePeriod(_FROM, _FROM + timedelta(days=2))

Part = tuple[Sequence[ReadableSpan], list[bytes]]


def otlp(store: Store, effort: Effort) -> Iterator[Figure]:
    """Send spans to a server, and give them to the exporter; then as many as must be seen within two seconds."""
    for request in (REQUEST, OF_COLLECTOR):
        yield _over_http(store.own(f"otlp-{request}"), effort, request)
    yield _exported(store.own("exported"), effort)
    for by_exporter in (False, True):
        yield _seen(store.own(f"seen-{by_exporter}"), effort, by_exporter=by_exporter)


def _over_http(store: Store, effort: Effort, request: int) -> Figure:
    """Send from a process of its own, which has the other core, and after every round the same bodies raw."""
    say("spans over HTTP into the log, and the same bodies read and inserted")
    pairs = []
    with store.open() as analytics, _server(analytics) as url:
        for number in range(effort.rounds):
            ended, sent = _part(min(store.size, ROUND), number, request)
            with sender(url, sent, store.folder) as other:
                ours = pace(len(ended), other.send)
            pairs.append((ours, pace(len(ended), _raw(store, sent))))
        _check(analytics, effort.rounds * len(ended))
    return rates(
        f"OTLP over HTTP, {request:,} spans a request",
        pairs,
        events=effort.rounds * len(ended),
        yardstick=YARDSTICK,
        target=Target("value", "≥", RATE),
    )


def _exported(store: Store, effort: Effort) -> Figure:
    """Export, and after every round encode the same spans as the SDK does, and insert them."""
    say("spans by the exporter into the log, and the same encoded and inserted")
    pairs = []
    with store.open() as analytics:
        exporter = AnalyticsSpanExporter(analytics)
        for number in range(effort.rounds):
            ended, _ = _part(min(store.size, ROUND), number)
            pairs.append((pace(len(ended), _export(exporter, ended)), pace(len(ended), _encoded(store, ended))))
        _check(analytics, effort.rounds * len(ended))
    return rates(
        f"exporter, {REQUEST} spans a batch",
        pairs,
        events=effort.rounds * len(ended),
        yardstick="the SDK's encoder, sqlite3",
        target=Target("value", "≥", RATE),
    )


def _seen(store: Store, effort: Effort, *, by_exporter: bool) -> Figure:
    """Measure from the first span until a question counts all of them, with a follower."""
    way = "by the exporter" if by_exporter else "over HTTP"
    say(f"{SEEN:,} spans {way} until they are seen")
    ours, theirs, counted = list[float](), list[float](), 0
    with store.open(follow=True) as analytics, _server(analytics) as url:
        for number in range(effort.rounds):
            ended, sent = _part(min(store.size, SEEN), number)
            counted += len(ended)
            with sender(url, sent, store.folder) as other:
                send = _export(AnalyticsSpanExporter(analytics), ended) if by_exporter else other.send
                ours.append(_until_seen(analytics, send, counted))
            theirs.append(1_000 * pace(len(ended), _raw(store, sent)).wall)
    return figure(
        f"{SEEN:,} spans {way}, seen",
        ours,
        theirs,
        events=counted,
        unit="ms",
        yardstick=YARDSTICK,
        target=Target("value", "≤", 1_000 * SECONDS),
    )


def _until_seen(analytics: AnalyticsService, send: Callable[[], object], events: int) -> float:
    began = time.perf_counter()
    send()
    while _visible(analytics) < events:
        if time.perf_counter() - began > TIMEOUT:
            raise TimeoutError(f"{events:,} spans are still not visible")
        time.sleep(0.005)
    return 1_000 * (time.perf_counter() - began)


def _visible(analytics: AnalyticsService) -> int:
    return int(analytics.get_summary("usage.events", PERIOD).unwrap().figures.count or 0)


def _part(number: int, seed: int, request: int = REQUEST) -> Part:
    ended = list(spans(number, seed=seed))
    return ended, bodies(ended, request)


def _export(exporter: AnalyticsSpanExporter, ended: Sequence[ReadableSpan]) -> Callable[[], object]:
    return lambda: [exporter.export(ended[first : first + REQUEST]) for first in range(0, len(ended), REQUEST)]


def _check(analytics: AnalyticsService, spans: int) -> None:
    """Raise RuntimeError where not every span became an event: what was measured was something else."""
    analytics.catch_up()
    if (visible := _visible(analytics)) != spans:
        raise RuntimeError(f"{spans:,} spans gave {visible:,} events")


@contextmanager
def _server(analytics: AnalyticsService) -> Iterator[str]:
    socket = listening("127.0.0.1", 0)
    with serving(analytics_app(analytics), socket, lambda: None):
        yield f"{url_of(socket)}/v1/traces"


# ── without us ──────────────────────────────────────────────────────────────────────────────────────────────────


def _raw(store: Store, sent: Sequence[bytes]) -> Callable[[], None]:
    """Return what reads bodies as the library does, and inserts each span, a commit a request."""
    return lambda: _inserted(store, map(ExportTraceServiceRequest.FromString, sent))


def _encoded(store: Store, ended: Sequence[ReadableSpan]) -> Callable[[], None]:
    parts = (ended[first : first + REQUEST] for first in range(0, len(ended), REQUEST))
    return lambda: _inserted(store, map(encode_spans, parts))


def _inserted(store: Store, requests: Iterator[ExportTraceServiceRequest]) -> None:
    path = store.folder / "raw.db"
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute("PRAGMA synchronous = FULL")
    raw.execute("CREATE TABLE IF NOT EXISTS spans (id BLOB, name TEXT, state BLOB)")
    for request in requests:
        rows = [
            (span.trace_id + span.span_id, span.name, span.SerializeToString())
            for group in request.resource_spans
            for scoped in group.scope_spans
            for span in scoped.spans
        ]
        raw.execute("BEGIN IMMEDIATE")
        raw.executemany("INSERT INTO spans VALUES (?, ?, ?)", rows)
        raw.execute("COMMIT")
    raw.close()
