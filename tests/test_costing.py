"""Cost is what pricing every call by itself adds up to, however it is cut, grouped, delivered and kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

import pytest
from attrs import frozen
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.calendar import Calendar
from analytics_es.errors import BadUsage
from analytics_es.periods import Tiling
from analytics_es.pricing.book import PriceBook
from analytics_es.pricing.quantities import EXACT
from analytics_es.questions import Questions
from analytics_es.testing import provider_call
from analytics_es.types import CostBreakdown, Granularity

FIRST = datetime(2026, 3, 7, tzinfo=UTC)  # in New York, clocks go forward on the 8th
NOW = FIRST + timedelta(days=200)
ZONES = ["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]
USER, MODEL = ("user",), ("provider", "model")

moderate = settings(deadline=None, max_examples=20, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))
few = settings(moderate, max_examples=6)


# ── what is recorded ────────────────────────────────────────────────────────────────────────────────────────────

MODELS = [  # of a price list: published ones; default ones with a tier, with hours, with audio; and none
    ("acme", "acme-large"),
    ("acme", "acme-small"),
    ("anthropic", "claude-sonnet-4-5"),
    ("deepseek", "deepseek-chat"),
    ("google", "gemini-2.5-flash"),
    ("nobody", "mystery"),
]
# Where prices change: odd instants, and bounds of hours and days.
TURNS = [FIRST + timedelta(days=1, hours=7, minutes=20, seconds=33, microseconds=700_001)]
TURNS += [FIRST + timedelta(days=1), FIRST + timedelta(days=2, hours=3), FIRST + timedelta(hours=16, minutes=30)]
MICROSECOND = timedelta(microseconds=1)

instants = st.one_of(
    st.builds(lambda turn, us: turn + us * MICROSECOND, st.sampled_from(TURNS), st.integers(-2, 2)),
    st.integers(-86_400, 3 * 86_400).map(lambda second: FIRST + timedelta(seconds=second)),
)
inputs = st.sampled_from([150_000, 150_001, 200_000, 200_001, 272_001]) | st.integers(0, 300_000)


@st.composite
def usages(draw: st.DrawFn) -> dict[str, Any]:
    """Return what a call tells that it used, as it may be recorded: a part is never above what it lies in."""
    used: dict[str, Any] = {
        "input_tokens": draw(st.none() | inputs),
        "output_tokens": draw(st.none() | st.integers(0, 5_000)),
    }
    input, output = used["input_tokens"] or 0, used["output_tokens"] or 0

    def some(most: int) -> int | None:
        return draw(st.none() | st.integers(0, most))

    used["searches"] = draw(st.sampled_from([None, None, 0, 3]))
    used["reasoning_tokens"] = some(output // 2)
    used["cache_read_tokens"] = some(input // 4)
    used["cache_creation_tokens"] = some(input // 4)
    used["cache_creation_1h_tokens"] = some(used["cache_creation_tokens"] or 0)
    if draw(st.booleans()):
        used["output_audio_tokens"], used["input_audio_tokens"] = some(output // 2), some(input // 4)
        most = min(used["cache_read_tokens"] or 0, used["input_audio_tokens"] or 0)
        used["cache_read_audio_tokens"] = some(most)
    return used


@st.composite
def calls(draw: st.DrawFn) -> dict[str, Any]:
    provider, model = draw(st.sampled_from(MODELS))
    cost = draw(st.sampled_from([None, None, None, "0", "0.000000001", "1.25"]))
    return provider_call(
        occurred_at=draw(instants),
        provider=provider,
        model=model,
        user_id=draw(st.sampled_from([None, "ada", "bob"])),
        operation=draw(st.sampled_from(["chat", "embeddings"])),
        status=draw(st.sampled_from(["ok", "ok", "error"])),
        batch=draw(st.sampled_from([None, False, True])),
        **draw(usages()),
        cost=cost,
        currency=draw(st.sampled_from(["USD", "EUR"])) if cost else None,
    )


decimals = st.decimals("0.01", "99", places=6).map(str)
tiered = st.builds(
    lambda base, above, price: {"base": base, "tiers": [{"above": above, "price": price}]},
    decimals,
    st.sampled_from([150_000, 200_000]),  # the read model keeps only one of them apart
    decimals,
)


@st.composite
def entries(draw: st.DrawFn) -> dict[str, Any]:
    """Return a price of the models that are published."""
    since = draw(st.sampled_from(TURNS)) if draw(st.booleans()) else FIRST - timedelta(days=30)
    entry: dict[str, Any] = {"provider": "acme", "model": draw(st.sampled_from(["acme-large", "acme-*"]))}
    entry |= {"effective_from": since.isoformat()}
    if draw(st.booleans()):
        entry["effective_until"] = (since + draw(st.sampled_from([3_599, 86_400])) * timedelta(seconds=1)).isoformat()
    if draw(st.integers(0, 3)) == 0:
        entry["hours"] = draw(st.sampled_from([["00:30", "16:30"], ["22:00", "03:00:00.000001"]]))
    if draw(st.integers(0, 5)) == 0:
        return {**entry, "free": True}
    if draw(st.integers(0, 5)) == 0:
        return {**entry, "provider": "anthropic", "model": "claude-*", "multiplier": "0.9"}
    kinds = {"input_tokens", *draw(st.sets(st.sampled_from(["output_tokens", "cache_read_tokens"])))}
    kinds |= draw(st.sets(st.sampled_from(["cache_creation_tokens", "input_audio_tokens"])))
    if "output_tokens" in kinds:
        kinds |= draw(st.sets(st.sampled_from(["reasoning_tokens", "output_audio_tokens"])))
    if {"cache_read_tokens", "input_audio_tokens"} <= kinds:
        kinds.add("cache_read_audio_tokens")
    entry["per_mtok"] = {kind: draw(decimals | tiered) for kind in sorted(kinds - draw(st.just(set())))}
    entry["per_1k"] = {kind: draw(decimals) for kind in sorted(draw(st.sets(st.sampled_from(["searches", "requests"]))))}
    if draw(st.booleans()):
        entry["batch"] = "0.5"
    return {**entry, "currency": draw(st.sampled_from(["USD", "EUR"]))}


histories = st.lists(calls(), min_size=1, max_size=25)
publications = st.lists(entries(), max_size=4)


def identified(events: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**event, "id": str(number), "source": "test"} for number, event in enumerate(events)]


def opened(url: Any = ":memory:", zone: str = "UTC") -> AnalyticsService:
    return AnalyticsService.open(url, timezone=zone, follow=False, clock=lambda: NOW)


# ── pricing every call by itself ────────────────────────────────────────────────────────────────────────────────

Key = tuple[Any, ...]
Of = Callable[[Mapping[str, Any]], Any]  # what a call is counted under; None for nothing


@frozen
class Sum:
    """Calls and what they cost; None where that is not known."""

    calls: int
    cost: Decimal | None


def cost_of(book: PriceBook, event: Mapping[str, Any]) -> tuple[str, Decimal] | str:
    """Return what one call cost, or why that is not known."""
    data, at = event["data"], event["occurred_at"]
    used = {kind: count for kind, count in data.items() if count is not None}
    prices = book.prices_at(data["provider"], data["model"], at, batch=bool(data.get("batch")))
    if "cost" in used:
        nothing = Decimal(data["cost"]) == 0 and (used.get("input_tokens") or used.get("output_tokens"))
        return "reported_as_zero" if nothing and not (prices and prices.free) else (data["currency"], Decimal(data["cost"]))
    if prices is None:
        return "no_price"
    told = {"input_tokens", "output_tokens", "searches"} & used.keys()
    if not told and not prices.free and any("token" in kind for kind in prices.prices):
        return "no_usage"
    try:
        cost = book.cost_of(used, data["provider"], data["model"], at)
    except BadUsage:
        return "parts_not_told"
    return (cost.currency, cost.total) if cost else "no_price"


def added(book: PriceBook, events: Iterable[Mapping[str, Any]], of: Of) -> dict[Key, Sum]:
    """Return the costs of calls by what they are counted under and currency, "" where that is not known."""
    found: dict[Key, list[Decimal | None]] = defaultdict(list)
    for event in events:
        if (key := of(event)) is not None:
            cost = cost_of(book, event)
            found[("", *key) if isinstance(cost, str) else (cost[0], *key)].append(
                None if isinstance(cost, str) else cost[1]
            )
    with localcontext(EXACT):
        return {
            key: Sum(len(costs), sum((each for each in costs if each is not None), Decimal(0)) if key[0] else None)
            for key, costs in found.items()
        }


def reasons(book: PriceBook, events: Iterable[Mapping[str, Any]]) -> dict[Key, int]:
    found: dict[Key, int] = defaultdict(int)
    for event in events:
        why = cost_of(book, event)
        if isinstance(why, str):
            found[event["data"]["provider"], event["data"]["model"], why] += 1
    return dict(found)


def keys(*names: str) -> Of:
    """Count calls under the values of fields; those without an entity that is asked for under none."""
    fields = {"user": "user_id"}

    def of(event: Mapping[str, Any]) -> Key | None:
        values = tuple(event["data"].get(fields.get(name, name)) for name in names)
        return None if None in values else values

    return of


def bucket(calendar: Calendar, tiling: Tiling, granularity: str) -> Of:
    def of(event: Mapping[str, Any]) -> Key:
        second = int(event["occurred_at"].timestamp() // 1)
        start = calendar.hour_start(second) if granularity == "hour" else calendar.day_start(second)
        return (calendar.local(max(start, tiling.start)),)

    return of


# ── the same of an answer ───────────────────────────────────────────────────────────────────────────────────────


def asked(analytics: Questions, period: TimePeriod, by: Sequence[str] = (), **options: Any) -> CostBreakdown:
    return analytics.get_cost_breakdown(period, by=by, **options).unwrap()


def rows(answer: CostBreakdown) -> dict[Key, Sum]:
    return {(row.currency, *row.keys.values()): Sum(row.calls, row.cost) for row in answer.rows}


def series(answer: CostBreakdown) -> dict[Key, Sum]:
    return {(each.currency, each.start): Sum(each.calls, each.cost) for each in answer.series if each.calls}


def unknown(answer: CostBreakdown) -> dict[Key, int]:
    return {(each.provider, each.model, each.reason): each.calls for each in answer.unknown}


def within(events: Iterable[Mapping[str, Any]], tiling: Tiling) -> list[Mapping[str, Any]]:
    start, end = (datetime.fromtimestamp(each, UTC) for each in (tiling.start, tiling.end))
    return [event for event in events if start <= event["occurred_at"] < end]


def agrees(
    analytics: Questions, book: PriceBook, events: Sequence[Mapping[str, Any]], zone: str, granularity: Granularity
) -> None:
    """Ask for a period, by all there is, and compare with pricing every call."""
    period = TimePeriod(FIRST + timedelta(hours=2), FIRST + timedelta(days=3), granularity)
    calendar = Calendar(zone)
    tiling = Tiling.of(calendar, period)
    inside, earlier = within(events, tiling), within(events, tiling.before())
    whole = asked(analytics, period)
    totals = {(each.currency,): Sum(each.calls, each.cost) for each in whole.totals}
    before = added(book, earlier, keys())

    assert totals == {key: each for key, each in added(book, inside, keys()).items() if key[0]}
    assert unknown(whole) == reasons(book, inside)
    assert (whole.calls, whole.unknown_calls) == (len(inside), sum(unknown(whole).values()))
    assert series(whole) == added(book, inside, bucket(calendar, tiling, granularity))
    assert {each.currency: each.previous_cost for each in whole.totals} == {
        each.currency: before[each.currency,].cost if (each.currency,) in before else None for each in whole.totals
    }
    for by in (USER, MODEL, (*USER, "operation"), ("model", "currency")[:1]):
        assert rows(asked(analytics, period, by)) == added(book, inside, keys(*by))
    ada = [event for event in inside if event["data"].get("user_id") == "ada"]
    assert rows(asked(analytics, period, where={"user": "ada"})) == added(book, ada, keys())


# ── laws ────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(histories, publications, st.sampled_from(ZONES), st.sampled_from(["hour", "day"]))
@moderate
def test_cost_is_what_pricing_every_call_by_itself_adds_up_to(
    events: list[dict[str, Any]], prices: list[dict[str, Any]], zone: str, granularity: Granularity
) -> None:
    with opened(zone=zone) as analytics:
        analytics.record_events(identified(events)).unwrap()
        if prices:
            analytics.publish_prices(prices).unwrap()
        analytics.catch_up()

        agrees(analytics, analytics.price_book().unwrap(), events, zone, granularity)
