"""Figures are few, named by what they are, and told in both formats; what fails is missing and said so."""

from __future__ import annotations

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parsed_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parsed_text
from starlette.testclient import TestClient
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService
from analytics_es.errors import StoreFailed
from analytics_es.projections import Usage
from analytics_es.testing import tool_call
from analytics_es.web import analytics_app, vitals
from tests.stores import opened, record
from tests.web.requests import JSON, event, in_json
from tests.web.vital_signs import DAY, OPENMETRICS, month, series, told


@pytest.mark.store("sqlite", "postgres", events=DAY)
def test_figures_are_few_named_by_what_they_are_and_told_in_both_formats(
    analytics: AnalyticsService, snapshot: SnapshotAssertion
) -> None:
    month(analytics)
    client = TestClient(analytics_app(analytics))
    client.post("/v1/events", content=in_json(event(1)), headers=JSON)
    analytics.catch_up()

    text = client.get("/metrics")
    openmetrics = client.get("/metrics", headers=OPENMETRICS)

    assert text.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert told(text.text) == {
        (sample.name.removeprefix("analytics_es_"), *sample.labels.values()): sample.value
        for family in parsed_openmetrics(openmetrics.text)
        for sample in family.samples
    }
    assert text.text == snapshot


def test_every_family_says_what_it_is_and_counters_alone_end_as_such(analytics: AnalyticsService) -> None:
    analytics.record_event("tool.call.completed", {"tool": 7.5}).ok
    families = list(parsed_text(TestClient(analytics_app(analytics)).get("/metrics").text))

    assert [family.name for family in families if not family.documentation.endswith(".")] == []
    assert {sample.name.endswith("_total") for f in families if f.type == "counter" for sample in f.samples} == {True}
    assert [s.name for f in families if f.type != "counter" for s in f.samples if s.name.endswith("_total")] == []
    assert {family.name.startswith("analytics_es_") for family in families} == {True}


def test_what_was_refused_is_told_by_code(analytics: AnalyticsService) -> None:
    assert not analytics.record_event("tool.call.completed", {"duration_ms": "long"}).ok
    for _ in range(2):
        analytics.record_event(**{**tool_call(), "id": "one", "source": "tests"}).unwrap()

    seen = series(TestClient(analytics_app(analytics)))

    assert seen["events_refused_total", "bad_field"] == 1
    assert seen["events_recorded_total",] == analytics.stats().recorded == 1
    assert seen["events_duplicate_total",] == 1


def test_a_part_that_fails_is_missing_and_said_so(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    record(analytics, *DAY)
    month(analytics)

    def failing(*_: object) -> None:
        raise StoreFailed(problem="made up")

    monkeypatch.setattr(vitals.figures, "of_costs", failing)
    monkeypatch.setattr(vitals.figures, "of_budgets", lambda _: 1 / 0)
    seen = series(TestClient(analytics_app(analytics)))

    assert {part: number for (name, *part), number in seen.items() if name == "scrape_errors" for part in part} == {
        "health": 0,
        "recording": 0,
        "cost": 1,
        "budgets": 1,
        "dead_letters": 0,
    }
    assert [name for name, *_ in seen if name.startswith(("month", "budget"))] == []
    assert seen["log_position",] == analytics.store.log.head()
    assert [message for message in caplog.messages if "Prometheus" in message] == [
        "The figures of cost for Prometheus: The database reports: made up. It is tried again.",
        "The figures of budgets for Prometheus: ZeroDivisionError. It is tried again.",
    ]


def test_what_no_projection_derives_is_no_error() -> None:
    with opened(projections=[Usage]) as analytics:
        seen = series(TestClient(analytics_app(analytics)))

    assert {number for (name, *_), number in seen.items() if name == "scrape_errors"} == {0}
    assert [name for name, *_ in seen if name.startswith(("month", "budget"))] == []


def test_of_a_closed_service_what_it_counted_is_still_told() -> None:
    analytics = opened()
    record(analytics, tool_call())
    analytics.close()

    seen = series(TestClient(analytics_app(analytics)))

    assert (seen["ready",], seen["events_recorded_total",]) == (0, 1)
    assert (seen["check_failed", "store"], seen["scrape_errors", "cost"]) == (1, 1)


@pytest.mark.parametrize(
    "accept", ["", "*/*", "application/openmetrics-text; version=x.y", "text/plain; version=", ";;,,", "a" * 9000]
)
def test_whatever_is_accepted_it_is_answered(analytics: AnalyticsService, accept: str) -> None:
    answer = TestClient(analytics_app(analytics)).get("/metrics", headers={"accept": accept})

    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/plain")
