"""How long it takes until the package is imported and the program says something, each a process of its own."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from tempfile import TemporaryDirectory

from tests.benchmarks.figures import Effort, Figure, Target
from tests.benchmarks.store import Store, say

YARDSTICK = ("-c", "import duckdb, pyarrow")
OURS = {
    "import analytics_es": ("-c", "import analytics_es"),
    "import AnalyticsService": ("-c", "from analytics_es import AnalyticsService"),
    "analytics-es --version": ("-m", "analytics_es", "--version"),
    "analytics-es --help": ("-m", "analytics_es", "--help"),
}
TARGET = 1.5


def start(store: Store, effort: Effort) -> Iterator[Figure]:
    """Measure, in every round: the two libraries that do the work, and each way to begin with ours."""
    rounds: list[dict[str, float]] = []
    with TemporaryDirectory(prefix="analytics-es-") as compiled:
        for number in range(-1, 2 * effort.rounds + 3):  # the first compiles, as an installation does
            say(f"starting, round {number + 1} of {2 * effort.rounds + 3}")
            ways = {"yardstick": YARDSTICK, **OURS}
            rounds.append({name: _milliseconds(words, compiled) for name, words in ways.items()})
    del rounds[0]
    for name in OURS:
        yield Figure(
            what=f"start, {name}",
            events=0,
            value=statistics.median(measured[name] for measured in rounds),
            unit="ms",
            yardstick="import duckdb, pyarrow",
            yardstick_value=statistics.median(measured["yardstick"] for measured in rounds),
            ratio=statistics.median(measured[name] / measured["yardstick"] for measured in rounds),
            target=Target("ratio", "≤", TARGET),
            more={"rounds": len(rounds)},
        )


def _milliseconds(words: Sequence[str], compiled: str) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, *words],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**environment, "PYTHONPYCACHEPREFIX": compiled},
    )
    return 1e3 * (time.perf_counter() - begin)
