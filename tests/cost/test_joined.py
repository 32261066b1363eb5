"""Costs added up in SQL are those that are read row by row, to the last digit; what does not surely fit is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from attrs import asdict, evolve
from hypothesis import Phase, given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cost.context import with_prices
from analytics_es.cost.joined import JoinedCosts
from analytics_es.queries import Question
from analytics_es.read_models import priced
from analytics_es.testing import price, provider_call
from tests.cost.test_pricing import FIRST, LASTED, MODELS, TURNS, ZONES, histories, identified, opened, publications
from tests.examples import examples
from tests.servers import Server

pytestmark = pytest.mark.usefixtures("full_privacy")  # costs are told apart by the names of users

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CACHED = {"input_tokens": "3", "output_tokens": "7", "cache_read_tokens": "0.5"}
GENERATED = [Phase.explicit, Phase.reuse, Phase.generate]  # a history takes long to be made small
PERIODS = [
    TimePeriod(FIRST - DAY, FIRST + 4 * DAY, "day"),
    TimePeriod(FIRST + timedelta(hours=5), FIRST + timedelta(days=3, hours=2), "hour"),
    TimePeriod(FIRST - 60 * DAY, FIRST + 40 * DAY, "week"),
    TimePeriod(FIRST + DAY, FIRST + 2 * DAY, "total"),
]
GROUPS: list[Sequence[str]] = [(), ("model",), ("user",), ("user", "operation"), ("currency",), ("pricing", "effort")]
FILTERS: list[Mapping[str, str]] = [{}, {"model": "acme-large"}, {"currency": "USD"}, {"currency": ""}]
FILTERS += [{"operation": "chat"}, {"user": "ada"}, {"provider": "deepseek"}]

NOTHING_ELSE = dict.fromkeys(("cost", "currency", "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens"))

# A price of one token has up to 18 decimals, or digits enough that a count of them passes 64 bits.
odd = st.sampled_from(["0.000000000003", "0.333333333333", "1.000000000001", "99999999999", "7"])
odd_prices = st.lists(
    st.builds(
        lambda model, amount, other, day: price(
            model=model,
            per_mtok={"input_tokens": amount, "output_tokens": other},
            effective_from=(FIRST + day * DAY).isoformat(),
        ),
        st.sampled_from(["acme-large", "acme-small", "acme-*"]),
        odd,
        odd,
        st.integers(-2, 2),
    ),
    max_size=3,
)
HUGE = [None, 2**62, 2**63 - 1, -(2**62), str(2**70)]
large = st.builds(
    lambda model, count, hour: provider_call(
        provider="acme",
        model=model,
        input_tokens=count,
        output_tokens=7,
        occurred_at=FIRST + hour * timedelta(hours=1),
        **NOTHING_ELSE,
    ),
    st.sampled_from(["acme-large", "acme-small"]),
    st.sampled_from([1, 1_000, 10**12]),
    st.integers(0, 60),
)


@contextmanager
def row_by_row() -> Iterator[None]:
    """Read all costs row by row."""
    with patch.object(JoinedCosts, "__call__", lambda *_, **__: None):
        yield


@contextmanager
def joining() -> Iterator[list[Any]]:
    """Give the list of what was left to be read each time that costs are added up in SQL; None: all."""
    left: list[Any] = []
    added_up = JoinedCosts.__call__

    def noted(self: JoinedCosts, *query: Any, **options: Any) -> Any:
        outcome = added_up(self, *query, **options)
        left.append(outcome and {model for _, model in outcome[1]})
        return outcome

    with patch.object(JoinedCosts, "__call__", noted):
        yield left


def answers(
    analytics: AnalyticsService, period: TimePeriod, by: Sequence[str], where: Mapping[str, str], **supposed: Any
) -> list[Any]:
    """Return what calls cost, over time too, and units of work, but for how long ago events were recorded."""
    breakdown = analytics.get_cost_breakdown(period, by=by, where=where, **supposed).unwrap()
    asked: list[Any] = [breakdown, analytics.get_cost_series(period, by=by, where=where, **supposed).unwrap()]
    if "user" not in where:
        asked.append(analytics.get_unit_costs(period, where=where).unwrap())
    return [evolve(answer, completeness=evolve(answer.completeness, lag_seconds=0.0)) for answer in asked]


def record_odd(
    analytics: AnalyticsService, events: list[dict[str, Any]], prices: list[dict[str, Any]], huge: int | str | None
) -> None:
    """Record calls at odd prices; let a model have used more tokens than one event tells, as many together do."""
    analytics.record_events(identified(events)).unwrap()
    analytics.publish_prices([price(model="acme-*"), *prices]).unwrap()
    analytics.catch_up()
    table = analytics.store.read_models.declarations["cost"].table
    with analytics.store.read_models.writing() as cursor:
        if huge is not None:
            cursor.execute(f"UPDATE {table} SET output_tokens = ? WHERE model = 'acme-small'", (huge,))


def same(analytics: AnalyticsService, *question: Any, **supposed: Any) -> None:
    """Check that both ways give the same, in the same words."""
    answers(analytics, *question, **supposed)  # the first one to use default prices tells the log
    quick = answers(analytics, *question, **supposed)
    with row_by_row():
        slow = answers(analytics, *question, **supposed)
    assert quick == slow
    assert [repr(asdict(answer)) for answer in quick] == [repr(asdict(answer)) for answer in slow]


@given(histories, publications, st.sampled_from(ZONES), st.booleans(), st.data())
@examples(6, phases=GENERATED)
def test_what_is_added_up_in_sql_is_what_is_read(
    events: list[dict[str, Any]], prices: list[dict[str, Any]], zone: str, tagged: bool, data: st.DataObject
) -> None:
    with opened(zone=zone) as analytics:
        analytics.record_events(identified(events)).unwrap()
        if prices:
            analytics.publish_prices(prices).unwrap()
        analytics.catch_up()

        for _ in range(2):
            question = [data.draw(st.sampled_from(several)) for several in (PERIODS, GROUPS, FILTERS)]
            supposed = {"prices": prices} if tagged and prices else {}
            same(analytics, *question, **supposed)


@given(st.lists(large, min_size=1, max_size=12), odd_prices, st.sampled_from(HUGE), st.data())
@examples(6, phases=GENERATED)
def test_odd_prices_and_large_counts_are_exact(
    events: list[dict[str, Any]], prices: list[dict[str, Any]], huge: int | str | None, data: st.DataObject
) -> None:
    with opened() as analytics:
        record_odd(analytics, events, prices, huge)

        for _ in range(2):
            same(analytics, *(data.draw(st.sampled_from(several)) for several in (PERIODS, GROUPS)), {})


def test_corrections_are_added_up_with_their_calls() -> None:
    costs: list[str | None] = [None, "0", "12.5", "123456789.123456789"]
    calls = [
        provider_call(
            provider=provider, model=model, cost=cost, currency="USD" if cost else None, occurred_at=FIRST + n * DAY
        )
        for provider, model in MODELS
        for n, cost in enumerate(costs)
    ]
    with opened() as analytics:
        last = analytics.record_events(identified(calls)).unwrap().last_position or 0
        for position, call in enumerate(calls, last - len(calls) + 1):
            if "cost" in call["data"]:
                analytics.correct_cost(position, "0.000000001", note="too much").unwrap()
        analytics.catch_up()

        for by in GROUPS:
            same(analytics, PERIODS[0], by, {})


@pytest.mark.parametrize("way", [{"model": "other"}, {"currency": None, "per_mtok": None, "free": True}])
def test_what_did_not_end_is_in_each_point_where_its_cost_is_supposed(way: dict[str, Any]) -> None:
    call = provider_call(provider="acme", model="acme-large", occurred_at=FIRST, cost="1.25", currency="USD")
    told = {word: told for word, told in call["data"].items() if word not in LASTED and word != "status"}
    with opened() as analytics:
        analytics.record_events([{**call, "event_type": "provider.call.noted", "data": told}]).unwrap()
        analytics.catch_up()

        for by in GROUPS:
            same(analytics, PERIODS[0], by, {}, prices=[price(**way)])


CALLS = [
    provider_call(provider=provider, model=model, occurred_at=FIRST + n * timedelta(hours=5), cost=None, currency=None)
    for n in range(12)
    for provider, model in MODELS
]


@pytest.mark.parametrize("turns", [[], TURNS[:1], TURNS[:4]])  # none, one in an hour, and a model read by itself
def test_calls_of_a_new_kind_are_seen_with_prices_that_were_worked_out_before(turns: Sequence[Any]) -> None:
    prices = [
        price(model="acme-small", per_mtok={"input_tokens": n}, effective_from=at.isoformat())
        for n, at in enumerate(turns, 1)
    ]
    first, *others = sorted({call["data"]["model"] for call in CALLS})
    with opened() as analytics:
        analytics.publish_prices([price(model="acme-*"), *prices]).unwrap()
        for number, model in enumerate([first, *others, *others, first]):
            calls = identified([call for call in CALLS if call["data"]["model"] == model])
            data = {"effort": "high"} if number > len(others) else {}
            analytics.record_events(
                {**call, "id": f"{number}-{place}", "data": {**call["data"], **data}}
                for place, call in enumerate(calls)
            ).unwrap()
            analytics.catch_up()

            with joining() as seen:
                same(analytics, PERIODS[0], ("model",), {})
            assert seen[0] is not None


def test_a_model_that_is_read_by_itself_is_in_no_answer_about_another_one() -> None:
    turns = [price(model="acme-small", per_mtok={"input_tokens": n}, effective_from=at) for n, at in _by_the_hour(6)]
    with opened() as analytics:
        analytics.publish_prices([price(model="acme-*"), *turns]).unwrap()
        analytics.record_events(identified(CALLS)).unwrap()
        analytics.catch_up()

        for model in ("acme-large", "acme-small"):
            with joining() as seen:
                same(analytics, PERIODS[0], ("model",), {"model": model})
            assert seen[0] == set()


def _by_the_hour(number: int) -> list[tuple[int, str]]:
    return [(n, (FIRST + n * timedelta(hours=9)).isoformat()) for n in range(1, number + 1)]


def test_periods_that_begin_alike_have_prices_of_their_own() -> None:
    turn = price(model="acme-large", per_mtok={"input_tokens": 9}, effective_from=(FIRST + 36 * HOUR).isoformat())
    with opened() as analytics:
        analytics.publish_prices([price(model="acme-*"), turn]).unwrap()
        analytics.record_events(identified(CALLS)).unwrap()
        analytics.catch_up()

        for days in (1, 3, 1):
            same(analytics, TimePeriod(FIRST, FIRST + days * DAY, "day"), ("model",), {})


def test_what_few_rows_tell_is_priced_too(monkeypatch: pytest.MonkeyPatch) -> None:
    last = {**CALLS[-1], "data": {**CALLS[-1]["data"], "cache_read_tokens": 1_000, "input_tokens": 5_000}}

    def told(looked_at_first: int) -> Any:
        monkeypatch.setattr(priced, "SOME", looked_at_first)
        with opened() as analytics:
            analytics.publish_prices([price(model="*", provider="*", per_mtok=CACHED)]).unwrap()
            analytics.record_events(identified([*CALLS[:-1], last])).unwrap()
            analytics.catch_up()
            breakdown = analytics.get_cost_breakdown(PERIODS[0], by=["model"]).unwrap()
        return breakdown.totals, breakdown.tokens

    assert told(1) == told(1_000)


def test_a_long_name_is_found_by_it() -> None:
    long = "acme-" * 150
    with opened() as analytics:
        analytics.publish_prices([price(model="acme-*")]).unwrap()
        analytics.record_events(identified([provider_call(**{**CALLS[0]["data"], "model": long}, occurred_at=FIRST)]))
        analytics.catch_up()

        same(analytics, PERIODS[0], (), {"model": long})
        assert analytics.get_cost_breakdown(PERIODS[0], where={"model": long}).unwrap().calls == 1


def test_an_answer_that_is_made_again_is_made_from_the_same_prices() -> None:
    with opened() as analytics:
        within_an_hour = FIRST + timedelta(hours=30, minutes=20)
        analytics.publish_prices([price(model="acme-small", effective_from=within_an_hour.isoformat())]).unwrap()
        before = provider_call(model="acme-large", provider="acme", occurred_at=FIRST - 3 * DAY, **NOTHING_ELSE)
        analytics.record_events(identified([before, *CALLS])).unwrap()
        analytics.catch_up()
        answers(analytics, PERIODS[0], ("model",), {})  # the first one tells the log of prices
        expected = answers(analytics, PERIODS[0], ("model",), {})
        derived, made_again = Question.derived, []

        def forgetful(self: Question, *stretch: Any) -> Any:
            made_again.append(not self.from_log.remembered.is_open)
            if not self.from_log.remembered.is_open:
                with_prices(self.context).prices.book().worked_out().clear()
            return derived(self, *stretch)

        with patch.object(Question, "derived", forgetful):
            assert answers(analytics, PERIODS[0], ("model",), {}) == expected
        assert any(made_again)


@pytest.mark.parametrize(
    ("prices", "left"),
    [
        ([price(model="acme-*", effective_from=TURNS[1].isoformat())], set()),
        ([price(model="acme-small", effective_from=TURNS[0].isoformat())], {"acme-small"}),  # within an hour
        (
            [price(per_mtok={"input_tokens": {"base": 1, "tiers": [{"above": 150_000, "price": 3}]}})],
            {"acme-large"},  # a threshold that rows do not tell
        ),
        # A price of one token, and what a thousand of them cost, as whole numbers of 18 decimals, that pass 64 bits.
        ([price(per_mtok={"input_tokens": "99999999999.000000000001"})], {"acme-large"}),
        ([price(per_mtok={"input_tokens": "4000000.000000000001"})], None),
    ],
)
def test_a_model_whose_price_rows_do_not_surely_tell_is_left_to_be_read(
    prices: list[dict[str, Any]], left: set[str] | None
) -> None:
    period = TimePeriod(FIRST, FIRST + 3 * DAY, "day")
    with opened() as analytics:
        analytics.record_events(identified(CALLS)).unwrap()
        analytics.publish_prices(prices).unwrap()
        analytics.catch_up()

        with joining() as seen:
            analytics.get_cost_breakdown(period).unwrap()
        assert seen
        assert all(models == left for models in seen[:2])  # the period itself; of the one before, there are no calls
        same(analytics, period, (), {})


def test_a_price_is_in_force_with_the_next_question() -> None:
    period = TimePeriod(FIRST, FIRST + 3 * DAY, "day")
    with opened() as analytics:
        analytics.record_events(identified(CALLS)).unwrap()
        analytics.publish_prices([price(model="acme-*")]).unwrap()
        analytics.catch_up()
        before = analytics.get_cost_breakdown(period).unwrap()
        analytics.publish_prices([price(model="acme-*", per_mtok={"input_tokens": "3"})]).unwrap()

        with joining() as seen:
            now = analytics.get_cost_breakdown(period).unwrap()
        assert seen[0] == set()
        assert [total.currency for total in now.totals] == ["USD", "EUR"]
        assert [total.cost for total in now.totals] != [total.cost for total in before.totals]
        same(analytics, period, (), {})


def test_on_postgresql_too(postgres: Server) -> None:
    with opened(postgres.database()) as analytics:
        analytics.record_events(identified(CALLS)).unwrap()
        analytics.publish_prices([price(model="acme-*", effective_from=TURNS[1].isoformat())]).unwrap()
        analytics.catch_up()

        with joining() as seen:
            for by in GROUPS:
                same(analytics, PERIODS[0], by, {})
        assert seen[0] == set()
