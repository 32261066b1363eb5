"""What is below 0 is added up exactly where it can be, and is listed where it cannot: in a histogram."""

from __future__ import annotations

from decimal import Decimal

import pytest

from analytics_es import AnalyticsService
from analytics_es.projection import Histogram, histogram, key, largest, projection, smallest, total
from analytics_es.projections import Cost
from analytics_es.testing import event, provider_call, record
from tests.day import DAY
from tests.stores import rows


@projection(version=1, consumes=("shop.>", "provider.>"))
class Sales:
    """Sales and what was given back, by shop."""

    shop: str = key("tenant_id")
    turnover: int | None = total("value", decimals=18)
    least: int | None = smallest("value", decimals=18)
    most: int | None = largest("value", decimals=18)
    refunds: int | None = total("value", where="value < 0", decimals=18)


@projection(version=1, consumes=(">",))
class Sizes:
    """How large sales are."""

    sizes: Histogram = histogram("value", decimals=2)


AMOUNTS = ("12.5", "-2.5", -7, "-0.000000000000000001", Decimal("-30.25"), 4.75)
EIGHTEENTHS = 10**18


@pytest.mark.parametrize("event_type", ["shop.sale.made", "provider.usage.billed"])
def test_values_below_zero_are_added_up(event_type: str) -> None:
    (row,) = rows(Sales, *(event(event_type, tenant_id="a", value=amount) for amount in AMOUNTS))

    assert {name: row[name] for name in ("turnover", "least", "most", "refunds")} == {
        "turnover": int(Decimal("-22.5") * EIGHTEENTHS) - 1,
        "least": int(Decimal("-30.25") * EIGHTEENTHS),
        "most": int(Decimal("12.5") * EIGHTEENTHS),
        "refunds": int(Decimal("-39.75") * EIGHTEENTHS) - 1,
    }


@pytest.mark.store(projections=[Sizes], privacy="full")
@pytest.mark.parametrize("event_type", ["shop.sale.made", "provider.usage.billed"])
def test_a_histogram_leaves_out_what_is_below_zero_and_lists_it(analytics: AnalyticsService, event_type: str) -> None:
    record(analytics, *(event(event_type, value=amount) for amount in ("12.5", "-2.5", -7, Decimal("-30.25"), 4.75)))

    figures = analytics.get_summary("sizes.sizes", DAY).unwrap().figures
    assert (figures.count, figures.total) == (2, Decimal("17.25"))
    assert [value.field for value in analytics.unreadable_values().unwrap()] == ["sizes"] * 3


@pytest.mark.store(projections=[Cost], privacy="full")
def test_credits_are_part_of_what_was_charged(analytics: AnalyticsService) -> None:
    credits = ("-0.5", "-0.000000000000000003", -2)
    billed = [event("provider.usage.billed", provider="anthropic", cost=cost, currency="USD") for cost in credits]
    record(analytics, provider_call(cost="1.25"), *billed)

    answer = analytics.get_cost_breakdown(DAY, by=["provider"]).unwrap()

    expected = Decimal("-1.250000000000000003")
    assert [(total.cost, total.reported_cost, total.currency) for total in answer.totals] == [
        (expected, expected, "USD")
    ]
    assert [(row.cost, row.calls) for row in answer.rows] == [(expected, 1)]
    assert analytics.get_summary("cost.reported_cost", DAY).unwrap().figures.total == expected
    record(analytics, event("provider.usage.billed", provider="anthropic", cost="1.250000000000000003", currency="USD"))
    assert [total.cost for total in analytics.get_cost_breakdown(DAY, by=["provider"]).unwrap().totals] == [0]
