"""Questions that no read model answers: pairs of entities, and another zone's hours, after one more event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.testing import tool_call
from tests.benchmarks.auditing import DAY
from tests.benchmarks.constant import CONSTANT, constant_task
from tests.benchmarks.figures import Effort, Figure, Target, pace, times
from tests.benchmarks.store import Store, say

INDIA = ZoneInfo("Asia/Kolkata")  # its hours begin in the middle of ours
ABROAD = TimePeriod(DAY.start.replace(tzinfo=INDIA), DAY.end.replace(tzinfo=INDIA))
MOST = Target("cpu", "≤", 15)

ASKS: Mapping[str, Callable[[AnalyticsService], Any]] = {
    "a day by user and task, after one more event": lambda analytics: analytics.get_summary(
        "usage.events", DAY, group_by=("user", "task")
    ).unwrap(),
    "a day of another zone's hours, after one more event": lambda analytics: analytics.get_summary(
        "usage.events", ABROAD, group_by=("event_type",)
    ).unwrap(),
}


def derived(store: Store, effort: Effort) -> Iterator[Figure]:
    """Ask for rows that are derived from the log, after one more event each; beside it, a constant task."""
    other = store.copy("derived")
    events, numbers = other.events(), count()
    for what, ask in ASKS.items():
        say(what)
        pairs, task = [], constant_task()
        with other.open() as analytics:
            first = pace(1, lambda: ask(analytics))  # noqa: B023
            for _ in range(effort.runs):
                _record(analytics, f"{next(numbers)}")
                pairs.append((pace(1, lambda: ask(analytics)), pace(1, task)))  # noqa: B023
        more = {"first_ms": round(1e3 * first.wall)}
        yield times(what, pairs, p95=False, events=events, yardstick=CONSTANT, target=MOST, more=more)


def _record(analytics: AnalyticsService, name: str) -> None:
    event = {**tool_call(), "id": f"more-{name}", "occurred_at": DAY.start + timedelta(hours=9)}
    analytics.record_events([event]).unwrap()
    analytics.catch_up()
