"""What SQL views show of costs, priced after one more call, and all of it; against the same row by row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from analytics_es import AnalyticsService
from analytics_es.cost import view_prices
from analytics_es.read_models.views import changed, priced
from analytics_es.testing import provider_call
from tests.benchmarks.figures import Effort, Figure, Pace, Target, pace, times
from tests.benchmarks.store import Store
from tests.benchmarks.workload import BUSIEST, START

LAST = START + timedelta(days=6, hours=3)


def views(store: Store, effort: Effort) -> Iterator[Figure]:
    """Price what SQL views show: what one more call changes, and everything; beside it, the same row by row."""
    other, by_rows = store.copy("views"), "row by row, all of the bucket"
    with other.open() as analytics:
        analytics.sql_views().unwrap()
        _one_more(analytics, -1)
        pairs = []
        for number in range(effort.rounds):
            ours = _one_more(analytics, 2 * number)
            with _row_by_row():
                pairs.append((ours, _one_more(analytics, 2 * number + 1)))
        what = "SQL views after one more call"
        yield times(what, pairs, p95=False, events=store.size, yardstick=by_rows, target=Target("cpu", "≤", 5))
        pairs = []
        for _ in range(effort.rounds):
            ours = _everything(analytics)
            with _row_by_row():
                pairs.append((ours, _everything(analytics)))
        what = "SQL views, all costs priced"
        yield times(what, pairs, p95=False, events=store.size, yardstick="row by row", target=Target("cpu", "≤", 300))


@contextmanager
def _row_by_row() -> Iterator[None]:
    with (
        patch.object(view_prices, "prices", lambda *_: (None, frozenset())),
        patch.object(changed.Changed, "whose", lambda *_: None),
    ):
        yield


def _one_more(analytics: AnalyticsService, number: int) -> Pace:
    """Record a call of the busiest user, and price what it changes."""
    model = {"provider": "alpha", "model": "m-mid", "cost": None, "currency": None}
    at = LAST + timedelta(seconds=number)
    call = provider_call(**model, user_id=BUSIEST, occurred_at=at)
    analytics.record_events([{**call, "id": f"view-{number}"}]).unwrap()
    analytics.catch_up(thresholds=False)
    return pace(1, analytics._parts.view_costs.look)


def _everything(analytics: AnalyticsService) -> Pace:
    """Price everything, as after a rebuild."""
    read_models = analytics.store.read_models
    with read_models.writing() as cursor:
        priced.mark_all(cursor, read_models.live()["cost"].declaration)
    return pace(1, analytics._parts.view_costs.look)
