"""One stored event: what it says, what it adds to which metric, its cost, its corrections, what is gone or wrong."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.testing import NOON, provider_call
from analytics_es.types import StoredEvent
from tests.stores import record

pytestmark = [pytest.mark.store("sqlite", "postgres"), pytest.mark.usefixtures("full_privacy")]

CALL = {**provider_call(cost="0.25", currency="USD", occurred_at=NOON), "id": "call-1", "source": "app"}
HOUR = TimePeriod(NOON, NOON + timedelta(hours=1))


def stored(analytics: AnalyticsService, *events: dict[str, Any], position: int = 1) -> StoredEvent:
    """Record events, and return what is stored at a position."""
    record(analytics, *events)
    return analytics.get_event(position).unwrap()


def added(event: StoredEvent) -> dict[str, Decimal]:
    """Return what an event adds, by metric."""
    return {counted.metric: counted.value for counted in event.counted}


# ── what is stored ──────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_is_returned_as_it_is_stored(analytics: AnalyticsService) -> None:
    call = stored(analytics, CALL)

    assert (call.position, call.last_position) == (1, 1)
    assert (call.type, call.source, call.id) == (CALL["event_type"], "app", "call-1")
    assert (call.occurred_at, call.data) == (NOON, CALL["data"])
    assert (call.raw, call.problem, call.uncounted, call.forgotten) == (None, None, [], [])


@pytest.mark.store("sqlite", timezone="Asia/Kathmandu")
def test_it_happened_in_the_zone_of_the_store(analytics: AnalyticsService) -> None:
    occurred_at = stored(analytics, CALL).occurred_at

    assert occurred_at == NOON
    assert str(occurred_at.tzinfo) == "Asia/Kathmandu"


@pytest.mark.parametrize("position", [0, -1, 2, 10**30])
def test_a_position_that_the_log_has_not_reached_is_said(analytics: AnalyticsService, position: int) -> None:
    record(analytics, CALL)

    failure = analytics.get_event(position).failure

    assert failure.code == ("bad_argument" if position in (10**30,) else "no_such_position")
