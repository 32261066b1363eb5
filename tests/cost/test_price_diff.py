"""What prices change is told before they are published; what was answered before stays as it was."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import BadPrice
from analytics_es.events.codec import to_json
from analytics_es.testing import NOON, price, provider_call
from analytics_es.types import CostBreakdown, PriceChangeTotal
from tests.histories_of_cost import DAYS, HOUR, calls, entries
from tests.stores import nth, record

D = Decimal
DAY = TimePeriod(NOON - 12 * HOUR, NOON + 12 * HOUR)
UNREPORTED = {"provider": "acme", "model": "acme-large", "cost": None, "currency": None}
Figures = dict[tuple[str, str, str, str], Decimal | int]


def by_day(analytics: AnalyticsService, period: TimePeriod) -> Figures:
    """Return costs by day, model and currency, and of "" how many calls have none that is known."""
    found: Figures = {}
    for number in range((period.end - period.start) // (24 * HOUR)):
        start = period.start + number * 24 * HOUR
        day = TimePeriod(start, start + 24 * HOUR, "total")
        for row in analytics.get_cost_breakdown(day, by=("provider", "model")).unwrap().rows:
            figure = row.calls if row.cost is None else row.cost
            found[(f"{start:%d}", row.keys["provider"], row.keys["model"], row.currency)] = figure
    return found


def changed(before: Figures, after: Figures) -> dict[tuple[str, str, str, str], Decimal | int]:
    differences = {key: after.get(key, 0) - before.get(key, 0) for key in {*before, *after}}
    return {key: difference for key, difference in differences.items() if difference}


@settings(max_examples=10)
@given(calls=calls(), published=entries(), added=entries())
def test_a_diff_is_what_publishing_then_changes(
    calls: list[dict[str, Any]], published: list[dict[str, Any]], added: list[dict[str, Any]]
) -> None:
    with AnalyticsService.open(":memory:", follow=False) as analytics:
        record(analytics, *calls)
        analytics.publish_prices(published).unwrap()
        before = by_day(analytics, DAYS)
        told = analytics.diff_prices(added, DAYS).unwrap()

        analytics.publish_prices(added).unwrap()
        after = by_day(analytics, DAYS)

    expected: Figures = {}
    for each in told.changes:
        key = (f"{each.start:%d}", each.provider, each.model)
        for currency in {*each.was.cost, *each.now.cost}:
            expected[(*key, currency)] = each.now.cost.get(currency, D(0)) - each.was.cost.get(currency, D(0))
        expected[(*key, "")] = each.now.unknown_calls - each.was.unknown_calls
    assert {key: figure for key, figure in expected.items() if figure} == changed(before, after)
    assert all(each.entries for each in told.changes)


def test_nothing_is_recorded_by_a_diff(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(cost=None, currency=None))
    analytics.get_cost_breakdown(DAY).unwrap()  # which default prices are in use is known from here on
    head = analytics.record_event(**provider_call()).unwrap().position

    analytics.diff_prices([price()], DAY).unwrap()

    assert analytics.record_event(**provider_call()).unwrap().position == head + 1


def test_what_was_answered_as_of_then_stays_byte_for_byte(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(**UNREPORTED))
    head = analytics.publish_prices([price()]).unwrap().position

    def then() -> str:
        with analytics.as_of(head) as answering:
            return to_json(answering.get_cost_breakdown(DAY).unwrap())

    before = then()
    analytics.publish_prices([price(per_mtok={"input_tokens": "7"})]).unwrap()

    assert then() == before
    assert total(analytics.get_cost_breakdown(DAY).unwrap()) == {"EUR": D("0.0084")}


def total(answer: CostBreakdown) -> dict[str, Decimal]:
    return {each.currency: each.cost for each in answer.totals}


def test_a_change_says_which_price_of_the_file_replaces_which(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(**UNREPORTED))
    position = analytics.publish_prices([price()]).unwrap().position
    other = price(model="another")

    told = analytics.diff_prices([other, price(per_mtok={"input_tokens": "4"})], DAY).unwrap()

    (change,) = told.changes
    assert (change.entries, [each.position for each in change.was.prices]) == ([2], [position])
    assert (change.calls, change.difference) == (1, D("0.0048") - D("0.00216"))
    assert told.totals == [PriceChangeTotal(currency="EUR", was=D("0.00216"), now=D("0.0048"), difference=D("0.00264"))]


def test_another_currency_is_said_and_not_subtracted(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(**UNREPORTED))
    analytics.publish_prices([price()]).unwrap()

    told = analytics.diff_prices([price(currency="USD")], DAY).unwrap()

    (change,) = told.changes
    assert (change.was.cost, change.now.cost, change.difference) == ({"EUR": D("0.00216")}, {"USD": D("0.00216")}, None)
    assert [(each.currency, each.was, each.now, each.difference) for each in told.totals] == [
        ("EUR", D("0.00216"), None, None),
        ("USD", None, D("0.00216"), None),
    ]


def test_what_becomes_known_and_what_becomes_unknown_is_said(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(**UNREPORTED), provider_call(cost=None, currency=None))
    no_input = {"per_mtok": None, "each": {"searches": "1"}}

    told = analytics.diff_prices(
        [price(), price(provider="anthropic", model="claude-sonnet-4-5", currency="USD", **no_input)], DAY
    ).unwrap()

    assert [(each.model, each.was.unknown_calls, each.now.unknown_calls, each.difference) for each in told.changes] == [
        ("acme-large", 1, 0, None),
        ("claude-sonnet-4-5", 0, 1, None),
    ]
    assert [each.entries for each in told.changes] == [[1], [2]]


def test_what_is_reported_stays_and_is_counted(analytics: AnalyticsService) -> None:
    record(
        analytics, provider_call(), provider_call(), provider_call(cost=None, currency=None, occurred_at=NOON + HOUR)
    )

    told = analytics.diff_prices([price(provider="*", model="*", currency="USD")], DAY).unwrap()

    assert told.reported_calls == 2
    assert [each.calls for each in told.changes] == [1]


def test_a_reported_0_of_a_model_declared_free_becomes_known(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(cost="0"))
    free = price(provider="*", model="*", currency=None, per_mtok=None, free=True)

    (change,) = analytics.diff_prices([free], DAY).unwrap().changes

    assert (change.was.unknown_calls, change.now.cost, change.entries) == (1, {"USD": D(0)}, [1])


def test_days_are_those_of_the_store() -> None:
    with AnalyticsService.open(":memory:", timezone="Asia/Tokyo", follow=False) as analytics:
        record(analytics, provider_call(**UNREPORTED, occurred_at=NOON + 4 * HOUR))

        (change,) = analytics.diff_prices([price()], DAYS).unwrap().changes

    assert change.start.isoformat() == "2026-03-03T00:00:00+09:00"


def test_a_wrong_price_is_a_failure(analytics: AnalyticsService) -> None:
    with pytest.raises(BadPrice):
        analytics.diff_prices([price(currency="euro")], DAY).unwrap()


def test_a_diff_can_be_asked_as_of_then(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(**UNREPORTED))
    analytics.publish_prices([price()]).unwrap()

    with analytics.as_of(nth(1)) as then:
        (change,) = then.diff_prices([price()], DAY).unwrap().changes

    assert change.was.unknown_calls == 1
    assert analytics.diff_prices([price()], DAY).unwrap().changes == []


def test_an_hour_in_which_only_the_prices_there_are_change_is_compared(analytics: AnalyticsService) -> None:
    analytics.publish_prices([price(effective_from=NOON + HOUR / 2)]).unwrap()
    record(analytics, *(provider_call(**UNREPORTED, occurred_at=NOON + n * HOUR / 4) for n in (1, 3)))

    told = analytics.diff_prices([price(effective_from=NOON - 24 * HOUR)], DAY).unwrap()

    (change,) = told.changes
    assert (change.calls, change.was.unknown_calls, change.now.unknown_calls) == (2, 1, 0)
