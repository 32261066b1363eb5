"""Costs of SQL views that are priced in SQL are those of the answers' own rows, to the last digit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st

from analytics_es import AnalyticsService
from analytics_es.cost import view_costs, view_prices
from analytics_es.read_models.views import changed, joining, priced
from analytics_es.testing import NOON, price, provider_call
from tests import day
from tests.cost.test_joined import HUGE, large, odd_prices, record_odd
from tests.cost.test_pricing import ZONES, histories, identified, publications
from tests.examples import examples
from tests.stores import opened, record

pytestmark = pytest.mark.usefixtures("full_privacy")

GENERATED = [Phase.explicit, Phase.reuse, Phase.generate]  # a history takes long to be made small
Row = tuple[Any, ...]


@contextmanager
def row_by_row() -> Iterator[None]:
    """Price all rows one by one."""
    with patch.object(view_prices, "prices", lambda *_: (None, frozenset())):
        yield


@contextmanager
def written() -> Iterator[list[joining.RowPrices]]:
    """Give the list of prices by which rows were written in SQL."""
    prices: list[joining.RowPrices] = []
    write = joining.write

    def noted(*arguments: Any) -> None:
        write(*arguments)
        prices.append(arguments[4])

    with patch.object(joining, "write", noted):
        yield prices


def shown(analytics: AnalyticsService) -> list[Row]:
    """Price everything again, and return what is kept of it for the views."""
    read_models = analytics.store.read_models
    with read_models.writing() as cursor:
        priced.mark_all(cursor, read_models.live()["cost"].declaration)
    return kept(analytics)


def kept(analytics: AnalyticsService) -> list[Row]:
    """Price what is to be, and return what is kept of all for the views."""
    analytics.sql_views().unwrap()
    with analytics.store.read_models.reading() as cursor:
        cursor.execute("SELECT count(*) FROM to_price")
        assert cursor.fetchone()[0] == 0
        cursor.execute(f"SELECT {', '.join(priced.COLUMNS)} FROM costs_priced ORDER BY {', '.join(priced.KEYS)}")
        return list(map(tuple, cursor.fetchall()))


def same(analytics: AnalyticsService) -> list[Row]:
    """Check that both ways show the same, in the same words."""
    quick = shown(analytics)
    with row_by_row():
        slow = shown(analytics)
    assert set(map(repr, quick)) ^ set(map(repr, slow)) == set()
    assert len(quick) == len(slow)
    return quick


@given(histories, publications, st.sampled_from(ZONES))
@examples(6, phases=GENERATED)
def test_what_is_priced_in_sql_is_what_is_priced_row_by_row(
    tmp_path_factory: pytest.TempPathFactory, events: list[dict[str, Any]], prices: list[dict[str, Any]], zone: str
) -> None:
    path = tmp_path_factory.mktemp("any") / "analytics.db"
    with opened(path, privacy="full", timezone=zone) as analytics:
        analytics.record_events(identified(events)).unwrap()
        if prices:
            analytics.publish_prices(prices).unwrap()
        analytics.catch_up()

        same(analytics)


@given(st.lists(large, min_size=1, max_size=12), odd_prices, st.sampled_from(HUGE))
@examples(6, phases=GENERATED)
def test_odd_prices_and_large_counts_are_exact(
    tmp_path_factory: pytest.TempPathFactory,
    events: list[dict[str, Any]],
    prices: list[dict[str, Any]],
    huge: int | str | None,
) -> None:
    path = tmp_path_factory.mktemp("odd") / "analytics.db"
    with opened(path, privacy="full") as analytics:
        record_odd(analytics, events, prices, huge)

        same(analytics)


@given(histories, publications, st.sampled_from(ZONES), st.integers(0, 40), st.integers(1, 3))
@examples(6, phases=GENERATED)
def test_what_changes_bit_by_bit_is_what_is_priced_anew(
    tmp_path_factory: pytest.TempPathFactory,
    events: list[dict[str, Any]],
    prices: list[dict[str, Any]],
    zone: str,
    first: int,
    step: int,
) -> None:
    path, history = tmp_path_factory.mktemp("bits") / "analytics.db", identified(events)
    with opened(path, privacy="full", timezone=zone) as analytics, of_few() as few:
        record(analytics, *history[:first])
        if prices:
            analytics.publish_prices(prices).unwrap()
        for place in range(first, len(history), step):
            record(analytics, *history[place : place + step])
        bit_by_bit = kept(analytics)

        assert list(map(no_zeros, bit_by_bit)) == list(map(no_zeros, shown(analytics)))
    assert any(few) or first >= len(history)


def no_zeros(row: Row) -> Row:
    """Return a row in which nothing is as 0: a column that is 0 in all rows that are priced at once is not read."""
    first = len(priced.COLUMNS) - len(priced.USED)
    return (*row[:first], *(used or None for used in row[first:]))


@contextmanager
def of_few() -> Iterator[list[bool]]:
    """Give the list of whether only rows of some entities were priced."""
    few: list[bool] = []
    write = priced.write

    def noted(*arguments: Any) -> None:
        few.append(arguments[-1] is not None)
        write(*arguments)

    with patch.object(priced, "write", noted):
        yield few


@pytest.mark.store("sqlite", "postgres", events=day.events(), privacy="full", clock=lambda: day.NOW)
def test_every_database_prices_as_the_answers_do(analytics: AnalyticsService) -> None:
    turn = price(
        provider="mistral", model="*", effective_from="2026-03-02T10:05:30Z", multiplier="0.333", currency=None
    )
    analytics.publish_prices([{**turn, "per_mtok": None}]).unwrap()
    with written() as prices:
        rows = same(analytics)
    assert prices
    assert len(rows) > 50

    record(analytics, provider_call(cost=None, currency=None, user_id="ada", occurred_at=day.NOW))
    record(analytics, provider_call(cost="0.1", currency="USD", user_id="ada", occurred_at=day.NOW))
    bit_by_bit = kept(analytics)
    assert list(map(no_zeros, bit_by_bit)) == list(map(no_zeros, shown(analytics)))


@pytest.mark.store("sqlite", privacy="full")
def test_one_new_call_has_only_the_rows_priced_that_it_changes(analytics: AnalyticsService) -> None:
    record(analytics, *(provider_call(user_id=f"user-{number}") for number in range(40)))
    with analytics.store.read_models.writing() as cursor:  # what another call does not touch is left as it is
        cursor.execute("UPDATE costs_priced SET cost = '9' WHERE entity_id = 'user-7'")
    record(analytics, provider_call(user_id="user-8"))
    with analytics.store.read_models.reading() as cursor:
        cursor.execute("SELECT DISTINCT cost FROM costs_priced WHERE entity_id = 'user-7'")
        assert cursor.fetchall() == [("9",)]
        cursor.execute("SELECT DISTINCT calls FROM costs_priced WHERE entity_id = 'user-8'")
        assert cursor.fetchall() == [(2,)]


@pytest.mark.store("sqlite", "postgres", privacy="full", clock=lambda: NOON + timedelta(days=3))
def test_what_calls_use_that_come_while_prices_are_worked_out_is_priced_too(analytics: AnalyticsService) -> None:
    usage = dict.fromkeys(("cost", "currency", "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens"))
    call = {"provider": "acme", "model": "acme-large", "occurred_at": NOON, **usage}
    per_mtok = {"input_tokens": "2", "output_tokens": "2", "cache_read_tokens": "7"}
    since = (NOON - timedelta(days=9)).isoformat()
    analytics.publish_prices([price(per_mtok=per_mtok, effective_from=since)]).unwrap()
    record(analytics, provider_call(**call))
    prices, came = view_prices.prices, []

    def slow(*arguments: Any) -> Any:
        outcome = prices(*arguments)
        if not came:
            came.append(analytics.record_event(**provider_call(**{**call, "cache_read_tokens": 1_000})).unwrap())
            analytics.catch_up(thresholds=False)  # as another process folds it
        return outcome

    analytics.record_event(**provider_call(**call)).unwrap()
    analytics.catch_up(thresholds=False)
    one_part_at_a_time = patch.multiple(view_costs, MANY=0, A_LITTLE=0.0)
    with patch.object(view_prices, "prices", slow), one_part_at_a_time:
        analytics.catch_up()

    assert came
    with analytics.store.read_models.reading() as cursor:
        cursor.execute("SELECT calls, cache_read_tokens FROM costs_priced WHERE grain = 'hour' AND entity_type = ''")
        assert list(map(tuple, cursor.fetchall())) == [(3, 1_000)]
    assert kept(analytics) == shown(analytics)


@pytest.mark.store("sqlite", "postgres", privacy="full", clock=lambda: NOON + timedelta(days=3))
def test_prices_of_any_decimals_add_up_in_one_row(analytics: AnalyticsService) -> None:
    fine, coarse = "0.333333333333", "7"
    for amount, hours in ((coarse, -24), (fine, 1)):
        since = (NOON + timedelta(hours=hours)).isoformat()
        analytics.publish_prices([price(per_mtok={"input_tokens": amount}, effective_from=since)]).unwrap()
    call = {"provider": "acme", "model": "acme-large", "input_tokens": 1, "operation": "chat"}
    times = [NOON, NOON + timedelta(hours=1), NOON + timedelta(hours=2)]
    event = "provider.call.completed"
    record(analytics, *({"event_type": event, "data": call, "occurred_at": at, "id": f"{at}"} for at in times))

    with written() as prices:
        rows = same(analytics)
    assert prices
    (day_of_all,) = [dict(zip(priced.COLUMNS, row, strict=True)) for row in rows if row[:2] == ("day", "")]
    assert Decimal(day_of_all["cost"]) == Decimal("0.000007666666666666")


@pytest.mark.parametrize("note", ["", "0123456789abcdef"])
def test_who_does_not_know_what_changed_looks_at_all(note: str) -> None:
    notes = changed.Changed()
    ada, bob = notes.note({("user", "ada")}), notes.note({("user", "bob")})
    assert notes.whose([ada, bob]) == notes.whose([ada + bob]) == [("user", "ada"), ("user", "bob")]
    assert notes.whose([ada + (note or notes.note(None))]) is None
    assert notes.whose([notes.note({("user", f"{n}") for n in range(changed.ENTITIES + 1)})]) is None
    assert notes.whose(["x" + ada]) is None
