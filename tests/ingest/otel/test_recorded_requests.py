"""Requests that real exporters sent: each is read whole, in protobuf as in JSON."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from attrs import evolve

from analytics_es.ingest.otel import otlp, protobuf
from analytics_es.ingest.otel.logs.record import LogRecord
from analytics_es.ingest.otel.spans import Span
from tests.emitters import ANSWERING_MODEL, MODEL
from tests.otlp_recording import RECORDED, recorded

OF_A_RUN = ("server.port", "gen_ai.response.time_to_first_chunk")
NAMES = sorted(path.stem for path in RECORDED.glob("*.http"))
READERS = {"/v1/traces": protobuf.read_spans, "/v1/logs": protobuf.read_records}


def spans(name: str) -> list[Span]:
    request = recorded(name)
    is_json = request.headers["content-type"] == "application/json"
    rows = otlp.read_spans(orjson.loads(request.body)) if is_json else protobuf.read_spans(request.body)
    return [row.span for row in rows if row.span]


def told(span: Span) -> tuple[Any, ...]:
    """Return what a sender told by a span, without what is another one in every run."""
    attributes = {name: value for name, value in span.attributes.items() if name not in OF_A_RUN}
    return span.name, span.service, span.scope, span.failed, attributes, [event.name for event in span.events]


def records(name: str) -> list[LogRecord]:
    request = recorded(name)
    is_json = request.headers["content-type"] == "application/json"
    rows = otlp.read_logs(orjson.loads(request.body)) if is_json else protobuf.read_records(request.body)
    return [row.record for row in rows if row.record]


@pytest.mark.parametrize("name", [name for name in NAMES if "protobuf" in name and "-metrics-" not in name])
def test_nothing_of_a_real_request_is_refused(name: str) -> None:
    request = recorded(name)
    read = READERS[request.path]

    rows = list(read(request.body))

    assert rows
    assert [row.problem for row in rows if row.problem] == []


@pytest.mark.parametrize(
    ("json", "binary"),
    [
        ("python-traces-json", "python-traces-protobuf-gzip"),
        ("js-traces-json-chunked", "js-traces-protobuf-gzip-chunked"),
    ],
)
def test_an_exporter_tells_the_same_spans_in_protobuf_as_in_json(json: str, binary: str) -> None:
    assert list(map(told, spans(binary))) == list(map(told, spans(json)))


def test_calls_of_an_instrumentation_come_with_their_tokens() -> None:
    call, *_ = spans("python-traces-protobuf-gzip")

    assert (call.name, call.service) == (f"chat {MODEL}", "recorded")
    assert call.attributes["gen_ai.response.model"] == ANSWERING_MODEL
    assert call.attributes["gen_ai.usage.input_tokens"] == 20


def test_a_collector_sends_on_what_it_was_sent() -> None:
    sent, sent_on = spans("js-traces-protobuf-gzip-chunked"), spans("rotel-traces-protobuf-gzip")

    assert list(map(told, sent_on)) == 2 * list(map(told, sent))


@pytest.mark.parametrize(
    ("json", "binary"),
    [("python-logs-json", "python-logs-protobuf-gzip"), ("js-logs-json-gzip-chunked", "js-logs-protobuf-chunked")],
)
def test_an_exporter_tells_the_same_records_in_protobuf_as_in_json(json: str, binary: str) -> None:
    def of_any_time(name: str) -> list[LogRecord]:
        without = {"service.instance.id": None}
        return [evolve(record, observed_us=0, resource={**record.resource, **without}) for record in records(name)]

    assert of_any_time(binary) == of_any_time(json)


@pytest.mark.parametrize("name", [name for name in NAMES if "-logs-" in name])
def test_records_of_logs_come_with_what_was_logged(name: str) -> None:
    first, second, *_ = records(name)

    assert (first.body, first.scope) == ("claude_code.api_request", "com.anthropic.claude_code.events")
    assert (first.service, first.scope_version, first.time_us) == ("claude-code", "2.1.0", 1790000000000000)
    assert first.attributes["event.name"] == "api_request"
    assert int(first.attributes["cache_read_tokens"]) == 17241
    assert [1, "two", 3.5] in (
        second.attributes.get("nested", {}).get("list"),
        second.body["nested"]["list"] if isinstance(second.body, dict) else None,
    )
