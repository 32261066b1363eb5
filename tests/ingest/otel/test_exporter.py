"""The exporter, with the real SDK and published instrumentations of a client of a provider on this machine."""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.json.file import FileSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import MissingExtra
from analytics_es.ingest import otel
from analytics_es.ingest.files import OTLP, rows
from analytics_es.ingest.otel import AnalyticsSpanExporter, ExportStats
from analytics_es.ingest.otel.span_events import Reader
from tests.children import in_a_child
from tests.emitters import ANSWER, SECRET, agent, instrumented, provider, three_calls
from tests.stores import in_full, opened, recorded

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "opus", "gen_ai.usage.input_tokens": 100}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with provider() as address:
        yield address


def tracers(*exporters: SpanExporter) -> TracerProvider:
    found = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    for exporter in exporters:
        found.add_span_processor(SimpleSpanProcessor(exporter))
    return found


def told(analytics: AnalyticsService, *fields: str) -> list[tuple[Any, ...]]:
    return [(event.type, *(event.data.get(field) for field in fields)) for event in recorded(analytics)]


def context(number: int) -> SpanContext:
    return SpanContext(7, number, is_remote=False, trace_flags=TraceFlags(1))


def ended(number: int, attributes: dict[str, Any], parent: int | None = None, **changes: Any) -> ReadableSpan:
    """Return a span as the SDK hands it over."""
    given = {"name": "chat", "start_time": 1_790_000_000_000_000_000, "end_time": 1_790_000_001_000_000_000}
    around = context(parent) if parent else None
    return ReadableSpan(**{**given, "context": context(number), "parent": around, "attributes": attributes, **changes})  # type: ignore[arg-type]


# ── with published instrumentations ─────────────────────────────────────────────────────────────────────────────

EXPECTED = [
    ("provider.call.completed", "gpt-4o-mini-2024-07-18", 20, 8, 5, 2, None),
    ("provider.call.completed", "gpt-4o-mini-2024-07-18", 20, 8, 5, 2, None),
    ("provider.call.failed", "overloaded", None, None, None, None, "openai.RateLimitError"),
]
FIELDS = ("model", "input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens", "error_type")


@pytest.mark.parametrize("emitter", ["genai-openai", "openinference-openai"])
def test_calls_of_a_real_client_are_recorded(analytics: AnalyticsService, endpoint: str, emitter: str) -> None:
    exporter = AnalyticsSpanExporter(analytics)
    with instrumented(tracers(exporter), emitter):
        three_calls(endpoint)

    assert told(analytics, *FIELDS) == EXPECTED
    assert ExportStats(spans=3, recorded=3) == exporter.stats()
    waits = [event.data.get("time_to_first_chunk_ms") for event in recorded(analytics)]
    assert [wait is not None for wait in waits] == [False, True, False]
    assert all(
        0 < (wait or 1) <= event.data["duration_ms"] for wait, event in zip(waits, recorded(analytics), strict=True)
    )


@pytest.mark.parametrize(
    "emitters", [("genai-openai", "openinference-openai"), ("openinference-openai", "genai-openai")]
)
def test_calls_that_two_instrumentations_tell_of_count_once(
    analytics: AnalyticsService, endpoint: str, emitters: tuple[str, str]
) -> None:
    with instrumented(tracers(AnalyticsSpanExporter(analytics)), *emitters):
        three_calls(endpoint)
    analytics.catch_up()

    assert [each for each in told(analytics, *FIELDS) if each[0].startswith("provider")] == EXPECTED
    cost = analytics.get_cost_breakdown(TimePeriod.last(hours=2)).unwrap()
    assert (sum(row.calls for row in cost.rows), sum(row.tokens.input or 0 for row in cost.rows)) == (3, 40)


def test_an_agent_is_a_task_of_a_job_with_calls_and_tools(analytics: AnalyticsService, endpoint: str) -> None:
    tracing = tracers(AnalyticsSpanExporter(analytics))
    with instrumented(tracing, "genai-agent"):
        agent(endpoint, tracing)

    assert told(analytics, "tool", "task_type", "input_tokens", "conversation_id") == [
        ("provider.call.completed", None, None, 20, "talk-1"),
        ("tool.call.completed", "search", None, None, None),
        ("provider.call.completed", None, None, 20, "talk-1"),
        ("task.completed", None, "helper", None, "talk-1"),
        ("job.completed", None, None, None, "talk-1"),
    ]
    assert len({event.data["job_id"] for event in recorded(analytics)}) == 1


@pytest.mark.parametrize("emitter", ["genai-openai", "openinference-openai", "genai-agent"])
def test_a_file_of_what_was_exported_live_adds_nothing(
    analytics: AnalyticsService, endpoint: str, emitter: str, tmp_path: Path
) -> None:
    tracing = tracers(AnalyticsSpanExporter(analytics), FileSpanExporter(tmp_path / "traces.jsonl"))
    with instrumented(tracing, emitter):
        (agent if emitter == "genai-agent" else three_calls)(endpoint, tracing)
    tracing.shutdown()

    before = len(recorded(analytics))
    again = analytics.record_events(row.event for row in rows(tmp_path / "traces.jsonl", format=OTLP) if row.event)

    assert (0, before, 0) == (again.unwrap().recorded, again.unwrap().duplicates, again.unwrap().differing)


def test_what_was_said_is_recorded_only_where_asked_for(endpoint: str) -> None:
    for content in (False, True):
        with opened(privacy="full") as analytics:
            with instrumented(tracers(AnalyticsSpanExporter(analytics, content=content)), "openinference-openai"):
                three_calls(endpoint)
            text = json.dumps([event.data for event in recorded(analytics)])
            assert [content, content] == [SECRET in text, ANSWER in text]


# ── with the SDK alone ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_batch_processor_hands_over_all_spans_when_it_is_shut_down(analytics: AnalyticsService) -> None:
    exporter = AnalyticsSpanExporter(analytics)
    tracing = TracerProvider()
    tracing.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=60_000, max_export_batch_size=16))
    tracer = tracing.get_tracer("tests")
    for _ in range(20):
        with (
            tracer.start_as_current_span("agent", attributes={"gen_ai.operation.name": "invoke_agent", **CHAT}),
            tracer.start_as_current_span("chat", attributes=CHAT),
        ):
            pass
    tracing.shutdown()

    found = told(analytics, "input_tokens")
    assert (len(found), sum(tokens or 0 for _, tokens in found)) == (40, 20 * 100)
    assert ExportStats(spans=40, recorded=40) == exporter.stats()
    assert SpanExportResult.FAILURE is exporter.export([])


def test_spans_of_many_threads_are_recorded(analytics: AnalyticsService) -> None:
    exporter = AnalyticsSpanExporter(analytics)
    tracer = tracers(exporter).get_tracer("tests")

    def work() -> None:
        for _ in range(25):
            with tracer.start_as_current_span("chat", attributes=CHAT):
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ExportStats(spans=100, recorded=100) == exporter.stats()
    assert exporter.force_flush()


def test_other_spans_are_ignored_and_counted(analytics: AnalyticsService) -> None:
    exporter = AnalyticsSpanExporter(analytics)
    with tracers(exporter).get_tracer("tests").start_as_current_span("GET /"):
        pass

    assert ExportStats(spans=1, ignored=1) == exporter.stats()


def test_a_span_that_is_exported_again_changes_nothing(analytics: AnalyticsService) -> None:
    exporter = AnalyticsSpanExporter(analytics)
    for _ in range(2):
        assert SpanExportResult.SUCCESS is exporter.export([ended(1, CHAT)])

    assert ExportStats(spans=2, recorded=1, duplicates=1) == exporter.stats()


def test_a_span_that_is_exported_again_and_tells_something_else_is_counted(analytics: AnalyticsService) -> None:
    exporter = AnalyticsSpanExporter(analytics)
    for status in (StatusCode.OK, StatusCode.ERROR):
        exporter.export([ended(1, CHAT, status=Status(status))])

    assert ExportStats(spans=2, recorded=1, duplicates=1, differing=1) == exporter.stats()
    assert [event.type for event in recorded(analytics)] == ["provider.call.completed"]


def test_a_call_that_ends_after_the_one_around_it_is_not_counted_again(analytics: AnalyticsService) -> None:
    exporter = AnalyticsSpanExporter(analytics)
    exporter.export([ended(1, CHAT)])
    exporter.export([ended(2, CHAT, parent=1)])

    assert told(analytics, "input_tokens") == [("provider.call.completed", 100), ("provider.call.completed", None)]


@pytest.mark.parametrize(("remembered", "counted"), [(20_000, 100), (2, 200)])
def test_a_span_is_known_to_lie_in_another_while_it_is_remembered(
    analytics: AnalyticsService, remembered: int, counted: int
) -> None:
    exporter = AnalyticsSpanExporter(analytics, remembered=remembered)
    for span in [ended(2, CHAT, parent=1), *(ended(number, {}) for number in range(10, 20)), ended(1, CHAT)]:
        exporter.export([span])

    assert counted == sum(tokens or 0 for _, tokens in told(analytics, "input_tokens"))


def test_a_cancelled_call_is_cancelled(analytics: AnalyticsService) -> None:
    tracer = tracers(AnalyticsSpanExporter(analytics)).get_tracer("tests")

    async def call() -> None:
        with tracer.start_as_current_span("chat", attributes={**CHAT, "error.type": "CancelledError"}):
            await asyncio.sleep(60)

    async def cancelled() -> None:
        task = asyncio.create_task(call())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(cancelled())

    assert told(analytics) == [("provider.call.cancelled",)]


# ── what goes wrong ─────────────────────────────────────────────────────────────────────────────────────────────


@in_full
def test_what_is_refused_is_kept_with_the_reason_and_without_what_was_said(
    analytics: AnalyticsService, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = AnalyticsSpanExporter(analytics, content=True)
    bad = {**CHAT, "gen_ai.usage.input_tokens": -5, "gen_ai.input.messages": SECRET}

    assert SpanExportResult.SUCCESS is exporter.export([ended(1, bad), ended(2, CHAT)])

    assert ExportStats(spans=2, recorded=1, refused=1) == exporter.stats()
    call, rejected = recorded(analytics)
    assert (call.type, rejected.type) == ("provider.call.completed", "analytics.message.rejected")
    message = "input_tokens: must be between 0 and 10^12, not -5."
    assert ("provider.call.completed", {"code": "bad_field", "field": "input_tokens", "message": message}) == (
        rejected.data["subject"],
        rejected.data["reason"],
    )
    raw = base64.b64decode(rejected.data["raw"])
    assert (-5, len(raw), False) == (
        json.loads(raw)["data"]["input_tokens"],
        rejected.data["size"],
        rejected.data["truncated"],
    )
    assert SECRET.encode() not in raw
    assert len(caplog.messages) == 1
    assert "of type provider.call.completed was refused and is not recorded [bad_field]: input_tokens" in caplog.text
    assert "-5" not in caplog.text


@in_full
def test_a_span_that_cannot_be_read_is_kept_and_the_others_are_recorded(analytics: AnalyticsService) -> None:
    exporter = AnalyticsSpanExporter(analytics)

    exporter.export([ended(1, CHAT, end_time=None), ended(2, CHAT), ended(3, CHAT, context=None)])

    assert ExportStats(spans=3, recorded=1, refused=2) == exporter.stats()
    reason = {"code": "unreadable_span", "message": "ValueError: it has no ids, or has not ended"}
    assert [reason] * 2 == [event.data["reason"] for event in recorded(analytics)[1:]]


@pytest.mark.parametrize(("end", "kept"), [(1_790_000_001_000_000_000, 1), (1_000_000_000, 2)])
def test_what_is_refused_again_is_kept_once_unless_its_time_is_what_is_wrong(
    analytics: AnalyticsService, end: int, kept: int
) -> None:
    exporter = AnalyticsSpanExporter(analytics)
    for _ in range(2):
        exporter.export([ended(1, {**CHAT, "gen_ai.usage.input_tokens": -5}, start_time=1000, end_time=end)])

    assert kept == len(recorded(analytics))


@in_full
@pytest.mark.parametrize("step", ["see", "events"])
def test_a_span_that_makes_us_fail_does_not_cost_the_others(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    exporter = AnalyticsSpanExporter(analytics)
    works = getattr(Reader, step)

    def failing(reader: Reader, spans: Any) -> Any:
        poisoned = any(span.name == "poison" for span in (spans if step == "see" else [spans]))
        return 1 / 0 if poisoned else works(reader, spans)

    monkeypatch.setattr(Reader, step, failing)

    exporter.export([ended(1, CHAT, name="poison"), ended(2, CHAT)])

    assert ExportStats(spans=2, recorded=1, refused=1) == exporter.stats()
    assert recorded(analytics)[1].data["reason"]["message"] == "ZeroDivisionError: division by zero"


def test_a_store_that_fails_does_not_fail_the_application(
    analytics: AnalyticsService, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = AnalyticsSpanExporter(analytics)
    tracer = tracers(exporter).get_tracer("tests")
    analytics.close()

    with tracer.start_as_current_span("chat", attributes=CHAT):
        pass

    assert exporter.export([ended(1, CHAT)]) is SpanExportResult.FAILURE
    assert ExportStats(spans=2, failed=2) == exporter.stats()
    told = [message for message in caplog.messages if message.startswith("1 span")]
    assert told == ["1 span events were not recorded: This analytics service is closed: open it again."] * 2


def test_refusals_that_cannot_be_kept_are_a_failure(analytics: AnalyticsService) -> None:
    exporter = AnalyticsSpanExporter(analytics)
    analytics.close()

    assert SpanExportResult.FAILURE is exporter.export([ended(1, CHAT, end_time=None)])
    assert ExportStats(spans=1, failed=1) == exporter.stats()


def test_a_bug_of_ours_does_not_fail_the_application(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = AnalyticsSpanExporter(analytics)
    monkeypatch.setattr(analytics, "record_events", None)

    assert exporter.export([ended(1, CHAT)]) is SpanExportResult.FAILURE
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_after_shutdown_nothing_is_recorded(analytics: AnalyticsService) -> None:
    exporter = AnalyticsSpanExporter(analytics)
    exporter.shutdown()

    assert exporter.export([ended(1, CHAT)]) is SpanExportResult.FAILURE
    assert analytics.store.log.head() == 0


@pytest.mark.parametrize("name", otel.__all__)
def test_without_the_sdk_the_extra_is_named_by_the_first_use(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    monkeypatch.delitem(sys.modules, "analytics_es.ingest.otel.exporter")
    monkeypatch.delattr(otel, "exporter")
    importlib.reload(otel)

    with pytest.raises(MissingExtra, match=r"pip install 'analytics-es\[otel\]'"):
        getattr(otel, name)


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # beside threads, of Python 3.12 on
def test_a_fork_beside_an_export_leaves_an_exporter_that_works_and_counts_for_itself(tmp_path: Path) -> None:
    with AnalyticsService.open(tmp_path / "a.db", follow=False) as analytics:
        exporter, begun, go_on = AnalyticsSpanExporter(analytics), threading.Event(), threading.Event()
        exporter.export([ended(1, CHAT)])

        def hold() -> None:
            with exporter._reader.lock:
                begun.set()
                go_on.wait(0.2)  # meanwhile the process forks

        def child() -> None:
            exporter.export([ended(2, CHAT)])
            assert exporter.stats() == ExportStats(spans=1, recorded=1)

        holding = threading.Thread(target=hold)
        holding.start()
        begun.wait(10)
        status = in_a_child(child)
        holding.join(10)

    assert status == 0
