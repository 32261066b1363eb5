"""What became of everything that this process handed to a service, and how far its read models are behind."""

from __future__ import annotations

from collections.abc import Iterable

from analytics_es.errors import AnalyticsError
from analytics_es.ingest import Buffer, Subscription
from analytics_es.ingest.outcomes import Outcomes
from analytics_es.store import Store
from analytics_es.types import ServiceStats


def stats_of(
    outcomes: Outcomes, buffers: Iterable[Buffer], subscriptions: Iterable[Subscription], store: Store | None
) -> ServiceStats:
    """Add up what is counted; the database is asked for the lag alone, and not where the store is closed."""
    of_buffers, of_buses = [buffer.stats() for buffer in buffers], [one.stats() for one in subscriptions]
    events, seconds = _lag(store) if store else (None, None)
    refused, failed = dict(sorted(outcomes.refused.items())), dict(sorted(outcomes.failed.items()))
    return ServiceStats(
        recorded=outcomes.recorded,
        duplicates=outcomes.duplicates,
        differing=outcomes.differing,
        refused=sum(refused.values()),
        refused_by_code=refused,
        kept=outcomes.kept,
        failed_calls=sum(failed.values()),
        failed_by_code=failed,
        buffered=sum(stats.buffered for stats in of_buffers),
        dropped=outcomes.dropped + sum(stats.dropped for stats in of_buffers),
        lost=outcomes.lost + sum(stats.lost for stats in of_buffers),
        received=sum(stats.received for stats in of_buses),
        lag_events=events,
        lag_seconds=seconds,
    )


def _lag(store: Store) -> tuple[int, float] | tuple[None, None]:
    """Return how far the read models are behind; nothing where the database cannot say."""
    try:
        positions = [live.position for live in store.read_models.live().values()]
        return store.runner.lag(min(positions)) if positions else (0, 0.0)
    except AnalyticsError:
        return None, None
