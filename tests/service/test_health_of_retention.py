"""A store is not ready where events are kept for longer than they were to be, a day after they were to go."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from analytics_es import AnalyticsService
from analytics_es.testing import price, provider_call, tool_call
from tests.service.health import BOTH, DAY, NOW, WELL, looked, of, states
from tests.stores import opened, record, set_clock


def retaining(url: str, at: datetime = NOW) -> AnalyticsService:
    return AnalyticsService.open(url, follow=False, retention={"events": "10d"}, clock=lambda: at)


@BOTH
def test_events_that_were_to_go_a_day_ago_keep_a_store_from_being_ready(url: str) -> None:
    with retaining(url) as analytics:
        record(analytics, tool_call(occurred_at=NOW))
        seen = {}
        for days in (9, 10, 11, 12, 13):
            set_clock(analytics, NOW + days * DAY)
            seen[days] = states(of(analytics))["retention"]
        late = looked(of(analytics))["retention"]
        analytics.retain().unwrap()

        assert seen == {9: "ok", 10: "ok", 11: "ok", 12: "failed", 13: "failed"}
        assert late.finding == ("Events from 2026-03-02 on are there that were to go by now (retention events 10d).")
        assert (of(analytics).ready, states(of(analytics))) == (True, WELL)


def test_events_of_long_ago_that_were_imported_today_have_until_the_night(path: Path) -> None:
    with retaining(str(path)) as analytics:
        record(analytics, tool_call(occurred_at=NOW - 300 * DAY))

        assert of(analytics).ready
        set_clock(analytics, NOW + DAY + timedelta(minutes=1))
        assert states(of(analytics))["retention"] == "failed"


def test_a_retention_that_was_said_just_now_has_until_the_night(path: Path) -> None:
    with opened(path, clock=lambda: NOW - 300 * DAY) as analytics:
        record(analytics, tool_call(occurred_at=NOW - 300 * DAY))
    with retaining(str(path)) as analytics:
        assert of(analytics).ready
        record(analytics, tool_call(occurred_at=NOW))
        assert of(analytics).ready
        set_clock(analytics, NOW + 2 * DAY)
        assert states(of(analytics))["retention"] == "failed"


def test_what_the_service_says_itself_is_never_overdue(path: Path) -> None:
    with retaining(str(path), NOW - 300 * DAY) as analytics:
        analytics.publish_prices([price()]).unwrap()
        analytics.record_event(**tool_call(occurred_at=NOW)).unwrap()
        set_clock(analytics, NOW)

        assert looked(of(analytics, max_lag=None))["retention"].finding == (
            "Events that are to be kept no longer are gone."
        )


@pytest.mark.store("sqlite", "postgres", retention={"events": "10d", "tool.*": "5d"})
def test_each_family_has_its_time(analytics: AnalyticsService) -> None:
    record(analytics, tool_call(occurred_at=NOW), provider_call(occurred_at=NOW))

    def first(**families: timedelta) -> str | None:
        times = {name: int((NOW + length).timestamp()) for name, length in families.items()}
        key = analytics.store.log.seals.first_before({"": 0, **times})
        event = analytics.store.log.find(key) if key else None
        return event and event["type"]

    assert (first(), first(tool=-DAY), first(tool=DAY)) == (None, None, "tool.call.completed")
    assert first(provider=DAY) == "provider.call.completed"
