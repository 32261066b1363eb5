"""The page of costs: by any dimension and pair, over time, what is not known, at which prices, and what if."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService
from analytics_es.errors import BadWord, UnknownKey, UnknownModel
from analytics_es.presentation.blocks import Behind, Grid
from analytics_es.presentation.charts.chart import Chart
from analytics_es.presentation.parts import Choices, Section, Tiles
from analytics_es.types import CostExplanation
from tests.hostile_store import PERIOD
from tests.presentation.pages.asking import asked, explained, figures, page, parts_of, plain
from tests.presentation.pages.spending import MARCH, START, spending
from tests.stores import opened


@pytest.fixture(scope="module")
def store() -> Iterator[AnalyticsService]:
    with spending() as service:
        yield service


QUESTIONS = ["", "by=tenant&by=model&", "by=attributes.team&", "where=user=ada&by=tenant&", "where=currency=&by=user&"]
WHAT_IF = "model=claude-sonnet-4-5=acme/acme-large&"


@pytest.mark.parametrize("question", [*QUESTIONS, WHAT_IF])
def test_it_says_what_calls_cost(store: AnalyticsService, snapshot: SnapshotAssertion, question: str) -> None:
    assert plain(page(store, f"cost?{question}{MARCH}")) == snapshot


@pytest.mark.parametrize(
    ("question", "asked_with"),
    [
        ("", {"by": ["model"]}),
        ("by=tenant&by=model&", {"by": ["tenant", "model"]}),
        ("by=tenant&by=tenant&", {"by": ["tenant"]}),
        ("by=user&where=currency=USD&", {"by": ["user"], "where": {"currency": "USD"}}),
        (WHAT_IF, {"by": ["model"], "models": {"claude-sonnet-4-5": "acme/acme-large"}}),
    ],
)
def test_its_answers_are_those_of_the_questions(
    store: AnalyticsService, question: str, asked_with: dict[str, Any]
) -> None:
    shown, asking = asked(store, f"cost?{question}{MARCH}")

    assert shown.answers["cost"] == store.get_cost_breakdown(asking.period, **asked_with).unwrap()
    assert shown.answers["series"] == store.get_cost_series(asking.period, **asked_with).unwrap()
    assert next(iter(shown.answers)) == "cost"


@pytest.mark.parametrize("question", [*QUESTIONS, "by=effort&", "by=user&by=tenant&", "by=model&granularity=hour&"])
def test_a_figure_is_what_its_calls_add_up_to(store: AnalyticsService, question: str) -> None:
    assert_figures(store, f"cost?{question}{MARCH}")


@pytest.mark.parametrize("question", ["", "by=tenant&", "by=provider&by=attributes.team&granularity=total&"])
def test_so_it_is_in_a_store_that_is_hard_to_show(hard: AnalyticsService, question: str) -> None:
    assert_figures(hard, f"cost?{question}{PERIOD}")


def assert_figures(service: AnalyticsService, address: str) -> None:
    """Check every figure of money and of calls against the calls that its link leads to."""
    shown, asking = asked(service, address)
    explanations: dict[Any, CostExplanation] = {}
    told, expected = [], []
    for figure in figures(shown):
        key = (figure.behind.metric, *figure.behind.where.items(), figure.behind.start)
        if key not in explanations:
            explanations[key] = explained(asking, figure.behind)  # type: ignore[assignment]
        why = explanations[key]
        told.append((figure.name, figure.behind, figure.shown if figure.exact is None else figure.exact))
        expected.append((figure.name, figure.behind, _figure(figure.name, figure.exact, figure.behind, why)))
    assert told == expected
    assert told


def _figure(name: str, exact: Any, behind: Behind, why: Any) -> Any:
    """Return what the calls say of a figure: what they cost, or how many they are."""
    if not isinstance(why, CostExplanation):  # of corrections
        return f"{why.count:,}"
    if isinstance(exact, Decimal):
        return why.totals[behind.where["currency"]]
    calls = why.unknown_calls if behind.where.get("currency") == "" else why.calls
    return "unknown" if name == "cost" and exact is None else calls if exact is not None else f"{calls:,}"


def test_what_is_only_supposed_leads_to_no_calls_but_what_was_does(store: AnalyticsService) -> None:
    shown = page(store, f"cost?{WHAT_IF}{MARCH}")

    assert {figure.name for figure in figures(shown)} == {"was"}


def test_what_if_stands_beside_what_was(store: AnalyticsService) -> None:
    shown, asking = asked(store, f"cost?{WHAT_IF}{MARCH}")
    was, supposed = shown.answers["was"], shown.answers["cost"]

    assert was == store.get_cost_breakdown(asking.period).unwrap()
    table = next(part for part in parts_of(shown) if isinstance(part, Grid) and "supposed" in part.title)
    _, before, then, difference = table.columns
    told = {row: tuple(column.exact(row) for column in (before, then, difference)) for row in table.rows}  # type: ignore[misc]
    before_that, now = ({total.currency: total.cost for total in answer.totals} for answer in (was, supposed))
    assert told == {
        "EUR": (before_that["EUR"], now["EUR"], now["EUR"] - before_that["EUR"]),
        "USD": (before_that["USD"], None, None),  # all of these calls would cost euros
    }


def test_what_is_drawn_is_what_the_series_says(store: AnalyticsService) -> None:
    shown = page(store, f"cost?{MARCH}")
    charts = [part for part in parts_of(shown) if isinstance(part, Chart)]

    drawn = {chart.unit: sum(figure or 0 for row in chart.series for figure in row.figures) for chart in charts}
    assert drawn == {total.currency: total.cost for total in shown.answers["cost"].totals}


def test_a_value_leads_to_what_is_asked_of_it_alone(store: AnalyticsService) -> None:
    shown = page(store, f"cost?by=tenant&by=model&where=user=ada&{MARCH}")
    table = next(part for part in parts_of(shown) if isinstance(part, Grid) and part.title == "By tenant and model")
    tenant, model = (column.link(table.rows[0]).words for column in table.columns[:2])  # type: ignore[misc, union-attr]

    assert tenant == {"where": ["user=ada", "tenant=acme"], "by": ["model"]}
    assert model == {"where": ["user=ada", "model=acme-large"], "by": ["tenant"]}


def test_it_can_be_asked_by_all_that_is_declared(store: AnalyticsService) -> None:
    shown, asking = asked(store, f"cost?{MARCH}")
    choices = next(part for part in shown.parts if isinstance(part, Choices))
    names = [*choices.choices[0].options]

    assert "attributes.team" in names
    for name in names:
        assert store.get_cost_breakdown(asking.period, by=[name]).ok


def test_unit_costs_are_not_told_of_one_entity(store: AnalyticsService) -> None:
    shown = page(store, f"cost?where=user=ada&{MARCH}")
    section = next(part for part in parts_of(shown) if isinstance(part, Section) and part.title == "What one costs")

    assert "units" not in shown.answers
    assert plain(section)["parts"] == [
        "What a job, a task or a conversation costs is not told of calls that are narrowed to somebody."
    ]


def test_of_a_period_without_calls_it_says_so(store: AnalyticsService) -> None:
    shown = page(store, "cost?from=2026-01-01&to=2026-01-08")

    assert plain(shown)["parts"][1:] == ["No provider calls in this period: try a longer one, such as --last 4w."]


def test_where_all_is_unknown_no_sum_is_shown(store: AnalyticsService) -> None:
    shown = page(store, f"cost?where=model=llama&{MARCH}")
    tiles = next(part for part in shown.parts if isinstance(part, Tiles)).tiles

    assert [(tile.label, tile.figure, tile.alarm) for tile in tiles[:2]] == [
        ("Cost", "–", False),
        ("Cost unknown", str(shown.answers["cost"].unknown_calls), True),
    ]


@pytest.mark.parametrize(
    ("question", "error"),
    [
        ("by=colour", UnknownKey),
        ("model=claude-sonnet-4-5=nobody-knows", UnknownModel),
        ("model=claude-sonnet-4-5", BadWord),
        ("where=ada", BadWord),
        ("top=0", BadWord),
    ],
)
def test_a_question_that_cannot_be_answered_is_a_failure(
    store: AnalyticsService, question: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        page(store, f"cost?{question}&{MARCH}")


def test_as_of_then_it_says_what_it_said_then(store: AnalyticsService) -> None:
    head = store.store.log.head()
    then, now = page(store, f"cost?as_of={head}&{MARCH}"), page(store, f"cost?{MARCH}")

    assert [evolve(part, columns=()) for part in parts_of(then) if isinstance(part, Grid)][:1] == [
        evolve(part, columns=()) for part in parts_of(now) if isinstance(part, Grid)
    ][:1]
    assert then.answers["cost"].totals == now.answers["cost"].totals


def test_a_store_without_a_call_has_no_page_of_costs_to_fail() -> None:
    with opened(":memory:", clock=lambda: START) as empty:
        assert page(empty, "cost").answers["cost"].calls == 0
