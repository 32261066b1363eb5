"""A process that begins anew knows the last spans of the log: nothing that they told counts again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import StoreFailed
from analytics_es.events.fields import CONTRADICTION
from analytics_es.ingest.files import OTLP, rows
from analytics_es.ingest.otel.recalled import recalled, recalling
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.testing import NOON
from tests.examples import examples
from tests.ingest.otel.test_counted_once import Told, by_kind, defined, span, traces
from tests.stores import in_full, opened
from tests.stores import recorded as in_log

OPERATION = {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}


def export(analytics: AnalyticsService, spans: Sequence[Told], **changes: Any) -> Any:
    """Record spans as a process does that has only begun."""
    reader = Reader(limit=100, before=recalling(analytics))
    events = [event for one in reader.read([span(told, **changes) for told in spans]) for event in one.events]
    return analytics.record_events(events).unwrap()


def tokens(analytics: AnalyticsService) -> Counter[str]:
    counted = Counter[str]()
    for event in in_log(analytics):
        counted.update({kind: event.data[kind] for kind in ("input_tokens", "output_tokens") if kind in event.data})
    return counted


def chat(number: int, parent: int = -1, tokens: int = 100, operation: str = "chat") -> Told:
    return Told(number, parent, operation, "gpt-4o", {"input_tokens": tokens} if tokens else {})


@in_full
@pytest.mark.parametrize("inner", [60, 100])
def test_a_span_around_those_of_a_process_that_ended_counts_what_they_did_not_tell(
    analytics: AnalyticsService, inner: int
) -> None:
    export(analytics, [chat(1, 0, inner)])
    export(analytics, [chat(0, operation="invoke_agent")])

    assert tokens(analytics) == {"input_tokens": 100}


@in_full
def test_a_span_in_one_of_a_process_that_ended_was_told_by_that(analytics: AnalyticsService) -> None:
    export(analytics, [chat(0), chat(1, 0, 60)])
    export(analytics, [chat(2, 0, 30)])

    assert tokens(analytics) == {"input_tokens": 100}


@in_full
def test_a_span_that_comes_again_with_a_later_end_is_one_event(analytics: AnalyticsService) -> None:
    export(analytics, [chat(0)])
    again = export(analytics, [chat(0)], end_us=1_790_000_009_000_000)

    assert (again.recorded, again.duplicates, again.differing) == (0, 1, 1)


@in_full
def test_a_file_with_a_later_end_of_a_recorded_span_gives_the_same_event(
    analytics: AnalyticsService, tmp_path: Path
) -> None:
    path = tmp_path / "traces.jsonl"
    found = list[tuple[int, int]]()
    for end in ("1790000001000000000", "1790000009000000000"):
        document = {"traceId": "7" * 32, "spanId": "1" * 16, "startTimeUnixNano": "1790000000000000000"}
        document |= {"endTimeUnixNano": end, "name": "chat", "attributes": [OPERATION]}
        path.write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [document]}]}]}))
        receipt = analytics.importing().record(row for row in rows(path, format=OTLP) if row.event)
        found.append((receipt.recorded, receipt.differing))

    assert found == [(1, 0), (0, 1)]


def test_that_usage_was_counted_twice_is_said_by_the_answers(analytics: AnalyticsService) -> None:
    reader = Reader(limit=100)
    for told in (chat(2, 1, 60), chat(0), Told(1, 0, "", "", {})):
        analytics.record_events(event for one in reader.read([span(told)]) for event in one.events).unwrap()
    analytics.catch_up()

    completeness = analytics.get_cost_breakdown(TimePeriod.last(days=10_000)).unwrap().completeness
    assert completeness.contradictions == 1


@in_full
def test_what_two_processes_counted_twice_is_said_by_the_one_that_links_it(analytics: AnalyticsService) -> None:
    for told in (chat(2, 1, 60), chat(0), chat(1, 0, 0, "execute_tool")):
        export(analytics, [told])

    said = [event.data["attributes"].get(CONTRADICTION) for event in in_log(analytics)]
    assert said[-1] == "counted_twice"


@examples(15)
@given(traces(models=("gpt-4o", "claude-sonnet-4-5")), st.data())
def test_spans_of_processes_that_end_one_after_the_other_count_as_of_one(
    spans: list[Told], data: st.DataObject
) -> None:
    spans = [told if told.operation else told._replace(operation="invoke_workflow") for told in spans]
    inside_out, cut = spans[::-1], data.draw(st.integers(0, len(spans)))
    with opened(privacy="full") as analytics:
        for part in (inside_out[:cut], inside_out[cut:]):
            export(analytics, part)
        counted = tokens(analytics)

    right = by_kind(defined(spans))
    assert {kind: count for kind, count in right.items() if kind != "cache_read_tokens"} == counted


@in_full
def test_what_others_recorded_is_no_span(analytics: AnalyticsService) -> None:
    for id, source in [("a:b", "gateway"), ("no span", "otel")]:
        analytics.record_event("job.completed", {"job_id": "j"}, id=id, source=source, occurred_at=NOON).unwrap()

    assert recalled(analytics.store.log) == []


@in_full
def test_what_cannot_be_recalled_now_is_asked_for_again_before_anything_is_counted(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(analytics, [chat(1, 0, 60)])
    reader = Reader(limit=100, before=recalling(analytics))
    with monkeypatch.context() as failing:
        failing.setattr(type(analytics.store.log), "scan", _failing)
        with pytest.raises(StoreFailed):
            reader.read([span(chat(0, operation="invoke_agent"))])

    events = [event for one in reader.read([span(chat(0, operation="invoke_agent"))]) for event in one.events]

    analytics.record_events(events).unwrap()
    assert tokens(analytics) == {"input_tokens": 100}


def _failing(*_: Any, **__: Any) -> Any:
    raise StoreFailed(problem="the server is away")


def test_what_has_no_log_recalls_nothing() -> None:
    assert recalling(object())() == []
