"""Crossing: several entities at once, and hours and days of any zone, equal to sums over the events."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.testing import NOON, provider_call, tool_call
from tests.stores import opened

WEEK = TimePeriod(NOON - timedelta(days=3), NOON + timedelta(days=4), "total")
FIELDS = {"user": "user_id", "tenant": "tenant_id", "job": "job_id"}

Asked = Any  # a service, or the log as it stood


def call(hours: float = 0, **changes: Any) -> dict[str, Any]:
    attributes = {name: changes.pop(name) for name in ("team", "feature") if name in changes}
    return provider_call(occurred_at=NOON + timedelta(hours=hours), attributes=attributes, **changes)


def told(event: dict[str, Any], word: str) -> str:
    """Return an event's value of a word in a question, "" where it has none."""
    data = event["data"]
    found = data["attributes"].get(word[11:]) if word.startswith("attributes.") else data.get(FIELDS.get(word, word))
    return "" if found is None else str(found)


def groups(asked: Asked, by: Sequence[str], period: TimePeriod = WEEK, **how: Any) -> dict[tuple[str, ...], Any]:
    answer = asked.get_summary("cost.reported_cost", period, group_by=by, **how).unwrap()
    return {tuple(group.keys[word] for word in by): group.figures.total for group in answer.groups}


def by_hand(events: Sequence[dict[str, Any]], by: Sequence[str], **where: str) -> dict[tuple[str, ...], Decimal]:
    sums: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for event in events:
        if all(told(event, word) == value for word, value in where.items()):
            sums[tuple(told(event, word) for word in by)] += Decimal(event["data"]["cost"])
    return dict(sums)


TAGS = ["team", "feature"]
EVENTS = [
    call(0, team="red", cost="1"),
    call(1, team="red", user_id="bob", cost="2"),
    call(2, tenant_id="birch", cost="4"),
    call(3, tenant_id=None, feature=7, cost="8"),
    call(4, user_id=None, team="blue", feature=7, cost="16"),
    call(-200, user_id="old", cost="32"),
]
pytestmark = [
    pytest.mark.store(events=EVENTS, tags=TAGS),
    pytest.mark.usefixtures("full_privacy"),  # rows are told apart by the names of users
]
both = pytest.mark.store("memory", "postgres")


# ── several entities ────────────────────────────────────────────────────────────────────────────────────────────


WHO = st.sampled_from([None, "a", "b", "Ä"])
PAIRS = [
    ("user", "tenant"),
    ("attributes.team", "user"),
    ("tenant", "model", "attributes.team"),
    ("attributes.team", "tenant", "user", "model"),
]


@settings(max_examples=15)
@given(
    st.lists(st.tuples(WHO, WHO, WHO, st.integers(1, 10**9), st.integers(0, 71)), min_size=1, max_size=25),
    st.sampled_from(PAIRS),
)
def test_rows_of_several_entities_are_the_sums_of_their_events(
    drawn: list[tuple[Any, Any, Any, int, int]], by: tuple[str, ...]
) -> None:
    events = [
        call(hour, user_id=user, tenant_id=tenant, cost=str(Decimal(cost).scaleb(-9)), model=f"m{cost % 2}", team=team)
        for user, tenant, team, cost, hour in drawn
    ]
    with opened(tags=TAGS) as service:
        service.record_events(events).unwrap()

        assert by_hand(events, by) == groups(service, by)


@pytest.mark.parametrize(
    "by",
    [("user", "tenant"), ("attributes.team", "attributes.feature"), ("user", "attributes.feature", "model", "tenant")],
)
def test_every_event_is_in_one_row_and_what_it_does_not_name_is_empty(
    analytics: AnalyticsService, by: tuple[str, ...]
) -> None:
    assert by_hand(EVENTS[:-1], by) == groups(analytics, by)


@both
def test_one_entity_may_be_asked_for_where_another_is_named(analytics: AnalyticsService) -> None:
    where = {"tenant": "acme", "attributes.team": "red"}

    assert groups(analytics, ["user"], where=where) == {("ada",): Decimal(1), ("bob",): Decimal(2)}
    assert analytics.get_summary("cost.reported_cost", WEEK, where=where).unwrap().figures.total == Decimal(3)


def test_the_series_and_the_period_before_are_of_the_same_events(analytics: AnalyticsService) -> None:
    period = TimePeriod(NOON + timedelta(hours=1), NOON + timedelta(hours=2), "hour")

    answer = analytics.get_summary(
        "cost.calls", period, where={"tenant": "acme", "attributes.team": "red"}, group_by=["user"]
    ).unwrap()

    assert (answer.figures.total, answer.previous.total) == (1, 1)
    assert [point.figures.total for point in answer.series] == [1]


@both
def test_it_is_answered_as_the_log_stood(analytics: AnalyticsService) -> None:
    by, first = ("user", "tenant"), analytics.store.log.head() - len(EVENTS) + 1  # the log is told of the tags before

    assert by_hand(EVENTS[:2], by) == groups(analytics.as_of(first + 1), by)


@both
def test_it_stands_on_the_head_of_the_log_and_says_what_came_since(analytics: AnalyticsService) -> None:
    analytics.record_event(**call(5, cost="64")).unwrap()  # the read models lag

    answer = analytics.get_summary("cost.calls", WEEK, group_by=["user", "tenant"]).unwrap()

    assert (6, analytics.store.log.head(), 0) == (
        answer.figures.total,
        answer.completeness.position,
        answer.completeness.lag_events,
    )


def test_what_was_derived_is_derived_again_only_where_something_came(analytics: AnalyticsService) -> None:
    seen: list[tuple[int, ...]] = []

    def ask() -> int:
        before = len(seen)
        groups(analytics, ["user", "tenant"], progress=lambda _, *at: seen.append(at))
        return len(seen) - before

    first, again = ask(), ask()
    analytics.record_event(**call(5)).unwrap()

    assert (first > 0, again, ask() > 0) == (True, 0, True)
    assert all(done <= total for done, total in seen)


@pytest.mark.parametrize("how", [{"by": ["user", "model"]}, {"by": ["user"], "where": {"user": "ada"}}, {"by": []}])
def test_a_question_about_one_entity_never_reads_the_log(analytics: AnalyticsService, how: dict[str, Any]) -> None:
    seen: list[Any] = []

    groups(analytics, progress=lambda _, *at: seen.append(at), **how)

    assert seen == []


def test_a_row_of_several_entities_is_explained_by_its_events(analytics: AnalyticsService) -> None:
    found = analytics.explain("cost.reported_cost", WEEK, where={"user": "ada", "tenant": "birch"}).unwrap()

    assert (found.count, found.figures.total) == (1, Decimal(4))


@pytest.mark.parametrize(
    ("by", "word"), [(["user", "tenant", "calls"], "calls"), (["user", "tenant", "entity_id"], "entity_id")]
)
def test_a_word_that_is_none_is_refused_with_those_that_are(
    analytics: AnalyticsService, by: list[str], word: str
) -> None:
    failure = analytics.get_summary("cost.calls", WEEK, group_by=by).failure

    assert failure is not None
    assert (failure.code, failure.message.startswith(f"'{word}' is not a key of cost: use ")) == ("unknown_key", True)


def test_a_tag_that_is_asked_for_by_its_own_name_is_meant() -> None:
    with opened(tags=TAGS) as service:
        failure = service.get_summary("cost.calls", WEEK, group_by=["user", TAGS[0]]).failure

    assert failure is not None
    assert failure.message.endswith(f" (did you mean attributes.{TAGS[0]}?).")


def test_names_are_known_by_their_pseudonyms() -> None:
    with opened(tags=TAGS, privacy="pseudonymous") as service:
        service.record_events(EVENTS).unwrap()
        where = {"user": "bob", "tenant": "acme"}

        assert service.get_summary("cost.calls", WEEK, where=where).unwrap().figures.total == 1


def test_where_events_are_gone_it_is_refused_and_after_that_only_the_period_before_is_unknown() -> None:
    clock = datetime(2026, 6, 1, tzinfo=UTC)
    with opened(tags=TAGS, clock=lambda: clock) as service:
        service.record_events([call(0), call(24 * 40), tool_call()]).unwrap()
        service.catch_up()
        service.retain({"events": "60d"}).unwrap()
        later = TimePeriod(NOON + timedelta(days=39), NOON + timedelta(days=80), "total")

        for asked in (service, service.as_of(service.store.log.head())):
            failure = asked.get_summary("cost.calls", WEEK, group_by=["user", "tenant"]).failure
            answer = asked.get_summary("cost.calls", later, group_by=["user", "tenant"]).unwrap()

            assert failure and failure.code == "sealed_period"
            assert (answer.figures.total, answer.previous.total) == (1, None)
            assert answer.completeness.complete_from is None


def test_every_projection_with_entities_can_be_asked(analytics: AnalyticsService) -> None:
    answer = analytics.get_summary("usage.events", WEEK, group_by=["user", "tenant"]).unwrap()

    assert 5 == answer.figures.total == sum(group.figures.total or 0 for group in answer.groups)


def test_a_service_that_is_closed_keeps_nothing_open(analytics: AnalyticsService) -> None:
    groups(analytics, ["user", "tenant"])

    analytics.close()

    assert analytics.get_summary("cost.calls", WEEK, group_by=["user", "tenant"]).failure.code == "closed"  # type: ignore[union-attr]


# ── any zone ────────────────────────────────────────────────────────────────────────────────────────────────────


EVERY_20_MINUTES = 20


def around(change: datetime, days: int) -> list[dict[str, Any]]:
    """Return calls around an instant, every 20 minutes and at the very ends of hours."""
    first = change - timedelta(days=days)
    minutes = range(0, 2 * days * 24 * 60, EVERY_20_MINUTES)
    times = [first + timedelta(minutes=n, seconds=n % 3 * 1199) for n in minutes]
    return [provider_call(occurred_at=at, cost="0.001", user_id=f"u{n % 3}") for n, at in enumerate(times)]


CHANGES = {
    "spring": datetime(2026, 3, 29, 1, tzinfo=UTC),
    "autumn": datetime(2026, 10, 25, 1, tzinfo=UTC),
}


@pytest.fixture(scope="module", params=["UTC", "Europe/Berlin", "Asia/Kolkata"])
def kept_in(request: pytest.FixtureRequest) -> Iterator[AnalyticsService]:
    """Return a store that keeps hours and days of a zone, with calls around changes of the clocks."""
    with opened(tags=TAGS, timezone=request.param) as service:
        service.record_events(event for change in CHANGES.values() for event in around(change, 2)).unwrap()
        service.catch_up()
        yield service


def local(at: datetime, zone: ZoneInfo, granularity: str) -> datetime:
    shown = at.astimezone(zone)
    return shown.replace(
        **{"minute": 0, "second": 0, "microsecond": 0, **({"hour": 0} if granularity == "day" else {})}
    )


@pytest.mark.parametrize("granularity", ["hour", "day"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "name", ["Asia/Kolkata", "America/St_Johns", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]
)
def test_a_series_is_of_the_hours_and_days_of_the_zone_it_is_asked_in(
    kept_in: AnalyticsService, name: str, change: str, granularity: Any
) -> None:
    zone, middle = ZoneInfo(name), CHANGES[change]
    start, end = (local(middle + timedelta(days=days), zone, "day") for days in (-1, 2))
    asked = TimePeriod(start, end, granularity)
    # By instants: where clocks go back, two hours of a night look the same.
    expected = Counter(
        (local(at, zone, granularity), at.astimezone(zone).utcoffset() if granularity == "hour" else None)
        for at in (event["occurred_at"] for event in around(middle, 2))
        if start.timestamp() <= at.timestamp() < end.timestamp()
    )

    answer = kept_in.get_summary("cost.calls", asked).unwrap()

    found = {
        (point.start.replace(fold=0), point.start.utcoffset() if granularity == "hour" else None): point.figures.total
        for point in answer.series
        if point.figures.total
    }
    assert {(at.replace(fold=0), offset): Decimal(n) for (at, offset), n in expected.items()} == found
    assert (start.timestamp(), end.timestamp()) == (answer.period.start.timestamp(), answer.period.end.timestamp())
    assert sum(expected.values()) == answer.figures.total


def test_hours_that_are_hours_of_the_store_are_answered_from_its_read_models(kept_in: AnalyticsService) -> None:
    half, whole = ("Asia/Kolkata", "Asia/Dubai")
    stores = {"UTC": whole, "Europe/Berlin": whole, "Asia/Kolkata": "Australia/Adelaide"}
    others = {"UTC": half, "Europe/Berlin": half, "Asia/Kolkata": whole}

    for zones, derived in ((stores, False), (others, True)):
        zone, seen = ZoneInfo(zones[str(kept_in.store.calendar.zone)]), list[Any]()
        period = TimePeriod(datetime(2026, 3, 28, tzinfo=zone), datetime(2026, 3, 30, tzinfo=zone), "day")
        kept_in.get_summary("cost.calls", period, progress=lambda *at, seen=seen: seen.append(at)).unwrap()  # type: ignore[misc]

        assert derived == bool(seen)


def test_an_entity_and_a_pair_can_be_asked_for_in_any_zone(kept_in: AnalyticsService) -> None:
    zone = ZoneInfo("America/St_Johns")
    period = TimePeriod(datetime(2026, 3, 28, tzinfo=zone), datetime(2026, 3, 29, tzinfo=zone), "hour")
    events = [each for each in around(CHANGES["spring"], 2) if period.start <= each["occurred_at"] < period.end]
    users = Counter(each["data"]["user_id"] for each in events)

    for by, asked in (
        (["user"], kept_in),
        (["user", "tenant"], kept_in),
        (["user"], kept_in.as_of(kept_in.store.log.head())),
    ):
        answer = asked.get_summary("cost.calls", period, group_by=by).unwrap()  # type: ignore[attr-defined]
        assert users == {group.keys["user"]: int(group.figures.total) for group in answer.groups}


def test_a_point_of_another_zone_is_explained_by_the_events_of_its_hour(kept_in: AnalyticsService) -> None:
    zone = ZoneInfo("Asia/Kathmandu")
    answer = kept_in.get_summary(
        "cost.calls", TimePeriod(datetime(2026, 3, 28, tzinfo=zone), datetime(2026, 3, 29, tzinfo=zone), "hour")
    ).unwrap()
    point = answer.series[7]

    assert point.figures.total == kept_in.explain("cost.calls", answer, row=point).unwrap().count == 3


def test_a_time_in_utc_says_when_and_not_whose_days_are_meant() -> None:
    with opened(tags=TAGS, timezone="Europe/Berlin") as service:
        answer = service.get_summary("cost.calls", TimePeriod(NOON, NOON + timedelta(days=5))).unwrap()

    assert str(answer.period.start.tzinfo) == "Europe/Berlin"


def test_days_of_another_zone_need_hours_and_where_these_are_gone_it_is_said() -> None:
    clock, tokyo = datetime(2026, 9, 1, tzinfo=UTC), ZoneInfo("Asia/Tokyo")
    with opened(tags=TAGS, clock=lambda: clock) as service:
        service.record_events([call(0), call(24 * 40), tool_call()]).unwrap()
        service.catch_up()
        service.retain({"events": "60d", "hourly": "90d"}).unwrap()

        failure = service.get_summary(
            "cost.calls", TimePeriod(NOON.astimezone(tokyo), (NOON + timedelta(days=5)).astimezone(tokyo))
        ).failure

    assert failure and (failure.code, "in the zone that the store keeps days of" in failure.message) == (
        "no_longer_kept",
        True,
    )


def test_years_of_days_of_another_zone_are_one_answer(kept_in: AnalyticsService) -> None:
    zone = ZoneInfo("Australia/Adelaide" if "Kolkata" in str(kept_in.store.calendar.zone) else "America/New_York")
    period = TimePeriod(datetime(2025, 1, 1, tzinfo=zone), datetime(2027, 1, 1, tzinfo=zone), "day")

    answer = kept_in.get_summary("cost.calls", period).unwrap()

    assert len(answer.series) == 730
    assert 2 * 4 * 72 == sum(point.figures.total or 0 for point in answer.series) == answer.figures.total


# ── the answer about cost ───────────────────────────────────────────────────────────────────────────────────────


@both
@pytest.mark.parametrize("by", [("user", "tenant"), ("attributes.team", "tool"), ("attributes.team", "model", "job")])
def test_costs_of_several_entities_add_up_to_all_of_it(analytics: AnalyticsService, by: tuple[str, ...]) -> None:
    for asked in (analytics, analytics.as_of(analytics.store.log.head())):
        answer = asked.get_cost_breakdown(WEEK, by=by).unwrap()

        assert by_hand(EVENTS[:-1], by) == {tuple(row.keys.values()): row.cost for row in answer.rows}
        assert [total.cost for total in answer.totals] == [Decimal(31)]
        assert sum(row.cost or 0 for row in answer.rows) == Decimal(31)


def test_costs_are_filtered_by_several_entities(analytics: AnalyticsService) -> None:
    answer = analytics.get_cost_breakdown(
        WEEK, by=["user"], where={"tenant": "acme", "attributes.team": "red"}
    ).unwrap()

    assert [(row.keys["user"], row.cost) for row in answer.rows] == [("bob", Decimal(2)), ("ada", Decimal(1))]
    assert [total.cost for total in answer.totals] == [Decimal(3)]


def test_costs_that_are_computed_are_priced_in_every_cell_of_several_entities() -> None:
    events = [call(n, cost=None, currency=None, user_id=f"u{n % 2}", team="red" if n % 3 else None) for n in range(12)]
    with opened(tags=TAGS) as service:
        service.record_events(events).unwrap()
        service.catch_up()

        whole = service.get_cost_breakdown(WEEK).unwrap()
        pairs = service.get_cost_breakdown(WEEK, by=["user", "attributes.team"]).unwrap()

    (total,) = whole.totals
    assert (total.cost, total.cost) == (sum(row.cost or 0 for row in pairs.rows), pairs.totals[0].cost)
    assert {(f"u{u}", team): 4 if team else 2 for u in (0, 1) for team in ("red", "")} == {
        (row.keys["user"], row.keys["attributes.team"]): row.calls for row in pairs.rows
    }


@pytest.mark.parametrize("granularity", ["hour", "day"])
@pytest.mark.parametrize("name", ["Asia/Kolkata", "America/St_Johns", "Europe/Berlin"])
def test_a_series_of_costs_is_of_any_zone(kept_in: AnalyticsService, name: str, granularity: Any) -> None:
    zone, middle = ZoneInfo(name), CHANGES["autumn"]
    start, end = (local(middle + timedelta(days=days), zone, "day") for days in (-1, 2))
    expected: dict[float, Decimal] = defaultdict(Decimal)
    for event in around(middle, 2):
        at = event["occurred_at"]
        if start.timestamp() <= at.timestamp() < end.timestamp():
            shown = local(at, zone, granularity)
            expected[shown.timestamp()] += Decimal("0.001")

    answer = kept_in.get_cost_breakdown(TimePeriod(start, end, granularity)).unwrap()

    assert expected == {point.start.timestamp(): point.cost for point in answer.series if point.cost}


def test_a_correction_counts_where_its_call_does() -> None:
    with opened(tags=TAGS) as service:
        recorded = service.record_event(**call(tool="search", team="red", cost="2")).unwrap()
        service.correct_cost(recorded.position, "1.5", note="a credit").unwrap()
        service.catch_up()

        for by in (["attributes.team"], ["tool"], ["tool", "attributes.team"]):
            (row,) = service.get_cost_breakdown(WEEK, by=by).unwrap().rows
            assert row.cost == Decimal("1.5")


@pytest.mark.parametrize("name", ["UTC", "Asia/Kolkata", "Europe/Berlin"])
def test_computed_costs_are_those_of_single_events_where_a_price_changes_within_an_hour(name: str) -> None:
    zone, turn = ZoneInfo(name), NOON + timedelta(minutes=17)
    period = TimePeriod(datetime(2026, 3, 2, tzinfo=zone), datetime(2026, 3, 3, tzinfo=zone), "hour")
    entries = [
        {
            "provider": "acme",
            "model": "*",
            "currency": "USD",
            "effective_from": at,
            "per_mtok": {
                "input_tokens": price,
                "output_tokens": {"base": price, "tiers": [{"above": 50_001, "price": "7"}]},
            },
        }
        for at, price in (("2026-01-01T00:00:00Z", "1"), (turn.isoformat(), "2"))
    ]
    bare = dict.fromkeys(("cost", "currency", "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens"))
    events = [
        call(n / 5 - 14, **bare, provider="acme", input_tokens=n * 1000, user_id=f"u{n % 3}", team=n % 2 or None)
        for n in range(100)
    ]

    def cost(event: dict[str, Any]) -> Decimal:
        used, price = event["data"], 2 if event["occurred_at"] >= turn else 1
        output = used["output_tokens"] * (7 if used["input_tokens"] > 50_001 else price)
        return Decimal(used["input_tokens"] * price + output) / 1_000_000

    pairs: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    hours: dict[float, Decimal] = defaultdict(Decimal)
    for event in events:
        if period.start.timestamp() <= event["occurred_at"].timestamp() < period.end.timestamp():
            pairs[told(event, "user"), told(event, "attributes.team")] += cost(event)
            hours[local(event["occurred_at"], zone, "hour").timestamp()] += cost(event)

    with opened(tags=TAGS) as service:
        service.publish_prices(entries).unwrap()
        service.record_events(events).unwrap()
        service.catch_up()
        answer = service.get_cost_breakdown(period, by=["user", "attributes.team"]).unwrap()

    assert pairs == {tuple(row.keys.values()): row.cost for row in answer.rows}
    assert hours == {point.start.timestamp(): point.cost for point in answer.series if point.cost}
