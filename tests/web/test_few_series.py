"""Series are bounded, add up, and name nobody, whatever models and budgets are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parsed_openmetrics
from starlette.testclient import TestClient

from analytics_es import AnalyticsService
from analytics_es.testing import provider_call
from analytics_es.types import BudgetReport, CostBreakdown, Succeeded
from analytics_es.web import analytics_app, figures
from analytics_es.web.prometheus import encoded
from tests.stores import opened, record
from tests.web.vital_signs import DAY, OPENMETRICS, month, scoped, series, told

HOSTILE = ['a"b', "a\nb", "a\\b", "\u2028", "(others)", "(none)", " ", "🙂" * 300, "ada\x01", "x" * 500, "# HELP x"]


@pytest.mark.store(privacy="full")
def test_names_of_models_cannot_break_out_of_a_label(analytics: AnalyticsService) -> None:
    record(analytics, *(provider_call(model=model, cost="1", currency="USD") for model in HOSTILE))
    month(analytics)
    client = TestClient(analytics_app(analytics))

    seen = series(client)
    openmetrics = client.get("/metrics", headers=OPENMETRICS).text

    assert sum(cost for (name, *_), cost in seen.items() if name == "month_spend") == len(HOSTILE)
    assert list(parsed_openmetrics(openmetrics))
    assert max(len(label) for name, *labels in seen for label in labels) <= 128


CURRENCIES = ["USD", "EUR", "GBP", "JPY", "CHF", "SEK", "NOK"]
PERSON = "zz-person-"  # how the names of persons begin, so that they are found
names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=12)
charges = st.tuples(names, st.sampled_from(CURRENCIES), st.decimals(0, 1000, places=4))


@st.composite
def accounts(draw: st.DrawFn) -> tuple[str, str, str]:
    """Return a budget: of everyone or of a model, or of somebody after whom it is named."""
    scope, name = draw(st.sampled_from(["all", "model", "tenant", "user", ""])), draw(names)
    named = name if scope in ("all", "model") else f"{PERSON}{name}"
    return scope, named, draw(st.sampled_from(CURRENCIES))


@frozen
class Answers:
    """In the place of a service: answers with other rows than those of a template."""

    breakdown: CostBreakdown
    report: BudgetReport
    store: Any

    def get_cost_breakdown(self, *_: Any, **__: Any) -> Succeeded[CostBreakdown]:
        return Succeeded(self.breakdown)

    def get_budgets(self) -> Succeeded[BudgetReport]:
        return Succeeded(self.report)

    def series(self) -> dict[str, dict[tuple[str, ...], Any]]:
        families = [*figures.of_costs(self), *figures.of_budgets(self)]  # type: ignore[arg-type]
        encoded(families, "")
        return {family.name: dict(family.samples) for family in families}


@pytest.fixture(scope="module")
def answers() -> Iterator[Any]:
    """Return what makes answers of charges (model, currency, cost) and of budgets (scope, name, currency)."""
    with opened(privacy="full") as analytics:
        record(analytics, *DAY)
        month(analytics)
        breakdown = analytics.get_cost_breakdown("this-month", by=["model"]).unwrap()
        report, store = analytics.get_budgets().unwrap(), analytics.store

        def made(charges: Iterable[tuple[str, str, Any]], budgets: Iterable[tuple[str, str, str]]) -> Answers:
            rows = [
                evolve(breakdown.rows[0], keys={"model": model}, currency=currency, cost=cost)
                for model, currency, cost in charges
            ]
            counted = Counter(row.currency for row in rows).most_common()
            totals = [evolve(breakdown.totals[0], currency=currency, calls=calls) for currency, calls in counted]
            of_budgets = [
                evolve(report.budgets[0], scope=scope, budget_id=name, currency=currency)
                for scope, name, currency in budgets
            ]
            return Answers(evolve(breakdown, rows=rows, totals=totals), evolve(report, budgets=of_budgets), store)

        yield made


@given(charged=st.lists(charges, max_size=80), budgets=st.lists(accounts(), max_size=80))
def test_series_are_bounded_add_up_and_name_nobody(answers: Any, charged: list[Any], budgets: list[Any]) -> None:
    series = answers(charged, budgets).series()
    shown = {currency for _, currency in series["month_spend"]}

    assert PERSON not in str(series)
    assert all(len(amounts) <= 5 * 21 for name, amounts in series.items() if name.startswith("month"))
    assert all(len(amounts) <= 20 + 5 * 5 for name, amounts in series.items() if name.startswith("budget"))
    assert series["month_other_currencies"][()] == len({currency for _, currency, _ in charged} - shown)
    assert sum(series["month_spend"].values()) == sum(cost for _, currency, cost in charged if currency in shown)
    if not series["budget_other_currencies"][()]:
        assert sum(series["budgets"].values()) == len(budgets)


def test_ten_thousand_models_and_budgets_are_a_few_dozen_series(answers: Any) -> None:
    charged = [(f"model-{number:05}", "USD", Decimal(number)) for number in range(10_000)]
    budgets = [("all", f"budget-{number:05}", "USD") for number in range(10_000)]

    series = answers(charged, budgets).series()

    assert (len(series["month_spend"]), sum(series["month_spend"].values())) == (21, sum(range(10_000)))
    assert list(series["month_spend"])[::20] == [("model-09999", "USD"), ("(others)", "USD")]
    assert (len(series["budgets"]), series["budgets"]["(others)", "all", "USD"]) == (21, 9_980)


@pytest.mark.store(privacy="pseudonymous")
def test_a_pseudonym_is_nobodys_label_even_where_a_budget_or_a_model_is_named_by_it(
    analytics: AnalyticsService,
) -> None:
    record(analytics, provider_call(user_id="ada"))
    pseudonym = analytics.get_usage_stats("user", None, "2026-03-02").unwrap().top_entities[0].entity_id
    record(
        analytics,
        provider_call(model=f"of {pseudonym}", cost="1"),
        provider_call(model=f"{pseudonym}-v2", cost="1"),
        scoped("all", budget_id=f"user-{pseudonym}-march", amount="1"),
        scoped("all", budget_id=f"{pseudonym}_march", amount="1"),
        scoped("all", budget_id=pseudonym, amount="1"),
        scoped("all", budget_id="everything", amount="1"),
    )
    month(analytics)

    text = TestClient(analytics_app(analytics)).get("/metrics").text

    assert pseudonym.startswith("p_")
    assert pseudonym not in text
    assert {"everything", "(others)"} <= {label for _, *labels in told(text) for label in labels}
