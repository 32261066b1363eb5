"""OTLP over HTTP: what is answered to what, in the form that it came in, and nothing before it is durable."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import orjson
import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.testclient import TestClient

from analytics_es import AnalyticsService
from analytics_es.events.walking import MAX_SMALL
from analytics_es.ingest.otel.halves import whole
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.web import analytics_app
from tests.stores import recorded
from tests.web.requests import (
    JSON,
    PROTOBUF,
    REJECTED,
    SECRET,
    calls,
    in_json,
    in_protobuf,
    reasons,
    slowly,
    span,
    trace,
)

STORES = pytest.mark.store("memory", "sqlite", "postgres")
FORMS = pytest.mark.parametrize(("headers", "written"), [(JSON, in_json), (PROTOBUF, in_protobuf)], ids=["json", "pb"])


@FORMS
@STORES
def test_spans_are_recorded_and_the_answer_is_empty_in_the_form_of_the_request(
    client: TestClient, analytics: AnalyticsService, headers: dict[str, str], written: Any
) -> None:
    body = written(trace(*map(span, range(3))))

    answer = client.post("/v1/traces", content=body, headers=headers)

    assert (answer.status_code, answer.headers["content-type"]) == (200, headers["content-type"])
    assert answer.content == (b"{}" if headers is JSON else b"")
    assert calls(analytics) == 3


@FORMS
def test_a_body_may_be_packed_and_come_in_chunks_without_a_length(
    client: TestClient, analytics: AnalyticsService, headers: dict[str, str], written: Any
) -> None:
    body = gzip.compress(written(trace(*map(span, range(3)))))
    parts = slowly(body[at : at + 50] for at in range(0, len(body), 50))

    answer = client.post("/v1/traces", content=parts, headers={**headers, "content-encoding": "gzip"})

    assert (answer.status_code, calls(analytics)) == (200, 3)


def test_the_same_request_again_adds_nothing(client: TestClient, analytics: AnalyticsService) -> None:
    body = in_json(trace(*map(span, range(3))))

    answers = [client.post("/v1/traces", content=body, headers=JSON).content for _ in range(2)]

    assert (answers, calls(analytics)) == ([b"{}", b"{}"], 3)


REFUSED = {"gen_ai.usage.input_tokens": -5, "note": SECRET}


@STORES
def test_what_is_refused_in_part_is_told_in_json_and_kept(client: TestClient, analytics: AnalyticsService) -> None:
    body = in_json(trace(span(1), span(2, **REFUSED), {**span(3), "traceId": SECRET}))

    answer = client.post("/v1/traces", content=body, headers=JSON)

    assert answer.status_code == 200
    assert answer.json() == {
        "partialSuccess": {
            "rejectedSpans": "2",
            "errorMessage": "refused, and kept with the reason: bad_field input_tokens 1, unreadable_span 1",
        }
    }
    assert (calls(analytics), sorted(reasons(analytics))) == (1, ["bad_field", "unreadable_span"])


def test_what_is_refused_in_part_is_told_in_protobuf(client: TestClient) -> None:
    answer = client.post("/v1/traces", content=in_protobuf(trace(span(1), span(2, **REFUSED))), headers=PROTOBUF)

    told = ExportTraceServiceResponse.FromString(answer.content)
    assert (answer.status_code, MessageToDict(told)) == (
        200,
        {
            "partialSuccess": {
                "rejectedSpans": "1",
                "errorMessage": "refused, and kept with the reason: bad_field input_tokens 1",
            }
        },
    )


def test_many_rejected_spans_are_one_number_of_protobuf(client: TestClient) -> None:
    spans = [span(number, **REFUSED) for number in range(300)]

    answer = client.post("/v1/traces", content=in_protobuf(trace(*spans)), headers=PROTOBUF)

    assert ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans == 300


@pytest.mark.parametrize("headers", [JSON, PROTOBUF], ids=["json", "pb"])
@pytest.mark.parametrize("body", [b"nope", b'{"resourceLogs": []}', b"[1]", b'{"resourceSpans": 5}', b"\xff" * 40])
@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs"])
def test_what_is_no_request_is_malformed_and_nothing_of_it_is_kept(
    client: TestClient, analytics: AnalyticsService, path: str, body: bytes, headers: dict[str, str]
) -> None:
    if path == "/v1/logs" and body.startswith(b'{"resourceLogs'):
        body = b'{"resourceSpans": []}'

    answer = client.post(path, content=body, headers=headers)

    assert (answer.status_code, answer.headers["content-type"]) == (400, headers["content-type"])
    if headers is JSON:
        assert answer.json()["code"] == 3
        assert answer.json()["message"].startswith("The body cannot be read: it is not ")
    else:  # google.rpc.Status
        assert answer.content.startswith(b"\x08\x03\x12")
    assert recorded(analytics, REJECTED) == []


@pytest.mark.parametrize("headers", [JSON, PROTOBUF], ids=["json", "pb"])
@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs"])
def test_a_request_with_nothing_in_it_is_one(client: TestClient, path: str, headers: dict[str, str]) -> None:
    empty = b"{}" if headers is JSON else b""

    assert client.post(path, content=empty, headers=headers).content == empty


@pytest.mark.parametrize("path", ["/v1/metrics", "/v1development/profiles"])
@pytest.mark.parametrize("headers", [JSON, PROTOBUF], ids=["json", "pb"])
def test_other_signals_are_acknowledged_and_counted(client: TestClient, path: str, headers: dict[str, str]) -> None:
    body = b'{"resourceMetrics": []}' if headers is JSON else b""

    answers = [client.post(path, content=body, headers=headers).status_code for _ in range(2)]

    assert answers == [200, 200]
    assert client.get("/").json()["ignored"] == {"signals": {path.rpartition("/")[2]: 2}}


def test_what_is_none_of_genai_is_counted_by_its_scope(client: TestClient, analytics: AnalyticsService) -> None:
    plain = {**span(1), "attributes": []}

    client.post("/v1/traces", content=in_json(trace(plain, plain, scope="fastapi")), headers=JSON)

    about = client.get("/").json()
    assert (about["ignored"], about["received"]) == ({"scopes": {"fastapi": 2}}, {"spans": 2, "ignored": 2})
    assert calls(analytics) == 0


def test_an_empty_answer_to_logs_is_one_of_logs(client: TestClient) -> None:
    answer = client.post("/v1/logs", content=b"", headers=PROTOBUF)

    assert not ExportLogsServiceResponse.FromString(answer.content).HasField("partial_success")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({**JSON, "content-encoding": "zstd"}, 415),
        ({**JSON, "content-encoding": "gzip, gzip"}, 415),
        ({**JSON, "content-encoding": "identity"}, 200),
        ({"content-type": "Application/JSON; charset=utf-8"}, 200),
    ],
)
def test_media_types_and_encodings_are_those_that_are_read(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    body = in_json(trace(span(1)))

    assert client.post("/v1/traces", content=body, headers=headers).status_code == status


def test_a_path_that_is_not_there_and_another_method_are_told(client: TestClient) -> None:
    missing, method = client.post("/v2/traces", content=b"", headers=JSON), client.get("/v1/traces")

    assert (missing.status_code, missing.json()["code"]) == (404, "no_such_path")
    assert (method.status_code, method.headers["allow"], method.json()["code"]) == (405, "POST", 12)


def test_nothing_of_what_was_sent_is_in_an_answer_or_in_the_log(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "analytics_es")
    bodies: list[Any] = [
        {SECRET: 1},
        trace({**span(1), "spanId": SECRET}),
        trace(span(2, **{**REFUSED, "gen_ai.usage.input_tokens": SECRET})),
        {"resourceSpans": [{"scopeSpans": SECRET}]},
        SECRET,
    ]

    answers = [client.post(f"/v1/traces?{SECRET}", content=in_json(body), headers=JSON) for body in bodies]
    answers += [client.post("/v1/traces", content=SECRET.encode(), headers=headers) for headers in (JSON, PROTOBUF)]
    answers += [client.post("/v1/events", content=in_json(body), headers=JSON) for body in bodies]

    assert [answer.status_code for answer in answers if SECRET in answer.text] == []
    assert SECRET not in caplog.text
    assert SECRET not in client.get("/").text


def test_a_request_has_a_line_in_the_log(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "analytics_es.web")

    client.post("/v1/traces?who=ada", content=in_json(trace(span(1))), headers=JSON)

    (line,) = [record for record in caplog.records if record.name == "analytics_es.web"]
    assert line.getMessage().startswith("POST /v1/traces 200 · spans 1, recorded 1 · ")
    figures = line.__dict__["figures"]
    assert {**figures, "ms": 0} == {
        "method": "POST",
        "path": "/v1/traces",
        "status": 200,
        "ms": 0,
        "spans": 1,
        "recorded": 1,
    }


def test_the_first_page_says_what_this_is_and_what_came_in(client: TestClient) -> None:
    client.post("/v1/traces", content=in_json(trace(span(1), span(2, **REFUSED))), headers=JSON)
    client.post("/v1/traces", content=b"nope", headers=JSON)

    about = client.get("/").json()

    assert about["requests"] == {"200": 1, "400": 1}
    assert about["received"] == {"spans": 2, "recorded": 1, "refused": 1}
    assert about["refused"] == {"bad_field": 1}
    assert about["version"]
    assert orjson.dumps(about)


def test_a_path_cannot_write_lines_of_its_own_into_the_log(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "analytics_es.web")

    client.get("/a%0aERROR%20made%20up%1b[2J" + "x" * 500)

    (line,) = [record.getMessage() for record in caplog.records if record.name == "analytics_es.web"]
    assert line.startswith("GET /a?ERROR made up?[2Jxxx")
    assert len(line) < 150


def test_a_span_that_we_fail_at_does_not_cost_the_others(
    client: TestClient, analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    see = Reader.see

    def failing(reader: Reader, batch: Any) -> None:
        assert not any(span.key.endswith("3") for span in batch), SECRET
        see(reader, batch)

    monkeypatch.setattr(Reader, "see", failing)

    answer = client.post("/v1/traces", content=in_json(trace(*map(span, range(5)))), headers=JSON)

    assert answer.json()["partialSuccess"]["rejectedSpans"] == "1"
    assert (calls(analytics), reasons(analytics)) == (4, ["unreadable_span"])
    assert SECRET not in answer.text


@pytest.mark.store(privacy="full")
@pytest.mark.parametrize("content", [False, True])
def test_of_a_span_that_cannot_be_read_what_was_said_is_kept_only_where_it_is_asked_for(
    analytics: AnalyticsService, content: bool
) -> None:
    client = TestClient(analytics_app(analytics, content=content))
    unreadable = {**span(1, **{"gen_ai.input.messages": SECRET}), "traceId": "none"}

    client.post("/v1/traces", content=in_json(trace(unreadable)), headers=JSON)

    (kept,) = recorded(analytics, REJECTED)
    assert (SECRET.encode() in base64.b64decode(kept.data["raw"])) == content
    assert kept.data["size"] > 100


@pytest.mark.parametrize("text", [rb"cut \ud83d", rb"\udE00 cut", rb"\\ud83d stays, \ud83d\ude00 too; \uD83D is cut"])
@pytest.mark.parametrize("large", [False, True])
def test_a_text_that_was_cut_through_a_sign_costs_no_call(
    client: TestClient, analytics: AnalyticsService, text: bytes, large: bool
) -> None:
    padding = {"note": "x" * MAX_SMALL} if large else {}
    body = in_json(trace(span(1, said="HERE"), span(2, **padding))).replace(b"HERE", text)

    answer = client.post("/v1/traces", content=body, headers=JSON)

    assert (answer.content, calls(analytics)) == (b"{}", 2)


def test_only_halves_of_signs_are_put_right() -> None:
    text = rb'{"a": "\\ud83d \\\ud83d \ud83d\ude00 \ud83dx \ude00\ud83d \n"}'

    assert whole(text) == rb'{"a": "\\ud83d \\\ufffd \ud83d\ude00 \ufffdx \ufffd\ufffd \n"}'
