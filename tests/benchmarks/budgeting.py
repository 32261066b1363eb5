"""A look at the thresholds of many budgets of which few are open, after one more event."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from analytics_es import AnalyticsService
from analytics_es.testing import budget_allocated, provider_call
from tests.benchmarks.constant import CONSTANT, constant_task
from tests.benchmarks.figures import Effort, Figure, Target, pace, times
from tests.benchmarks.store import Store, say

OPEN, PERIODS = 100, 12  # budgets that are open, and how many periods each has had, with this one
LENGTH = timedelta(days=30)


def budgets(store: Store, effort: Effort) -> Iterator[Figure]:
    """Look what budgets have reached, after one more call that one of them counts; beside it, a constant task."""
    count, now = min(OPEN, store.size // 20), datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    other, pairs, task = store.own("budgets"), [], constant_task()
    say(f"looking at {count * PERIODS:,} budgets")
    with other.open() as analytics:
        analytics.record_events(_allocated(count, now)).unwrap()
        for number in range(-1, effort.runs):
            user = f"user-{number % count}"
            event = {**provider_call(user_id=user, cost="0.01", currency="USD", occurred_at=now), "id": f"{number}"}
            analytics.record_events([event]).unwrap()
            analytics.catch_up(thresholds=False)
            look = pace(1, lambda: _look(analytics))
            if number >= 0:  # the first looks at everything that there ever was
                pairs.append((look, pace(1, task)))
    what = f"a look at budgets of {PERIODS} periods, of which one is open"
    yield times(what, pairs, events=count * PERIODS, yardstick=CONSTANT, target=Target("cpu", "≤", 10))


def _allocated(count: int, now: datetime) -> Iterator[dict[str, Any]]:
    """Allocate money for each user and period; the last period holds now."""
    for period in range(PERIODS):
        start = now - LENGTH * (PERIODS - period) + LENGTH / 2
        for user in range(count):
            about = {"budget_id": f"user-{user}", "scope": "user", "user_id": f"user-{user}", "amount": "1000"}
            ends = {"starts_at": start.isoformat(), "ends_at": (start + LENGTH).isoformat()}
            event = budget_allocated(**about, **ends, occurred_at=min(start, now))
            yield {**event, "id": f"budget-{user}-{period}"}


def _look(analytics: AnalyticsService) -> None:
    thresholds = analytics._parts.thresholds
    if thresholds is None:
        raise LookupError("the store has no budgets")
    thresholds.look()
