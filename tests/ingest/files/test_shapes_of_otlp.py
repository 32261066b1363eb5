"""Files of OTLP as others write them: other names, other ids, lists, logs and metrics among traces, other exporters."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode

from analytics_es import AnalyticsService
from analytics_es.errors import BadRow
from analytics_es.events import walking
from analytics_es.ingest.files import ImportedRow, otlp, rows
from analytics_es.ingest.otel.otlp import read_logs

DATA = Path(__file__).parents[2] / "data"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
LOGS = json.loads((DATA / "otlp-logs" / "claude-code.json").read_text())


def told(name: str, **value: Any) -> dict[str, Any]:
    return {"key": name, "value": value}


def a_span(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "traceId": TRACE,
        "spanId": f"{number:016x}",
        "name": "chat gpt-5",
        "startTimeUnixNano": "1790000000000000000",
        "endTimeUnixNano": "1790000002500000000",
        "attributes": [
            told("gen_ai.operation.name", stringValue="chat"),
            told("gen_ai.request.model", stringValue="gpt-5"),
            told("gen_ai.usage.input_tokens", intValue="100"),
            told("gen_ai.usage.output_tokens", intValue="20"),
        ],
        "status": {"code": "STATUS_CODE_ERROR"},
        **changes,
    }


def a_trace(*spans: Any) -> dict[str, Any]:
    resource = {"attributes": [told("service.name", stringValue="shop")]}
    scoped = {"scope": {"name": "my.scope", "version": "1"}, "spans": [*spans]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [scoped]}]}


METRICS = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "claude_code.token.usage"}, {"name": "b"}]}]}]}


def snake(document: Any) -> Any:
    """Return a document with protobuf's own names."""
    if isinstance(document, dict):
        return {
            re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name): snake(value)
            for name, value in document.items()
        }
    return [snake(member) for member in document] if isinstance(document, list) else document


def base64_ids(document: Any) -> Any:
    """Return a document with its ids as protobuf's own JSON writes bytes."""
    if isinstance(document, dict):
        return {
            name: base64.b64encode(bytes.fromhex(value)).decode() if name.endswith("Id") else base64_ids(value)
            for name, value in document.items()
        }
    return [base64_ids(member) for member in document] if isinstance(document, list) else document


def renamed(document: Any, **names: str) -> Any:
    return json.loads(re.sub('"(' + "|".join(names) + ')":', lambda name: f'"{names[name[1]]}":', json.dumps(document)))


@pytest.fixture(params=["a line", "many lines", "large"])
def read(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[ImportedRow]]:
    """Read documents from a file: one a line, as a whole or walked through, or printed over many lines."""
    if request.param == "large":
        monkeypatch.setattr(otlp, "MAX_SMALL", 0)

    def reading(*documents: Any) -> list[ImportedRow]:
        path = tmp_path / "file.json"
        indent = 2 if request.param == "many lines" else None
        path.write_text("\n".join(json.dumps(document, indent=indent) for document in documents))
        return list(rows(path, format="otlp"))

    return reading


Read = Callable[..., list[ImportedRow]]


def events(found: list[ImportedRow]) -> list[dict[str, Any]]:
    assert [str(row.error) for row in found if row.error] == []
    return [row.event for row in found if row.event]


def problems(found: list[ImportedRow]) -> list[str]:
    return [str(row.error.details["problem"]) for row in found if isinstance(row.error, BadRow)]


# ── the same in other words ─────────────────────────────────────────────────────────────────────────────────────

WHOLE = a_trace(
    a_span(events=[{"name": "exception", "timeUnixNano": "1", "attributes": [told("exception.type", stringValue="T")]}])
)
OTHER = {
    "a list of requests": [WHOLE],
    "names of protobuf": snake(WHOLE),
    "ids in base64": base64_ids(WHOLE),
    "protobuf's own JSON": snake(base64_ids(WHOLE)),
    "Tempo": {"batches": base64_ids(WHOLE)["resourceSpans"]},
    "Tempo's second API": {"trace": {"resourceSpans": base64_ids(WHOLE)["resourceSpans"]}},
    "Tempo, within": {"trace": {"batches": WHOLE["resourceSpans"]}, "metrics": {}},
    "before 2022": renamed(WHOLE, scopeSpans="instrumentationLibrarySpans", scope="instrumentationLibrary"),
}


@pytest.mark.parametrize("document", OTHER.values(), ids=OTHER.keys())
def test_a_trace_gives_the_same_in_every_shape(read: Read, document: Any) -> None:
    usual = events(read(WHOLE))

    assert events(read(document)) == usual
    assert usual[0]["data"]["attributes"]["otel.scope.name"] == "my.scope"
    assert (usual[0]["data"]["error_type"], usual[0]["data"]["input_tokens"]) == ("T", 100)


@pytest.mark.parametrize("document", [LOGS, [LOGS], snake(LOGS)], ids=["as sent", "in a list", "names of protobuf"])
def test_logs_give_the_same_in_every_shape(read: Read, document: Any) -> None:
    usual = events(read(LOGS))

    assert events(read(document)) == usual
    assert len(usual) == 6


def test_logs_traces_and_metrics_may_be_in_one_file(read: Read) -> None:
    found = read(a_trace(a_span()), LOGS, METRICS, {**a_trace(a_span(2)), **LOGS})

    assert len(events(found)) == 1 + 6 + 1 + 6
    assert [row.row for row in found] == sorted(row.row for row in found)
    assert [row.ignored for row in found if row.ignored.startswith("m")] == ["metrics", "metrics"]
    assert "claude_code.hook_execution_start" in {row.ignored for row in found}


def test_who_tells_records_may_come_after_them(read: Read) -> None:
    late = {"resourceLogs": [dict(reversed(group.items())) for group in LOGS["resourceLogs"]]}
    late["resourceLogs"][0]["scopeLogs"] = [dict(reversed(one.items())) for one in late["resourceLogs"][0]["scopeLogs"]]

    assert events(read(late)) == events(read(LOGS))


def test_a_log_record_that_is_none_is_refused_alone(read: Read) -> None:
    records = LOGS["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    broken = {
        "resourceLogs": [{"scopeLogs": [{"logRecords": [{"attributes": [5]}, {"timeUnixNano": "-1"}, records[2]]}]}]
    }

    found = read(broken)

    assert [problem.startswith("not a log record: ") for problem in problems(found)] == [True, True]
    assert [row.event is not None for row in found] == [False, False, True]


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"resourceSpans": [{"ilSpans": [{}]}]}, "not a trace of today: it has ilSpans, not scopeSpans"),
        ({"resourceLogs": [{"scopeLogs": [{"rows": [{}]}]}]}, "not a trace of today: it has rows, not spans"),
        ({"anything": "else"}, "not a trace: it has no resourceSpans"),
        ([{"traceId": "a", "id": "b", "timestamp": 1, "localEndpoint": {}}], "not a trace: spans of Zipkin"),
    ],
)
def test_what_is_not_known_is_named_in_one_line(read: Read, document: Any, problem: str) -> None:
    (line,) = problems(read(document))

    assert line.startswith(problem)
    assert "\n" not in line


def test_a_large_record_is_refused_alone(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "MAX_VALUE", 5000)
    records = LOGS["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    large = {**records[2], "attributes": [told("a", stringValue="x" * 6000)]}
    document = {"resourceLogs": [{"scopeLogs": [{"logRecords": [large, records[2]]}]}]}

    found = read(document)

    assert len([row for row in found if row.event]) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["timeUnixNano", "observedTimeUnixNano", "body", "attributes", "eventName", "traceId", "spanId"]
)


@given(st.dictionaries(FIELDS, JSON, max_size=3))
def test_whatever_a_log_record_holds_the_one_after_it_is_read(changes: dict[str, Any]) -> None:
    record = LOGS["resourceLogs"][0]["scopeLogs"][0]["logRecords"][2]
    document = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{**record, **changes}, record]}]}]}

    first, last = read_logs(document)

    assert (first.record is None) is bool(first.problem)
    assert last.record


# ── other exporters ─────────────────────────────────────────────────────────────────────────────────────────────


def test_what_pythons_console_exporter_prints_is_read(tmp_path: Path) -> None:
    path = tmp_path / "console.json"
    with path.open("w") as file:
        tracing = TracerProvider()
        tracing.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=file)))
        tracer = tracing.get_tracer("tests")
        agent = tracer.start_as_current_span("invoke_agent x", attributes={"gen_ai.operation.name": "invoke_agent"})
        with agent, tracer.start_as_current_span("chat") as span:
            span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 100})
            span.set_status(Status(StatusCode.ERROR))
        tracing.shutdown()

    call, task = events(list(rows(path, format="otlp")))

    assert (call["event_type"], call["data"]["input_tokens"]) == ("provider.call.failed", 100)
    assert (task["event_type"], task["data"]["job_id"]) == ("task.completed", call["data"]["job_id"])


def test_spans_alone_are_read(read: Read) -> None:
    assert len(events(read([a_span(1), a_span(2)]))) == len(events(read(snake([a_span(1), a_span(2)])))) == 2


JAEGER = {
    "data": [
        {
            "traceID": TRACE.lstrip("0"),
            "spans": [
                {
                    "traceID": TRACE.lstrip("0"),
                    "spanID": SPAN,
                    "operationName": "chat gpt-5",
                    "references": [{"refType": "CHILD_OF", "traceID": TRACE, "spanID": "0000000000000009"}],
                    "startTime": 1_790_000_000_000_000,
                    "duration": 2_500_000,
                    "tags": [
                        {"key": "gen_ai.operation.name", "type": "string", "value": "chat"},
                        {"key": "gen_ai.usage.input_tokens", "type": "int64", "value": 100},
                        {"key": "otel.scope.name", "type": "string", "value": "my.scope"},
                        {"key": "otel.status_code", "type": "string", "value": "ERROR"},
                        {"key": "error", "type": "bool", "value": True},
                    ],
                    "logs": [{"timestamp": 1, "fields": [{"key": "event", "type": "string", "value": "exception"}]}],
                    "processID": "p1",
                }
            ],
            "processes": {"p1": {"serviceName": "shop"}},
        }
    ],
    "total": 0,
}


def test_what_jaeger_exports_is_read(read: Read) -> None:
    (event,) = events(read(JAEGER))

    assert (event["id"], event["event_type"]) == (f"{TRACE}:{SPAN}", "provider.call.failed")
    assert {name: event["data"][name] for name in ("duration_ms", "input_tokens")} == {
        "duration_ms": 2500.0,
        "input_tokens": 100,
    }
    assert {"service.name": "shop", "otel.scope.name": "my.scope"}.items() <= event["data"]["attributes"].items()


GEMINI_FILE = {
    "hrTime": [1795168800, 123000000],
    "hrTimeObserved": [1795168800, 124000000],
    "resource": {"_rawAttributes": [["service.name", "gemini-cli"], ["session.id", "s1"]]},
    "instrumentationScope": {"name": "gemini-cli"},
    "_body": "API response from gemini-3-pro.",
    "attributes": {
        "event.name": "gemini_cli.api_response",
        "event.timestamp": "2026-11-20T10:00:00.123Z",
        "session.id": "s1",
        "prompt_id": "p1",
        "model": "gemini-3-pro",
        "input_token_count": 100,
        "output_token_count": 20,
        "total_token_count": 120,
    },
}


def test_the_file_that_gemini_cli_writes_itself_is_read(read: Read) -> None:
    span = {
        "_spanContext": {"traceId": TRACE, "spanId": SPAN},
        "name": "chat",
        "startTime": [1790000000, 0],
        "endTime": [1790000002, 500000000],
        "status": {"code": 2},
        "attributes": {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 100},
        "resource": {"attributes": {"service.name": "shop"}},
        "events": [],
    }

    log, call = events(read(GEMINI_FILE, span))

    assert (log["source"], log["id"], log["data"]["input_tokens"]) == (
        "gemini-cli",
        "s1:p1:2026-11-20T10:00:00.123Z",
        100,
    )
    assert (call["event_type"], call["data"]["duration_ms"]) == ("provider.call.failed", 2500.0)


def test_a_file_that_breaks_off_is_read_as_far_as_it_goes_and_said(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.log"
    whole = json.dumps(GEMINI_FILE, indent=2)
    path.write_text(f"{whole}\n{whole[: len(whole) // 2]}")

    first, last = rows(path, format="otlp")

    assert first.event
    assert "what comes after it is not read" in str(last.error)


def test_a_first_line_with_something_behind_it_costs_that_line_alone(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    path.write_text(json.dumps(a_trace(a_span(1))) + " garbage\n" + json.dumps(a_trace(a_span(2))))

    assert [row.event is None for row in rows(path, format="otlp")] == [True, False]


def test_files_of_agents_are_imported_once_and_what_is_ignored_is_no_event(analytics: AnalyticsService) -> None:
    paths = sorted((DATA / "otlp-logs").glob("*.json"))

    first = [analytics.importing().record(rows(path, format="otlp")) for path in paths]
    again = [analytics.importing().record(rows(path, format="otlp")) for path in paths]

    assert [receipt.recorded for receipt in first] == [6, 5, 4]
    assert [(receipt.recorded, receipt.duplicates, receipt.differing) for receipt in again] == [
        (0, 6, 0),
        (0, 5, 0),
        (0, 4, 0),
    ]
