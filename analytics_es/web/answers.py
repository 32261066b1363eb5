"""Answers: of OTLP in the form that the request came in, of CloudEvents as their clients expect, else JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from analytics_es.errors import AnalyticsError
from analytics_es.web.refusals import RequestRefused, WrongMethod

PROTOBUF, JSON = "application/x-protobuf", "application/json"
PROBLEM = "application/problem+json"  # RFC 9457
OTLP = {  # signal by path, and what its partial success calls the number of what was rejected
    "/v1/traces": "rejectedSpans",
    "/v1/logs": "rejectedLogRecords",
    "/v1/metrics": "rejectedDataPoints",
    "/v1development/profiles": "rejectedProfiles",
}
# Codes of gRPC that the body of a failure has, by status of HTTP.
_GRPC = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 408: 4, 413: 8, 415: 3, 421: 3, 500: 13, 503: 14}

Counts = Mapping[str, int]


def media_type(request: Request) -> str:
    """Return the content type of a request, without what belongs to it."""
    return str(request.headers.get("content-type", "")).partition(";")[0].strip().lower()


def path_of(request: Request) -> str:
    """Return the path below the place where the app is mounted."""
    path, root = str(request.scope["path"]), str(request.scope.get("root_path", ""))
    return path.removeprefix(root) if path.startswith(f"{root}/") else path


def exported(request: Request, rejected: int, message: str) -> Response:
    """Return the answer to what was taken over OTLP: empty, or how much was rejected, and why."""
    protobuf = media_type(request) == PROTOBUF
    if not rejected:
        return Response(b"" if protobuf else b"{}", media_type=PROTOBUF if protobuf else JSON)
    if protobuf:  # ExportTracePartialSuccess and its like: 1 is the number, 2 the message
        partial = _field(1, _varint(rejected)) + _text(2, message)
        return Response(_bytes(1, partial), media_type=PROTOBUF)
    name = OTLP[path_of(request)]
    # 64-bit integers are texts in the JSON of protobuf.
    return in_json({"partialSuccess": {name: str(rejected), "errorMessage": message}})


def in_json(document: Any, status: int = 200) -> Response:
    """Return a document as JSON."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, status, media_type=JSON)


def failed(request: Request, error: RequestRefused, more: Mapping[str, Any] | None = None) -> Response:
    """Return the answer to a request that was refused: what is wrong and what to do, nothing of what was sent."""
    path = path_of(request)
    if path not in OTLP:
        title = "The request was refused" if error.status < 500 else "The server cannot take it"
        return problem(error, error.status, title, more, headers_of(error))
    code = _GRPC.get(error.status, 2)
    if media_type(request) == PROTOBUF:  # google.rpc.Status: 1 is the code, 2 the message
        body = _field(1, _varint(code)) + _text(2, str(error))
        return Response(body, error.status, media_type=PROTOBUF, headers=headers_of(error))
    body = json.dumps({"code": code, "message": str(error)}).encode()
    return Response(body, error.status, media_type=JSON, headers=headers_of(error))


def problem(
    error: AnalyticsError,
    status: int,
    title: str,
    more: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return what is wrong as RFC 9457 has it."""
    document = {"type": "about:blank", "title": title, "status": status, "detail": str(error), "code": error.code}
    return Response(json.dumps({**document, **(more or {})}).encode(), status, media_type=PROBLEM, headers=headers)


def headers_of(error: RequestRefused) -> dict[str, str]:
    """Return what else the answer to a refused request says."""
    return {**error.headers, **({"Allow": error.details["methods"]} if isinstance(error, WrongMethod) else {})}


# ── the few messages of protobuf that an answer is: a number and a text ─────────────────────────────────────────


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3) + value


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _text(number: int, text: str) -> bytes:
    return _bytes(number, text.encode())
