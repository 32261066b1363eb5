"""The overview: what it costs, how fast it is, who uses it, what is not known; and what to do without events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService
from analytics_es.cli import main
from analytics_es.presentation.blocks import Beside, Grid, Line
from analytics_es.presentation.charts.chart import Chart
from analytics_es.presentation.parts import Meters, Page, Section, Steps, Tile, Tiles
from analytics_es.presentation.tables.report import ANSWERS, reported
from analytics_es.projection import count, projection
from analytics_es.testing import provider_call
from analytics_es.types import CostExplanation
from tests.hostile_store import PERIOD
from tests.presentation.pages.asking import asked, explained, figures, page, parts_of, plain, said
from tests.presentation.pages.spending import MARCH, NOW, START, spending
from tests.stores import opened, record


@pytest.fixture(scope="module")
def store() -> Iterator[AnalyticsService]:
    with spending() as service:
        yield service


def tiles(shown: Page) -> dict[str, Tile]:
    return {tile.label: tile for part in shown.parts if isinstance(part, Tiles) for tile in part.tiles}


def test_it_shows_what_there_is_at_a_glance(store: AnalyticsService, snapshot: SnapshotAssertion) -> None:
    assert plain(_one_by_one(page(store, f"overview?{MARCH}"))) == snapshot


def _one_by_one(part: Any) -> Any:
    """Return a page with tables below one another that stand beside one another."""
    if not isinstance(part, Page | Section):
        return part
    parts = (
        each for inner in part.parts for each in ([inner.left, inner.right] if isinstance(inner, Beside) else [inner])
    )
    return evolve(part, parts=[*map(_one_by_one, parts)])


def test_its_answers_are_those_of_the_report(store: AnalyticsService) -> None:
    shown, asking = asked(store, f"overview?{MARCH}")
    report = reported(store, asking.period)

    assert shown.answers == {"report": report, **{name: getattr(report, name) for name in ANSWERS}}


@pytest.mark.parametrize("question", [MARCH, f"{MARCH}&tz=Asia/Kolkata", "last=7d", f"{MARCH}&as_of=60"])
def test_a_figure_is_that_of_the_events_it_leads_to(store: AnalyticsService, question: str) -> None:
    assert_figures(store, f"overview?{question}")


def test_so_it_is_in_a_store_that_is_hard_to_show(hard: AnalyticsService) -> None:
    assert_figures(hard, f"overview?{PERIOD}")


RATES = ("error rate", "tokens/s")  # of which the events are the ones that count


def assert_figures(service: AnalyticsService, address: str) -> None:
    """Check every figure that has a link against the events that it leads to."""
    shown, asking = asked(service, address)
    explanations: dict[Any, Any] = {}
    told, expected = [], []
    for figure in figures(shown):
        if figure.name in RATES or (figure.shown == "unknown" and figure.exact is None):
            continue
        key = (figure.behind.metric, *figure.behind.where.items())
        why = explanations.setdefault(key, None) or explained(asking, figure.behind)
        explanations[key] = why
        told.append((figure.name, key, said(figure)))
        expected.append((figure.name, key, _number(figure, why)))
    assert told == expected
    assert len(told) > 20


def _number(figure: Any, why: Any) -> Any:
    if isinstance(why, CostExplanation):
        money = figure.name == "cost" or figure.name.startswith("Cost in")
        if money:
            return why.totals[figure.behind.where["currency"]]
        return why.unknown_calls if figure.behind.where.get("currency") == "" else why.calls
    quantile = re.match(r"p\d\d", figure.name.removeprefix("first chunk "))
    if quantile:
        return getattr(why.figures, quantile[0])
    return why.figures.count if figure.behind.metric.endswith("calls") else _total(why)


def _total(why: Any) -> Any:
    return why.count if why.figures.total is None else why.figures.total


def test_money_of_two_currencies_has_a_tile_each(store: AnalyticsService) -> None:
    shown = page(store, f"overview?{MARCH}")
    costs = {total.currency: total.cost for total in shown.answers["cost"].totals}

    assert {label: tile.exact for label, tile in tiles(shown).items() if label.startswith("Cost in")} == {
        f"Cost in {currency}": cost for currency, cost in costs.items()
    }
    assert [chart.unit for chart in parts_of(shown) if isinstance(chart, Chart)] == [*costs]


def test_more_currencies_than_have_room_are_named() -> None:
    with opened(":memory:", clock=lambda: NOW) as service:
        names = ["USD", "EUR", "GBP", "CHF", "JPY"]
        record(service, *(provider_call(currency=name, occurred_at=START) for name in names))
        told = tiles(page(service, "overview?last=7d"))

    assert (told["Cost, too"].figure, told["Cost, too"].note) == ("2 currencies", "JPY, USD")


def test_what_is_not_known_stands_beside_what_is(store: AnalyticsService) -> None:
    shown = page(store, f"overview?{MARCH}")
    unknown, cost = tiles(shown)["Cost unknown"], shown.answers["cost"]

    assert (unknown.exact, unknown.alarm) == (cost.unknown_calls, True)
    assert unknown.note == "calls, in no sum: llama"
    assert "What is not known" in [part.title for part in parts_of(shown) if isinstance(part, Section)]


def test_where_all_is_known_that_is_said() -> None:
    with opened(":memory:", clock=lambda: NOW) as service:
        record(service, provider_call(occurred_at=START))
        shown = page(service, "overview?last=7d")

    unknown = tiles(shown)["Cost unknown"]
    assert (unknown.note, unknown.alarm) == ("of every call it is known", False)
    assert "What is not known" not in [part.title for part in parts_of(shown) if isinstance(part, Section)]


@pytest.mark.parametrize(
    ("before", "now", "note"),
    [
        (["1"], ["1.5"], "+50.0 % on 1.00 before"),
        (["0.001"], ["4"], "0.001000 before"),
        ([], ["1"], "nothing before"),
        (["0"], ["1"], "0.000000 before"),
    ],
)
def test_a_cost_is_compared_with_the_period_before(before: list[str], now: list[str], note: str) -> None:
    days = [(START - timedelta(days=1), before), (START, now)]
    calls = [
        provider_call(cost=cost, occurred_at=at, input_tokens=0, output_tokens=0, **dict.fromkeys(PARTS))
        for at, costs in days
        for cost in costs
    ]
    with opened(":memory:", clock=lambda: NOW) as service:
        record(service, *calls)
        told = tiles(page(service, "overview?from=2026-03-02&to=2026-03-03"))

    assert told["Cost in USD"].note == note


PARTS = ("cache_read_tokens", "cache_creation_tokens", "reasoning_tokens")


def test_while_a_period_goes_on_it_says_where_that_leads() -> None:
    with opened(":memory:", clock=lambda: START.replace(hour=12)) as service:
        record(service, provider_call(cost="2", occurred_at=START))
        told = tiles(page(service, "overview?today"))

    assert told["Cost in USD"].note == "nothing before · on course for 4.00"


def test_what_the_read_models_lag_behind_is_told(hard: AnalyticsService) -> None:
    shown = page(hard, f"overview?{PERIOD}")
    lag = tiles(shown)["Not yet in any figure"]

    assert (lag.exact, lag.alarm, lag.link and lag.link.page) == (
        shown.answers["cost"].completeness.lag_events,
        True,
        "projections",
    )


def test_what_is_doubtful_is_told_in_lines() -> None:
    with opened(":memory:", clock=lambda: NOW) as service:
        record(service, provider_call(cost=None, currency=None, model="mystery", occurred_at=START, total_tokens=3))
        shown = page(service, "overview?last=7d")
    section = next(part for part in parts_of(shown) if isinstance(part, Section) and part.title == "What is not known")
    lines = [part.text.partition(":")[0] for part in section.parts if isinstance(part, Line)]

    assert lines == ["Unknown cost", "read by nothing"]


def test_budgets_are_the_fullest_first(store: AnalyticsService) -> None:
    shown = page(store, f"overview?{MARCH}")
    (meters,) = (part for part in parts_of(shown) if isinstance(part, Meters))

    assert [(meter.name, meter.part) for meter in meters.meters] == [
        (budget.budget_id, budget.used) for budget in shown.answers["budgets"].budgets
    ]


def test_a_model_leads_to_what_it_costs_by_user(store: AnalyticsService) -> None:
    shown = page(store, f"overview?{MARCH}")
    table = next(part for part in parts_of(shown) if isinstance(part, Grid) and part.title == "Cost by model")
    link = table.columns[0].link and table.columns[0].link(table.rows[0])

    assert link
    assert (link.page, link.words) == ("cost", {"where": ["model=mistral-large"], "by": ["user"]})


# ── where there is nothing ──────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_store_says_what_to_do_next(snapshot: SnapshotAssertion) -> None:
    with opened(":memory:", clock=lambda: NOW) as empty:
        (section,) = page(empty, "overview").parts

    assert isinstance(section, Section)
    line, steps = section.parts
    assert isinstance(line, Line)
    assert isinstance(steps, Steps)
    assert {"line": line.text, "steps": [(step.text, step.code) for step in steps.steps]} == snapshot


def test_the_commands_of_the_next_steps_are_there() -> None:
    with opened(":memory:", clock=lambda: NOW) as empty:
        (section,) = page(empty, "overview").parts
    codes = [step.code for part in parts_of(section) if isinstance(part, Steps) for step in part.steps]
    commands = [line.split()[1] for code in codes for line in code.splitlines() if line.startswith("analytics-es ")]

    assert set(commands) == {"demo", "serve", "agents"}
    assert set(commands) <= {*main.list_commands(None)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("zone", "days"),
    [("UTC", {"from": "2026-03-01", "to": "2026-03-06"}), ("Asia/Tokyo", {"from": "2026-03-01", "to": "2026-03-06"})],
)
def test_of_a_period_without_events_it_offers_the_days_where_events_are(zone: str, days: dict[str, str]) -> None:
    with opened(":memory:", clock=lambda: NOW) as service:
        record(service, provider_call(occurred_at=START - timedelta(days=1)), provider_call(occurred_at=NOW))
        (section,) = page(service, f"overview?from=2026-01-01&to=2026-01-08&tz={zone}").parts

    assert isinstance(section, Section)
    assert section.more
    assert {name: text for name, text in section.more.words.items() if text is not None} == days


def test_of_a_long_history_it_offers_the_last_month_of_it() -> None:
    with opened(":memory:", clock=lambda: NOW) as service:
        record(service, provider_call(occurred_at=START - timedelta(days=400)), provider_call(occurred_at=START))
        (section,) = page(service, "overview?from=2026-01-01&to=2026-01-08").parts

    assert isinstance(section, Section)
    assert section.more
    assert section.more.text == "show 2026-01-31 to 2026-03-02"


def test_then_an_empty_log_had_the_same_next_steps(store: AnalyticsService) -> None:
    (section,) = page(store, "overview?as_of=0").parts

    assert isinstance(section, Section)
    assert section.title == "No events yet"


@projection(version=1, consumes=("tool.>",))
class Tools:
    """How often tools are used."""

    uses: int = count()


def test_a_store_without_our_projections_says_what_it_has() -> None:
    with opened(":memory:", clock=lambda: NOW, projections=[Tools]) as service:
        shown = plain(page(service, "overview"))

    assert shown["parts"][0] == "This store has no projection `usage`, which this page shows."
