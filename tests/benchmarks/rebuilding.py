"""Rebuild of all read models from nothing, against a bare scan and the library's own projection; and its memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from analytics_es import AnalyticsService
from tests.benchmarks.figures import Effort, Figure, Pace, Target, figure, pace, rates
from tests.benchmarks.store import Store, say, scan
from tests.benchmarks.yardsticks import project

STOCK = 1_000  # events of a round of the library's projection; its rate does not depend on it
ROOT = Path(__file__).parents[2]


def rebuild(store: Store, effort: Effort) -> Iterator[Figure]:
    """Measure, in every round: a scan, a rebuild in a process of its own, and the library's projection."""
    store.fill()
    events, scans, stocks, peaks, last = store.events(), [], [], [], dict[str, Any]()
    stocked, few = store.own("stock"), min(STOCK, events)
    for number in range(effort.rebuilds):
        say(f"rebuilding, round {number + 1} of {effort.rebuilds}")
        scanned = pace(events, lambda: scan(store.path))
        last = _in_own_process(store)
        ours = Pace(events, last["wall"], last["cpu"])
        read_models = stocked.folder / f"stock-{number}.db"
        stock = pace(few, lambda: project(store.path, read_models, few))  # noqa: B023
        scans.append((ours, scanned))
        stocks.append((ours, stock))
        peaks.append((last["peak_mb"], memory_alone()))
    more = {"rows": last["rows"], "views_mb": round(store.read_models.stat().st_size / 1e6, 1)}
    yield rates(
        "rebuild", stocks, events=events, yardstick="stock projection", target=Target("ratio", "≥", 60), more=more
    )
    yield rates("rebuild", scans, events=events, yardstick="bare scan", target=Target("ratio", "≥", 0.15))
    what, most = "rebuild, peak memory", Target("value", "≤", 600)
    yield figure(what, *zip(*peaks, strict=True), events=events, unit="MB", yardstick="the program alone", target=most)


def memory_alone() -> float:
    """Return the most memory of a process that imports the same and opens nothing, in MB."""
    return float(_in_own_process_of()["peak_mb"])


def _in_own_process(store: Store) -> dict[str, Any]:
    for path in store.folder.glob(f"{store.read_models.name}*"):
        path.unlink()
    return _in_own_process_of(str(store.path))


def _in_own_process_of(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", __spec__.name, *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return dict(json.loads(done.stdout))


def _alone() -> dict[str, Any]:
    for library in ("duckdb", "pyarrow"):
        import_module(library)
    return {"peak_mb": peak_mb()}


def _rebuild(path: str) -> dict[str, Any]:
    began, cpu = time.perf_counter(), time.process_time()
    with AnalyticsService.open(path, follow=False, privacy="full") as analytics:
        analytics.catch_up()
        took = {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu, "peak_mb": peak_mb()}
        rows = {each.name: each.rows for each in analytics.projections().unwrap()}
    return {**took, "rows": rows}


def peak_mb() -> float:
    """Return the most memory that this process ever had; Linux counts it anew for a new program, getrusage may not."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return round(int(line.split()[1]) / 1024, 1)
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_rebuild(*sys.argv[1:]) if sys.argv[1:] else _alone()) + os.linesep)
