"""What-ifs: other prices for all calls, other models for some; nothing is recorded, nothing is silently unknown."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cost.prices import genai
from analytics_es.cost.prices.book import PriceBook
from analytics_es.errors import BadPrice, MissingExtra, UnknownModel
from analytics_es.testing import NOON, price, provider_call
from tests.stores import nth

TWO_CALLS = [provider_call(), provider_call(model="gpt-4o", provider="openai", user_id="bob")]
pytestmark = pytest.mark.store(events=TWO_CALLS)


D = Decimal
DAY = TimePeriod(NOON - timedelta(hours=12), NOON + timedelta(hours=12))
EVERYTHING = {"provider": "*", "model": "*", "currency": "USD", "per_mtok": {"input_tokens": "1"}}


def cost(analytics: Any, **supposed: Any) -> dict[tuple[str, str], Decimal | None]:
    rows = analytics.get_cost_breakdown(DAY, **supposed).unwrap().rows
    return {(row.keys["model"], row.currency): row.cost for row in rows}


def test_entries_are_put_on_top_of_the_book_and_price_what_was_reported(analytics: AnalyticsService) -> None:
    assert cost(analytics, prices=[price(model="gpt-4o", provider="openai", per_mtok={"input_tokens": "1"})]) == {
        ("gpt-4o", "EUR"): D("0.0012"),
        ("claude-sonnet-4-5", "USD"): D("0.003765"),
    }


def test_a_book_is_all_there_is(analytics: AnalyticsService) -> None:
    assert cost(analytics, prices=PriceBook()) == {("gpt-4o", ""): None, ("claude-sonnet-4-5", ""): None}


def test_calls_of_another_model_keep_what_they_reported(analytics: AnalyticsService) -> None:
    analytics.publish_prices([price(model="new")]).unwrap()

    assert cost(analytics, models={"gpt-4o": "acme/new"}) == {
        ("gpt-4o", "EUR"): D("0.00216"),
        ("claude-sonnet-4-5", "USD"): D("0.005115"),
    }


def test_prices_and_models_go_together_with_filters_and_as_of(analytics: AnalyticsService) -> None:
    new = price(**{**EVERYTHING, "model": "new"})

    with analytics.as_of(nth(2)) as then:
        for answering in (analytics, then):
            found = cost(answering, prices=[new], models={"gpt-4o": "new"}, where={"user": "bob"})
            assert found == {("gpt-4o", "USD"): D("0.0012")}


def test_a_what_if_records_nothing(analytics: AnalyticsService) -> None:
    cost(analytics, models={"gpt-4o": "claude-sonnet-4-5"})

    assert analytics.record_event(**provider_call()).unwrap().position == nth(3)


def test_supposed_prices_are_named_by_their_place(analytics: AnalyticsService) -> None:
    answer = analytics.get_cost_breakdown(DAY, prices=[price(), price(**EVERYTHING)]).unwrap()

    assert {(each.entry, each.position) for each in answer.prices.used} == {(2, None)}


@pytest.mark.parametrize(
    ("other", "hint"),
    [
        ("gpt-4oz", "close names are gpt-4o"),
        ("acme-large", "there is one of acme: name the provider"),
        ("nobody/gpt-4oz", "no price for 'gpt-4oz' of 'nobody'"),
    ],
)
def test_a_model_without_a_price_is_a_failure_with_a_hint(analytics: AnalyticsService, other: str, hint: str) -> None:
    analytics.publish_prices([price()]).unwrap()

    with pytest.raises(UnknownModel, match=hint):
        cost(analytics, models={"gpt-4o": other})


def test_a_price_at_some_time_of_the_period_is_enough(analytics: AnalyticsService) -> None:
    analytics.publish_prices([price(**EVERYTHING, effective_from=(NOON + timedelta(hours=1)).isoformat())]).unwrap()

    assert cost(analytics, models={"gpt-4o": "whatever"})[("gpt-4o", "")] is None


def test_without_default_prices_a_model_that_nobody_published_says_what_to_install(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(genai, "installed", lambda: False)
    with AnalyticsService.open(":memory:", follow=False) as bare, pytest.raises(MissingExtra):
        cost(bare, models={"gpt-4o": "claude-sonnet-4-5"})


def test_a_wrong_entry_and_an_empty_list_are_failures(analytics: AnalyticsService) -> None:
    for prices in ([price(currency="euro")], []):
        with pytest.raises(BadPrice):
            cost(analytics, prices=prices)
