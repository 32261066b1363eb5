"""What coding agents send to the door is read the same in JSON and in protobuf, and recorded once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from starlette.testclient import TestClient

from analytics_es import AnalyticsService
from tests.stores import recorded

REQUESTS = sorted((Path(__file__).parents[1] / "data" / "otlp-logs").glob("*.json"))
EVENTS = {"claude-code": 6, "codex": 5, "gemini-cli": 4}


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("json_first", [True, False])
def test_logs_of_agents_give_each_call_once(
    client: TestClient, analytics: AnalyticsService, path: Path, json_first: bool
) -> None:
    written = path.read_text()
    ids = '"traceId": "", "spanId": ""'
    in_protobuf = ParseDict(json.loads(written.replace(ids, "")), ExportLogsServiceRequest()).SerializeToString()
    sent = [(written.encode(), "application/json"), (in_protobuf, "application/x-protobuf")]

    for body, kind in sent if json_first else sent[::-1]:
        answer = client.post("/v1/logs", content=body, headers={"content-type": kind})
        told = [event for event in recorded(analytics) if event.source == path.stem]
        assert (answer.status_code, len(told)) == (200, EVENTS[path.stem])
