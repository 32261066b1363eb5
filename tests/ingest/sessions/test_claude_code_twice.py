"""A call of Claude Code that its session and its telemetry tell is one event, whichever comes first."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.ingest.files import ImportedRow
from analytics_es.ingest.otel.logs.reader import LogReader
from analytics_es.ingest.otel.logs.record import LogRecord
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.ingest.otel.spans import Span
from tests.ingest.sessions.ledger import NOON, Ledger, write
from tests.ingest.sessions.test_claude_code import line, outcome, use

pytestmark = pytest.mark.store(tags=["machine", "project"])  # as a ledger has them

NOON_US = int(NOON) * 1_000_000
TOLD = {"input_tokens": 3, "output_tokens": 50, "cache_read_tokens": 100, "cache_creation_tokens": 10}


def by_log() -> list[dict[str, Any]]:
    """Return what the agent's log records tell of the call, and of the tool that it used, over OTLP."""
    of: dict[str, Any] = {"event.timestamp": "2026-05-01T10:00:00.350Z", "event.sequence": 7, "session.id": "s1"}
    call = {**of, "event.name": "api_request", "request_id": "req_1", "model": "claude-sonnet-4-5-20250929", **TOLD}
    tool = {**of, "event.name": "tool_result", "tool_use_id": "toolu_1", "tool_name": "Bash", "success": "true"}
    records = [
        LogRecord(body=f"claude_code.{told['event.name']}", scope="com.anthropic.claude_code.events", attributes=told)
        for told in (call, tool)
    ]
    return LogReader().events(records)


def by_span() -> list[dict[str, Any]]:
    """Return what spans tell of both."""
    call = {"gen_ai.response.id": "req_1", "model": "claude-sonnet-4-5-20250929", "span.type": "llm_request", **TOLD}
    tool = {"tool_use_id": "toolu_1", "tool_name": "Bash", "span.type": "tool"}
    spans = [
        Span(
            name=name,
            trace_id="a" * 32,
            span_id=f"{number:016x}",
            start_us=NOON_US,
            end_us=NOON_US + 1_350_000,
            attributes={"session.id": "s1", "gen_ai.system": "anthropic", **told},
            scope="com.anthropic.claude_code.tracing",
        )
        for number, (name, told) in enumerate([("claude_code.llm_request", call), ("claude_code.tool", tool)], 1)
    ]
    reader = Reader()
    reader.see(spans)
    return [event for span in spans for event in reader.events(span)]


@pytest.mark.parametrize("order", list(itertools.permutations(["file", "log", "span"])), ids="-".join)
def test_a_call_and_a_tool_told_by_file_log_record_and_span_are_one_each(
    analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    ledger = Ledger(analytics, tmp_path, ("claude-code",))
    write(tmp_path / "claude/projects/p/s1.jsonl", [line(message__content=[use()]), outcome()])
    told = {"log": by_log(), "span": by_span()}

    for way in order:
        if way == "file":
            ledger.read()
        else:
            rows = [ImportedRow(row=number, event=event, error=None) for number, event in enumerate(told[way], 1)]
            analytics.importing().record(rows)

    assert [len(events) for events in told.values()] == [2, 2]
    assert list(ledger.tokens().items()) == [
        ("req_1", {"input": 113, "output": 50, "cache_read": 100, "cache_creation": 10})
    ]
    assert [event.id for event in ledger.events("tool.call.completed")] == ["toolu_1"]
