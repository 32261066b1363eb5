"""Coding agents' ids are strict by themselves, as soon as one of their events comes by OTLP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import StoreBusy
from analytics_es.ingest.files import ImportedRow
from analytics_es.ingest.otel.intake import take
from analytics_es.ingest.sessions.agents import every
from analytics_es.ingest.strictness import agents, hold_strict
from analytics_es.testing import NOON


def call(source: str, minutes: int = 0) -> dict[str, Any]:
    when = NOON + timedelta(minutes=minutes)
    return {"event_type": "provider.call.completed", "data": {}, "id": "1", "source": source, "occurred_at": when}


def test_rows_of_an_agent_are_known_by_their_ids_alone_and_others_are_not(analytics: AnalyticsService) -> None:
    calls = [call(source, minutes) for minutes in (0, 5) for source in ("claude-code", "gateway")]
    rows = [ImportedRow(row=number, event=event, error=None) for number, event in enumerate(calls, 1)]

    receipt = analytics.importing().record(rows)

    assert (receipt.recorded, receipt.duplicates, receipt.differing) == (3, 1, 0)
    assert analytics.store.log.strict.patterns == ("claude-code",)


def test_a_store_that_shares_ids_goes_on_as_before_and_that_is_logged_once(
    analytics: AnalyticsService, caplog: pytest.LogCaptureFixture
) -> None:
    analytics.record_events([call("claude-code"), call("claude-code", 5)]).unwrap()

    for _ in range(2):
        hold_strict(analytics.store.log, ["claude-code", "gateway", None])

    assert [record.getMessage()[:60] for record in caplog.records] == [
        "what traces, logs and files tell of the same calls of claude"
    ]
    assert analytics.record_events([call("claude-code", 9)]).unwrap().recorded == 1


def test_they_are_the_agents_whose_sessions_are_read() -> None:
    assert agents() == tuple(agent.name for agent in every())


def test_a_store_that_cannot_be_made_strict_now_is_a_failure_that_is_told(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_: str) -> None:
        raise StoreBusy(seconds=5)

    monkeypatch.setattr(analytics.store.log, "hold_strict", busy)

    taken = take(analytics, [call("claude-code")])

    assert (taken.recorded, taken.failed, taken.failure and taken.failure.code) == (0, 1, "store_busy")
