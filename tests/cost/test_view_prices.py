"""Costs of SQL views that are priced in SQL are those of the answers' own rows, to the last digit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st

from analytics_es import AnalyticsService
from analytics_es.cost import view_prices
from analytics_es.read_models.views import joining, priced
from analytics_es.testing import price
from tests.cost.test_joined import HUGE, large, odd_prices
from tests.cost.test_pricing import ZONES, histories, identified, publications
from tests.examples import examples
from tests.stores import opened

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
    assert analytics.sql_views().ok
    with read_models.reading() as cursor:
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
        analytics.record_events(identified(events)).unwrap()
        analytics.publish_prices([price(model="acme-*"), *prices]).unwrap()
        analytics.catch_up()
        table = analytics.store.read_models.declarations["cost"].table
        with analytics.store.read_models.writing() as cursor:
            if huge is not None:
                cursor.execute(f"UPDATE {table} SET output_tokens = ? WHERE model = 'acme-small'", (huge,))

        same(analytics)
