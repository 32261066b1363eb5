"""The page of metrics: which there are, and any of them."""

from __future__ import annotations

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService
from analytics_es.errors import BadWord, UnknownKey, UnknownMetric
from analytics_es.presentation.charts.chart import Chart
from analytics_es.projection import count, key, largest, projection
from analytics_es.testing.examples import provider_call
from tests.presentation.pages.asking import asked, page, parts_of, plain
from tests.presentation.pages.stores import NOW, START
from tests.stores import opened, record

MARCH = "from=2026-03-02&to=2026-03-06"


@projection(version=1, consumes=("tool.>",), entities=("user",))
class Tools:
    """One tool of one user."""

    entity_type: str = key("entity.type")
    entity_id: str = key("entity.id")
    tool: str = key("tool")
    uses: int = count(unit="uses")
    longest: int | None = largest("duration_ms", unit="ms", decimals=3)


@pytest.fixture(scope="module")
def own() -> Any:
    """Return a store with a projection of one's own, and no other."""
    with opened(":memory:", clock=lambda: NOW, privacy="full", projections=[Tools]) as service:
        told = {"tool": "bash", "duration_ms": 12.5, "user_id": "ada"}
        record(service, {"event_type": "tool.call.completed", "data": told, "occurred_at": START})
        yield service


def test_without_a_metric_it_lists_them(own: AnalyticsService, snapshot: SnapshotAssertion) -> None:
    shown, _ = asked(own, "summary")
    assert shown.answers == {"metrics": own.list_metrics().unwrap()}
    assert plain(shown) == snapshot


@pytest.mark.parametrize("metric", ["tools.uses&by=tool", "tools.longest&by=user&where=tool=bash"])
def test_a_metric_of_ones_own_is_shown(own: AnalyticsService, snapshot: SnapshotAssertion, metric: str) -> None:
    assert plain(page(own, f"summary?metric={metric}&{MARCH}")) == snapshot


@pytest.mark.parametrize(
    "metric", ["performance.duration&by=operation", "cost.reported_cost&by=user", "usage.first_seen", "cost.searches"]
)
def test_metrics_of_every_kind_are_shown(store: AnalyticsService, snapshot: SnapshotAssertion, metric: str) -> None:
    assert plain(page(store, f"summary?metric={metric}&{MARCH}")) == snapshot


def test_its_answer_is_that_of_the_question(store: AnalyticsService) -> None:
    address = f"summary?metric=performance.duration&by=subject&by=operation&where=operation=tool.call&{MARCH}"
    shown, asking = asked(store, address)
    assert shown.answers == {
        "summary": store.get_summary(
            "performance.duration",
            asking.period,
            group_by=["subject", "operation"],
            where={"operation": "tool.call"},
        ).unwrap()
    }


def test_money_of_two_currencies_is_told_apart() -> None:
    with opened(":memory:", clock=lambda: NOW, privacy="full") as service:
        calls = [provider_call(occurred_at=START, cost="1.5", currency=currency) for currency in ("USD", "EUR")]
        record(service, *calls)
        shown = page(service, f"summary?metric=cost.reported_cost&by=model&{MARCH}")
    assert plain(shown)["parts"][1] == {
        "tiles": [
            "total: 1.5000 EUR → cost.reported_cost currency=EUR",
            "total: 1.5000 USD → cost.reported_cost currency=USD",
        ]
    }
    assert [part.unit for part in parts_of(shown) if isinstance(part, Chart)] == ["EUR", "USD"]


@pytest.mark.parametrize(
    ("question", "error", "told"),
    [
        ("metric=performance.durations", UnknownMetric, "did you mean performance.duration"),
        ("metric=performance.duration&by=user", UnknownKey, "'user' is not a key of performance"),
        ("metric=performance.duration&where=user", BadWord, "is not KEY=VALUE"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    store: AnalyticsService, question: str, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        page(store, f"summary?{question}")


def test_of_an_empty_period_it_says_so(store: AnalyticsService) -> None:
    shown = plain(page(store, "summary?metric=usage.events&from=2026-01-01&to=2026-01-08"))
    assert shown["parts"][1:] == ["No figures of this metric in this period: try a longer one, such as --last 4w."]
