"""Answers → charts: currencies apart, unknown cost marked, nothing drawn of what has not come, and sums that agree."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.presentation.charts.chart import Chart
from analytics_es.presentation.charts.of_answers import charts
from analytics_es.presentation.charts.performance import durations, error_rate
from analytics_es.presentation.charts.usage import events, tokens
from analytics_es.testing import provider_call, tool_call
from tests.stores import opened, record

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = TimePeriod(MONDAY, MONDAY + timedelta(days=7), "day")
NOW = MONDAY + timedelta(days=4, hours=12)  # Friday, noon


def calls() -> Iterator[dict[str, Any]]:
    """Yield calls of Monday, Tuesday and Thursday; one is of unknown cost, one is given back."""
    for day, model, cost, currency in (
        (0, "large", "2", "USD"),
        (0, "small", "0.5", "USD"),
        (1, "large", "1", "EUR"),
        (3, "large", "4", "USD"),
    ):
        at = MONDAY + timedelta(days=day, hours=9)
        yield provider_call(occurred_at=at, model=model, cost=cost, currency=currency)
    yield provider_call(occurred_at=MONDAY + timedelta(days=1), model="none", cost=None, currency=None)
    given_back = {"provider": "openai", "model": "small", "cost": "-1", "currency": "USD"}
    at = MONDAY + timedelta(days=3)
    yield {"event_type": "provider.usage.billed", "data": given_back, "occurred_at": at}
    yield tool_call(occurred_at=MONDAY + timedelta(days=3), duration_ms=500)


@pytest.fixture(scope="module")
def week() -> Iterator[AnalyticsService]:
    with opened(clock=lambda: NOW) as service:
        record(service, *calls())
        yield service


def figures(drawn: Chart) -> dict[str, list[Any]]:
    return {row.name: list(row.figures) for row in drawn.series}


def test_costs_over_time_are_drawn_by_model_and_currency_and_what_has_not_come_is_not(week: AnalyticsService) -> None:
    dollars, euros = charts(week.get_cost_series(WEEK).unwrap())

    rest = [None] * 3
    assert (dollars.unit, euros.unit) == ("USD", "EUR")
    assert figures(dollars) == {
        "large": [2, 0, 0, 4, *rest],
        "small": [Decimal("0.5"), 0, 0, -1, *rest],
    }
    assert figures(euros)["large"] == [0, 1, 0, 0, *rest]
    assert dollars.series[0].texts[0] == "2.0000 USD"
    assert dollars.title == "Cost by model in USD by the day, 2 Mar 2026 to 8 Mar 2026"


def test_what_is_of_unknown_cost_is_said_where_it_was(week: AnalyticsService) -> None:
    for drawn in charts(week.get_cost_breakdown(WEEK).unwrap()):
        assert drawn.notes == ["", "1 call of unknown cost", *[""] * 5]
        assert drawn.noted == "unknown cost"


def test_totals_are_drawn_for_each_currency(week: AnalyticsService) -> None:
    answer = week.get_cost_breakdown(WEEK).unwrap()

    drawn = {chart.unit: sum(figure or 0 for figure in chart.series[0].figures) for chart in charts(answer)}

    assert drawn == {total.currency: total.cost for total in answer.totals}


def test_more_than_six_are_five_and_all_others_which_come_to_the_same() -> None:
    with opened(clock=lambda: NOW) as service:
        record(
            service,
            *(
                provider_call(occurred_at=MONDAY + timedelta(days=day), model=f"m{model}", cost=f"{model}.01")
                for day in (0, 1)
                for model in range(1, 10)
            ),
        )
        [drawn] = charts(service.get_cost_series(WEEK).unwrap())
        [total] = service.get_cost_breakdown(WEEK).unwrap().totals

    assert [row.name for row in drawn.series] == ["m9", "m8", "m7", "m6", "m5", "4 others"]
    assert sum(figure or 0 for row in drawn.series for figure in row.figures) == total.cost


def test_performance_is_drawn_as_percentiles_and_as_a_rate(week: AnalyticsService) -> None:
    answer = week.get_performance_metrics(WEEK).unwrap()
    speed, failed = durations(answer.period, answer.series), error_rate(answer.period, answer.series)

    assert speed
    assert figures(speed) == {
        name: [getattr(point.duration_ms, name) for point in answer.series] for name in ("p50", "p95", "p99")
    }
    assert speed.series[0].figures[2] is None  # Wednesday: a gap, not 0
    assert (speed.unit, speed.kind) == ("ms", "lines")
    assert failed is None  # none did: a line along 0 says nothing that a tile does not


def test_usage_is_drawn_as_events_and_tokens(week: AnalyticsService) -> None:
    answer = week.get_usage_stats(None, None, WEEK).unwrap()
    all_of_them, told = events(answer), tokens(answer)

    assert all_of_them
    assert told
    assert figures(all_of_them) == {"not failed": [2, 2, 0, 3, *[None] * 3], "failed": [0, 0, 0, 0, *[None] * 3]}
    assert sum(figure or 0 for figure in told.series[0].figures) == answer.totals.input_tokens


@pytest.mark.parametrize(
    ("metric", "units", "names", "kind"),
    [
        ("performance.duration", ["ms"], ["p50", "p95", "p99"], "lines"),
        ("performance.calls", ["calls"], ["count"], "bars"),
        ("cost.reported_cost", ["EUR", "USD"], ["total"], "bars"),
        ("usage.first_seen", [], [], ""),  # a time has no height
    ],
)
def test_a_metric_is_drawn_as_what_it_is(
    week: AnalyticsService, metric: str, units: list[str], names: list[str], kind: str
) -> None:
    drawn = charts(week.get_summary(metric, WEEK).unwrap())

    assert sorted(chart.unit for chart in drawn) == units
    assert {row.name for chart in drawn for row in chart.series} == set(names)
    assert {chart.kind for chart in drawn} <= {kind}


@pytest.mark.parametrize("granularity", ["total", "day"])
def test_nothing_is_drawn_of_one_bucket_or_of_nothing(week: AnalyticsService, granularity: Any) -> None:
    empty = TimePeriod(MONDAY - timedelta(days=7), MONDAY, granularity)
    period = empty if granularity == "day" else TimePeriod(WEEK.start, WEEK.end, granularity)

    for answer in (week.get_cost_breakdown(period), week.get_performance_metrics(period)):
        assert charts(answer.unwrap()) == []
    assert charts(week.get_budgets().unwrap()) == []


def test_an_hour_that_comes_twice_is_two_buckets() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    night = TimePeriod(datetime(2026, 10, 25, 0, tzinfo=berlin), datetime(2026, 10, 25, 6, tzinfo=berlin), "hour")
    with opened(clock=lambda: datetime(2026, 10, 27, tzinfo=UTC)) as service:
        for hour in (0, 1):
            at = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
            record(service, provider_call(occurred_at=at, model="large", cost=str(hour + 1)))
        [drawn] = charts(service.get_cost_series(night).unwrap())

    assert figures(drawn) == {"large": [0, 0, 1, 2, 0, 0, 0]}
    assert len(set(drawn.labels)) == 7


@pytest.mark.parametrize(
    "changes", [{"figures": [1]}, {"texts": ["1"]}], ids=["a figure is missing", "a text is missing"]
)
def test_a_chart_has_one_figure_and_one_text_a_bucket(changes: dict[str, Any]) -> None:
    from attrs import evolve

    from tests.presentation.charts.examples import chart

    drawn = chart([1, 2])

    with pytest.raises(ValueError, match="2 buckets, but figures, texts or notes of"):
        evolve(drawn, series=[evolve(drawn.series[0], **changes)])
    with pytest.raises(ValueError, match="7 series: at most 6"):
        evolve(drawn, series=list(drawn.series) * 7)


def test_what_is_named_alike_is_drawn_apart() -> None:
    """A model may be named as those that name none, as two keys together, or as all others are."""
    names = ["(none)", None, "4 others", "a", "b", "c", "d", "e", "f"]
    with opened(clock=lambda: NOW, privacy="full") as service:
        record(
            service,
            *(
                provider_call(occurred_at=MONDAY, model=name, provider="house", cost=f"{10 - place}")
                for place, name in enumerate(names)
            ),
        )
        by_model = charts(service.get_cost_series(WEEK).unwrap())[0]

    firsts = {row.name: row.figures[0] for row in by_model.series}
    assert firsts == {"(none)": 10, "(none) (2)": 9, "4 others": 8, "a": 7, "b": 6, "4 others (2)": 14}


def test_two_keys_that_read_alike_together_are_drawn_apart() -> None:
    pairs = [("a", "b · c"), ("a · b", "c")]
    with opened(clock=lambda: NOW, privacy="full") as service:
        record(
            service,
            *(
                provider_call(occurred_at=MONDAY, model=model, provider=provider, cost=cost)
                for (provider, model), cost in zip(pairs, ["2", "1"], strict=True)
            ),
        )
        drawn = charts(service.get_cost_series(WEEK, by=("provider", "model")).unwrap())[0]

    assert [(row.name, row.figures[0]) for row in drawn.series] == [("a · b · c", 2), ("a · b · c (2)", 1)]
