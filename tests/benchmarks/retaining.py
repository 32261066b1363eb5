"""Retention: events verified, sealed into rows and deleted, against the library's own projection."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.figures import Effort, Figure, Target, pace, rates
from tests.benchmarks.rebuilding import STOCK
from tests.benchmarks.store import Store, say
from tests.benchmarks.yardsticks import project


def retain(store: Store, effort: Effort) -> Iterator[Figure]:
    """Seal and delete the whole week, which is long over, in copies of the store."""
    pairs = []
    for number in range(effort.rebuilds):
        say(f"retaining, round {number + 1} of {effort.rebuilds}")
        other = store.copy(f"retain-{number}")
        events, stocked = other.events(), other.folder / "stock.db"
        few = min(STOCK, events)
        stock = pace(few, lambda: project(other.path, stocked, few))  # noqa: B023
        with other.open() as analytics:
            ours = pace(events, lambda: analytics.retain({"events": "1d"}).unwrap())
        pairs.append((ours, stock))
        other.clear()
    yield rates(
        "verify, seal and delete",
        pairs,
        events=events,
        yardstick="stock projection",
        target=Target("value", "≥", 18_000),
    )
