"""What is sent to each route: bodies to begin with; and texts of bytes, whose first byte says to which they go."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import orjson

from analytics_es.testing import provider_call
from tests.otlp_recording import RECORDED, parsed
from tests.otlp_requests import log_body, trace_body

ID = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331"}
TIMES = {"startTimeUnixNano": "1790000000000000000", "endTimeUnixNano": "1790000002500000999"}


class Route(NamedTuple):
    """Where bodies go, as what; and one of them."""

    path: str
    media_type: str
    body: bytes


def _pair(name: str, kind: str, value: object) -> dict[str, object]:
    return {"key": name, "value": {kind: value}}


def _trace() -> dict[str, object]:
    attributes = [
        _pair("gen_ai.operation.name", "stringValue", "chat"),
        _pair("gen_ai.request.model", "stringValue", "gpt-4o"),
        _pair("gen_ai.usage.input_tokens", "intValue", "1200"),
        _pair("gen_ai.usage.cost", "doubleValue", 0.5),
        _pair("tags", "arrayValue", {"values": [{"stringValue": "a"}, {"boolValue": True}, {}]}),
        _pair("nested", "kvlistValue", {"values": [_pair("bytes", "bytesValue", "AAE=")]}),
    ]
    event = {"timeUnixNano": "1790000001000000000", "name": "exception", "attributes": attributes[:1]}
    span = {**ID, **TIMES, "name": "chat", "attributes": attributes, "events": [event], "status": {"code": 2}}
    scoped = {"scope": {"name": "tests", "version": "1.0"}, "spans": [span, {**span, "parentSpanId": ID["spanId"]}]}
    resource = {"attributes": [_pair("service.name", "stringValue", "agents")]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [scoped]}]}


def _logs() -> dict[str, object]:
    attributes = [
        _pair("event.name", "stringValue", "api_request"),
        _pair("request_id", "stringValue", "req_1"),
        _pair("model", "stringValue", "claude-sonnet-4-5"),
        _pair("input_tokens", "stringValue", "3"),
    ]
    record = {
        "timeUnixNano": "1790000000000000000",
        "eventName": "claude_code.api_request",
        "body": {"stringValue": "claude_code.api_request"},
        "attributes": attributes,
    }
    scoped = {"scope": {"name": "com.anthropic.claude_code.events", "version": "2.1"}, "logRecords": [record]}
    return {"resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": [scoped]}]}


def _of_route(path: str, media_type: str, *more: bytes) -> list[bytes]:
    """Return what real exporters sent there, and more."""
    sent = [parsed(file.read_bytes()) for file in sorted(RECORDED.glob("*.http"))]
    return [
        *(one.body for one in sent if (one.path, one.headers["content-type"]) == (path, media_type)),
        *more,
    ]


PROTOBUF, JSON = "application/x-protobuf", "application/json"
_EVENT = orjson.dumps({"event_type": "tool.call.completed", "data": {"tool": "search", "duration_ms": 12.5}})
_CLOUD = orjson.dumps(
    {
        "specversion": "1.0",
        "id": "1",
        "source": "tests",
        "type": "provider.call.completed",
        "time": "2026-03-02T12:00:00Z",
        "data": provider_call()["data"],
    },
    default=str,
)
ROUTES: Sequence[tuple[str, str, Sequence[bytes]]] = (
    ("/v1/traces", PROTOBUF, _of_route("/v1/traces", PROTOBUF, trace_body(_trace()))),
    ("/v1/traces", JSON, _of_route("/v1/traces", JSON, orjson.dumps(_trace()))),
    ("/v1/logs", PROTOBUF, _of_route("/v1/logs", PROTOBUF, log_body(_logs()))),
    ("/v1/logs", JSON, _of_route("/v1/logs", JSON, orjson.dumps(_logs()))),
    ("/v1/metrics", PROTOBUF, _of_route("/v1/metrics", PROTOBUF)),
    ("/v1/events", JSON, [_EVENT, b"[" + _EVENT + b"," + _EVENT + b"]"]),
    ("/v1/events", "application/x-ndjson", [_EVENT + b"\n" + _EVENT]),
    ("/api/v1/events", "application/cloudevents+json", [_CLOUD]),
    ("/api/v1/events", "application/cloudevents-batch+json", [b"[" + _CLOUD + b"]"]),
)
SEEDS = [bytes([number]) + body for number, (_, _, bodies) in enumerate(ROUTES) for body in bodies]


def route_of(content: bytes) -> Route:
    """Return where a text of bytes is sent, and what of it."""
    path, media_type, _ = ROUTES[content[0] % len(ROUTES)] if content else ROUTES[0]
    return Route(path, media_type, content[1:])


# ── changed by chance ───────────────────────────────────────────────────────────────────────────────────────────

TOKENS = (
    *(b"\x00", b"\xff", b"\x80" * 10, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x0a\x00", b"\x0b", b"\xf8\x3e"),
    *(b"null", b"{}", b"[]", b'""', b"true", b"-1", b"1e999", b"-0.0", b"0" * 40, b"9" * 5_000, b"NaN", b'"\\ud800"'),
    *(b"{" * 300, b"[" * 2_000, b'{"arrayValue":{"values":[' * 100, b"\\u0000", b"\xed\xa0\x80", b"\n", b"\r\n", b","),
    *(b'"intValue":"99999999999999999999"', b'"doubleValue":"Infinity"', b'"key":null', b'"data":{"cost":"1e-400"}'),
    *(b'"time":"9999-12-31T23:59:59.999999999Z"', b'"occurred_at":0', b'"specversion":"0.3"', b'"id":', b'"source":7'),
)
LONGEST = 8_192  # bytes of one that is made from others


def changed(seeds: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """Yield texts without end, each one of the seeds after one to eight changes."""
    chance = random.Random(seed)
    while True:
        body = bytearray(chance.choice(seeds))
        for _ in range(chance.choice((1, 1, 2, 3, 8))):
            _change(body, chance, seeds)
        yield bytes(body[:LONGEST])


def _change(body: bytearray, chance: random.Random, seeds: Sequence[bytes]) -> None:
    if len(body) < 2:
        body += chance.choice(TOKENS)
    at = chance.randrange(1, len(body))  # the route stays
    end = min(len(body), at + chance.choice((1, 1, 2, 8, 64)))
    kind = chance.randrange(7)
    if kind == 0:
        body[at] ^= 1 << chance.randrange(8)
    elif kind == 1:
        body[at] = chance.choice((0, 1, 10, 34, 127, 128, 255))
    elif kind == 2:
        del body[at:end]
    elif kind == 3:
        body[at:at] = body[at:end] * chance.choice((1, 2, 30))
    elif kind == 4:
        body[at:end] = chance.choice(TOKENS)
    elif kind == 5:
        del body[at:]
    else:
        other = chance.choice(seeds)
        begin = chance.randrange(len(other))
        body[at:end] = other[begin : begin + chance.choice((4, 32, 256))]
