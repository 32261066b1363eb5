"""Prices: tiers, parts, dates, hours, batches, exactness; the default ones agree with the package they are from."""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Context, Decimal, localcontext
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from genai_prices import data_snapshot
from genai_prices.data import providers
from genai_prices.types import ModelInfo, Provider, StartDateConstraint, TimeOfDateConstraint
from genai_prices.types import Usage as TheirUsage
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.cost.prices import genai
from analytics_es.cost.prices.book import PriceBook, Published
from analytics_es.cost.prices.prices import Cost, Dated, Origin, PriceList, Tier, UnitPrice, UnitPrices
from analytics_es.cost.prices.quantities import KINDS, apart, lies_in
from analytics_es.cost.prices.reading import read_entry
from analytics_es.errors import GUIDE, BadUsage, MissingExtra, NaiveTime
from analytics_es.events.fields import FIELDS
from analytics_es.testing import NOON, price, provider_call
from tests.children import ran

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
D = Decimal

PRICES = {
    "input_tokens": UnitPrice(D("0.000003"), (Tier(200_000, D("0.000006")),)),
    "cache_read_tokens": UnitPrice(D("0.0000003"), (Tier(200_000, D("0.0000006")),)),
    "cache_creation_tokens": UnitPrice(D("0.00000375")),
    "cache_creation_1h_tokens": UnitPrice(D("0.000006")),
    "output_tokens": UnitPrice(D("0.000015"), (Tier(200_000, D("0.0000225")),)),
    "searches": UnitPrice(D("0.01")),
}


def unit_prices(prices: Mapping[str, UnitPrice] = PRICES, **changes: Any) -> UnitPrices:
    own = {"provider": "acme", "model": "large", "currency": "USD", "prices": prices, "origin": Origin(position=1)}
    return UnitPrices(**{**own, **changes})


def flat(**prices: str) -> UnitPrices:
    """Return prices of one each, without tiers."""
    return unit_prices({kind: UnitPrice(D(text)) for kind, text in prices.items()})


def cost(prices: UnitPrices = unit_prices(), band: int | None = None, **usage: Any) -> Cost:  # noqa: B008  # frozen
    found = prices.cost(usage, band=band)
    assert found is not None
    return found


def price_list(*standard: Dated, **changes: Any) -> PriceList:
    own = {"provider": "acme", "model": "large", "currency": "USD", "origin": Origin(version="1"), "standard": standard}
    return PriceList(**{**own, **changes})


def dated(input: str, **when: Any) -> Dated:
    return Dated(prices={"input_tokens": UnitPrice(D(input))}, **when)


def book(*published: Mapping[str, Any], default: PriceList | None = None) -> PriceBook:
    """Return a book of entries published one after another, at positions 1, 2, 3 …"""
    entries = (Published(position, read_entry(each)) for position, each in enumerate(published, 1))
    return PriceBook(published=tuple(entries), default=lambda provider, model: default)


def inputs(given: PriceBook, *instants: datetime, provider: str = "acme", model: str = "acme-large") -> list[Any]:
    """Return the prices of one input token at some times, None where there is none."""
    found = [given.prices_at(provider, model, instant) for instant in instants]
    return [each and each.prices["input_tokens"].base for each in found]


# ── tiers ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_tier_is_a_cliff_that_begins_above_its_threshold() -> None:
    at, above = (cost(input_tokens=n, output_tokens=10) for n in (200_000, 200_001))

    assert (at.input, at.output) == (D("0.6"), D("0.00015"))
    assert (above.input, above.output) == (D("1.200006"), D("0.000225"))


def test_what_decides_on_a_tier_is_the_whole_input_cached_tokens_included() -> None:
    found = cost(input_tokens=200_001, cache_read_tokens=200_000)

    assert found.input == 200_000 * D("0.0000006") + D("0.000006")


def test_of_several_tiers_the_highest_one_passed_counts() -> None:
    unit = UnitPrice(D(1), (Tier(32_000, D(2)), Tier(128_000, D(3))))

    assert [unit.at(n) for n in (0, 32_000, 32_001, 128_000, 128_001)] == [1, 1, 2, 2, 3]


def test_sums_of_many_calls_cost_what_the_calls_cost_as_long_as_they_are_of_one_band() -> None:
    calls = [{"input_tokens": 150_000 + n, "cache_read_tokens": 7 * n, "output_tokens": n} for n in range(3)]
    sums = {kind: sum(call[kind] for call in calls) for kind in calls[0]}

    assert cost(**sums, requests=3, band=150_000).total == sum(cost(**call).total for call in calls)


def test_what_stands_for_many_requests_is_priced_below_the_cliff() -> None:
    usage = {"input_tokens": 450_000, "output_tokens": 3}

    assert cost(**usage, requests=3) == cost(**usage, requests=3, band=0)
    assert cost(**usage, requests=3).total < cost(**usage, requests=1).total == cost(**usage).total


def test_thresholds_are_those_of_all_kinds() -> None:
    tiered = UnitPrice(D(1), (Tier(5, D(2)), Tier(200_000, D(3))))

    assert unit_prices({**PRICES, "searches": tiered}).thresholds == (5, 200_000)


# ── parts ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_cached_tokens_are_in_the_input_and_not_charged_for_twice() -> None:
    found = cost(input_tokens=1_000, cache_read_tokens=700, cache_creation_tokens=200, cache_creation_1h_tokens=50)

    assert found.input == 100 * D("0.000003") + 700 * D("0.0000003") + 150 * D("0.00000375") + 50 * D("0.000006")


def test_a_part_without_a_price_of_its_own_costs_what_its_whole_costs() -> None:
    priced = flat(input_tokens="3", output_tokens="15")

    assert cost(priced, input_tokens=10, cache_read_tokens=4, output_tokens=8, reasoning_tokens=5).total == 150


def test_reasoning_is_priced_apart_where_it_has_a_price() -> None:
    assert cost(flat(output_tokens="15", reasoning_tokens="3"), output_tokens=8, reasoning_tokens=5).output == 60


def test_what_is_both_cached_and_audio_is_charged_for_once() -> None:
    priced = flat(input_tokens="1", cache_read_tokens="2", input_audio_tokens="4", cache_read_audio_tokens="8")
    usage = {"input_tokens": 100, "cache_read_tokens": 50, "input_audio_tokens": 30, "cache_read_audio_tokens": 10}

    assert cost(priced, **usage).input == 30 * 1 + 40 * 2 + 20 * 4 + 10 * 8


def test_where_it_is_not_told_how_much_is_both_nothing_is_guessed() -> None:
    priced = flat(input_tokens="1", cache_read_tokens="2", input_audio_tokens="4", cache_read_audio_tokens="8")

    with pytest.raises(BadUsage, match="cache_read_audio_tokens is not told"):
        priced.cost({"input_tokens": 100, "cache_read_tokens": 50, "input_audio_tokens": 30})


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        ({"input_tokens": 5, "cache_read_tokens": 6}, "cache_read_tokens is above input_tokens"),
        ({"cache_read_tokens": 6}, "cache_read_tokens is above input_tokens"),
        (
            {"input_tokens": 5, "cache_read_tokens": 3, "cache_creation_tokens": 3},
            "cache_creation_tokens + cache_read_tokens is above input_tokens",
        ),
        (
            {"input_tokens": 5, "cache_creation_tokens": 3, "cache_creation_1h_tokens": 4},
            "cache_creation_1h_tokens is above cache_creation_tokens",
        ),
    ],
)
def test_a_part_above_its_whole_has_no_cost(usage: dict[str, int], told: str) -> None:
    with pytest.raises(BadUsage) as caught:
        unit_prices().cost(usage)

    assert str(caught.value) == f"The usage cannot be priced: {told} (tokens in {GUIDE}/concepts.md)."


def test_the_kinds_that_are_charged_for_add_up_to_the_totals() -> None:
    usage = {"input_tokens": 100, "cache_read_tokens": 20, "cache_creation_tokens": 30, "output_tokens": 9}

    alone = apart(PRICES, usage)

    assert sum(n for kind, n in alone.items() if kind == "input_tokens" or lies_in(kind, "input_tokens")) == 100


# ── fees ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_fees_are_neither_input_nor_output() -> None:
    found = cost(flat(input_tokens="1", searches="10", requests="5"), input_tokens=2, searches=3)

    assert (found.input, found.output, found.other, found.total) == (2, 0, 35, 37)


def test_a_request_is_charged_for_once_a_call() -> None:
    assert cost(flat(requests="5")).total == 5
    assert cost(flat(requests="5"), requests=3).total == 15


def test_a_request_without_a_price_is_not_missing_one() -> None:
    assert cost(flat(input_tokens="1"), input_tokens=0, requests=3) == cost(flat(input_tokens="1"), input_tokens=0)


# ── what is not known ───────────────────────────────────────────────────────────────────────────────────────────


def test_without_any_price_nothing_costs_0() -> None:
    assert unit_prices({}).cost({"input_tokens": 10}) is None
    assert price_list(Dated(prices={})).at(NOON) is None


def test_what_has_no_price_is_named() -> None:
    found = cost(flat(input_tokens="1"), input_tokens=2, output_tokens=7, reasoning_tokens=3, searches=1)

    assert (found.total, found.unpriced) == (2, ("output_tokens", "searches"))


def test_where_nothing_of_what_was_used_has_a_price_the_cost_is_not_known() -> None:
    assert flat(output_tokens="1").cost({"input_tokens": 2}) is None


def test_what_is_declared_free_costs_nothing() -> None:
    assert unit_prices({}, free=True).cost({"input_tokens": 10, "searches": 1}) == Cost(
        input=D(0), output=D(0), other=D(0), currency="USD"
    )


def test_times_without_a_zone_are_refused() -> None:
    with pytest.raises(NaiveTime):
        book(price()).prices_at("acme", "acme-large", datetime(2026, 3, 1))


# ── exactness ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_rounded_however_many_tokens_at_however_small_a_price() -> None:
    tokens = 2**63 - 1

    assert cost(flat(input_tokens="0.000000000000000001"), input_tokens=tokens).input == D("9.223372036854775807")
    found = cost(flat(input_tokens="1.000000000000000001"), input_tokens=tokens)
    assert found.total == D("9223372036854775816.223372036854775807")


counts = st.integers(0, 10**7)


@given(st.lists(st.tuples(counts, counts, counts), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_cost_is_additive_and_independent_of_order(calls: list[tuple[int, int, int]], random: Any) -> None:
    """Within one band; `requests` is how many calls they are."""
    usages = [{"input_tokens": a + b, "cache_read_tokens": a, "output_tokens": c} for a, b, c in calls]
    shuffled = random.sample(usages, len(usages))
    sums = {kind: sum(each[kind] for each in shuffled) for kind in usages[0]}
    priced = unit_prices({**PRICES, "requests": UnitPrice(D("0.0123"))})

    one_by_one = [priced.cost(each, band=1) for each in usages]

    with localcontext(Context(prec=100)):
        assert (
            sum(each.total for each in one_by_one if each) == cost(priced, **sums, requests=len(usages), band=1).total
        )


# ── dates and hours ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("zone", [UTC, BERLIN, timezone(-5 * HOUR)])
def test_a_price_changes_with_its_first_second_wherever_that_is_said(zone: Any) -> None:
    listed = book(default=price_list(dated("1"), dated("2", since=MIDNIGHT)))
    last, first = ((MIDNIGHT + n * SECOND).astimezone(zone) for n in (-1, 0))

    assert inputs(listed, last, last + timedelta(microseconds=999_999), first) == [1, 1, 2]


def test_a_published_price_may_begin_at_midnight_of_a_zone() -> None:
    midnight = datetime(2026, 3, 1, tzinfo=BERLIN)
    given = book(price(), price(effective_from=midnight, per_mtok={"input_tokens": 9}))

    assert inputs(given, midnight - SECOND, midnight) == [D("0.000002"), D("0.000009")]
    assert inputs(given, datetime(2026, 2, 28, 22, 59, 59, tzinfo=UTC)) == [D("0.000002")]


def test_the_clock_that_goes_back_does_not_bring_a_price_back() -> None:
    since = datetime(2026, 10, 25, 1, tzinfo=UTC)  # 2 o'clock in Berlin, for the second time
    listed = book(default=price_list(dated("1"), dated("2", since=since)))

    assert inputs(listed, *(datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=fold) for fold in (0, 1))) == [1, 2]


@pytest.mark.parametrize(
    ("hours", "prices"),
    [((time(6), time(10)), [1, 2, 2, 1, 1, 1]), ((time(22), time(6)), [2, 1, 1, 1, 2, 2])],
)
def test_hours_of_the_day_are_half_open_and_may_pass_midnight(hours: tuple[time, time], prices: list[int]) -> None:
    listed = book(default=price_list(dated("1"), dated("2", hours=hours)))
    instants = [MIDNIGHT + 6 * HOUR - SECOND, *(MIDNIGHT + n * HOUR for n in (6, 9, 10, 22)), MIDNIGHT]

    assert inputs(listed, *instants) == prices


def test_the_last_that_holds_is_in_force_and_where_none_holds_the_first() -> None:
    listed = price_list(dated("1", since=MIDNIGHT), dated("2", since=MIDNIGHT + DAY), dated("3", since=MIDNIGHT))

    assert inputs(book(default=listed), MIDNIGHT - DAY, MIDNIGHT, MIDNIGHT + 2 * DAY) == [1, 3, 3]


def test_a_price_says_since_when_it_is_in_force() -> None:
    listed = book(default=price_list(dated("1"), dated("2", since=MIDNIGHT)))
    before, after = (listed.prices_at("acme", "large", MIDNIGHT + n * DAY) for n in (-1, 1))

    assert (before and before.since, after and after.since) == (None, MIDNIGHT)


# ── batches ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_of_the_prices_of_batches_the_first_that_holds_and_names_a_kind_counts() -> None:
    one = Dated(prices={"input_tokens": UnitPrice(D(2))}, since=MIDNIGHT)
    other = Dated(prices={"input_tokens": UnitPrice(D(3)), "output_tokens": UnitPrice(D(4))})
    standard = Dated(prices={kind: UnitPrice(D(9)) for kind in ("input_tokens", "output_tokens", "searches")})
    listed = price_list(standard, tiers={"batch": (one, other)})

    def of_batch(at: datetime) -> list[Any]:
        found = listed.at(at, tier="batch")
        return [each.base for each in found.prices.values()] if found else []

    assert (of_batch(MIDNIGHT), of_batch(MIDNIGHT - DAY)) == ([2, 4, 9], [3, 4, 9])


def test_a_call_says_itself_that_it_is_in_a_batch() -> None:
    given = book(price(batch="0.5", per_1k={"searches": 10}))
    usage = {"input_tokens": 1_000_000, "searches": 1}

    alone, batch = (given.cost_of({**usage, "batch": each}, "acme", "acme-large", NOON) for each in (False, True))

    assert alone == Cost(input=D(2), output=D(0), other=D("0.01"), currency="EUR")
    assert batch == Cost(input=D(1), output=D(0), other=D("0.01"), currency="EUR")


# ── the book ────────────────────────────────────────────────────────────────────────────────────────────────────

LISTED = price_list(
    dated("1"), dated("4", since=MIDNIGHT), provider="acme-ai", model="acme-large", tiers={"batch": (dated("0.5"),)}
)


def test_a_published_price_goes_before_the_default_one_while_it_holds() -> None:
    given = book(price(effective_from=MIDNIGHT, effective_until=MIDNIGHT + DAY), default=LISTED)

    assert inputs(given, MIDNIGHT - SECOND, MIDNIGHT, MIDNIGHT + DAY - SECOND, MIDNIGHT + DAY) == [
        1,
        D("0.000002"),
        D("0.000002"),
        4,
    ]


def test_of_published_prices_that_hold_the_one_published_last_counts_whenever_it_begins() -> None:
    given = book(
        price(effective_from=MIDNIGHT + DAY, per_mtok={"input_tokens": 5}), price(per_mtok={"input_tokens": 6})
    )

    assert inputs(given, MIDNIGHT, MIDNIGHT + 2 * DAY) == [D("0.000006")] * 2
    assert inputs(given.upto(1), MIDNIGHT, MIDNIGHT + 2 * DAY) == [None, D("0.000005")]


def test_a_book_can_be_asked_as_if_more_were_published() -> None:
    given = book(price(), default=LISTED)
    supposed = given.as_if([read_entry(price(effective_from=MIDNIGHT, per_mtok={"input_tokens": 7}))])
    found = supposed.prices_at("acme", "acme-large", MIDNIGHT)

    assert inputs(supposed, MIDNIGHT - SECOND, MIDNIGHT) == [D("0.000002"), D("0.000007")]
    assert found and found.origin == Origin(entry=1)
    assert supposed.upto(1) == given


def test_a_multiplier_is_of_the_default_price_of_the_time_and_of_its_batches() -> None:
    given = book(price(multiplier="0.8", per_mtok=None, currency=None), default=LISTED)
    found = given.prices_at("acme", "acme-large", NOON)
    batch = given.prices_at("acme", "acme-large", NOON, batch=True)

    assert inputs(given, MIDNIGHT - DAY, MIDNIGHT) == [D("0.8"), D("3.2")]
    assert batch and batch.prices["input_tokens"].base == D("0.4")
    assert found and (found.origin, found.currency, found.since) == (Origin(version="1", position=1), "USD", MIDNIGHT)


def test_a_multiplier_of_no_price_leaves_what_was_published_before() -> None:
    given = book(price(), price(multiplier="0.8", per_mtok=None, currency=None))

    assert inputs(given, NOON) == [D("0.000002")]


@pytest.mark.parametrize(
    ("entry", "provider", "model", "about"),
    [
        ({}, "acme", "acme-large", True),
        ({}, "ACME", "Acme-Large", True),
        ({}, "acme", "acme-large-2", False),
        ({}, "other", "acme-large", False),
        ({"model": "acme-*"}, "acme", "acme-large-2", True),
        ({"aliases": ["x", "acme-large-*"]}, "acme", "acme-large-2", True),
        ({"provider": "*"}, "anyone", "acme-large", True),
        ({"provider": "*"}, None, "acme-large", True),
        ({"model": "*large*"}, "acme", "acme-large-2", True),
        ({"model": "acme?large"}, "acme", "acme-large", False),
        ({"model": "acme[-]large"}, "acme", "acme-large", False),
        ({"model": "gpt.4"}, "acme", "gpt-4", False),
    ],
)
def test_an_entry_is_about_the_names_it_says(entry: dict[str, Any], provider: str, model: str, about: bool) -> None:
    assert (book(price(**entry)).prices_at(provider, model, NOON) is not None) == about


def test_an_entry_is_about_every_name_under_which_its_model_is_listed_too() -> None:
    """Aliases and dated snapshots, as the default prices know them."""
    given = book(price(provider="acme-ai"), default=LISTED)

    assert inputs(given, NOON, provider="acme.ai", model="acme-large-2026-01-01") == [D("0.000002")]


def test_what_is_remembered_of_models_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics_es.cost.prices.book.REMEMBERED", 2)
    given = book(price(model="*"))

    assert [inputs(given, NOON, model=f"m{n % 3}") for n in range(9)] == [[D("0.000002")]] * 9
    assert len(given._remembered) <= 2


def test_bounds_are_the_instants_at_which_something_changes() -> None:
    listed = price_list(dated("1"), dated("1", since=MIDNIGHT + DAY), dated("2", hours=(time(6), time(10))))
    given = book(price(effective_from=MIDNIGHT + 9 * HOUR, per_mtok={"input_tokens": 7}), default=listed)

    bounds = given.bounds("acme", "acme-large", MIDNIGHT, MIDNIGHT + 5 * DAY)

    assert bounds == [MIDNIGHT + 6 * HOUR, MIDNIGHT + 9 * HOUR]


def test_a_bound_of_batches_alone_is_one_too() -> None:
    listed = price_list(dated("1"), tiers={"batch": (dated("0.5", since=MIDNIGHT + DAY),)})

    assert book(default=listed).bounds("acme", "x", MIDNIGHT, MIDNIGHT + 2 * DAY) == [MIDNIGHT + DAY]


@given(st.integers(0, 48), st.integers(1, 96), st.integers(0, 23), st.integers(0, 23), st.integers(0, 72))
def test_spells_tile_the_time_and_each_has_one_price(start: int, length: int, one: int, other: int, since: int) -> None:
    hours = (time(one), time(other)) if one != other else None
    listed = price_list(dated("1"), dated("2", since=MIDNIGHT + since * HOUR), dated("3", hours=hours))
    given = book(default=listed)
    first, last = MIDNIGHT + start * HOUR, MIDNIGHT + (start + length) * HOUR

    spells = list(given.spells("acme", "x", first, last))

    assert [spells[0].start, *(each.end for each in spells)] == [*(each.start for each in spells), last]
    for n in range(length):
        at = first + n * HOUR
        (spell,) = (each for each in spells if each.start <= at < each.end)
        assert inputs(given, at) == [spell.prices and spell.prices.prices["input_tokens"].base]


def test_a_price_that_begins_or_ends_is_a_bound_too() -> None:
    given = book(price(effective_from=MIDNIGHT, effective_until=MIDNIGHT + DAY))

    assert given.bounds("acme", "acme-large", MIDNIGHT - DAY, MIDNIGHT + 2 * DAY) == [MIDNIGHT, MIDNIGHT + DAY]
    assert given.bounds("acme", "acme-large", MIDNIGHT, MIDNIGHT + DAY) == []


TIERED = {
    "input_tokens": {"base": 2, "tiers": [{"above": 1_000, "price": 4}]},
    "cache_read_tokens": 1,
    "output_tokens": {"base": 8, "tiers": [{"above": 500, "price": 9}, {"above": 1_000, "price": 10}]},
}
CHARGED = book(
    price(per_mtok=TIERED, batch="0.5", each={"requests": "0.01"}),
    price(effective_from=MIDNIGHT + DAY, hours=["22:30", "04:10"], per_mtok={"input_tokens": 3, "output_tokens": 5}),
    price(effective_from=MIDNIGHT + 30 * HOUR, effective_until=MIDNIGHT + 31 * HOUR),
)
tokens = st.integers(0, 1_500)
a_call = st.tuples(st.integers(0, 3 * 86_400 - 1), tokens, tokens, tokens, st.booleans())


@given(st.lists(a_call, min_size=1, max_size=30))
def test_between_bounds_and_thresholds_sums_cost_what_their_calls_cost(calls: list[Any]) -> None:
    """What a read model relies on: it keeps sums by stretch of time, band of total input, and batch or not."""
    of = ("acme", "acme-large")
    whole_time = (MIDNIGHT, MIDNIGHT + 3 * DAY)
    bounds, thresholds = CHARGED.bounds(*of, *whole_time), CHARGED.thresholds(*of, *whole_time)
    rows: dict[Any, dict[str, int]] = {}
    one_by_one = []
    for second, fresh, cached, output, batch in calls:
        at, total = MIDNIGHT + second * SECOND, fresh + cached
        usage = {"input_tokens": total, "cache_read_tokens": cached, "output_tokens": output}
        one_by_one.append(CHARGED.cost_of({**usage, "batch": batch}, *of, at))
        place = bisect_right(bounds, at)
        row = rows.setdefault((place, bisect_left(thresholds, total), batch), {"requests": 0})
        for kind, count in {**usage, "requests": 1}.items():
            row[kind] = row.get(kind, 0) + count

    found = []
    for (place, band, batch), sums in rows.items():
        prices = CHARGED.prices_at(*of, [MIDNIGHT, *bounds][place], batch=batch)
        found.append(prices and prices.cost(sums, band=[*thresholds, thresholds[-1] + 1][band]))

    assert sum(each.total for each in found if each) == sum(each.total for each in one_by_one if each)
    assert None not in found


def test_thresholds_of_a_time_are_those_of_all_prices_in_it() -> None:
    tiered = {"input_tokens": {"base": 1, "tiers": [{"above": 128_000, "price": 2}]}}
    given = book(price(), price(effective_from=MIDNIGHT, per_mtok=tiered))

    of = [given.thresholds("acme", "acme-large", MIDNIGHT + n * DAY, MIDNIGHT + (n + 1) * DAY) for n in (-1, 0)]

    assert of == [[], [128_000]]


# ── the default prices ──────────────────────────────────────────────────────────────────────────────────────────

THEIRS = {
    "input_tokens": "input_tokens",
    "cache_read_tokens": "cache_read_tokens",
    "cache_creation_tokens": "cache_write_tokens",
    "cache_creation_1h_tokens": "cache_write_1h_tokens",
    "input_audio_tokens": "input_audio_tokens",
    "cache_read_audio_tokens": "cache_audio_read_tokens",
    "input_image_tokens": "input_image_tokens",
    "cache_read_image_tokens": "cache_image_read_tokens",
    "output_tokens": "output_tokens",
    "reasoning_tokens": "output_reasoning_tokens",
    "output_audio_tokens": "output_audio_tokens",
    "output_image_tokens": "output_image_tokens",
    "searches": "web_searches",
}
LISTS = {(each.provider, each.model): each for each in genai.models()}
MODELS = [(provider, info) for provider in providers for info in provider.models]
# So many of each kind that are of no other.
leaves = st.fixed_dictionaries({kind: st.one_of(st.just(0), st.integers(0, 300_000)) for kind in THEIRS})
instants = st.datetimes(datetime(2023, 1, 1), datetime(2027, 6, 1), timezones=st.just(UTC))


def whole(alone: Mapping[str, int]) -> dict[str, int]:
    """Return a usage in which every kind includes its parts."""
    return {kind: n + sum(alone[part] for part in THEIRS if lies_in(part, kind)) for kind, n in alone.items()}


TIERS = ["standard", "batch", "flex", "priority", "fast"]


def their_cost(provider: Provider, info: ModelInfo, usage: Mapping[str, int], at: datetime, tier: str) -> Any:
    context = dict.fromkeys(("processing", "service_tier", "speed"), tier)
    theirs = TheirUsage(**{THEIRS[kind]: n for kind, n in usage.items()})
    with localcontext(Context(prec=200)):
        return info.calc_price(theirs, provider, genai_request_timestamp=at, price_context=context)


def lists_tier(info: ModelInfo, at: datetime, tier: str) -> bool:
    """Say whether the package's own data have a price of a tier at a time."""
    return any(
        {*variant.when.values()} == {tier} and not {"route", "search_type"} & {*variant.when}
        for variant in info.price_variants or ()
        if variant.constraint is None or variant.constraint.active(at)
    )


def agree(provider: Provider, info: ModelInfo, usage: Mapping[str, int], at: datetime, tier: str) -> None:
    """Compare the costs of one call, under the name the model is listed by; matching is compared elsewhere.

    Of a tier that is not listed, the package has the standard price, and we have none.
    """
    theirs = their_cost(provider, info, usage, at, tier)
    prices = LISTS[provider.id, info.id].at(at, tier=tier)
    ours = prices.cost(usage) if prices else None
    if tier not in ("standard", "batch") and not lists_tier(info, at, tier):
        assert prices is None
    elif ours is None:
        assert theirs.total_price == 0
    else:
        sums = (theirs.input_price, theirs.output_price, theirs.total_price)
        assert (ours.input, ours.output, ours.total) == sums


@given(st.sampled_from(MODELS), leaves, instants, st.sampled_from(TIERS))
def test_the_arithmetic_agrees_with_that_of_the_package(
    model: tuple[Provider, ModelInfo], alone: dict[str, int], at: datetime, tier: str
) -> None:
    agree(*model, whole(alone), at, tier)


CHANGING = [
    (provider, info)
    for provider, info in MODELS
    if (isinstance(info.prices, list) and len(info.prices) > 1) or info.price_variants
]


def changes_of(info: ModelInfo) -> list[datetime]:
    """Return when the prices of a model change, as the package's own data say."""
    prices = info.prices if isinstance(info.prices, list) else []
    found = []
    for constraint in (each.constraint for each in [*prices, *(info.price_variants or ())]):
        if isinstance(constraint, StartDateConstraint):
            found.append(datetime.combine(constraint.start_date, time(), UTC))
        if isinstance(constraint, TimeOfDateConstraint):
            day = datetime(2026, 11, 3, tzinfo=UTC)
            found += [
                datetime.combine(day, at.replace(tzinfo=UTC)) for at in (constraint.start_time, constraint.end_time)
            ]
    return found


def test_the_package_and_we_change_prices_in_the_same_second() -> None:
    usage = whole(dict.fromkeys(THEIRS, 10_001))
    compared = 0
    for provider, info in CHANGING:
        for change in changes_of(info):
            for at in (change - SECOND, change):
                for tier in TIERS:
                    agree(provider, info, usage, at, tier)
                    compared += 1
    assert compared > 1000


def test_every_model_of_the_package_has_the_cost_the_package_says() -> None:
    usage = whole(dict.fromkeys(THEIRS, 20_001))
    for provider, info in MODELS:
        for tier in TIERS:
            agree(provider, info, usage, NOON, tier)
            agree(provider, info, usage, datetime(2026, 11, 29, tzinfo=UTC), tier)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-sonnet-4-5-20250929"),
        ("Anthropic", "CLAUDE-SONNET-4-5"),
        ("openai", "gpt-5.2-20251211"),
        ("openai", "gpt-4o-2024-08-06"),
        ("gcp.vertex_ai", "gemini-2.5-pro"),
        ("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("litellm", "anthropic/claude-sonnet-4-5"),
        ("mistral_ai", "mistral-small-latest"),
        (None, "claude-sonnet-4-5"),
        (None, "no-such-model"),
        ("openai", "no-such-model"),
        ("no-such-provider", "gpt-4o"),
        ("openai", "ft:gpt-4.1-2025-04-14:acme::1"),
    ],
)
def test_names_are_matched_as_the_package_matches_them(provider: str | None, model: str) -> None:
    theirs = data_snapshot.DataSnapshot(providers=providers, from_auto_update=False)
    try:
        found = theirs.find_provider_model(model, None, provider, None)
    except LookupError:
        found = None

    ours = genai.find(provider, model)

    assert (ours and (ours.provider, ours.model)) == (found and (found[0].id, found[1].id))


@pytest.mark.parametrize(
    ("named", "known"),
    [("azure.ai.openai", "azure"), ("azure.ai.inference", "azure"), ("x_ai", "x-ai"), ("gcp.gen_ai", "google")],
)
def test_providers_that_opentelemetry_names_otherwise_are_known(named: str, known: str) -> None:
    model = next(each.model for each in genai.models(known))

    assert genai.find(named, model) == genai.find(known, model)
    assert list(genai.models(named)) == list(genai.models(known))


def test_an_offer_of_anothers_models_has_no_prices_of_batches() -> None:
    """As the package has it: what azure asks for a claude in a batch is not known from anthropic's list."""
    own, offered = genai.find("anthropic", "claude-haiku-4-5"), genai.find("azure", "claude-haiku-4-5")

    assert own and own.tiers
    assert offered and offered.tiers == {}


def test_what_is_listed_without_a_price_has_none() -> None:
    empty = next((provider.id, info.id) for provider, info in MODELS if info.prices and not _priced(info))

    assert PriceBook(default=genai.find).prices_at(*empty, NOON) is None


def _priced(info: ModelInfo) -> bool:
    prices = info.prices if isinstance(info.prices, list) else [info]
    return any(vars(getattr(each, "prices", each)) for each in prices)


def test_what_an_application_fetched_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    before = genai.find("anthropic", "claude-sonnet-4-5")
    monkeypatch.setattr(genai, "_snapshot", genai._snapshot.__wrapped__)  # as it would be loaded now
    genai.find.cache_clear()
    data_snapshot.set_custom_snapshot(data_snapshot.DataSnapshot(providers=[], from_auto_update=True))
    try:
        assert genai.find("anthropic", "claude-sonnet-4-5") == before
    finally:
        data_snapshot.set_custom_snapshot(None)


ALONE = """
import sys

def refuse(event, arguments):
    if event.startswith("socket."):
        raise SystemExit(f"{event} {arguments}")

sys.addaudithook(refuse)
from datetime import datetime, UTC
from analytics_es import AnalyticsService
assert "genai_prices" not in sys.modules
with AnalyticsService.open(":memory:", follow=False) as analytics:
    print(analytics.price("anthropic", "claude-sonnet-4-5").unwrap().model)
    print(analytics.price("no-such-provider", "no-such-model").failure.code)
"""


def test_nothing_connects_anywhere_and_nothing_is_loaded_before_it_is_needed() -> None:
    done = ran([sys.executable, "-W", "error", "-c", ALONE])

    assert (done.stdout, done.stderr) == ("claude-sonnet-4-5\nunknown_model\n", "")


def test_without_the_package_its_absence_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    monkeypatch.setattr(genai, "installed", lambda: False)
    for work in (genai.edition.__wrapped__, genai._snapshot.__wrapped__):
        with pytest.raises(MissingExtra, match=r"pip install 'analytics-es\[prices\]'"):
            work()


@pytest.mark.parametrize(
    ("told", "in_utc"),
    [
        (time(0, 30), time(0, 30)),
        (time(0, 30, tzinfo=UTC), time(0, 30)),
        (time(0, 30, tzinfo=timezone(HOUR)), time(23, 30)),
    ],
)
def test_times_of_the_day_are_of_utc_unless_they_say_otherwise(told: time, in_utc: time) -> None:
    assert genai._utc(told) == in_utc


def test_an_edition_is_known_by_version_and_data() -> None:
    edition = genai.edition()

    assert edition.version.count(".") == 2
    assert len(edition.digest) == 64


def test_every_kind_has_a_field_of_events() -> None:
    assert set(KINDS) <= set(FIELDS)


def test_an_event_is_a_usage() -> None:
    given = book(price())
    data = provider_call(input_tokens=1_000_000, cache_read_tokens=0, output_tokens=0, reasoning_tokens=0)["data"]

    assert given.cost_of(data, "acme", "acme-large", NOON) == Cost(input=D(2), output=D(0), other=D(0), currency="EUR")
    assert evolve(given, published=()).cost_of(data, "acme", "acme-large", NOON) is None
