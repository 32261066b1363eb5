"""What calls cost over time is a breakdown, each row of it by the bucket: it adds up to it, to the last digit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cost.prices.quantities import EXACT
from analytics_es.errors import UnknownKey, UnknownModel
from analytics_es.service.questions import Questions
from analytics_es.testing import NOON, price, provider_call
from analytics_es.types import CostPoint, CostRow, CostSeries, CostSeriesPoint
from tests.cost.test_pricing import FIRST, ZONES, histories, identified, publications
from tests.examples import examples
from tests.servers import Server
from tests.stores import opened

pytestmark = pytest.mark.usefixtures("full_privacy")  # costs are told apart by the names of users

D = Decimal
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOW = FIRST + timedelta(days=200)
PERIODS = [
    TimePeriod(FIRST - DAY, FIRST + 4 * DAY, "day"),  # in New York, a day of 23 hours is in it
    TimePeriod(FIRST + timedelta(hours=5), FIRST + timedelta(days=3, hours=2), "hour"),
    TimePeriod(FIRST - 60 * DAY, FIRST + 40 * DAY, "week"),
    TimePeriod(FIRST - 60 * DAY, FIRST + 40 * DAY, "month"),
    TimePeriod(FIRST + DAY, FIRST + 2 * DAY, "total"),
]
GROUPS: list[Sequence[str]] = [
    (),
    ("model",),
    ("provider", "model"),
    ("user",),
    ("operation", "user"),
    ("currency", "model"),
    ("effort", "pricing"),
    ("user", "tenant"),  # no read model has rows of both: they are derived from the log
    ("attributes.team", "model"),
]
FILTERS: list[Mapping[str, str]] = [{}, {"model": "acme-large"}, {"currency": "USD"}, {"currency": ""}, {"user": "ada"}]
FILTERS += [{"user": ""}, {"operation": "chat", "provider": "deepseek"}]

Figures = tuple[int, Decimal | None, Decimal | None, Decimal | None]
Of = Callable[[Any], Any]


def added(rows: Iterable[CostRow | CostPoint | CostSeriesPoint], of: Of) -> dict[Any, Figures]:
    """Return calls and money by what rows are told apart by: None where there is none of a kind in any of them."""
    parts: dict[Any, list[Any]] = {}
    for row in rows:
        parts.setdefault(of(row), []).append((row.calls, row.cost, row.reported_cost, row.computed_cost))
    with localcontext(EXACT):
        return {
            key: tuple(None if column == {None} else sum(filter(None, amounts)) for amounts, column in columns(some))  # type: ignore[misc]
            for key, some in parts.items()
        }


def columns(rows: list[Any]) -> list[tuple[tuple[Any, ...], set[Any]]]:
    return [(column, set(column)) for column in zip(*rows, strict=True)]


def of_row(row: Any) -> Any:
    return (*row.keys.items(), row.currency)


def of_bucket(point: Any) -> Any:
    return point.start.astimezone(ZoneInfo("UTC")), point.currency


def check(answers: Questions, period: TimePeriod, by: Sequence[str], where: Mapping[str, str], **supposed: Any) -> None:
    """Check that points add up to the rows of a breakdown, and to its series."""
    breakdown = answers.get_cost_breakdown(period, by=by, where=where, **supposed).unwrap()
    series = answers.get_cost_series(period, by=by, where=where, **supposed).unwrap()

    assert added(series.points, of_row) == {of_row(row): figures(row) for row in breakdown.rows}
    # What neither is a call nor costs anything, but told that it used something, is in rows alone.
    assert added(filter(told, series.points), of_bucket) == {
        of_bucket(at): figures(at) for at in breakdown.series if told(at)
    }
    assert (series.calls, series.unknown_calls) == (breakdown.calls, breakdown.unknown_calls)
    assert series.starts == list(dict.fromkeys(point.start for point in breakdown.series)) or not breakdown.series
    assert (series.period, series.by, series.supposed) == (breakdown.period, breakdown.by, breakdown.supposed)


def figures(row: Any) -> Figures:
    return row.calls, row.cost, row.reported_cost, row.computed_cost


def told(point: CostPoint | CostSeriesPoint) -> bool:
    return bool(point.calls) or point.cost is not None


GENERATED = [Phase.explicit, Phase.reuse, Phase.generate]  # a history takes long to be made small


@given(histories, publications, st.sampled_from(ZONES), st.booleans(), st.data())
@examples(12, phases=GENERATED)
def test_points_add_up_to_the_breakdown(
    events: list[dict[str, Any]], prices: list[dict[str, Any]], zone: str, supposing: bool, data: st.DataObject
) -> None:
    tagged = [
        {**call, "data": {**call["data"], "attributes": {"team": team}, "tenant_id": team or None}}
        for call, team in zip(events, ["red", "", "blue"] * len(events), strict=False)
    ]
    with opened(timezone=zone, clock=lambda: NOW, tags=["team"]) as analytics:
        analytics.record_events(identified(tagged)).unwrap()
        if prices:
            analytics.publish_prices(prices).unwrap()
        correct(analytics, data.draw(st.lists(st.sampled_from(range(len(events))), unique=True)))
        analytics.catch_up()

        for _ in range(3):
            period, by, where = (data.draw(st.sampled_from(several)) for several in (PERIODS, GROUPS, FILTERS))
            supposed = {"prices": prices} if supposing and prices else {}
            check(analytics, period, by, where, **supposed)


def correct(analytics: AnalyticsService, places: Iterable[int]) -> None:
    """Correct what some of the calls reported to have cost."""
    rows = analytics.store.log.scan(after=0, limit=1_000).to_pylist()
    calls = [row["position"] for row in rows if row["type"].startswith("provider.call")]
    for place in places:
        analytics.correct_cost(calls[place], "0.75", note="as billed")  # which one that told no cost refuses


def test_on_postgresql_too(postgres: Server) -> None:
    with opened(postgres.database(), clock=lambda: NOW) as analytics:
        record(analytics)

        for by in GROUPS[:-1]:
            check(analytics, PERIODS[0], by, {})


# ── one example ─────────────────────────────────────────────────────────────────────────────────────────────────

ONLY_INPUT = dict.fromkeys(("output_tokens", "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens"))
UNKNOWN: dict[str, Any] = {"model": "nobody-knows", "cost": None, "currency": None}
DAYS = TimePeriod(NOON - 36 * HOUR, NOON + 36 * HOUR, "day")


def record(analytics: AnalyticsService) -> None:
    at = FIRST + HOUR
    events = [
        provider_call(cost="1", occurred_at=at),
        provider_call(cost="2", occurred_at=at, user_id="bob", currency="EUR"),
        provider_call(**UNKNOWN, occurred_at=at, user_id=None),
        provider_call(cost="4", occurred_at=at + DAY),
    ]
    analytics.record_events(identified(events)).unwrap()
    analytics.catch_up()


def asked(analytics: AnalyticsService, *events: dict[str, Any], **question: Any) -> CostSeries:
    analytics.record_events(identified(events)).unwrap()
    analytics.catch_up()
    return analytics.get_cost_series(DAYS, **question).unwrap()


def points(series: CostSeries) -> list[tuple[Any, ...]]:
    return [(at.start.day, *at.keys.values(), at.currency, at.calls, at.cost) for at in series.points]


def test_there_is_a_point_for_each_bucket_combination_and_currency_that_has_anything(
    analytics: AnalyticsService,
) -> None:
    series = asked(
        analytics,
        provider_call(cost="1"),
        provider_call(cost="2", currency="EUR"),
        provider_call(cost="3", model="gpt-4o"),
        provider_call(**UNKNOWN),
        provider_call(cost="5", occurred_at=NOON + DAY),
    )

    assert points(series) == [
        (2, "gpt-4o", "USD", 1, D(3)),
        (2, "claude-sonnet-4-5", "EUR", 1, D(2)),
        (2, "claude-sonnet-4-5", "USD", 1, D(1)),
        (2, "nobody-knows", "", 1, None),
        (3, "claude-sonnet-4-5", "USD", 1, D(5)),
    ]
    assert [start.day for start in series.starts] == [1, 2, 3]
    assert (series.calls, series.unknown_calls, series.by) == (5, 1, ["model"])


def test_what_belongs_to_nobody_is_in_each_bucket(analytics: AnalyticsService) -> None:
    series = asked(
        analytics,
        provider_call(cost="1", user_id="ada"),
        provider_call(cost="2", user_id=None),
        provider_call(cost="4", user_id=None, occurred_at=NOON + DAY),
        by=["user"],
    )

    assert points(series) == [(2, "", "USD", 1, D(2)), (2, "ada", "USD", 1, D(1)), (3, "", "USD", 1, D(4))]


def test_a_correction_is_where_its_call_is(analytics: AnalyticsService) -> None:
    call = provider_call(cost="0", occurred_at=NOON)
    position = analytics.record_event(**{**call, "event_type": call["event_type"]}).unwrap().position
    analytics.correct_cost(position, "0.5", note="as billed").unwrap()

    assert points(asked(analytics)) == [(2, "claude-sonnet-4-5", "USD", 1, D("0.5"))]


def test_an_hour_that_comes_twice_has_a_point_each(analytics: AnalyticsService) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
    calls = [provider_call(cost=str(1 + fold), occurred_at=first.replace(fold=fold)) for fold in (0, 1)]
    analytics.record_events(identified(calls)).unwrap()
    analytics.catch_up()
    day = TimePeriod.day("2026-10-25", "Europe/Berlin", granularity="hour")

    series = analytics.get_cost_series(day).unwrap()

    assert len(series.starts) == 25
    assert [(f"{at.start:%H %z}", at.cost) for at in series.points] == [("02 +0200", D(1)), ("02 +0100", D(2))]


def test_what_if_is_supposed_in_each_bucket(analytics: AnalyticsService) -> None:
    analytics.publish_prices([price(model="other", per_mtok={"input_tokens": "1000000"})]).unwrap()
    calls = [provider_call(**ONLY_INPUT, input_tokens=n, occurred_at=at) for n, at in ((2, NOON), (5, NOON + DAY))]

    series = asked(analytics, *calls, models={"claude-sonnet-4-5": "acme/other"})

    assert ([at.cost for at in series.points], series.supposed) == ([D(2), D(5)], True)


def test_no_calls_have_no_points_and_then_it_says_the_same(analytics: AnalyticsService) -> None:
    assert points(asked(analytics)) == []
    head = analytics.record_event(**provider_call()).unwrap().position
    analytics.catch_up()

    with analytics.as_of(head) as then:
        assert then.get_cost_series(DAYS).unwrap().points == analytics.get_cost_series(DAYS).unwrap().points


def test_it_takes_the_words_of_a_breakdown(analytics: AnalyticsService) -> None:
    unknown = analytics.get_cost_series(DAYS, by=["colour"])
    no_price = analytics.get_cost_series(DAYS, models={"claude-sonnet-4-5": "nobody-knows"})

    assert unknown.failure
    assert unknown.failure == analytics.get_cost_breakdown(DAYS, by=["colour"]).failure
    with pytest.raises(UnknownKey):
        unknown.unwrap()
    with pytest.raises(UnknownModel):
        no_price.unwrap()


def test_a_point_is_explained_by_its_calls(analytics: AnalyticsService) -> None:
    series = asked(
        analytics,
        provider_call(cost="1"),
        provider_call(cost="2", user_id="bob"),
        provider_call(**UNKNOWN, user_id="bob"),
        provider_call(cost="4", user_id="bob", occurred_at=NOON + DAY),
        by=["user"],
    )

    explained = [analytics.explain_cost(series, row=point).unwrap() for point in series.points]

    assert [(why.totals.get("USD"), why.calls) for why in explained] == [(at.cost, at.calls) for at in series.points]
