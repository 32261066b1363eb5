"""What becomes of calls that are priced alike, in figures: both ways of adding up costs lean on the same verdicts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from analytics_es.cost.charges import Charge, Costs
from analytics_es.cost.prices.prices import Origin, Rate, Tier, UnitPrice, UnitPrices
from analytics_es.cost.usage_cell import UsageCell
from analytics_es.cost.verdicts import AS_ZERO, COMPUTED, LEFT_OUT, NO_CALL, REPORTED, Verdict, why_not


def rate(*kinds: str, above: int | None = None, free: bool = False, **terms: Any) -> Rate:
    """Return the price of a model: kinds cost 2, 3, … each, and ten times as much above a threshold."""
    prices = {
        kind: UnitPrice(Decimal(n), (Tier(above, Decimal(10 * n)),) if above else ()) for n, kind in enumerate(kinds, 2)
    }
    origin = Origin(position=7)
    named = {"provider": "acme", "model": "large", "currency": "EUR", "origin": origin, **terms}
    return UnitPrices(prices=prices, free=free, **named).rate(0)


def verdict(way: Any, **terms: Any) -> Verdict:
    return Verdict(way=way, provider="acme", model="large", **terms)


def added(*parts: tuple[Verdict, dict[str, Any], str]) -> Costs:
    costs = Costs()
    for of_part, counts, money in parts:
        of_part.add_to(costs, counts, Decimal(money))
    return costs


# ── what it adds ────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_reported_is_charged_also_of_no_call() -> None:
    reported = verdict(REPORTED, currency="USD")

    costs = added((reported, {"calls": 2, "input_tokens": 5}, "0.5"), (reported, {"calls": 0}, "0.25"))

    assert costs.charges == {
        "USD": Charge(calls=2, reported_calls=2, reported=Decimal("0.75"), used={"input_tokens": 5})
    }
    assert not costs.unknown


def test_what_is_no_call_costs_nothing_and_is_not_unknown() -> None:
    assert added((verdict(NO_CALL), {"calls": 3, "input_tokens": 5}, "1")) == Costs()


def test_what_is_computed_is_charged_with_its_price_and_what_has_none() -> None:
    own = rate("input_tokens")
    computed = verdict(COMPUTED, currency="EUR", rate=own)
    counts = {"calls": 2, "input_tokens": 5, "output_tokens": 3, "searches": 0}

    costs = added((computed, counts, "10"), (computed, counts, "10"))

    used = {"input_tokens": 10, "output_tokens": 6, "searches": 0}
    assert costs.charges == {"EUR": Charge(calls=4, computed=Decimal(20), used=used)}
    assert costs.unpriced == {("acme", "large", "output_tokens", "EUR"): 6}
    assert [(price.position, price.calls) for price in costs.prices_used()] == [(7, 4)]
    assert not costs.below_cliff


@pytest.mark.parametrize("of", [verdict(COMPUTED, currency="EUR", rate=rate("input_tokens")), verdict(LEFT_OUT)])
def test_what_ended_elsewhere_counts_where_it_tells_usage_alone(of: Verdict) -> None:
    (told,) = [*added((of, {"calls": 0, "input_tokens": 0}, "0")).charges.values()] or [
        *added((of, {"calls": 0, "input_tokens": 0}, "0")).unknown.values()
    ]
    assert told.used == {"input_tokens": 0}
    assert added((of, {"calls": 0, "requests": 3, "input_tokens": None}, "0")) == Costs()


@pytest.mark.parametrize(
    ("above", "pooled", "below"), [(200, True, {"EUR": 9}), (200, False, {}), (None, True, {}), (None, False, {})]
)
def test_calls_that_events_stand_for_are_below_a_threshold_where_there_is_one(
    above: int | None, pooled: bool, below: dict[str, int]
) -> None:
    computed = verdict(COMPUTED, currency="EUR", rate=rate("input_tokens", above=above), pooled=pooled)

    assert added((computed, {"calls": 4}, "1"), (computed, {"calls": 5}, "1")).below_cliff == below


def test_what_is_left_out_is_not_known_for_a_reason_and_of_a_tier() -> None:
    left_out = verdict(LEFT_OUT, reason="no_tier_price", tier="flex")

    costs = added((left_out, {"calls": 2, "input_tokens": 5}, "0"))

    assert costs.unknown == {("acme", "large", "no_tier_price", "flex"): Charge(calls=2, used={"input_tokens": 5})}
    assert not costs.charges


def test_a_cost_of_zero_is_not_known_until_corrections_settle_it() -> None:
    zero = verdict(AS_ZERO, currency="USD", reason="reported_as_zero")
    settled = {"calls": 0, "settled_calls": 1}
    named = ("acme", "large", "reported_as_zero", "")

    costs = added((zero, {"calls": 3, "input_tokens": 9}, "0"), (zero, settled, "0.5"), (zero, settled, "0.25"))

    assert costs.charges == {"USD": Charge(calls=2, reported_calls=2, reported=Decimal("0.75"))}
    assert costs.unknown == {named: Charge(calls=3, used={"input_tokens": 9})}
    assert costs.settled == {("acme", "large", "USD"): 2}
    costs.settle()
    assert (costs.unknown[named].calls, costs.charges["USD"].calls) == (1, 2)
    assert added((zero, {"calls": 0, "input_tokens": 9}, "0")) == Costs()


# ── what is added up before ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("one", "other", "fine", "coarse"),
    [
        (verdict(NO_CALL), verdict(NO_CALL, currency="USD"), True, True),
        (verdict(REPORTED, currency="USD"), verdict(REPORTED, currency="USD", reason="any"), True, True),
        (verdict(REPORTED, currency="USD"), verdict(REPORTED, currency="EUR"), False, False),
        (verdict(REPORTED, currency="EUR"), verdict(COMPUTED, currency="EUR", rate=rate("input_tokens")), False, False),
        (verdict(LEFT_OUT, reason="no_price"), verdict(LEFT_OUT, reason="no_usage"), False, False),
        (verdict(LEFT_OUT, tier="flex"), verdict(LEFT_OUT, tier="vip"), False, False),
        (verdict(LEFT_OUT), Verdict(way=LEFT_OUT, provider="acme", model="small"), False, False),
        (verdict(LEFT_OUT), Verdict(way=LEFT_OUT, provider="other", model="large"), False, False),
        (verdict(AS_ZERO, currency="USD"), verdict(AS_ZERO, currency="EUR"), False, False),
        *(
            (
                verdict(COMPUTED, currency="EUR", rate=rate("input_tokens")),
                verdict(COMPUTED, currency="EUR", rate=rate("input_tokens", **terms)),
                False,
                True,
            )
            for terms in (
                {"service_tier": "flex"},
                {"origin": Origin(position=8)},
                {"unmeasured": ("storage",)},
                {"since": "later"},
            )
        ),
        (
            verdict(COMPUTED, currency="EUR", rate=rate("input_tokens")),
            verdict(COMPUTED, currency="EUR", rate=rate("input_tokens", "output_tokens")),
            False,
            True,
        ),
        (
            verdict(COMPUTED, currency="EUR", rate=rate("input_tokens")),
            verdict(COMPUTED, currency="USD", rate=rate("input_tokens", currency="USD")),
            False,
            False,
        ),
        (
            verdict(COMPUTED, currency="EUR", rate=rate("input_tokens")),
            Verdict(way=COMPUTED, provider="acme", model="small", currency="EUR", rate=rate("input_tokens")),
            False,
            True,
        ),
    ],
)
def test_what_an_answer_tells_apart_is_not_added_up(one: Verdict, other: Verdict, fine: bool, coarse: bool) -> None:
    assert (one.alike(fine=True) == other.alike(fine=True)) is fine
    assert (one.alike(fine=False) == other.alike(fine=False)) is coarse


# ── why a cost is not known ─────────────────────────────────────────────────────────────────────────────────────


def cell(untold: str = "", at: int | None = 1) -> UsageCell:
    return UsageCell((), "acme", "large", "", "none", 0, "standard", "", False, untold, at, {})


IN_AND_OUT = ("input_tokens", "output_tokens")
READ = ("cache_read_tokens", "input_audio_tokens")


@pytest.mark.parametrize(
    ("of", "untold", "reason"),
    [
        (None, "", "no_price"),
        (rate(free=True), "usage", ""),
        (rate(free=True), "no_output", ""),
        (rate(*IN_AND_OUT), "usage", "no_usage"),
        (rate("requests"), "usage", ""),
        (rate("requests", "searches"), "usage", ""),
        (rate("requests", "output_tokens"), "usage", "no_usage"),
        (rate(*IN_AND_OUT), "", ""),
        (rate("searches"), "", "no_price"),
        (rate("requests"), "", ""),
        (rate("input_tokens"), "no_output", ""),
        (rate("input_tokens"), "no_input", "no_price"),
        (rate("output_tokens"), "no_output", "no_price"),
        (rate("output_tokens"), "no_input", ""),
        (rate("input_tokens"), "no_input no_output", ""),
        (rate(*IN_AND_OUT), "no_input no_output searches", "no_price"),
        (rate("searches"), "no_input no_output searches", ""),
        (rate(*IN_AND_OUT), "reasoning&output_audio", ""),
        (rate(*IN_AND_OUT, "reasoning_tokens"), "reasoning&output_audio", ""),
        (rate(*IN_AND_OUT, "output_audio_tokens"), "reasoning&output_audio", ""),
        (rate(*IN_AND_OUT, "output_audio_tokens", "reasoning_tokens"), "reasoning&output_audio", "parts_not_told"),
        (rate(*IN_AND_OUT, *READ), "cache_read&input_audio", "parts_not_told"),
        (rate(*IN_AND_OUT, "cache_read_tokens"), "cache_read&input_audio", ""),
        (rate(*IN_AND_OUT, *READ), "cache_read_audio", "parts_not_told"),
        (rate(*IN_AND_OUT, *READ, "cache_read_audio_tokens"), "cache_read_audio", ""),
        (rate(*IN_AND_OUT, "cache_read_tokens"), "cache_read_audio", ""),
        (rate(*IN_AND_OUT, "cache_read_tokens", "input_image_tokens"), "cache_read_audio", ""),
        (rate(*IN_AND_OUT, "cache_read_tokens", "input_image_tokens"), "cache_read_image", "parts_not_told"),
        (rate(*IN_AND_OUT, *READ), "no_output cache_read_audio", "parts_not_told"),
    ],
)
def test_why_calls_have_no_cost(of: Rate | None, untold: str, reason: str) -> None:
    assert why_not(of, cell(untold)) == reason


def test_a_price_that_changed_within_what_is_kept_is_another_reason_than_none() -> None:
    assert why_not(None, cell(at=None)) == "not_kept"
