"""Export of all raw events to Parquet, against a bare scan of the log."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.figures import Effort, Figure, Target, pace, rates
from tests.benchmarks.store import EVERYTHING, Store, say, scan

TARGET = 0.23  # 1.3 times what it was before scan and typing had threads of their own


def export(store: Store, effort: Effort) -> Iterator[Figure]:
    """Measure, in every round: a scan, and an export."""
    other, pairs = store.copy("export"), []  # an export is told in the log
    events = other.events()
    with other.open() as analytics:
        for number in range(effort.rounds):
            say(f"exporting, round {number + 1} of {effort.rounds}")
            target = other.folder / f"events-{number}.parquet"  # beside its manifest
            scanned = pace(events, lambda: scan(other.path))
            ours = pace(events, lambda: analytics.export_data("parquet", EVERYTHING, to=target).unwrap())  # noqa: B023
            pairs.append((ours, scanned))
            size = target.stat().st_size
    yield rates(
        "export, Parquet",
        pairs,
        events=events,
        yardstick="bare scan",
        target=Target("ratio", "≥", TARGET),
        more={"megabytes": round(size / 1e6, 1)},
    )
