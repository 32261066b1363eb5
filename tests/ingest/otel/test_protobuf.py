"""Requests in protobuf: read as the same requests in JSON are, and nothing that comes in is more than one problem."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from analytics_es.events.walking import MAX_SMALL, MOST_INSIDE
from analytics_es.ingest.otel import otlp
from analytics_es.ingest.otel.otlp import ReadSpan
from analytics_es.ingest.otel.protobuf import read_records, read_spans
from analytics_es.ingest.otel.wire import MOST_PARTS
from tests.examples import examples
from tests.otlp_requests import LOGS, TRACES, log_body, trace_body

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TIMES = {"startTimeUnixNano": "1", "endTimeUnixNano": "2"}
Read = Callable[[bytes], Iterator[Any]]


def text(name: str, value: str) -> KeyValue:
    return KeyValue(key=name, value=AnyValue(string_value=value))


def a_span(**changes: Any) -> Span:
    usual: dict[str, Any] = {
        "trace_id": bytes.fromhex(TRACE),
        "span_id": bytes.fromhex(SPAN),
        "name": "chat opus",
        "start_time_unix_nano": 1790000000000000000,
        "end_time_unix_nano": 1790000002500000999,
        "attributes": [text("gen_ai.operation.name", "chat")],
    }
    return Span(**{**usual, **changes})


def request(*spans: Span | bytes, resource: bytes = b"", service: str = "") -> bytes:
    """Return a request of spans, some of them as bytes that are none."""
    told = resource or Resource(attributes=[text("service.name", service)] if service else []).SerializeToString()
    scoped = b"".join(field(2, span if isinstance(span, bytes) else span.SerializeToString()) for span in spans)
    return field(1, field(1, told) + field(2, scoped))


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number: int) -> bytes:
    head = b""
    while number > 127:
        head, number = head + bytes([number & 127 | 128]), number >> 7
    return head + bytes([number])


def told(row: ReadSpan) -> tuple[Any, bool]:
    return row.span, bool(row.problem)


# ── the same as of JSON ─────────────────────────────────────────────────────────────────────────────────────────


@examples(200)
@given(TRACES)
def test_a_request_gives_the_same_spans_in_protobuf_as_in_json(document: dict[str, Any]) -> None:
    assert [told(row) for row in read_spans(trace_body(document))] == [told(row) for row in otlp.read_spans(document)]


@examples(200)
@given(LOGS)
def test_a_request_gives_the_same_records_of_logs_in_protobuf_as_in_json(document: dict[str, Any]) -> None:
    in_protobuf = [(row.record, bool(row.problem)) for row in read_records(log_body(document))]

    assert in_protobuf == [(row.record, bool(row.problem)) for row in otlp.read_logs(document)]


def test_a_service_without_a_name_is_none() -> None:
    [row] = otlp.read_spans(
        {
            "resourceSpans": [
                {
                    "resource": {"attributes": [{"key": "service.name", "value": {}}]},
                    "scopeSpans": [{"spans": [{"traceId": TRACE, "spanId": SPAN, **TIMES}]}],
                }
            ]
        }
    )

    assert row.span is not None
    assert row.span.service == ""


def test_a_span_tells_all_that_its_sender_wrote() -> None:
    sent = a_span(parent_span_id=bytes.fromhex("00f067aa0ba902b7"), dropped_attributes_count=3)
    sent.status.code = 2
    sent.events.add(
        name="exception", time_unix_nano=1790000001000000000, attributes=[text("exception.type", "Timeout")]
    )

    [row] = read_spans(request(sent, service="agents"))

    assert row.problem == ""
    assert row.span is not None
    assert (row.span.key, row.span.parent_id, row.span.service) == (f"{TRACE}:{SPAN}", "00f067aa0ba902b7", "agents")
    assert (row.span.start_us, row.span.end_us, row.span.failed) == (1790000000000000, 1790000002500000, True)
    assert row.span.events == (("exception", 1790000001000000, {"exception.type": "Timeout"}),)
    assert (row.span.attributes, row.span.dropped) == ({"gen_ai.operation.name": "chat"}, 3)


# ── one by one ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"trace_id": b"1"}, "not a span: its traceId is of 1 bytes, or of zeros alone"),
        ({"trace_id": bytes(16)}, "not a span: its traceId is of 16 bytes, or of zeros alone"),
        ({"span_id": b""}, "not a span: its spanId is of 0 bytes, or of zeros alone"),
        ({"parent_span_id": b"12345"}, "not a span: its parentSpanId is of 5 bytes, or of zeros alone"),
        ({"start_time_unix_nano": 0}, "not a span: its startTimeUnixNano is missing, or none"),
        ({"end_time_unix_nano": 0}, "not a span: its endTimeUnixNano is missing, or none"),
    ],
)
def test_a_span_that_is_none_is_refused_and_the_others_are_read(changes: dict[str, Any], problem: str) -> None:
    refused, read = read_spans(request(a_span(**changes), a_span()))

    assert (refused.span, refused.problem) == (None, problem)
    assert refused.raw is not None
    assert read.span is not None


@pytest.mark.parametrize(
    "content",
    [
        a_span(name="chat").SerializeToString().replace(b"chat", b"ch\xff\xfe"),
        a_span().SerializeToString()[:-1],
        b"\xff\xff\xff",
        field(9, field(2, b"".join(field(5, b"") for _ in range(3)) + b"\x0b")),
    ],
    ids=["no UTF-8", "cut", "no fields", "a group"],
)
def test_bytes_that_are_no_span_are_refused_and_the_others_are_read(content: bytes) -> None:
    refused, read = read_spans(request(content, a_span()))

    assert (refused.span, refused.problem) == (None, "not a span: its bytes are not those of one")
    assert read.span is not None


def test_a_value_of_thousands_of_levels_is_refused() -> None:
    value = b""
    for _ in range(5_000):
        value = field(5, field(1, value))

    [row] = read_spans(request(a_span().SerializeToString() + field(9, field(2, value))))

    assert row.problem == "not a span: its bytes are not those of one"


def test_a_span_of_very_many_empty_values_is_refused_before_they_are_read() -> None:
    empty = field(9, b"") * (MAX_SMALL // 2)

    [row] = read_spans(request(a_span().SerializeToString() + empty))

    assert row.problem == f"not a span: it is of more than {MOST_INSIDE} messages"


def test_a_long_text_is_no_crowd() -> None:
    [row] = read_spans(request(a_span(attributes=[text("gen_ai.input.messages", "x" * 2 * MAX_SMALL)])))

    assert row.span is not None


def test_who_tells_spans_may_be_unreadable_and_costs_these_alone() -> None:
    bad, good = request(a_span(), resource=b"\x0a\x02\x0a\x00\xff"), request(a_span(), service="agents")

    refused, read = read_spans(bad + good)

    assert refused.problem == "not a span: who tells it cannot be read: its bytes are not those of one"
    assert read.span is not None
    assert read.span.service == "agents"


# ── requests ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_tells_spans_may_come_after_them_and_in_parts() -> None:
    first = ResourceSpans(resource=Resource(attributes=[text("a", "1")])).SerializeToString()
    last = ResourceSpans(resource=Resource(attributes=[text("service.name", "agents")])).SerializeToString()

    [row] = read_spans(field(1, first + field(2, field(2, a_span().SerializeToString())) + last))

    assert row.span is not None
    assert row.span.service == "agents"


def test_fields_that_are_unknown_are_passed_over() -> None:
    unknown = b"\x78\x96\x01" + b"\x79" + bytes(8) + b"\x7d" + bytes(4) + field(99, b"anything")

    [row] = read_spans(unknown + request(a_span()) + unknown)

    assert row.span is not None


def test_no_bytes_are_a_request_without_spans() -> None:
    assert list(read_spans(b"")) == []


def test_requests_of_before_2022_are_named_and_not_taken_for_empty() -> None:
    with pytest.raises(ValueError, match="before 2022"):
        read_spans(field(1, field(1000, field(2, a_span().SerializeToString()))))


@pytest.mark.parametrize("read", [read_spans, read_records])
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"resourceSpans":[]}',
        b"\x0a\x05ab",
        b"\x0a",
        b"\x08",
        b"\x80" * 11,
        b"\x0a\xff\xff\xff\xff\xff\xff",
        b"\x00",
    ],
)
def test_bytes_that_are_no_request_are_one_problem(read: Read, body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^its bytes are no fields of protobuf$|^it ends in the middle$"):
        read(body)


def test_a_request_of_very_many_parts_is_refused_before_they_are_read() -> None:
    with pytest.raises(ValueError, match=f"more than {MOST_PARTS} parts"):
        read_spans(field(1, b"") * (MOST_PARTS + 1))


def test_a_cut_request_is_one_problem_wherever_it_is_cut() -> None:
    body = request(a_span(), a_span(), service="agents")

    for length in range(1, len(body)):
        with pytest.raises(ValueError, match=r"."):
            read_spans(body[:length])


@examples(300)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_are_one_problem(body: bytes) -> None:
    for read in (read_spans, read_records):
        try:
            rows = list(read(body))
        except ValueError as error:
            assert "\n" not in str(error)
        else:
            assert [row.problem for row in rows if "\n" in row.problem] == []


@examples(50)
@given(TRACES, st.randoms(use_true_random=False))
def test_a_request_with_flipped_bits_is_read_or_is_one_problem(document: dict[str, Any], chance: random.Random) -> None:
    body = bytearray(trace_body(document))
    for _ in range(min(len(body), 3)):
        body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    try:
        rows = list(read_spans(bytes(body)))
    except ValueError as error:
        assert "\n" not in str(error)
    else:
        assert [row for row in rows if (row.span is None) != bool(row.problem)] == []


def test_all_spans_of_a_large_request_are_read() -> None:
    spans = [a_span(span_id=number.to_bytes(8, "big")) for number in range(1, 513)]
    body = ExportTraceServiceRequest.FromString(request(*spans)).SerializeToString()

    assert [row.span.span_id for row in read_spans(body) if row.span] == [span.span_id.hex() for span in spans]
