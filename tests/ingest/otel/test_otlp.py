"""Import of traces: OTLP/JSON as emitters wrote it, in any order, and what is wrong with a file."""

from __future__ import annotations

import gzip
import itertools
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService
from analytics_es.errors import BadRow, UnknownFormat
from analytics_es.events.event import admit
from analytics_es.ingest.files import OTLP, ImportedRow, otlp, rows
from analytics_es.ingest.otel.otlp import ReadSpan
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.ingest.otel.spans import Span
from analytics_es.testing import NOON
from tests.emitters import ANSWER, SECRET

RECORDED = sorted((Path(__file__).parents[2] / "data" / "otlp").glob("*.jsonl"))
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def read(path: Path) -> list[ImportedRow]:
    return list(rows(path, format=OTLP))


def events(path: Path) -> list[dict[str, Any]]:
    found = read(path)
    assert [row.error for row in found if row.error] == []
    return [row.event for row in found if row.event]


def attribute(name: str, **value: Any) -> dict[str, Any]:
    return {"key": name, "value": value}


def a_span(**changes: Any) -> dict[str, Any]:
    """Return a span as OTLP/JSON has it; None leaves a field out."""
    given = {
        "traceId": TRACE,
        "spanId": SPAN,
        "name": "chat opus",
        "startTimeUnixNano": "1790000000000000000",
        "endTimeUnixNano": "1790000002500000999",
        "attributes": [attribute("gen_ai.operation.name", stringValue="chat")],
        "status": {},
    }
    return {name: value for name, value in {**given, **changes}.items() if value is not None}


def request(*spans: Any, **resource: Any) -> dict[str, Any]:
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "tests"}, "spans": [*spans]}]}]}


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Write requests as lines, or text as it is."""

    def write(*content: Any, name: str = "traces.jsonl") -> Path:
        path = tmp_path / name
        lines = [each if isinstance(each, str) else json.dumps(each) for each in content]
        path.write_text("\n".join(lines))
        return path

    return write


Written = Callable[..., Path]


# ── as recorded ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_recorded_spans_become_these_events(path: Path, snapshot: SnapshotAssertion) -> None:
    assert snapshot == events(path)


def test_all_emitters_tell_the_same_tokens_of_the_same_call() -> None:
    def tokens(name: str) -> list[Any]:
        path = next(path for path in RECORDED if path.stem == name)
        fields = ("model", "input_tokens", "cache_read_tokens", "cache_creation_tokens", "output_tokens")
        return [events(path)[0]["data"].get(field) for field in fields]

    assert ["gpt-4o-mini-2024-07-18", 20, 8, None, 5] == tokens("genai-openai") == tokens("openinference-openai")
    for emitter in ("genai-anthropic", "openinference-anthropic", "openllmetry-anthropic"):
        assert tokens(emitter) == ["claude-sonnet-4-5-20250929", 45, 30, 5, 4]
    assert tokens("openllmetry-old") == ["gpt-4o-mini-2024-07-18", 20, None, None, 5]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_recorded_events_pass_the_door_and_hold_nothing_that_was_said(path: Path) -> None:
    text = path.read_text()
    kept = [json.dumps(admit(now=NOON, **event).data) for event in events(path)]

    assert [each for each in kept if SECRET in each or ANSWER in each] == []
    assert SECRET in text or path.stem.startswith("genai")


def test_an_agents_tokens_are_those_of_its_calls() -> None:
    path = next(path for path in RECORDED if path.stem == "genai-agent")

    found = [(event["event_type"], event["data"].get("input_tokens")) for event in events(path)]

    assert found == [
        ("provider.call.completed", 20),
        ("tool.call.completed", None),
        ("provider.call.completed", 20),
        ("task.completed", None),
        ("job.completed", None),
    ]


def test_importing_again_in_another_order_changes_nothing(analytics: AnalyticsService, tmp_path: Path) -> None:
    lines = [line for path in RECORDED for line in path.read_text().splitlines()]
    shuffled = tmp_path / "shuffled.jsonl"
    first = analytics.record_events(event for path in RECORDED for event in events(path)).unwrap()

    for seed in range(5):
        shuffled.write_text("\n".join(random.Random(seed).sample(lines, len(lines))))
        again = analytics.record_events(events(shuffled)).unwrap()
        assert (0, first.recorded, 0) == (again.recorded, again.duplicates, again.differing)


def spans_of(name: str) -> list[Span]:
    path = next(path for path in RECORDED if path.stem == name)
    return [row.span for row in otlp._File(path).read() if isinstance(row, ReadSpan) and row.span]


@given(st.permutations(spans_of("genai-agent")), st.lists(st.integers(0, 5), max_size=3))
def test_in_any_order_and_batches_the_tokens_of_an_agent_are_counted_once(spans: list[Span], cuts: list[int]) -> None:
    reader, total = Reader(), 0
    for start, end in itertools.pairwise([0, *sorted(cuts), len(spans)]):
        reader.see(spans[start:end])
        for event in (event for span in spans[start:end] for event in reader.events(span)):
            total += event["data"].get("input_tokens", 0)

    assert total == 40


def test_another_format_is_unknown(written: Written) -> None:
    with pytest.raises(UnknownFormat, match="use otlp"):
        rows(written(request(a_span())), format="zipkin")


# ── shapes of files ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_may_be_one_request_on_many_lines(written: Written) -> None:
    (event,) = events(written(json.dumps(request(a_span()), indent=2), name="traces.json"))

    assert event["id"] == f"{TRACE}:{SPAN}"


@pytest.mark.parametrize("padding", ["", "x" * 2**20])
def test_a_text_that_was_cut_through_a_sign_costs_no_span(written: Written, padding: str) -> None:
    cut = attribute("note", stringValue="HERE")
    line = json.dumps(request(a_span(attributes=[*a_span()["attributes"], cut]), a_span(spanId="a" * 16, name=padding)))

    assert len(events(written(line.replace("HERE", "\\ud83d")))) == 2


def test_a_file_may_be_packed_and_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "traces.otlp.gz"
    path.write_bytes(gzip.compress(json.dumps(request(a_span()), indent=2).encode()))

    assert len(events(path)) == 1


def test_a_first_line_beyond_the_limit_of_lines_may_be_the_file(written: Written, monkeypatch: Any) -> None:
    monkeypatch.setattr("analytics_es.ingest.files.records.MAX_LINE", 100)

    assert len(events(written(request(a_span())))) == 1


def test_a_file_that_is_no_request_is_refused_line_by_line(written: Written, monkeypatch: Any) -> None:
    monkeypatch.setattr(otlp, "MAX_SMALL", 100)
    path = written("{", request(a_span()))

    assert [row.event is None for row in read(path)] == [True, False]
    assert problems(written("[1]")) == ["not a JSON object with fields"]


def test_a_broken_first_line_is_refused_alone(written: Written) -> None:
    assert [row.event is None for row in read(written("{broken", request(a_span())))] == [True, False]


def test_rows_are_spans_and_those_that_are_none_of_genai_give_nothing(written: Written) -> None:
    other = a_span(spanId="0" * 15 + "1", attributes=[])
    path = written(request(other, a_span()), request(a_span(spanId="0" * 15 + "2")))

    assert [(row.row, row.ignored) for row in read(path)] == [(1, "tests"), (2, ""), (3, "")]


def test_time_and_duration_are_cut_to_the_microsecond(written: Written) -> None:
    (event,) = events(written(request(a_span())))

    assert (
        event["occurred_at"].isoformat(),
        event["data"]["duration_ms"],
    ) == ("2026-09-21T14:13:22.500000+00:00", 2500)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"stringValue": "text"}, "text"),
        ({"boolValue": True}, True),
        ({"intValue": "12"}, 12),
        ({"intValue": 12}, 12),
        ({"doubleValue": 1}, 1.0),
        ({"doubleValue": "NaN"}, "nan"),
        ({"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "b"}]}}, '[1, "b"]'),
        ({"arrayValue": {}}, "[]"),
        ({"kvlistValue": {"values": [attribute("a", boolValue=False)]}}, '{"a": false}'),
        ({"bytesValue": "AAE="}, "AAE="),
        ({}, None),
    ],
)
def test_values_of_every_type_are_read(written: Written, value: dict[str, Any], kept: Any) -> None:
    attributes = [attribute("gen_ai.request.model", stringValue="gpt-4o"), {"key": "mine", "value": value}]

    (event,) = events(written(request(a_span(attributes=attributes))))

    assert kept == event["data"]["attributes"].get("mine")


@pytest.mark.parametrize("code", [2, "STATUS_CODE_ERROR"])
def test_the_status_tells_that_a_span_failed(written: Written, code: Any) -> None:
    thrown = {"name": "exception", "attributes": [attribute("exception.type", stringValue="Timeout")]}

    (event,) = events(written(request(a_span(status={"code": code}, events=[thrown], droppedAttributesCount=3))))

    assert (
        event["event_type"],
        event["data"]["error_type"],
        event["data"]["attributes"]["otel.dropped_attributes"],
    ) == ("provider.call.failed", "Timeout", 3)


def test_fields_that_are_null_or_missing_are_no_harm(written: Written) -> None:
    bare = a_span(status=None, name=None)
    nulls = {**a_span(spanId="0" * 15 + "1"), "status": None, "events": None, "parentSpanId": "0" * 16}

    assert len(events(written(request(bare, nulls), {"resourceSpans": None}, {"resourceSpans": [{}]}))) == 2


# ── what is refused ─────────────────────────────────────────────────────────────────────────────────────────────


def problems(path: Path) -> list[str]:
    return [str(row.error.details["problem"]) for row in read(path) if isinstance(row.error, BadRow)]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"traceId": None}, "not a span: its traceId is None, not hex digits as OTLP/JSON has them"),
        ({"traceId": "A" * 24}, f"not a span: its traceId is {'A' * 24!r}, not hex digits as OTLP/JSON has them"),
        ({"traceId": "0" * 32}, "not a span: its traceId is zeros alone, which stand for none"),
        ({"traceId": "CvdlGRbNQ92ESOshHIAx!A=="}, "not a span: its traceId is 'CvdlGRbNQ92ESOshHIAx!A=='"),
        ({"spanId": "x" * 16}, "not a span: its spanId is"),
        ({"parentSpanId": 5}, "not a span: its parentSpanId is 5"),
        ({"endTimeUnixNano": None}, "not a span: its endTimeUnixNano is missing"),
        ({"startTimeUnixNano": "0"}, "not a span: its startTimeUnixNano is missing"),
        ({"endTimeUnixNano": "9" * 30}, "not a span: its endTimeUnixNano is missing, or none"),
        ({"endTimeUnixNano": "soon"}, "not a span: invalid literal for int()"),
        ({"attributes": [5]}, "not a span: "),
        ({"attributes": [{"value": {}}]}, "not a span: "),
        ({"attributes": [attribute("a", intValue="x")]}, "not a span: invalid literal for int()"),
        ({"events": 5}, "not a span: "),
    ],
)
def test_a_span_that_is_none_is_refused_alone(written: Written, changes: dict[str, Any], problem: str) -> None:
    path = written(request(a_span(**changes), a_span()))

    (refused, kept) = read(path)

    assert (refused.row, kept.row) == (1, 2)
    assert str(refused.error.details["problem"] if refused.error else "").startswith(problem)
    assert json.loads(refused.raw or "") == a_span(**changes)


def test_a_span_that_is_nested_too_deeply_is_refused_alone(written: Written) -> None:
    deep = '{"arrayValue": {"values": [' * 200 + "]}}" * 200
    span = json.dumps(a_span(attributes=[{"key": "a", "value": 0}])).replace('"value": 0', f'"value": {deep}')
    whole = json.dumps(request("span", a_span()), indent=1).replace('"span"', span)

    assert [row.event is None for row in read(written(whole))] == [True, False]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{broken", "not valid JSON: "),
        ({"resourceProfiles": []}, "not a trace: it has no resourceSpans"),
        ({"resourceSpans": 5}, "not a trace: "),
        ({"resourceSpans": [5]}, "not a trace: "),
        ({"resourceSpans": [{"ilSpans": [{}]}]}, "not a trace of today: it has ilSpans, not scopeSpans"),
        ({"resourceSpans": [{"scopeSpans": [{"items": [{}]}]}]}, "not a trace of today: it has items, not spans"),
        ({"resourceSpans": [{"resource": {"attributes": [5]}}]}, "not a trace: "),
        ({"resourceSpans": [{"scopeSpans": [{"spans": 5}]}]}, "not a trace: "),
        (request("no span"), "not a span: "),
    ],
)
def test_a_line_that_is_no_trace_is_refused_alone(written: Written, line: Any, problem: str) -> None:
    path = written(request(a_span()), line, request(a_span(spanId="0" * 15 + "1")))

    assert [row.row for row in read(path)] == [1, 2, 3]
    assert [each.startswith(problem) for each in problems(path)] == [True]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from([*a_span(), "events", "parentSpanId", "droppedAttributesCount"])


@given(st.dictionaries(FIELDS, JSON, max_size=2))
def test_whatever_a_span_holds_the_span_after_it_is_read(written: Written, changes: dict[str, Any]) -> None:
    path = written(request(), request({**a_span(), **changes}, a_span(spanId="0" * 15 + "1")))

    assert read(path)[-1].row == 2
    assert read(path)[-1].event
