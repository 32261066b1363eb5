"""What nothing reads, as it is counted in the read models: of all, of a period, in every answer, and provable."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.projection import declaration_of
from analytics_es.projections import Cost, Usage
from analytics_es.testing import NOON, job_failed, provider_call, tool_call
from analytics_es.testing.examples import event
from analytics_es.types import UnreadField
from tests.stores import opened, record

HOUR = TimePeriod(NOON, NOON + timedelta(hours=1))
CALL = "provider.call.completed"
pytestmark = pytest.mark.store("sqlite", "postgres")


def entries(analytics: AnalyticsService) -> list[tuple[str, str, int]]:
    return [(entry.type, entry.field, entry.events) for entry in analytics.unread_fields().unwrap()]


def events() -> list[dict[str, Any]]:
    return [
        *(provider_call(prompt_tokens=n, ticket="x") for n in range(3)),
        provider_call(prompt_tokens=1, occurred_at=NOON + timedelta(days=1)),
        {**provider_call(), "event_type": "llm.call.completed"},
        tool_call(ticket="y", prompt="hello"),
        job_failed(),
    ]


def test_it_is_counted_by_type_and_field(analytics: AnalyticsService) -> None:
    record(analytics, *events())

    assert entries(analytics) == [
        (CALL, "prompt_tokens", 4),
        (CALL, "ticket", 3),
        ("llm.call.completed", "type", 1),
        ("tool.call.completed", "ticket", 1),
    ]
    assert analytics.verify().unwrap().identical
    analytics.rebuild().unwrap()
    assert len(entries(analytics)) == 4


def test_what_the_package_records_itself_for_people_is_no_surprise(analytics: AnalyticsService) -> None:
    budget = {"budget_id": "march", "currency": "USD"}
    reached = {**budget, "threshold": "50", "allocated": "10", "spent": "6", "at_position": 1}
    record(
        analytics, event("budget.threshold.reached", **reached), event("budget.spent", **budget, amount="6", spent=6)
    )

    assert entries(analytics) == [("budget.spent", "spent", 1)]


def test_every_answer_says_what_nothing_reads_of_what_it_is_about(analytics: AnalyticsService) -> None:
    record(analytics, *events())

    cost = analytics.get_cost_breakdown(HOUR).unwrap().completeness
    speed = analytics.get_performance_metrics(HOUR).unwrap().completeness
    budgets = analytics.get_budgets().unwrap().completeness

    assert cost.unread_fields == (
        UnreadField(type=CALL, field="prompt_tokens", events=3, suggestion="input_tokens"),
        UnreadField(type=CALL, field="ticket", events=3),
        UnreadField(type="llm.call.completed", field="type", events=1, suggestion=CALL),
    )
    assert (cost.unread, speed.unread) == (7, 8)
    assert (budgets.unread, budgets.unread_fields) == (0, ())


def test_an_answer_about_budgets_says_what_is_unread_of_budgets(analytics: AnalyticsService) -> None:
    spent = {"budget_id": "b", "amount": "1", "currency": "USD", "ticket": "x"}
    record(analytics, *events(), {"event_type": "budget.spent", "data": spent, "occurred_at": NOON})

    assert analytics.get_budgets().unwrap().completeness.unread_fields == (
        UnreadField(type="budget.spent", field="ticket", events=1),
    )


@pytest.mark.store("sqlite", privacy="full")
def test_what_was_said_is_not_counted(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(prompt="hello", response={"text": "hi"}), tool_call(toolInput="ls"))

    assert entries(analytics) == []


def test_of_what_is_all_read_there_is_nothing(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(), tool_call())

    completeness = analytics.get_cost_breakdown(HOUR).unwrap().completeness
    assert (completeness.unread, completeness.unread_fields, entries(analytics)) == (0, (), [])


def test_fields_are_no_entities_of_usage(analytics: AnalyticsService) -> None:
    record(analytics, *events())

    usage = analytics.get_usage_stats(None, None, HOUR).unwrap()
    failure = analytics.get_usage_stats("field", None, HOUR).failure
    assert "field" not in usage.active_entities
    assert failure is not None
    assert failure.code == "unknown_entity"


@pytest.mark.store("sqlite")
def test_without_usage_it_is_not_known(tmp_path: Path) -> None:
    with opened(projections=[Cost]) as analytics:
        record(analytics, *events())

        assert analytics.get_cost_breakdown(HOUR).unwrap().completeness.unread is None
        assert entries(analytics) == []


@pytest.mark.store("sqlite")
def test_what_a_store_of_before_holds_is_counted_once_it_is_derived_again(tmp_path: Path) -> None:
    today = declaration_of(Usage)
    Usage.__analytics__ = evolve(today, known=(), outcomes=1, version=2)  # type: ignore[attr-defined]
    try:
        with opened(tmp_path / "analytics.db") as analytics:
            record(analytics, *events())
            assert entries(analytics) == []
    finally:
        Usage.__analytics__ = today  # type: ignore[attr-defined]

    with opened(tmp_path / "analytics.db") as analytics:
        assert analytics.get_cost_breakdown(HOUR).unwrap().completeness.unread is None
        analytics.catch_up()
        assert len(entries(analytics)) == 4
