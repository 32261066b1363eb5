"""Cost is what pricing every call by itself adds up to, however it is cut, grouped, delivered and kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal, localcontext
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve, frozen
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cost.prices.book import PriceBook
from analytics_es.cost.prices.quantities import EXACT, KINDS
from analytics_es.errors import BadUsage
from analytics_es.events.outcomes import VERDICTS
from analytics_es.projection.calendar import Calendar
from analytics_es.projections.cost import THRESHOLDS
from analytics_es.read_models import Tiling
from analytics_es.service.questions import Questions
from analytics_es.testing import provider_call
from analytics_es.types import CostBreakdown, Granularity
from tests.servers import Server
from tests.stores import replace

pytestmark = pytest.mark.usefixtures("full_privacy")  # costs are told apart by the names of users

FIRST = datetime(2026, 3, 7, tzinfo=UTC)  # in New York, clocks go forward on the 8th
NOW = FIRST + timedelta(days=200)
ZONES = ["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]

moderate = settings(max_examples=10, phases=[Phase.explicit, Phase.reuse, Phase.generate])
few = settings(moderate, max_examples=4)


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
    batch = draw(st.sampled_from([None, False, True]))
    call = provider_call(
        service_tier=draw(st.none() | st.sampled_from(["default", "Flex", "vip"])) if not batch else None,
        requests=draw(st.sampled_from([None, None, 1, 2, 30])),
        occurred_at=draw(instants),
        provider=provider,
        model=model,
        user_id=draw(st.sampled_from([None, "ada", "bob"])),
        operation=draw(st.sampled_from(["chat", "embeddings"])),
        status=draw(st.sampled_from(["ok", "ok", "error"])),
        batch=batch,
        **draw(usages()),
        cost=cost,
        currency=draw(st.sampled_from(["USD", "EUR"])) if cost else None,
    )
    verb = draw(st.sampled_from(["completed", "completed", "completed", "started", "noted"]))
    if verb == "noted":  # which does not say that anything ended
        call["data"] = {name: told for name, told in call["data"].items() if name not in ("status", *LASTED)}
    return {**call, "event_type": f"provider.call.{verb}"}


LASTED = ("duration_ms", "time_to_first_chunk_ms")
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
    entry["per_mtok"] = {kind: draw(decimals | tiered) for kind in sorted(kinds)}
    entry["per_1k"] = {
        kind: draw(decimals) for kind in sorted(draw(st.sets(st.sampled_from(["searches", "requests"]))))
    }
    entry |= draw(st.sampled_from([{}, {}, {"batch": "0.5"}, {"service_tier": "flex"}, {"service_tier": "batch"}]))
    return {**entry, "currency": draw(st.sampled_from(["USD", "EUR"]))}


histories = st.lists(calls(), min_size=1, max_size=25)
publications = st.lists(entries(), max_size=4)


def identified(events: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**event, "id": str(number), "source": "test"} for number, event in enumerate(events)]


def opened(url: Any = ":memory:", zone: str = "UTC") -> AnalyticsService:
    return AnalyticsService.open(url, timezone=zone, follow=False, clock=lambda: NOW)


# ── pricing every call by itself ────────────────────────────────────────────────────────────────────────────────

Key = tuple[Any, ...]
Of = Callable[[Mapping[str, Any]], Any]  # what a call is counted under


@frozen
class Sum:
    """Calls and what they cost; None where that is not known."""

    calls: int
    cost: Decimal | None


def cost_of(book: PriceBook, event: Mapping[str, Any]) -> tuple[str, Decimal] | str:
    """Return what one call cost, or why that is not known."""
    data, at = event["data"], event["occurred_at"]
    used = {kind: count for kind, count in data.items() if count is not None}
    name, tier = (data["provider"], data["model"]), used.get("service_tier")
    prices = book.prices_at(*name, at, batch=bool(data.get("batch")), service_tier=tier)
    if "cost" in used:
        nothing = Decimal(data["cost"]) == 0 and (used.get("input_tokens") or used.get("output_tokens"))
        return (
            "reported_as_zero"
            if nothing and not (prices and prices.free)
            else (data["currency"], Decimal(data["cost"]))
        )
    if prices is None:
        return "no_tier_price" if tier not in (None, "default") and book.prices_at(*name, at) else "no_price"
    told = {"input_tokens", "output_tokens", "searches"} & used.keys()
    if not told and not prices.free and any("token" in kind for kind in prices.prices):
        return "no_usage"
    try:
        cost = book.cost_of(used, data["provider"], data["model"], at)
    except BadUsage:
        return "parts_not_told"
    return (cost.currency, cost.total) if cost else "no_price"


def ended(event: Mapping[str, Any]) -> bool:
    return event["event_type"] == "provider.call.completed"


def requests(event: Mapping[str, Any]) -> int:
    return event["data"].get("requests") or 1


def added(book: PriceBook, events: Iterable[Mapping[str, Any]], of: Of) -> dict[Key, Sum]:
    """Return the costs of calls by what they are counted under and currency, "" where that is not known."""
    found: dict[Key, list[Decimal | None]] = defaultdict(list)
    noted: dict[Key, int] = defaultdict(int)
    for event in events:
        key, cost = of(event), cost_of(book, event)
        if event["event_type"] == "provider.call.noted" and event["data"].get("cost") is not None:  # a bill, also of 0
            found[event["data"]["currency"], *key].append(Decimal(event["data"]["cost"]))
            noted[event["data"]["currency"], *key] += 1
        if not ended(event):
            continue
        if isinstance(cost, str):
            found["", *key] += [None] * requests(event)
        else:
            found[cost[0], *key] += [cost[1], *[Decimal(0)] * (requests(event) - 1)]
    with localcontext(EXACT):
        return {
            key: Sum(
                len(costs) - noted[key],
                sum((each for each in costs if each is not None), Decimal(0)) if key[0] else None,
            )
            for key, costs in found.items()
        }


def reasons(book: PriceBook, events: Iterable[Mapping[str, Any]]) -> dict[Key, int]:
    found: dict[Key, int] = defaultdict(int)
    for event in events:
        why = cost_of(book, event)
        if isinstance(why, str) and ended(event):
            found[event["data"]["provider"], event["data"]["model"], why] += requests(event)
    return dict(found)


def keys(*names: str) -> Of:
    """Count calls under the values of fields, "" where they have none."""
    fields = {"user": "user_id"}

    def of(event: Mapping[str, Any]) -> Key:
        return tuple(event["data"].get(fields.get(name, name)) or "" for name in names)

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
    points = [each for each in answer.series if each.calls or each.cost is not None]
    return {(each.currency, each.start): Sum(each.calls, each.cost) for each in points}


def unknown(answer: CostBreakdown) -> dict[Key, int]:
    calls: dict[Key, int] = defaultdict(int)
    for each in answer.unknown:
        calls[each.provider, each.model, each.reason] += each.calls
    return dict(calls)


def tells(event: Mapping[str, Any]) -> bool:
    """Say whether it tells usage, or a cost that is in no sum."""
    told = ("input_tokens", "output_tokens", "searches")
    if event["data"].get("cost") is not None:
        return event["event_type"] == "provider.call.started"
    return any(event["data"].get(kind) for kind in told)


def within(events: Iterable[Mapping[str, Any]], tiling: Tiling) -> list[Mapping[str, Any]]:
    start, end = (datetime.fromtimestamp(each, UTC) for each in (tiling.start, tiling.end))
    return [event for event in events if start <= event["occurred_at"] < end]


def some(sums: Mapping[Key, Sum]) -> dict[Key, Sum]:
    return {key: each for key, each in sums.items() if each.calls or each.cost != 0}


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
    assert whole.calls == sum(requests(event) for event in inside if ended(event))
    assert whole.unknown_calls == sum(unknown(whole).values())
    assert whole.not_ended == sum(not ended(event) and tells(event) for event in inside)
    assert series(whole) == added(book, inside, bucket(calendar, tiling, granularity))
    assert {each.currency: each.previous_cost for each in whole.totals} == {
        each.currency: before[each.currency,].cost if (each.currency,) in before else None for each in whole.totals
    }
    for by in (("user",), ("provider", "model"), ("user", "operation")):
        # What is of nobody is what is left of all: a bill of nothing leaves no trace there.
        assert some(rows(asked(analytics, period, by))) == some(added(book, inside, keys(*by)))
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


@given(histories, publications, st.data())
@few
def test_neither_order_nor_batches_change_a_cost(
    events: list[dict[str, Any]], prices: list[dict[str, Any]], data: st.DataObject
) -> None:
    named = identified(events)
    shuffled, batch = data.draw(st.permutations(named)), data.draw(st.integers(1, 9))
    period = TimePeriod(FIRST, FIRST + timedelta(days=3), "hour")

    def answer(ordered: Sequence[Mapping[str, Any]], batch: int) -> CostBreakdown:
        with opened() as analytics:
            analytics.publish_prices([*prices, PRICE]).unwrap()
            for first in range(0, len(ordered), batch):
                analytics.record_events(ordered[first : first + batch]).unwrap()
                analytics.catch_up()
            return asked(analytics, period, ("model",))

    assert answer(shuffled, batch) == answer(named, len(named))


@given(histories, publications, st.sampled_from(ZONES), st.data())
@few
def test_as_of_a_position_neither_later_calls_nor_later_prices_are_known(
    events: list[dict[str, Any]], prices: list[dict[str, Any]], zone: str, data: st.DataObject
) -> None:
    """A price that is published later does not reach back into what was known."""
    with opened(zone=zone) as analytics:
        half = len(events) // 2
        named = identified(events)
        analytics.record_events(named[:half]).unwrap()
        analytics.publish_prices([PRICE]).unwrap()
        analytics.record_events(named[half:]).unwrap()
        analytics.publish_prices([{**PRICE, "per_mtok": {"input_tokens": "7"}}, *prices]).unwrap()
        position = data.draw(st.integers(0, analytics.store.log.head()))
        known = named[: min(position, half)] + named[half : max(half, position - 1)]

        with analytics.as_of(position) as then:
            agrees(then, analytics.price_book().unwrap().upto(position), known, zone, "hour")


@given(histories, publications, st.sampled_from(ZONES), st.booleans())
@few
def test_what_was_sealed_costs_the_same_or_is_told_not_to_be_known(
    events: list[dict[str, Any]], prices: list[dict[str, Any]], zone: str, hours_too: bool
) -> None:
    """Sums of events that are gone cannot be cut where prices change, once these are published."""
    period = TimePeriod(FIRST - timedelta(days=2), FIRST + timedelta(days=4), "day")
    calendar = Calendar(zone)
    with TemporaryDirectory() as folder, opened(f"{folder}/a.db", zone) as analytics:
        analytics.record_events(identified(events)).unwrap()
        analytics.catch_up()
        keep = {"events": "198d", "hourly": "198d"} if hours_too else {"events": "198d"}
        analytics.retain(keep).unwrap()
        analytics.publish_prices([*prices, PRICE]).unwrap()
        book = analytics.price_book().unwrap()

        for provider, model in MODELS:
            own = [event for event in events if event["data"]["model"] == model]
            answer = asked(analytics, period, where={"provider": provider, "model": model})
            lost = sum(each.calls for each in answer.unknown if each.reason == "not_kept")
            expected = added(book, own, bucket(calendar, Tiling.of(calendar, period), "day"))
            found = series(answer)
            days = {key[1] for key in expected}
            assert answer.calls == sum(requests(event) for event in own if ended(event))
            assert {key[1] for key in found} == days
            if not lost:
                assert found == expected
            for day in days:
                of_day = {key[0]: each for key, each in found.items() if key[1] == day}
                wanted = {key[0]: each for key, each in expected.items() if key[1] == day}
                unknown_there, unknown_then = (each.get("", Sum(0, None)).calls for each in (of_day, wanted))
                assert unknown_then <= unknown_there <= unknown_then + lost
                if unknown_there == unknown_then:
                    assert of_day == wanted


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_on_postgresql_too(postgres: Server, zone: str) -> None:
    random = Random(zone)
    events = [
        provider_call(
            occurred_at=random.choice(TURNS) + random.randint(-2, 2) * MICROSECOND,
            provider=provider,
            model=model,
            user_id=random.choice(["ada", "bob"]),
            input_tokens=random.choice([150_000, 150_001, 200_000, 200_001, 901]),
            cost=random.choice([None, None, "0", "1.5"]),
        )
        for _ in range(10)
        for provider, model in MODELS
    ]
    with opened(postgres.database(), zone) as analytics:
        analytics.record_events(identified(events)).unwrap()
        analytics.publish_prices([PRICE, {**PRICE, "effective_from": TURNS[0].isoformat(), "per_1k": {"requests": 1}}])
        analytics.catch_up()

        agrees(analytics, analytics.price_book().unwrap(), events, zone, "hour")


def test_what_is_read_from_the_log_for_one_model_is_neither_counted_twice_nor_for_another() -> None:
    """A threshold that the read model does not keep takes all of a period, a price's turn within an hour that hour."""
    turn = call(provider="deepseek", model="deepseek-chat", input_tokens=1_000, occurred_at=TURNS[3])
    large = call(input_tokens=150_001, occurred_at=HOUR)
    events = [turn, large, {**large, "occurred_at": TURNS[3] - MICROSECOND}]
    with opened() as analytics:
        analytics.record_events(identified(events)).unwrap()
        analytics.publish_prices([PRICE]).unwrap()
        analytics.catch_up()
        period = TimePeriod(FIRST, FIRST + timedelta(days=3))

        agrees(analytics, analytics.price_book().unwrap(), events, "UTC", "hour")
        assert [asked(analytics, period, where={"model": model}).calls for model in ("deepseek-chat", "x")] == [1, 0]


def test_a_model_whose_price_changes_twice_a_day_is_read_for_itself_alone() -> None:
    events = [call(provider="deepseek", model="deepseek-chat", input_tokens=1_000), call(input_tokens=5)]
    with opened() as analytics:
        analytics.record_events(identified(events)).unwrap()
        analytics.catch_up()
        period = TimePeriod(FIRST, FIRST + timedelta(days=30))

        models = ("deepseek-chat", "acme-large", "x")
        assert [asked(analytics, period, where={"model": model}).calls for model in models] == [1, 1, 0]


def test_a_price_that_is_published_later_is_not_known_as_of_then() -> None:
    with opened() as analytics:
        analytics.record_events(identified([call(input_tokens=1)])).unwrap()
        analytics.publish_prices([plain("2")]).unwrap()
        analytics.publish_prices([plain("7")]).unwrap()
        analytics.catch_up()
        period = TimePeriod(FIRST, FIRST + timedelta(days=3))
        known = [total(asked(then, period)) for then in map(analytics.as_of, (1, 2, 3))]

        assert known == [{}, {"EUR": Decimal("0.000002")}, {"EUR": Decimal("0.000007")}]


@pytest.mark.parametrize(("hours", "reason"), [(False, None), (True, "not_kept")])
def test_what_a_sealed_day_cost_is_not_known_where_its_hours_are_gone_and_a_price_changed_within(
    tmp_path: Path, hours: bool, reason: str | None
) -> None:
    turn = FIRST + timedelta(days=1, hours=7)
    calls = [call(occurred_at=turn + gap, input_tokens=1) for gap in (-MICROSECOND, 0 * MICROSECOND, timedelta(days=1))]
    with opened(tmp_path / "a.db") as analytics:
        analytics.record_events(identified(calls)).unwrap()
        analytics.catch_up()
        analytics.retain({"events": "190d", **({"hourly": "190d"} if hours else {})}).unwrap()
        analytics.publish_prices([plain("2"), plain("1000", effective_from=turn.isoformat())]).unwrap()
        answer = asked(analytics, TimePeriod(FIRST, FIRST + timedelta(days=3), "day"), ("model",))

    assert why(answer) == ([(reason, 2)] if reason else [])
    assert total(answer) == {"EUR": Decimal("0.001" if reason else "0.002002")}


# ── what sums of calls hide ─────────────────────────────────────────────────────────────────────────────────────

PRICE: dict[str, Any] = {
    "provider": "acme",
    "model": "acme-*",
    "currency": "EUR",
    "effective_from": "2026-01-01T00:00:00Z",
    "per_mtok": {
        "input_tokens": {"base": "2", "tiers": [{"above": 150_000, "price": "3"}, {"above": 200_000, "price": "4"}]},
        "output_tokens": "8",
    },
}
HOUR = FIRST + timedelta(days=1, hours=1)


def call(**changes: Any) -> dict[str, Any]:
    """Return a call of which nothing is told but what is said here."""
    nothing = dict.fromkeys((*(kind for kind in KINDS if kind != "requests"), "cost", "currency"))
    return provider_call(**{**nothing, "provider": "acme", "model": "acme-large", "occurred_at": HOUR, **changes})


def plain(each: str, **changes: str) -> dict[str, Any]:
    return {**PRICE, "per_mtok": {"input_tokens": each}, **changes}


def priced(*kinds: str, **more: str) -> dict[str, Any]:
    return {**PRICE, "per_mtok": {kind: str(n) for n, kind in enumerate(kinds, 2)}, "per_1k": more}


@pytest.mark.parametrize(
    ("price", "events"),
    [
        (priced("input_tokens", "output_tokens"), [call(input_tokens=5), call(searches=3)]),
        (priced("input_tokens", "output_tokens", requests="1"), [call(input_tokens=5), call(searches=3), call()]),
        (priced("input_tokens"), [call(input_tokens=5), call(output_tokens=3)]),
        (priced("input_tokens"), [call(input_tokens=0), call(output_tokens=0), call()]),
        (priced(searches="10"), [call(input_tokens=5, output_tokens=5), call(input_tokens=5, searches=2)]),
        (
            priced("input_tokens", "output_tokens", "reasoning_tokens", "output_audio_tokens"),
            [
                call(output_tokens=5, reasoning_tokens=3),
                call(output_tokens=9, output_audio_tokens=2),
                call(output_tokens=9, output_audio_tokens=2, reasoning_tokens=1),
            ],
        ),
        (
            priced("input_tokens", "cache_read_tokens", "input_audio_tokens", "cache_read_audio_tokens"),
            [
                call(input_tokens=5, cache_read_tokens=3),
                call(input_tokens=9, input_audio_tokens=2),
                call(input_tokens=9, input_audio_tokens=2, cache_read_tokens=2),
                call(input_tokens=9, input_audio_tokens=2, cache_read_tokens=2, cache_read_audio_tokens=0),
                call(input_tokens=9, input_audio_tokens=2, cache_read_tokens=2, cache_read_audio_tokens=1),
            ],
        ),
        (
            priced("input_tokens", "cache_creation_tokens", "input_image_tokens"),
            [
                call(input_tokens=5, cache_creation_tokens=3),
                call(input_tokens=9, input_image_tokens=2),
                call(input_tokens=9, input_image_tokens=2, cache_creation_tokens=2),
            ],
        ),
    ],
)
def test_calls_of_one_hour_are_known_or_not_each_by_itself(price: dict[str, Any], events: list[dict[str, Any]]) -> None:
    with opened() as analytics:
        analytics.record_events(identified(events)).unwrap()
        analytics.publish_prices([price]).unwrap()
        analytics.catch_up()

        agrees(analytics, analytics.price_book().unwrap(), events, "UTC", "hour")


# ── bounds ──────────────────────────────────────────────────────────────────────────────────────────────────────


def costs(events: Sequence[dict[str, Any]], *prices: dict[str, Any], zone: str = "UTC", days: int = 3) -> CostBreakdown:
    """Return what calls cost at prices."""
    with opened(zone=zone) as analytics:
        analytics.record_events(identified(events)).unwrap()
        if prices:
            analytics.publish_prices(prices).unwrap()
        analytics.catch_up()
        return asked(analytics, TimePeriod(FIRST, FIRST + timedelta(days=days), "day"), ("model",))


def total(answer: CostBreakdown) -> dict[str, Decimal]:
    return {each.currency: each.cost for each in answer.totals}


def why(answer: CostBreakdown) -> list[tuple[str, int]]:
    return [(each.reason, each.calls) for each in answer.unknown]


@pytest.mark.parametrize(
    ("tokens", "cost"), [(150_000, "0.3"), (150_001, "0.450003"), (200_000, "0.6"), (200_001, "0.800004")]
)
def test_above_a_threshold_all_of_a_call_costs_more(tokens: int, cost: str) -> None:
    """One of these the read model keeps apart, the other one it does not."""
    assert total(costs([call(input_tokens=tokens), call(input_tokens=1)], PRICE)) == {
        "EUR": Decimal(cost) + Decimal("0.000002")
    }


@pytest.mark.parametrize(("tokens", "cost"), [(200_000, "0.6"), (200_001, "1.200006")])
def test_and_of_a_default_price(tokens: int, cost: str) -> None:
    """Claude Sonnet 4.5's input costs 3 dollars a million, and 6 above 200,000 tokens."""
    sonnet = call(provider="anthropic", model="claude-sonnet-4-5", input_tokens=tokens)

    assert total(costs([sonnet])) == {"USD": Decimal(cost)}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
@pytest.mark.parametrize("clock", ["00:00", "07:00", "07:20:33.700001"])
def test_a_price_holds_from_its_first_instant_on(zone: str, clock: str) -> None:
    """At the bound of a day or of an hour, where there is one in the zone, and within an hour."""
    turn = datetime.combine(FIRST + timedelta(days=1), time.fromisoformat(clock), ZoneInfo(zone))
    sooner, later = plain("2"), plain("1000", effective_from=turn.isoformat())
    before = [call(occurred_at=turn - gap, input_tokens=1) for gap in (timedelta(seconds=1), MICROSECOND)]
    after = [call(occurred_at=turn + gap, input_tokens=1) for gap in (0 * MICROSECOND, timedelta(seconds=1))]

    assert total(costs(before, sooner, later, zone=zone)) == {"EUR": Decimal("0.000004")}
    assert total(costs(after, sooner, later, zone=zone)) == {"EUR": Decimal("0.002")}
    assert total(costs([*before, *after], sooner, later, zone=zone)) == {"EUR": Decimal("0.002004")}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Europe/Berlin"])
@pytest.mark.parametrize("days", [3, 60])
def test_a_price_that_turns_at_half_past_an_hour_is_read_from_what_is_kept(zone: str, days: int) -> None:
    """A default price that does so twice a day: of a few days, and of so many that it is read by the hour."""
    turns = [FIRST + timedelta(hours=hour, minutes=30) for hour in (0, 16, 24)]
    gaps = [-MICROSECOND, 0 * MICROSECOND, timedelta(minutes=29, seconds=59), timedelta(minutes=-30)]
    events = [
        call(provider="deepseek", model="deepseek-chat", input_tokens=7**number, batch=number % 3 == 0, occurred_at=at)
        for number, at in enumerate(turn + gap for turn in turns for gap in gaps)
    ]
    with opened(zone=zone) as analytics:
        analytics.record_events(identified(events)).unwrap()
        analytics.catch_up()
        replace(
            analytics, context=evolve(analytics._parts.context, derive=NotImplemented)
        )  # whoever reads the log fails
        period = TimePeriod(FIRST - timedelta(days=1), FIRST + timedelta(days=days), "hour" if days < 9 else "day")

        book = analytics.price_book().unwrap()
        each = [book.cost_of(e["data"], "deepseek", "deepseek-chat", e["occurred_at"]) for e in events]
        assert total(asked(analytics, period)) == {"USD": sum(cost.total for cost in each if cost)}


def test_what_calls_of_nobody_cost_is_a_row_and_explained() -> None:
    events = [call(input_tokens=10**number, user_id=user) for number, user in enumerate(["ada", None, None])]
    with opened() as analytics:
        analytics.record_events(identified([*events, call(model="unlisted", provider="x", user_id=None)])).unwrap()
        analytics.publish_prices([plain("2")]).unwrap()
        analytics.catch_up()
        answer = asked(analytics, TimePeriod(FIRST, FIRST + timedelta(days=3), "total"), ("user", "operation"))

        assert rows(answer) == {
            ("EUR", "ada", "chat"): Sum(1, Decimal("0.000002")),
            ("EUR", "", "chat"): Sum(2, Decimal("0.00022")),
            ("", "", "chat"): Sum(1, None),
        }
        ada = asked(analytics, answer.period, ("user",), where={"user": "ada"})
        assert rows(ada) == {("EUR", "ada"): Sum(1, Decimal("0.000002"))}
        for row in answer.rows:
            told = analytics.explain_cost(answer, row=row).unwrap()
            assert (row.calls, row.cost) == (told.calls, told.totals.get(row.currency))


def test_more_from_the_cache_than_there_was_input_is_refused_and_costs_nothing() -> None:
    with opened() as analytics:
        failure = analytics.record_event(**call(input_tokens=10, cache_read_tokens=11)).failure

        assert failure and failure.code == "subset_above_total"
        assert analytics.store.log.head() == 0


def test_a_reported_cost_of_nothing_is_not_known_unless_nothing_was_used_or_the_model_is_free() -> None:
    zero: dict[str, Any] = {"cost": "0", "currency": "USD"}
    free = {"provider": "acme", "model": "acme-small", "effective_from": "2026-01-01T00:00:00Z", "free": True}

    answer = costs([call(input_tokens=5, **zero), call(**zero), call(model="acme-small", input_tokens=5, **zero)], free)

    assert (total(answer), answer.totals[0].calls, why(answer)) == ({"USD": 0}, 2, [("reported_as_zero", 1)])


def test_calls_of_a_free_model_cost_nothing_whatever_they_tell() -> None:
    free = {"provider": "acme", "model": "acme-*", "effective_from": "2026-01-01T00:00:00Z", "free": True}

    answer = costs([call(input_tokens=5), call(), call(searches=3)], free)

    assert (total(answer), answer.computed_calls, why(answer)) == ({"USD": 0}, 3, [])


def test_what_is_free_from_a_time_on_is_free_in_a_tier_that_nobody_names() -> None:
    free = {"provider": "acme", "model": "*", "effective_from": "2026-03-08T12:30:00.000001Z", "free": True}
    zero: dict[str, Any] = {"cost": "0", "currency": "USD", "service_tier": "vip", "input_tokens": 5}
    times = [FIRST, FIRST + timedelta(days=2)]

    priced = {**PRICE, "effective_from": "2026-03-08T12:00:00Z"}  # of any other tier, from before that

    answer = costs([call(**zero, occurred_at=time) for time in times], free, priced)

    assert (total(answer), answer.totals[0].calls, why(answer)) == ({"USD": 0}, 1, [("reported_as_zero", 1)])


def test_a_call_that_told_no_usage_is_not_known() -> None:
    assert why(costs([call()], PRICE)) == [("no_usage", 1)]


def test_what_was_used_and_has_no_price_is_listed_beside_a_cost() -> None:
    answer = costs([call(input_tokens=1_000_000, output_tokens=1, searches=3)], PRICE)

    assert total(answer) == {"EUR": Decimal("4.000008")}
    assert [(each.kind, each.units) for each in answer.unpriced] == [("searches", 3)]


def test_tokens_cost_less_in_a_batch_and_requests_do_not() -> None:
    price = {**priced("input_tokens", requests="1"), "batch": "0.5"}

    answer = costs([call(input_tokens=1_000_000, batch=True), call(input_tokens=1_000_000, batch=False)], price)

    assert total(answer) == {"EUR": Decimal("3.002")}


# ── what is no call ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("verb", VERDICTS)
@pytest.mark.parametrize("status", ["ok", "error", "cancelled"])
def test_what_began_costs_nothing_and_what_ended_costs_however_it_ended(verb: str, status: str) -> None:
    told = call(input_tokens=1_000_000, status=status, service_tier="flex", requests=2)
    events = [{**told, "event_type": f"provider.call.{verb}"}, call(input_tokens=5, cost="1", currency="USD")]
    events[1] = {**events[1], "event_type": f"provider.call.{verb}"}
    begun = VERDICTS[verb] == "begun"

    answer = costs(events, plain("2", service_tier="Flex"))

    assert total(answer) == ({} if begun else {"EUR": 2, "USD": 1})
    assert (answer.calls, answer.not_ended) == ((0, 2) if begun else (3, 0))
    assert answer.tokens.input == (None if begun else 1_000_005)


def test_what_is_neither_costs_what_it_reports_and_nothing_else() -> None:
    quota = {**call(input_tokens=1_000_000, status=None, duration_ms=None), "event_type": "provider.quota.updated"}
    billed = {**quota, "data": {**quota["data"], "cost": "3", "currency": "USD", "input_tokens": 7}}
    events = [quota, {**billed, "event_type": "provider.usage.billed"}, call(input_tokens=1)]

    answer = costs(events, plain("2"))

    assert total(answer) == {"USD": 3, "EUR": Decimal("0.000002")}
    assert (answer.calls, answer.not_ended, answer.tokens.input) == (1, 1, 8)


# ── where cells are cut ─────────────────────────────────────────────────────────────────────────────────────────

# A day of which a price turns within an hour: at the bounds of its halves, just beside them, and within each.
CLOCKS = [time(7, minute, 0, us) for minute in (0, 1, 29, 30, 31, 59) for us in (0, 1)]


def each_alone(book: PriceBook, events: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    """Return what calls cost, each priced by itself."""
    return {key[0]: each.cost for key, each in added(book, events, keys()).items() if each.cost is not None}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
@pytest.mark.parametrize("clock", CLOCKS)
def test_a_price_that_turns_within_an_hour_is_right_for_both_of_its_halves(zone: str, clock: time) -> None:
    """DeepSeek's halves of an hour are kept apart: one of them may be of one price, and the other one of two."""
    hour = FIRST + timedelta(days=1, hours=7)
    turn = datetime.combine(hour.date(), clock, UTC)
    gaps = [timedelta(minutes=minute) for minute in (-31, -1, 0, 1, 29, 30, 31, 59, 60, 91)]
    moments = {hour + gap for gap in gaps} | {turn + us * MICROSECOND for us in (-1, 0, 1)}
    events = [
        call(provider="deepseek", model="deepseek-chat", input_tokens=7**number, occurred_at=at)
        for number, at in enumerate(sorted(moments))
    ]
    about = {"provider": "deepseek", "model": "deepseek-*"}
    prices = [plain("2", **about), plain("1000", **about, effective_from=turn.isoformat())]
    with opened(zone=zone) as analytics:
        analytics.record_events(identified(events)).unwrap()
        analytics.publish_prices(prices).unwrap()
        analytics.catch_up()
        book = analytics.price_book().unwrap()

        answer = asked(analytics, TimePeriod(FIRST, FIRST + timedelta(days=3), "hour"), ("model",))
        often = asked(analytics, TimePeriod(FIRST, FIRST + timedelta(days=60), "day"), ("model",))

    assert total(answer) == total(often) == each_alone(book, events)
    assert (answer.calls, often.calls) == (len(events), len(events))


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("hourly", [True, False])
def test_sealed_calls_of_an_hour_in_which_a_price_turned_are_known_by_halves(
    tmp_path: Path, clock: time, hourly: bool
) -> None:
    hour = FIRST + timedelta(days=1, hours=7)
    turn = datetime.combine(hour.date(), clock, UTC)
    halves = {0: hour + timedelta(minutes=7), 30: hour + timedelta(minutes=44)}
    events = [
        call(provider="deepseek", model="deepseek-chat", input_tokens=11**n, occurred_at=at)
        for n, at in enumerate(halves.values())
    ]
    about = {"provider": "deepseek", "model": "deepseek-*"}
    with opened(tmp_path / "a.db") as analytics:
        analytics.record_events(identified(events)).unwrap()
        analytics.catch_up()
        analytics.retain({"events": "190d", **({} if hourly else {"hourly": "190d"})}).unwrap()
        analytics.publish_prices(
            [plain("2", **about), plain("1000", **about, effective_from=turn.isoformat())]
        ).unwrap()
        answer = asked(analytics, TimePeriod(FIRST, FIRST + timedelta(days=3), "day"), ("model",))
        book = analytics.price_book().unwrap()

    in_it = [half for half in halves if timedelta(minutes=half) < turn - hour < timedelta(minutes=half + 30)]
    inside = not hourly or bool(in_it)
    lost = [half for half in halves if half in in_it] if hourly else list(halves)
    kept = [event for half, event in zip(halves, events, strict=True) if half not in lost]
    assert (total(answer), why(answer)) == (each_alone(book, kept), [("not_kept", len(lost))] if inside else [])


@pytest.mark.parametrize("above", [199_998, 199_999, 200_000, 200_001, 210_000, 255_999, 256_000, 256_001, 600_000])
@pytest.mark.parametrize("tokens", [150_000, 200_000, 200_001, 230_000, 256_000, 256_001, 700_000])
def test_sealed_calls_are_not_known_where_a_threshold_lies_within_what_is_kept_of_their_input(
    tmp_path: Path, above: int, tokens: int
) -> None:
    """Rows tell calls apart by the thresholds of `projections/cost.py`: between two of them, nobody knows.

    There is always one that they do not tell apart, which is not about these calls: so that every one is looked at.
    """
    thresholds = sorted({above, 330_000})
    listed = [{"above": threshold, "price": str(threshold)} for threshold in thresholds]
    tiers = {"input_tokens": {"base": "2", "tiers": listed}}
    events = [call(input_tokens=tokens)]
    with opened(tmp_path / "a.db") as analytics:
        analytics.record_events(identified(events)).unwrap()
        analytics.catch_up()
        analytics.retain({"events": "190d"}).unwrap()
        analytics.publish_prices([{**PRICE, "per_mtok": tiers}]).unwrap()
        answer = asked(analytics, TimePeriod(FIRST, FIRST + timedelta(days=3), "day"), ("model",))
        book = analytics.price_book().unwrap()

    edges = [0, *sorted(THRESHOLDS), 10**30]
    straddles = any(low < above < high and low < tokens <= high for low, high in pairwise(edges))
    assert why(answer) == ([("not_kept", 1)] if straddles else [])
    assert total(answer) == ({} if straddles else each_alone(book, events))


@pytest.mark.parametrize("sealed", [False, True])
def test_a_tier_whose_price_turns_keeps_no_call_of_another_from_being_priced(tmp_path: Path, sealed: bool) -> None:
    """Of a day of which sums alone are kept, too; nor do thresholds of one tier concern another."""
    turn = FIRST + timedelta(days=1, hours=7, minutes=20)
    events = [
        call(input_tokens=230_000, service_tier=tier, requests=requests, occurred_at=turn + gap)
        for gap in (-MICROSECOND, MICROSECOND)
        for tier in (None, "flex", "vip", "batch")
        for requests in (None, 3)
    ]
    flex = {
        "service_tier": "flex",
        "per_mtok": {"input_tokens": {"base": 1, "tiers": [{"above": 210_000, "price": 9}]}},
    }
    prices = [
        plain("2"),
        {**PRICE, **flex},
        {**PRICE, **flex, "effective_from": turn.isoformat(), "each": {"requests": "7"}},
    ]
    with opened(tmp_path / "a.db") as analytics:
        analytics.record_events(identified(events)).unwrap()
        analytics.catch_up()
        if sealed:
            analytics.retain({"events": "190d", "hourly": "190d"}).unwrap()
        analytics.publish_prices(prices).unwrap()
        answer = asked(analytics, TimePeriod(FIRST, FIRST + timedelta(days=3), "day"), ("model",))
        book = analytics.price_book().unwrap()

    kept = [event for event in events if not sealed or event["data"].get("service_tier") != "flex"]
    assert total(answer) == each_alone(book, kept)
    assert unknown(answer) == {**reasons(book, events), **({("acme", "acme-large", "not_kept"): 8} if sealed else {})}
    assert [(row.reason, row.service_tier) for row in answer.unknown if row.service_tier] == [("no_tier_price", "vip")]
