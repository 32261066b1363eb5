"""How much processor time it takes until the package is imported and the program says something, each by a process."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from tests.benchmarks.figures import Effort, Figure, Pace, Target, times
from tests.benchmarks.rebuilding import ROOT
from tests.benchmarks.store import WEEK, Store, say

CLI = ("-m", "analytics_es")
USAGE = (*CLI, "usage", "--db", "analytics.db", "--from", f"{WEEK.start:%F}", "--to", f"{WEEK.end:%F}")
BARE, NEW = "bare Python", "analytics-es usage, ten new events"
WAYS: Mapping[str, Sequence[str]] = {
    BARE: ("-c", "pass"),
    "import duckdb, pyarrow": ("-c", "import duckdb, pyarrow"),
    "import analytics_es": ("-c", "import analytics_es"),
    "import AnalyticsService": ("-c", "from analytics_es import AnalyticsService"),
    "analytics-es --version": (*CLI, "--version"),
    "analytics-es --help": (*CLI, "--help"),
    NEW: USAGE,
    "analytics-es usage, caught up": USAGE,
}
MOST = {"analytics-es --version": 80, "analytics-es --help": 80, "analytics-es usage, caught up": 350}
FEW, STORED = 10, 1_000


def start(store: Store, effort: Effort) -> Iterator[Figure]:
    """Start Python alone, import the package, and ask the program for a little, by turns."""
    rounds, stored = effort.starts, min(STORED, store.size)
    other = store.own("start", stored + 2 * FEW * (rounds + 1))
    events = other.week()
    with other.open() as analytics:
        analytics.record_events(islice(events, stored)).unwrap()
    took: dict[str, list[Pace]] = {name: [] for name in WAYS}
    for number in range(-1, rounds):  # the first compiles, as an installation does
        say(f"starting, round {number + 1} of {rounds}")
        for name, words in WAYS.items():
            if name == NEW:
                with other.open() as analytics:
                    analytics.record_events(islice(events, FEW)).unwrap()
            paced = _pace(words, other.folder)
            if number >= 0:
                took[name].append(paced)
    for name in list(WAYS)[1:]:
        pairs = list(zip(took[name], took[BARE], strict=True))
        target = Target("cpu", "≤", MOST[name]) if name in MOST else None
        yield times(f"start, {name}", pairs, p95=False, events=0, yardstick=BARE, target=target)


def _pace(words: Sequence[str], folder: Path) -> Pace:
    """Run a program in a folder, and return what it took with all that it started."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before, began = cpu_of_children(), time.perf_counter()
    subprocess.run(
        [sys.executable, *words],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        env={**inherited, "PYTHONPATH": str(ROOT)},
    )
    return Pace(1, time.perf_counter() - began, cpu_of_children() - before)


def cpu_of_children() -> float:
    """Return the processor time of all processes that this one has started and waited for, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
