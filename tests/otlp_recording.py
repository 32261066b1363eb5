"""Requests of real exporters as they come over a socket: recorded by `python -m tests.otlp_recording FOLDER`, and read.

Exporters of other languages and collectors are recorded the same way: `--wait PORT` takes what anybody sends, until it
is interrupted. A file holds the bytes of one request, as `name.http`.
"""

from __future__ import annotations

import gzip
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

END = b"\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
RECORDED = Path(__file__).parent / "data" / "otlp-http"


class Recorded(NamedTuple):
    """A request: its path, its headers in lower case, its body as it was before it was packed, and all bytes."""

    path: str
    headers: dict[str, str]
    body: bytes
    raw: bytes


def recorded(name: str) -> Recorded:
    """Return the request in a file of that name."""
    return parsed((RECORDED / f"{name}.http").read_bytes())


def parsed(raw: bytes) -> Recorded:
    """Return what the bytes of a request say."""
    head, _, body = raw.partition(END)
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = b"".join(_chunks(body))
    return Recorded(first.split()[1], headers, gzip.decompress(body) if "content-encoding" in headers else body, raw)


def _chunks(body: bytes) -> Iterator[bytes]:
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        yield body[:length]
        body = body[length + 2 :]


# ── recording ───────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def recorder(port: int = 0) -> Iterator[tuple[str, list[bytes]]]:
    """Take requests, and give the address and the bytes of what has come."""
    requests = list[bytes]()
    with socket.create_server(("127.0.0.1", port)) as server:
        thread = threading.Thread(target=_serve, args=(server, requests), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", requests
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _serve(server: socket.socket, requests: list[bytes]) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(5)
            raw = b""
            while not _is_whole(raw):
                raw += connection.recv(65_536)
            requests.append(raw)
            connection.sendall(ANSWER)


def _is_whole(raw: bytes) -> bool:
    head, end, body = raw.partition(END)
    if not end:
        return False
    if b"transfer-encoding: chunked" in head.lower():
        return body.endswith(b"0\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return len(body) >= int(length or b"0")


def _traces(emitter: str, exporter: Any) -> None:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from tests.emitters import EMITTERS, instrumented, provider

    tracers = TracerProvider(resource=Resource.create({"service.name": "recorded"}))
    tracers.add_span_processor(BatchSpanProcessor(exporter))
    with provider() as url, instrumented(tracers, emitter):
        EMITTERS[emitter][2](url, tracers)
    tracers.shutdown()


API_REQUEST = {
    "event.name": "api_request",
    "session.id": "s-1",
    "event.sequence": 7,
    "user.email": "ada@example.com",
    "model": "claude-sonnet-4-5-20250929",
    "request_id": "req_011",
    "input_tokens": 3,
    "output_tokens": 210,
    "cache_read_tokens": 17241,
    "cache_creation_tokens": 16935,
    "cost_usd": 0.0718,
    "duration_ms": 4210,
}


def _logs(exporter: Any) -> None:
    from opentelemetry._logs import SeverityNumber
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource

    loggers = LoggerProvider(resource=Resource.create({"service.name": "claude-code"}))
    loggers.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = loggers.get_logger("com.anthropic.claude_code.events", "2.1.0")
    time = 1_790_000_000_000_000_000
    for body, attributes in (
        ("claude_code.api_request", API_REQUEST),
        (
            "claude_code.hook_execution_start",
            {"event.name": "hook_execution_start", "nested": {"list": [1, "two", 3.5]}},
        ),
    ):
        logger.emit(timestamp=time, severity_number=SeverityNumber.INFO, body=body, attributes=attributes)
    loggers.shutdown()


def _metrics(exporter: Any) -> None:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    meters = MeterProvider([PeriodicExportingMetricReader(exporter)])
    meters.get_meter("recorded").create_counter("claude_code.token.usage").add(210, {"type": "output"})
    meters.shutdown()


def _senders(url: str) -> Iterator[tuple[str, Callable[[], None]]]:
    from opentelemetry.exporter.otlp.json.http import _log_exporter as json_logs
    from opentelemetry.exporter.otlp.json.http import trace_exporter as json_traces
    from opentelemetry.exporter.otlp.proto.http import Compression, metric_exporter
    from opentelemetry.exporter.otlp.proto.http import _log_exporter as logs
    from opentelemetry.exporter.otlp.proto.http import trace_exporter as traces

    protobuf = {"endpoint": f"{url}/v1/traces", "compression": Compression.Gzip}
    yield "python-traces-protobuf-gzip", lambda: _traces("genai-openai", traces.OTLPSpanExporter(**protobuf))
    yield "python-agent-protobuf", lambda: _traces("genai-agent", traces.OTLPSpanExporter(f"{url}/v1/traces"))
    yield (
        "python-openinference-protobuf-gzip",
        lambda: _traces("openinference-openai", traces.OTLPSpanExporter(**protobuf)),
    )
    yield (
        "python-traces-json",
        lambda: _traces("genai-openai", json_traces.OTLPSpanExporter(endpoint=f"{url}/v1/traces")),
    )
    yield (
        "python-logs-protobuf-gzip",
        lambda: _logs(logs.OTLPLogExporter(f"{url}/v1/logs", compression=Compression.Gzip)),
    )
    yield "python-logs-json", lambda: _logs(json_logs.OTLPLogExporter(endpoint=f"{url}/v1/logs"))
    yield "python-metrics-protobuf", lambda: _metrics(metric_exporter.OTLPMetricExporter(f"{url}/v1/metrics"))


def record(folder: Path) -> None:
    """Write one request of each exporter that is here."""
    with recorder() as (url, requests):
        for name, send in _senders(url):
            requests.clear()
            send()
            (folder / f"{name}.http").write_bytes(requests[0])
            sys.stdout.write(f"{name}: {len(requests)} requests, {len(requests[0])} bytes\n")


def wait(port: int, folder: Path) -> None:
    """Write what anybody sends, as it comes, until it is interrupted."""
    with recorder(port) as (url, requests):
        sys.stdout.write(f"{url}\n")
        written = 0
        try:
            while True:
                threading.Event().wait(0.2)
                for raw in requests[written:]:
                    (folder / f"request-{written}.http").write_bytes(raw)
                    written += 1
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    if sys.argv[1] == "--wait":
        wait(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        record(Path(sys.argv[1]))
