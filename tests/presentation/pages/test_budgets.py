"""The page of budgets: all of them, and of one how it is spent and where that leads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService
from analytics_es.presentation import Grid
from analytics_es.presentation.charts.chart import Chart
from analytics_es.presentation.parts import Page
from analytics_es.testing.examples import budget_allocated, event, provider_call
from tests.presentation.pages.asking import asked, page, parts_of, plain
from tests.presentation.pages.stores import NOBODY, NOW, START
from tests.stores import opened, record


@pytest.mark.parametrize(
    "address", ["budgets", "budgets?budget=calls", "budgets?budget=told", "budgets?budget=all", "budgets?at=2026-03-03"]
)
def test_it_says_what_is_spent_and_what_remains(
    store: AnalyticsService, snapshot: SnapshotAssertion, address: str
) -> None:
    assert plain(page(store, address)) == snapshot


def chart_of(page: Page) -> Chart:
    """Return the chart of what is spent."""
    return next(part for part in parts_of(page) if isinstance(part, Chart))


@pytest.mark.parametrize("budget", ["calls", "told", "all"])
@pytest.mark.parametrize("at", ["", "&at=2026-03-03T17:20", "&at=2026-03-02T08:00"])
def test_what_is_drawn_comes_to_what_is_spent(store: AnalyticsService, budget: str, at: str) -> None:
    shown, _ = asked(store, f"budgets?budget={budget}{at}")
    spent = [figure for figure in chart_of(shown).series[0].figures if figure is not None]
    assert spent[-1] == shown.answers["budgets"].budgets[0].spent


def test_each_figure_is_what_the_budget_says_of_that_time(store: AnalyticsService) -> None:
    chart = chart_of(page(store, "budgets?budget=all"))
    days = [start + timedelta(days=1) for start in chart.starts[1:4]]  # on the first it was not there yet
    told = [store.get_budgets(budget="all", at=day - timedelta(microseconds=1)).unwrap().budgets for day in days]
    assert [*chart.series[0].figures[1:4]] == [budgets[0].spent for budgets in told]


def test_the_rate_is_a_straight_line_to_the_end_of_the_period(store: AnalyticsService) -> None:
    shown, _ = asked(store, "budgets?budget=calls")
    chart, rate = chart_of(shown), shown.answers["budgets"].budgets[0].burn_rate
    assert [*chart.series[1].figures] == [rate * day for day in range(1, 32)]


def test_the_series_of_what_is_spent_never_goes_on_into_what_is_to_come(store: AnalyticsService) -> None:
    chart = chart_of(page(store, "budgets?budget=calls"))
    spent = zip(chart.starts, chart.series[0].figures, strict=True)
    assert next(start.day for start, figure in spent if figure is None) == NOW.day + 1


def budget_spent(at: datetime, amount: str, **changes: Any) -> dict[str, Any]:
    """Return money that is taken from the budget `told`."""
    return event(
        "budget.spent", **{"occurred_at": at, "budget_id": "told", "amount": amount, "currency": "USD", **changes}
    )


def test_what_is_of_no_hour_of_its_period_is_said_and_not_drawn() -> None:
    with opened(":memory:", clock=lambda: NOW, privacy="full") as service:
        march = {**NOBODY, "starts_at": "2026-03-01T00:00:00Z"}
        first = budget_allocated(occurred_at=START, budget_id="told", amount="10", **march)
        record(service, first, budget_spent(START - timedelta(days=3), "0.5"), budget_spent(START, "0.25"))
        own, others = plain(page(service, "budgets?budget=told"))["parts"][1:3]
    assert own["parts"][-1]["spent"].startswith("0.0000 USD 0.2500 USD –")
    assert others["parts"][-1] == (
        "How it was spent over time cannot be shown: by the hour it is 0.750000 USD, in all 0.500000 USD."
    )


def test_a_budget_that_is_over_says_by_how_much() -> None:
    with opened(":memory:", clock=lambda: NOW, privacy="full") as service:
        first = budget_allocated(occurred_at=START, budget_id="told", amount="1", **NOBODY)
        record(service, first, budget_spent(START, "3.5"))
        shown = plain(page(service, "budgets"))
        one = plain(page(service, "budgets?budget=told"))
    assert shown["parts"][1]["pair"][1]["parts"] == [
        {"meters": [["told", "3.50 of 1.00 USD", 3.5, "over by 2.50 USD"]]}
    ]
    assert one["parts"][1]["parts"][0]["tiles"][2:] == [
        "Remaining: -2.50 USD · 350.0 % used",
        "A day: 1.14 USD · over what was allocated",
    ]


@pytest.mark.parametrize(("more", "told"), [("9", True), (None, False)])
def test_a_threshold_that_more_was_allocated_above_says_so(more: str | None, told: bool) -> None:
    days = [(START, "1"), *([(START + timedelta(days=2), more)] if more else [])]
    told_of = {"budget_id": "told", "thresholds": [50, 100], **NOBODY}
    allocated = [budget_allocated(occurred_at=at, amount=amount, **told_of) for at, amount in days]
    with opened(":memory:", clock=lambda: NOW, privacy="full") as service:
        record(service, allocated[0], budget_spent(START + timedelta(days=1), "1"), *allocated[1:])
        service.catch_up()
        grids = [part for part in parts_of(page(service, "budgets")) if isinstance(part, Grid)]
    (remark,) = [grid.remark for grid in grids if grid.title == "Thresholds reached"]
    assert ("of what was allocated by then" in remark) is told


def test_what_was_charged_in_another_currency_is_named_and_in_no_sum() -> None:
    with opened(":memory:", clock=lambda: NOW, privacy="full") as service:
        first = budget_allocated(
            occurred_at=START, budget_id="calls", scope="all", starts_at="2026-03-01T00:00:00Z", **NOBODY
        )
        record(service, first, provider_call(occurred_at=START, cost="0.25", currency="EUR"))
        shown = plain(page(service, "budgets?budget=calls"))
    assert "calls: not in USD, and in no sum: 0.250000 EUR" in shown["parts"][1]["parts"]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("budgets?budget=nope", "There is no budget 'nope'."),
        ("budgets?budget=calls&at=2025-01-01", "The budget 'calls' has no period that holds this time."),
        ("budgets?at=2025-01-01", "No budget has a period that holds this time: ask for another one with `at`."),
    ],
)
def test_what_is_not_there_is_said(store: AnalyticsService, address: str, told: str) -> None:
    shown = plain(page(store, address))
    assert shown["parts"][1] == told
    assert shown["answers"] == ["budgets"]


amounts = st.lists(st.decimals("0.000001", "5", places=6), min_size=1, max_size=4)


@given(amounts=amounts, hours=st.lists(st.integers(0, 70), min_size=4, max_size=4))
@settings(max_examples=15)
def test_money_that_is_told_is_drawn_to_the_last_digit(amounts: list[Decimal], hours: list[int]) -> None:
    with opened(":memory:", clock=lambda: NOW, privacy="full") as service:
        first = budget_allocated(occurred_at=START, budget_id="told", amount="10", **NOBODY)
        spent = [
            budget_spent(START + timedelta(hours=hour), str(amount))
            for amount, hour in zip(amounts, hours, strict=False)
        ]
        record(service, first, *spent)
        chart = chart_of(page(service, "budgets?budget=told&tz=Europe/Berlin"))
    assert [figure for figure in chart.series[0].figures if figure is not None][-1] == sum(amounts)
    assert chart.starts[0] == START.astimezone(UTC)
