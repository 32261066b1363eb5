"""What belongs to nobody is its own group wherever an entity is one of the keys, in whatever order they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.testing import NOON, provider_call
from tests.stores import opened, record

DAY = TimePeriod.day(NOON.date())
ORDERS = [("user", "model", "operation"), ("model", "user", "operation"), ("model", "operation", "user")]
NOTHING = dict.fromkeys(("cache_read_tokens", "cache_creation_tokens", "reasoning_tokens", "output_tokens"))

# Of m1, nobody's call tells no tokens; of m2, both have some; of m3, nobody has any; of m4, somebody has none.
CALLS: list[tuple[str, str, str, int | None]] = [
    ("ada", "m1", "chat", 16),
    ("", "m1", "chat", None),
    ("ada", "m2", "chat", 8),
    ("", "m2", "chat", 4),
    ("bob", "m3", "chat", 2),
    ("", "m4", "embed", 1),
]


@pytest.fixture(scope="module")
def called() -> Iterator[AnalyticsService]:
    with opened(privacy="full") as analytics:
        for user, model, operation, tokens in CALLS:
            about = {"user_id": user or None, "model": model, "operation": operation, "input_tokens": tokens}
            record(analytics, provider_call(cost="1", **NOTHING, **about))
        yield analytics


def by(order: tuple[str, ...]) -> list[tuple[dict[str, str], int | None]]:
    """Return the groups of all calls as they were made, by keys in this order, and the tokens of each."""
    groups = [({"user": user, "model": model, "operation": how}, tokens) for user, model, how, tokens in CALLS]
    return _sorted([({key: keys[key] for key in order}, tokens) for keys, tokens in groups])


def _sorted(groups: list[tuple[dict[str, str], Any]]) -> list[tuple[dict[str, str], Any]]:
    return sorted(groups, key=lambda group: sorted(group[0].items()))


@pytest.mark.parametrize("order", ORDERS)
def test_a_metric_has_a_group_of_nobody_where_anything_is_left(
    called: AnalyticsService, order: tuple[str, ...]
) -> None:
    groups = called.get_summary("cost.input_tokens", DAY, group_by=order).unwrap().groups

    assert _sorted([(dict(group.keys), group.figures.total) for group in groups]) == by(order)
    assert all(list(group.keys) == list(order) for group in groups)


@pytest.mark.parametrize("order", ORDERS)
def test_what_calls_cost_has_a_row_of_nobody(called: AnalyticsService, order: tuple[str, ...]) -> None:
    rows = called.get_cost_breakdown(DAY, by=order).unwrap().rows

    assert _sorted([(dict(row.keys), row.tokens.input) for row in rows]) == by(order)
    assert [(row.calls, row.cost) for row in rows] == [(1, 1)] * len(CALLS)
    assert all(list(row.keys) == list(order) for row in rows)


def test_nobody_alone_has_what_is_left_of_everybody(called: AnalyticsService) -> None:
    summary = called.get_summary("cost.input_tokens", DAY, group_by=["user"]).unwrap()
    costs = called.get_cost_breakdown(DAY, by=["user"]).unwrap()

    assert {group.keys["user"]: group.figures.total for group in summary.groups} == {"ada": 24, "bob": 2, "": 5}
    assert {row.keys["user"]: (row.calls, row.tokens.input) for row in costs.rows} == {
        "ada": (2, 24),
        "bob": (1, 2),
        "": (3, 5),
    }


def test_there_is_no_group_of_nobody_where_everything_is_somebodys(called: AnalyticsService) -> None:
    groups = called.get_summary("cost.input_tokens", DAY, group_by=["user"], where={"model": "m3"}).unwrap().groups
    rows = called.get_cost_breakdown(DAY, by=["user"], where={"model": "m3"}).unwrap().rows

    assert [group.keys["user"] for group in groups] == [row.keys["user"] for row in rows] == ["bob"]
