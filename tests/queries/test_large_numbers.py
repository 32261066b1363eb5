"""Large numbers: sums far beyond 64 bits are exact in every answer, on both databases, in JSON, files and tables."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from decimal import Context, Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.events.codec import to_json
from analytics_es.projection import count, key, largest, projection, smallest, total
from analytics_es.projections import Budgets, Cost, Performance, Usage
from analytics_es.testing import NOON, budget_allocated, provider_call
from analytics_es.types import Distribution
from tests.examples import examples
from tests.servers import Server
from tests.stores import append, opened, record, stored

DAY = TimePeriod(NOON - timedelta(hours=12), NOON + timedelta(hours=12), "hour")
LARGEST = 2**63 - 1
NANOSECONDS = 1_772_452_800_000_000_000  # a time by mistake
BOTH = pytest.mark.store("sqlite", "memory", "postgres", clock=lambda: NOON + timedelta(hours=1))


def old(number: int = 1, **data: Any) -> Any:
    """Return a call as an earlier version has admitted it."""
    return stored("provider.call.completed", provider="p", model="m", id=f"old-{number}", **data)


@BOTH
@pytest.mark.parametrize("tokens", [[LARGEST, LARGEST, 1], [NANOSECONDS] * 6], ids=["2^63-1", "nanoseconds"])
def test_a_log_that_holds_such_counts_stops_nothing(analytics: AnalyticsService, tokens: list[int]) -> None:
    append(analytics.store.log, *(old(n, input_tokens=each) for n, each in enumerate(tokens)))
    analytics.record_event(**provider_call(input_tokens=900, provider="q")).unwrap()

    analytics.catch_up()

    usage = analytics.get_usage_stats(None, None, DAY).unwrap().totals
    breakdown = analytics.get_cost_breakdown(DAY, by=["model"]).unwrap()
    assert usage.input_tokens == breakdown.tokens.input == sum(tokens) + 900
    assert json.loads(to_json(breakdown))["tokens"]["input"] == sum(tokens) + 900
    assert analytics.get_summary("usage.input_tokens", DAY).unwrap().figures.total == sum(tokens) + 900
    assert analytics.verify().unwrap().identical
    assert {each.error for each in analytics.projections().unwrap()} == {None}


@BOTH
def test_small_units_of_money_reach_large_sums(analytics: AnalyticsService) -> None:
    spent = budget_allocated(budget_id="b", amount="2500000000.000000000000000001", currency="VND")
    record(
        analytics,
        *(provider_call(cost=9_000_000_000, currency="VND") for _ in range(3)),
        *(budget_allocated(budget_id="b", amount=5_000_000_000, currency="VND") for _ in range(2)),
        {**spent, "event_type": "budget.spent"},
    )

    (total_cost,) = analytics.get_cost_breakdown(DAY).unwrap().totals
    (budget,) = analytics.get_budgets().unwrap().budgets
    assert (total_cost.currency, total_cost.cost) == ("VND", 27_000_000_000)
    assert (budget.allocated, budget.spent) == (10_000_000_000, Decimal("2500000000.000000000000000001"))
    assert budget.remaining == Decimal("7499999999.999999999999999999")


@BOTH
def test_costs_are_exact_as_they_were_reported(analytics: AnalyticsService) -> None:
    record(analytics, *(provider_call(cost="0.0000000004") for _ in range(1000)))

    (told,) = analytics.get_cost_breakdown(DAY).unwrap().totals
    assert (told.cost, told.reported_calls) == (Decimal("0.0000004"), 1000)
    assert analytics.explain_cost(DAY).unwrap().totals == {"USD": told.cost}
    assert analytics.get_summary("cost.reported_cost", DAY).unwrap().figures.total == told.cost


MONEY = st.decimals("0.000000000000000001", 10**15, places=18)
CALLS = st.lists(
    st.fixed_dictionaries(
        {
            "cost": MONEY | st.sampled_from([Decimal("1e-18"), Decimal(10**15), Decimal("0.100000000000000006")]),
            "input_tokens": st.integers(900, 10**12),
            "duration_ms": st.integers(0, 10**12),
            "value": st.decimals(0, 10**18, places=18),
            "user_id": st.sampled_from(["ada", "bob"]),
            "occurred_at": st.sampled_from([NOON, NOON + timedelta(minutes=1), NOON - timedelta(hours=2)]),
        }
    ),
    min_size=1,
    max_size=12,
)


@projection(version=1, consumes=("provider.>",))
class Values:
    """Any number, to all its decimals."""

    currency: str = key("currency")
    calls: int = count()
    value: int | None = total("value", decimals=18)
    least: int | None = smallest("value", decimals=18)
    most: int | None = largest("cost", decimals=18)


PROJECTIONS = (Budgets, Cost, Performance, Usage, Values)


@pytest.mark.parametrize("database", ["memory", "postgres"])
@given(calls=CALLS)
@examples(4)
def test_every_sum_is_that_of_python(
    request: pytest.FixtureRequest, database: str, calls: list[dict[str, Any]]
) -> None:
    place, options = ":memory:", {}
    if database == "postgres":
        server: Server = request.getfixturevalue("postgres")
        place, options = server.url, {"schema": server.schema(), "privacy": "full"}
    with opened(place, projections=PROJECTIONS, **options) as service:
        for batch in (calls[::2], calls[1::2]):
            record(service, *(provider_call(**call) for call in batch))

        costs = [call["cost"] for call in calls]
        answer = service.get_cost_breakdown(DAY, by=["user"]).unwrap()
        assert answer.totals[0].cost == _sum(costs)
        assert _sum(row.cost or Decimal(0) for row in answer.rows) == _sum(costs)
        assert service.explain_cost(DAY).unwrap().totals == {"USD": _sum(costs)}
        tokens, milliseconds = (sum(call[field] for call in calls) for field in ("input_tokens", "duration_ms"))
        assert service.get_usage_stats(None, None, DAY).unwrap().totals.input_tokens == tokens
        assert _figures(service, "performance.duration").total == milliseconds
        assert _figures(service, "values.value").total == _sum(call["value"] for call in calls)
        assert _figures(service, "values.least").minimum == min(call["value"] for call in calls)
        assert _figures(service, "values.most").maximum == max(costs)
        assert service.verify().unwrap().identical


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    with localcontext(Context(prec=200)):
        return sum(amounts, Decimal(0))


def _figures(service: AnalyticsService, metric: str) -> Distribution:
    return service.get_summary(metric, DAY).unwrap().figures


@projection(version=1, consumes=("meter.>",))
class Meter:
    """What was measured."""

    measured: int | None = total("value", decimals=18)


READ = {"event_type": "meter.read", "data": {"value": 10**18}, "occurred_at": NOON}


@pytest.mark.parametrize("form", ["csv", "json"])
def test_sums_are_exported_with_all_their_digits(tmp_path: Path, form: Any) -> None:
    with opened(projections=[Meter]) as service:
        for _ in range(3):  # as a batch, the sum of these would have more than 38 digits
            record(
                service,
                *[READ] * 60,
            )
        result = service.export_data(form, DAY, ["meter.measured"], to=tmp_path / "sums").unwrap()

    assert "180000000000000000000" in result.path.read_text()


def test_a_sum_that_parquet_has_no_digits_for_is_a_failure_that_says_so(tmp_path: Path) -> None:
    with opened(projections=[Meter]) as service:
        for _ in range(3):
            record(
                service,
                *[READ] * 60,
            )
        failure = service.export_data("parquet", DAY, ["meter.measured"], to=tmp_path / "sums").failure

    assert failure is not None
    assert failure.code == "too_many_digits"
    assert list(tmp_path.iterdir()) == []
