"""Coding agents' ids are strict by themselves, as soon as one of their events comes in, whichever way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from analytics_es import AnalyticsService
from analytics_es.errors import StoreBusy
from analytics_es.ingest.files import ImportedRow
from analytics_es.ingest.otel.intake import take
from analytics_es.ingest.sessions.agents import every
from analytics_es.ingest.strictness import agents
from analytics_es.testing import NOON
from analytics_es.web import analytics_app
from tests.ingest.sessions.ledger import CALL
from tests.stores import opened, recorded

Way = Callable[[AnalyticsService, list[dict[str, Any]]], Any]


def call(source: str, minutes: int = 0) -> dict[str, Any]:
    when = NOON + timedelta(minutes=minutes)
    return {"event_type": CALL, "data": {}, "id": "1", "source": source, "occurred_at": when}


def one_by_one(analytics: AnalyticsService, calls: list[dict[str, Any]]) -> None:
    for event in calls:
        analytics.record_event(**event).unwrap()


def as_a_batch(analytics: AnalyticsService, calls: list[dict[str, Any]]) -> None:
    analytics.record_events(calls).unwrap()


def from_a_file(analytics: AnalyticsService, calls: list[dict[str, Any]]) -> None:
    rows = [ImportedRow(row=number, event=event, error=None) for number, event in enumerate(calls, 1)]
    analytics.importing().record(rows)


def by_telemetry(analytics: AnalyticsService, calls: list[dict[str, Any]]) -> None:
    take(analytics, calls)


def _cloud(event: dict[str, Any]) -> dict[str, Any]:
    told = {"type": event["event_type"], "time": event["occurred_at"].isoformat()}
    return {"specversion": "1.0", "id": event["id"], "source": event["source"], "data": event["data"], **told}


def _post(analytics: AnalyticsService, body: Any, content_type: str) -> None:
    client = TestClient(analytics_app(analytics))
    answer = client.post("/v1/events", content=orjson.dumps(body), headers={"content-type": content_type})
    assert answer.is_success, answer.text


def over_http(analytics: AnalyticsService, calls: list[dict[str, Any]]) -> None:
    told = [{**event, "occurred_at": event["occurred_at"].isoformat()} for event in calls]
    _post(analytics, told, "application/json")


def as_cloud_events(analytics: AnalyticsService, calls: list[dict[str, Any]]) -> None:
    _post(analytics, [_cloud(event) for event in calls], "application/cloudevents-batch+json")


WAYS = (one_by_one, as_a_batch, from_a_file, by_telemetry, over_http, as_cloud_events)


@pytest.mark.store("sqlite", "postgres")
@pytest.mark.parametrize("way", WAYS)
def test_an_agents_calls_are_known_by_their_ids_alone_and_others_are_not(analytics: AnalyticsService, way: Way) -> None:
    way(analytics, [call(source, minutes) for minutes in (0, 5) for source in ("claude-code", "gateway")])

    sources = [event.source for event in recorded(analytics, CALL)]
    assert sorted(sources) == ["claude-code", "gateway", "gateway"]
    assert analytics.store.log.strict.patterns == ("claude-code",)


@pytest.mark.parametrize("one", WAYS)
@pytest.mark.parametrize("other", WAYS)
def test_what_comes_by_two_ways_at_other_times_is_one_call(analytics: AnalyticsService, one: Way, other: Way) -> None:
    one(analytics, [call("claude-code")])
    other(analytics, [call("claude-code", 5)])

    (event,) = recorded(analytics, CALL)
    assert event.occurred_at == NOON


@pytest.mark.parametrize("source", agents())
def test_every_agent_is_one(analytics: AnalyticsService, source: str) -> None:
    as_a_batch(analytics, [call(source), call(source, 5), call(f"{source}-x"), call(f"{source}-x", 5)])

    assert len(recorded(analytics, CALL)) == 3


def test_what_another_process_made_strict_is_not_made_so_again(tmp_path: Path) -> None:
    with opened(tmp_path / "a.db") as one, opened(tmp_path / "a.db") as other:
        as_a_batch(one, [call("claude-code")])
        as_a_batch(other, [call("claude-code", 5)])

        assert len(recorded(other, CALL)) == 1
        assert other.store.log.strict.patterns == ("claude-code",)


@pytest.mark.parametrize("way", WAYS)
def test_a_store_that_shares_ids_goes_on_as_before_and_that_is_logged_once(
    analytics: AnalyticsService, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    with monkeypatch.context() as former:
        former.setattr("analytics_es.ingest.recorder.hold_strict", lambda *_: None)
        as_a_batch(analytics, [call("claude-code"), call("claude-code", 5)])

    for minutes in (9, 10):
        way(analytics, [call("claude-code", minutes), call("gateway", minutes)])

    said = [record.getMessage() for record in caplog.records if record.name == "analytics_es"]
    assert [text[:66] for text in said] == ["what traces, logs and files tell of the same calls of claude-code "]
    assert len(recorded(analytics, CALL)) == 6


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
