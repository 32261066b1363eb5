"""What real senders send over a socket, each as it is: exporters of OpenTelemetry, a collector, agents, frameworks."""

from __future__ import annotations

import gzip
import http.client
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter as JsonExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as ProtobufExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.routing import Mount

from analytics_es import AnalyticsService
from analytics_es.web import analytics_app
from analytics_es.web.server import listening
from tests.stores import PATIENCE, opened, recorded
from tests.web.requests import CALL, JSON, PROTOBUF, calls, event, in_json, in_protobuf, jobs, log, slowly, span, trace

Serve = Callable[[Any], str]
EXPORTERS = pytest.mark.parametrize("exporter", [ProtobufExporter, JsonExporter], ids=["protobuf", "json"])
REQUESTS = Path(__file__).parents[1] / "data" / "otlp-http"
TOKEN = "s3cret-token"  # made up


def spans(number: int) -> tuple[Any, ...]:
    """Return so many finished calls of a model."""
    memory, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    _call(provider, number)
    return memory.get_finished_spans()


def _call(provider: TracerProvider, number: int) -> None:
    tracer = provider.get_tracer("tests")
    for at in range(number):
        with tracer.start_as_current_span("chat gpt-4o") as current:
            current.set_attribute("gen_ai.operation.name", "chat")
            current.set_attribute("gen_ai.request.model", "gpt-4o")
            current.set_attribute("gen_ai.usage.input_tokens", 100 + at)
            current.set_attribute("gen_ai.usage.output_tokens", 7)


@EXPORTERS
def test_what_the_exporters_of_the_sdk_send_is_recorded(
    analytics: AnalyticsService, served: Serve, exporter: Any
) -> None:
    url = served(analytics_app(analytics))
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter(endpoint=f"{url}/v1/traces")))

    _call(provider, 20)
    provider.shutdown()

    assert sorted(event.data["input_tokens"] for event in recorded(analytics, CALL)) == list(range(100, 120))


def test_what_is_packed_and_has_a_token_as_exporters_are_told_of_one_is_recorded(
    analytics: AnalyticsService, served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = served(analytics_app(analytics, token=TOKEN))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"Authorization=Bearer%20{TOKEN}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    exporter = ProtobufExporter(compression=Compression.Gzip)

    assert exporter.export(spans(5)) is SpanExportResult.SUCCESS
    assert calls(analytics) == 5


def test_what_the_exporter_of_logs_sends_is_taken_and_counted(analytics: AnalyticsService, served: Serve) -> None:
    url = served(analytics_app(analytics))
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(endpoint=f"{url}/v1/logs")))

    record = LogRecord(body="hello", severity_number=SeverityNumber.INFO, event_name="app.started")
    provider.get_logger("tests").emit(record)
    provider.shutdown()

    about = httpx.get(url).json()
    assert (about["received"], about["ignored"]) == ({"log_records": 1, "ignored": 1}, {"logs": {"app.started": 1}})


def test_a_refused_span_does_not_make_an_exporter_send_again(analytics: AnalyticsService, served: Serve) -> None:
    url = served(analytics_app(analytics))
    memory, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    with provider.get_tracer("tests").start_as_current_span("chat") as current:
        current.set_attribute("gen_ai.operation.name", "chat")
        current.set_attribute("gen_ai.usage.input_tokens", -5)

    done = ProtobufExporter(endpoint=f"{url}/v1/traces").export(memory.get_finished_spans())

    assert done is SpanExportResult.SUCCESS
    assert httpx.get(url).json()["requests"] == {"200": 1}


def test_a_collector_is_answered_as_it_expects(analytics: AnalyticsService, served: Serve) -> None:
    url = served(analytics_app(analytics))
    headers = {
        "User-Agent": "OpenTelemetry Collector Contrib/0.140.0 (linux/amd64)",
        "Content-Type": "application/x-protobuf",
        "Content-Encoding": "gzip",
        "Accept-Encoding": "gzip",
    }
    body = gzip.compress(in_protobuf(trace(*map(span, range(50)))))

    answers = [httpx.post(f"{url}/v1/traces", content=body, headers=headers, timeout=PATIENCE) for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"")] * 2
    assert [answer.headers["content-type"] for answer in answers] == ["application/x-protobuf"] * 2
    assert calls(analytics) == 50


@pytest.mark.parametrize("name", sorted(path.name for path in REQUESTS.glob("*.http")))
def test_recorded_requests_are_taken_byte_for_byte(analytics: AnalyticsService, served: Serve, name: str) -> None:
    address, sent = urlsplit(served(analytics_app(analytics))).netloc, (REQUESTS / name).read_bytes()

    answers = [_sent_as_it_is(address, sent) for _ in range(2)]

    assert answers == [200, 200]
    assert httpx.get(f"http://{address}").json()["refused"] == {}
    spans_again = [event.id for event in recorded(analytics, CALL)]
    assert len(set(spans_again)) == len(spans_again)


def test_what_claude_code_sends_in_chunks_is_a_call_however_often_it_comes(
    analytics: AnalyticsService, served: Serve
) -> None:
    address = urlsplit(served(analytics_app(analytics))).netloc
    told: dict[str, Any] = {
        "event.name": "api_request",
        "model": "claude-sonnet-4-5-20250929",
        "input_tokens": "3",
        "output_tokens": "250",
        "cache_read_tokens": "17241",
        "cache_creation_tokens": "16935",
        "cost_usd": "0.0727",
        "duration_ms": "4100",
        "request_id": "req_011CSHq",
        "session.id": "s-1",
        "user.email": "ada@example.com",
    }
    body = in_json(log("claude_code.api_request", "com.anthropic.claude_code.events", **told))

    for _ in range(2):
        connection = http.client.HTTPConnection(address, timeout=PATIENCE)
        connection.request("POST", "/v1/logs", slowly([body[:100], body[100:]]), JSON, encode_chunked=True)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"{}")
        connection.close()

    (call,) = recorded(analytics, CALL)
    assert (call.source, call.data["input_tokens"], call.data["output_tokens"]) == ("claude-code", 34_179, 250)
    assert "ada@example.com" not in str(call)


def _sent_as_it_is(address: str, sent: bytes) -> int:
    connection = http.client.HTTPConnection(address, timeout=PATIENCE)
    connection.connect()
    try:
        connection.sock.sendall(sent)
        answer = http.client.HTTPResponse(connection.sock)
        answer.begin()
        answer.read()
        return answer.status
    finally:
        connection.close()


def test_two_requests_are_recorded_at_a_time(analytics: AnalyticsService, served: Serve) -> None:
    url = served(analytics_app(analytics))
    bodies = [in_protobuf(trace(*map(span, range(at * 40, at * 40 + 60)))) for at in range(8)]

    def post(body: bytes) -> int:
        return httpx.post(f"{url}/v1/traces", content=body, headers=PROTOBUF, timeout=PATIENCE).status_code

    with ThreadPoolExecutor(4) as threads:
        statuses = list(threads.map(post, bodies))

    assert (statuses, calls(analytics)) == ([200] * 8, 340)  # those that overlap are the same


# ── mounted ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_mounted_in_fastapi(analytics: AnalyticsService, served: Serve) -> None:
    app = FastAPI()
    app.get("/own")(lambda: {"own": True})
    app.mount("/analytics", analytics_app(analytics))

    _ask_mounted(served(app), analytics)


def test_it_is_mounted_beside_django(analytics: AnalyticsService, served: Serve) -> None:
    app = Starlette(routes=[Mount("/analytics", analytics_app(analytics)), Mount("/", _django())])

    _ask_mounted(served(app), analytics)


def _django() -> Any:
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.http import JsonResponse
    from django.urls import path

    if not settings.configured:
        settings.configure(ROOT_URLCONF=(path("own", lambda _: JsonResponse({"own": True})),), ALLOWED_HOSTS=["*"])
    return get_asgi_application()


def _ask_mounted(url: str, analytics: AnalyticsService) -> None:
    exporter = ProtobufExporter(endpoint=f"{url}/analytics/v1/traces")
    assert exporter.export(spans(3)) is SpanExportResult.SUCCESS
    assert httpx.post(f"{url}/analytics/v1/events", content=in_json(event(0)), headers=JSON).status_code == 200
    assert httpx.post(f"{url}/analytics/v1/traces", content=b"nope", headers=JSON).json()["code"] == 3
    assert httpx.get(f"{url}/analytics/").json()["received"]["recorded"] == 4
    assert httpx.get(f"{url}/own").json() == {"own": True}
    assert (calls(analytics), jobs(analytics)) == (3, ["j-0"])


# ── killed ──────────────────────────────────────────────────────────────────────────────────────────────────────


@EXPORTERS
def test_an_exporter_that_sends_again_to_a_server_that_was_killed_after_its_commit_records_each_call_once(
    path: Path, exporter: Any
) -> None:
    port = _free_port()
    sending = exporter(endpoint=f"http://127.0.0.1:{port}/v1/traces", timeout=PATIENCE)
    with _server(port, path, dies_after=1) as dying, ThreadPoolExecutor(1) as threads:
        done = threads.submit(sending.export, spans(30))
        assert dying.wait(PATIENCE) == -signal.SIGKILL
        with opened(path) as analytics:
            before = calls(analytics)
        with _server(port, path, dies_after=0):
            assert done.result(PATIENCE) is SpanExportResult.SUCCESS

    with opened(path) as analytics:
        assert (before, calls(analytics)) == (30, 30)


def _free_port() -> int:
    with listening("127.0.0.1", 0) as server:
        return int(server.getsockname()[1])


@contextmanager
def _server(port: int, path: Path, *, dies_after: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.web.dying", str(port), str(path), str(dies_after)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        ending = threading.Timer(PATIENCE, process.kill)
        ending.start()
        try:
            assert process.stdout
            assert process.stdout.readline() == "listening\n"
            yield process
        finally:
            ending.cancel()
            process.terminate()
