"""Probes tell the state to everybody, and the reasons to who may; who is watched is not counted."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from starlette.testclient import TestClient

from analytics_es import AnalyticsService
from analytics_es.errors import BadArgument
from analytics_es.testing import tool_call
from analytics_es.web import analytics_app, vitals
from tests.stores import eventually, opened, record
from tests.web.vital_signs import series

TOKEN = "s3cret-token"  # made up
BEARER = {"authorization": f"Bearer {TOKEN}"}


def behind(analytics: AnalyticsService) -> None:
    """Let read models be behind for five minutes."""
    record(analytics, tool_call())
    analytics.record_event(**tool_call()).unwrap()
    later = datetime.now(UTC) + timedelta(minutes=5)
    analytics.store.runner._clock = lambda: later


@pytest.mark.store("sqlite", "postgres")
def test_a_store_that_is_up_to_date_is_ready(analytics: AnalyticsService) -> None:
    record(analytics, tool_call())
    client = TestClient(analytics_app(analytics))

    live, ready = client.get("/health/live"), client.get("/health/ready")

    assert (live.status_code, live.json()) == (200, {"status": "live"})
    assert (ready.status_code, ready.json()["status"], ready.json()["position"]) == (200, "ready", 2)
    assert [check["state"] for check in ready.json()["checks"]] == ["ok"] * 5


def test_read_models_that_are_too_far_behind_are_not_ready_and_the_process_lives(analytics: AnalyticsService) -> None:
    behind(analytics)
    client = TestClient(analytics_app(analytics))

    ready = client.get("/health/ready")

    assert (ready.status_code, ready.json()["status"]) == (503, "not_ready")
    assert [check["name"] for check in ready.json()["checks"] if check["state"] == "failed"] == ["lag"]
    assert client.get("/health/live").status_code == 200
    assert TestClient(analytics_app(analytics, max_lag=timedelta(hours=1))).get("/health/ready").status_code == 200
    assert TestClient(analytics_app(analytics, max_lag=None)).get("/health/ready").status_code == 200
    assert TestClient(analytics_app(analytics, max_lag_events=0)).get("/health/ready").status_code == 503


def test_a_service_that_is_closed_is_not_ready_and_the_process_lives() -> None:
    analytics = opened()
    analytics.close()
    client = TestClient(analytics_app(analytics))

    assert client.get("/health/ready").status_code == 503
    assert client.get("/health/ready").json()["checks"][0]["code"] == "closed"
    assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"host": "10.0.0.7:8080"}])
def test_who_has_no_token_is_told_the_state_and_no_more(analytics: AnalyticsService, headers: dict[str, str]) -> None:
    behind(analytics)
    client = TestClient(analytics_app(analytics, token=TOKEN))

    assert client.get("/health/live", headers=headers).json() == {"status": "live"}
    assert client.get("/health/ready", headers=headers).json() == {"status": "not_ready"}
    assert client.get("/health/ready", headers=headers).status_code == 503
    assert client.get("/metrics", headers=headers).status_code == 401
    assert client.get("/health/ready", headers=BEARER).json()["lag_events"] == 1
    assert client.get("/metrics", headers=BEARER).status_code == 200


def test_a_probe_may_ask_under_any_name_and_is_then_told_the_state(analytics: AnalyticsService) -> None:
    client = TestClient(analytics_app(analytics))
    foreign = {"host": "10.0.0.7:8080"}

    assert client.get("/health/ready", headers=foreign).json() == {"status": "ready"}
    assert client.get("/metrics", headers=foreign).status_code == 421
    assert client.get("/health/elsewhere", headers=foreign).status_code == 421
    assert client.post("/health/live", headers=foreign).status_code == 421
    assert client.post("/health/live").status_code == 405


def test_a_probe_may_ask_for_the_head_alone(analytics: AnalyticsService) -> None:
    client = TestClient(analytics_app(analytics))

    assert [client.head(path).status_code for path in ("/health/live", "/health/ready", "/metrics")] == [200] * 3


def test_it_is_answered_where_the_app_is_mounted(analytics: AnalyticsService) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    app = Starlette(routes=[Mount("/analytics", analytics_app(analytics, token=TOKEN))])

    assert TestClient(app).get("/analytics/health/ready").json() == {"status": "ready"}


def test_a_store_that_does_not_answer_is_not_ready(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = Event()
    monkeypatch.setattr(vitals, "READY_WITHIN", 0.05)
    monkeypatch.setattr(vitals, "SCRAPED_WITHIN", 0.05)
    look = analytics._watch.look
    monkeypatch.setattr(analytics, "_watch", type("Slow", (), {"look": lambda _, b: answered.wait(30) and look(b)})())
    client = TestClient(analytics_app(analytics, token=TOKEN))

    asked = [client.get("/health/ready", headers=headers) for headers in ({}, BEARER, BEARER)]
    seen = series(client, **BEARER)
    answered.set()

    assert [answer.status_code for answer in asked] == [503] * 3
    assert [answer.json() for answer in asked[:2]] == [
        {"status": "not_ready"},
        {"status": "not_ready", "problem": "The store has not answered for 0.05 s."},
    ]
    assert (seen["scrape_errors", "health"], seen["scrape_errors", "recording"]) == (1, 0)
    assert client.get("/health/live").status_code == 200


def test_what_machines_repeat_for_ever_is_neither_logged_nor_counted_but_that_it_is_not_ready(
    analytics: AnalyticsService, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vitals, "HEALTH_SECONDS", 0.0)
    behind(analytics)
    app = analytics_app(analytics, token=TOKEN)
    client = TestClient(app)
    with caplog.at_level(logging.INFO, "analytics_es.web"):
        for path in ("/health/live", "/metrics", "/health/ready", "/health/ready"):
            client.get(path, headers=BEARER)
        analytics.catch_up()
        eventually(lambda: client.get("/health/ready").status_code == 200)
        client.get("/metrics")

    assert [re.sub("[0-9.]+ (m?s)", r"# \1", line) for line in caplog.messages] == [
        "The store is not ready: lag. It is tried again.",
        "The store is not ready: goes on after # s.",
        "GET /metrics 401 · # ms",
    ]
    assert app.state.counts.answers() == {}


@pytest.mark.parametrize(("name", "bound"), [("max_lag", "soon"), ("max_lag", -1), ("max_lag_events", "7")])
def test_a_bound_that_is_none_is_refused_when_the_app_is_made(
    analytics: AnalyticsService, name: str, bound: Any
) -> None:
    with pytest.raises(BadArgument):
        analytics_app(analytics, **{name: bound})
