"""The fold of few events and of many, as it is chosen, against the fold in DuckDB, which is the reference."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

from analytics_es.projection import fold as folding
from analytics_es.projection.fold import Fold
from tests.benchmarks.figures import Effort, Figure, Target, pace, times
from tests.benchmarks.store import Store, say

SIZES = (1, 25, 100, 1_000, 5_000)  # events of a batch


def fold(store: Store, effort: Effort) -> Iterator[Figure]:
    """Fold batches of several sizes, all projections, as it is chosen and in DuckDB, by turns."""
    store.fill()
    with store.open() as analytics:
        log, head = analytics.store.log, analytics.store.log.head()
        mixed = Fold(analytics.store.declarations, analytics.store.calendar)
        for size in SIZES:
            say(f"folding {size:,} events {effort.runs} times")
            pairs = []
            for number in range(-1, effort.runs):
                after = (number + 1) * max(1, head - size) // (effort.runs + 1)  # other events every time
                events = log.scan(after=after, limit=size)
                ours = pace(size, lambda: mixed(events))  # noqa: B023
                with patch.object(folding, "SMALL", -1, create=True):
                    theirs = pace(size, lambda: mixed(events))  # noqa: B023
                if number >= 0:  # the first time, declarations are compiled
                    pairs.append((ours, theirs))
            target = Target("cpu", "≤", 1) if size == 1 else None
            what = f"fold of {size:,} event{'s' if size > 1 else ''}"
            yield times(what, pairs, p95=False, events=size, yardstick="the fold in DuckDB", target=target)
        mixed.close()
