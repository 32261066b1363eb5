"""Rebuild of all read models from nothing, against a bare scan and the library's own projection; and its memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from analytics_es import AnalyticsService
from tests.benchmarks.figures import Effort, Figure, Pace, Target, pace, rates
from tests.benchmarks.store import Store, say, scan
from tests.benchmarks.yardsticks import project

STOCK = 1_000  # events of a round of the library's projection; its rate does not depend on it
ROOT = Path(__file__).parents[2]


def rebuild(store: Store, effort: Effort) -> Iterator[Figure]:
    """Measure, in every round: a scan, a rebuild in a process of its own, and the library's projection."""
    store.fill()
    events, scans, stocks, peaks, last = store.events(), [], [], [], {}
    for number in range(effort.rounds):
        say(f"rebuilding, round {number + 1} of {effort.rounds}")
        scanned = pace(events, lambda: scan(store.path))
        last = _in_own_process(store)
        ours = Pace(events, last["wall"], last["cpu"])
        read_models = store.folder / f"stock-{number}.db"
        stock = pace(STOCK, lambda: project(store.path, read_models, STOCK))  # noqa: B023
        scans.append((ours, scanned))
        stocks.append((ours, stock))
        peaks.append(last["peak_mb"])
    more = {"rows": last["rows"], "views_mb": round(store.read_models.stat().st_size / 1e6, 1)}
    yield rates(
        "rebuild", stocks, events=events, yardstick="stock projection", target=Target("ratio", "≥", 60), more=more
    )
    yield rates("rebuild", scans, events=events, yardstick="bare scan", target=Target("ratio", "≥", 0.15))
    yield Figure(
        what="rebuild, peak memory", events=events, value=max(peaks), unit="MB", target=Target("value", "≤", 600)
    )


def _in_own_process(store: Store) -> dict[str, Any]:
    for path in store.folder.glob(f"{store.read_models.name}*"):
        path.unlink()
    command = [sys.executable, "-m", __spec__.name, str(store.path)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return dict(json.loads(done.stdout))


def _rebuild(path: str) -> dict[str, Any]:
    began, cpu = time.perf_counter(), time.process_time()
    with AnalyticsService.open(path, follow=False, privacy="full") as analytics:
        analytics.catch_up()
        took = {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu, "peak_mb": _peak_mb()}
        rows = {each.name: each.rows for each in analytics.projections().unwrap()}
    return {**took, "rows": rows}


def _peak_mb() -> float:
    """Return the most memory that this process ever had; Linux counts it anew for a new program, getrusage may not."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return round(int(line.split()[1]) / 1024, 1)
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_rebuild(*sys.argv[1:])) + os.linesep)
