"""Rebuilds by the command: by workers, and from an archive; each in a process of its own, beside one of the same round.

Rounds are few where one takes minutes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

from tests.benchmarks.figures import Effort, Figure, Pace, Target, figure, pace, rates
from tests.benchmarks.rebuilding import ROOT, STOCK, memory_alone
from tests.benchmarks.starting import cpu_of_children
from tests.benchmarks.store import EVERYTHING, Store, say
from tests.benchmarks.yardsticks import project

LONG = 5_000_000  # events of a log that is rebuilt once, not in rounds


def replay(store: Store, effort: Effort) -> Iterator[Figure]:
    """Rebuild by one process and by two; beside them, the library's own projection."""
    store.catch_up()
    events, stocked = store.events(), store.own("stock")
    few = min(STOCK, events)
    pairs, stocks, peaks = list[tuple[Pace, Pace]](), list[tuple[Pace, Pace]](), list[tuple[float, float]]()
    for number in range(rounds(events, effort)):
        say(f"rebuilding by one process and by two, round {number + 1}")
        (one, peak), (two, other_peak) = (rebuilt(store, "--workers", workers) for workers in ("1", "2"))
        read_models = stocked.folder / f"stock-{number}.db"
        stock = pace(few, lambda: project(store.path, read_models, few))  # noqa: B023
        pairs.append((two, one))
        stocks.append((two, stock))
        peaks.append((max(peak, other_peak), memory_alone()))
    what, most = "rebuild by two workers", 85 if events >= LONG else 80
    yield rates(what, stocks, events=events, yardstick="stock projection", target=Target("ratio", "≥", most))
    yield rates(what, pairs, events=events, yardstick="by one process", target=Target("ratio", "≥", 1.6))
    yield figure(
        "rebuild by two workers, peak memory of a process",
        *zip(*peaks, strict=True),
        events=events,
        unit="MB",
        yardstick="the program alone",
        target=Target("value", "≤", 1_200),
    )


def archive(store: Store, effort: Effort) -> Iterator[Figure]:
    """Rebuild from an archive of Parquet files, and from the log."""
    other, pairs = store.copy("archived"), []  # an export is told in the log
    events, folder = other.events(), other.own("archive").folder
    with other.open() as analytics:
        analytics.export_data("parquet", EVERYTHING, to=folder / "all.parquet").unwrap()
    for number in range(rounds(events, effort)):
        say(f"rebuilding from an archive, and from the log, round {number + 1}")
        ours, _ = rebuilt(other, "--workers", "1", "--from-archive", str(folder))
        theirs, _ = rebuilt(other, "--workers", "1")
        pairs.append((ours, theirs))
    target = Target("ratio", "≥", 1.3)
    yield rates("rebuild from Parquet", pairs, events=events, yardstick="from the log", target=target)


def rounds(events: int, effort: Effort) -> int:
    """Return how often a log of so many events is rebuilt."""
    return 1 if events >= LONG else effort.rebuilds


def rebuilt(store: Store, *options: str) -> tuple[Pace, float]:
    """Rebuild by the command, in a process of its own; it says what it took, without the interpreter's start."""
    command = [sys.executable, "-m", "analytics_es.cli", "projections", "rebuild", "--yes", "--json"]
    before = cpu_of_children()
    done = subprocess.run(
        [*command, "--db", str(store.path), *options], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    *progress, last = map(json.loads, done.stdout.splitlines())
    result, peak = last["result"], progress[-1]["progress"]["memory_mb"]
    return Pace(result["events"], result["seconds"], cpu_of_children() - before), peak
