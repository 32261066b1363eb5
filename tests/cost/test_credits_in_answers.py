"""Figures that compare costs, where credits leave less than nothing of them: none, and never with another sign."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.testing import NOON
from tests.stores import record

HOUR = TimePeriod(NOON, NOON + timedelta(hours=1))


def billed(cost: str, model: str, hours: int = 0) -> dict[str, Any]:
    data = {"provider": "openai", "model": model, "cost": cost, "currency": "USD"}
    return {"event_type": "provider.usage.billed", "data": data, "occurred_at": NOON + timedelta(hours=hours)}


@pytest.mark.parametrize(
    ("credit", "shares"),
    [("-1", {"a": 2.0, "b": -1.0}), ("-2", {"a": None, "b": None}), ("-5", {"a": None, "b": None})],
)
@pytest.mark.store("sqlite")
def test_of_less_than_nothing_nobody_has_a_share(
    analytics: AnalyticsService, credit: str, shares: dict[str, float | None]
) -> None:
    record(analytics, billed("2", "a"), billed(credit, "b"))

    rows = analytics.get_cost_breakdown(HOUR, by="model").unwrap().rows
    assert {row.keys["model"]: row.share for row in rows} == shares


@pytest.mark.store("sqlite")
def test_from_less_than_nothing_there_is_no_change(analytics: AnalyticsService) -> None:
    record(analytics, billed("-2", "a", -1), billed("1", "a"))

    (total,) = analytics.get_cost_breakdown(HOUR).unwrap().totals
    assert (total.previous_cost, total.change) == (-2, None)
