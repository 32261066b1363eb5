"""Live work beside a rebuild in another process: how many events come in, and how long a question takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from analytics_es import AnalyticsService
from analytics_es.testing import tool_call
from tests.benchmarks.auditing import DAY
from tests.benchmarks.figures import Effort, Figure, Target, figure, percentile
from tests.benchmarks.replaying import rebuilt, rounds
from tests.benchmarks.store import Store, say

BATCH = 100
ASK_EVERY = 0.02  # seconds


def live(store: Store, effort: Effort) -> Iterator[Figure]:
    """Append in batches and ask, idle and beside a rebuild in another process."""
    other = store.copy("live")
    events, idle, busy = other.events(), list[tuple[float, float]](), list[tuple[float, float]]()
    with other.open() as analytics:
        for number in range(rounds(events, effort)):
            say(f"appending and asking, alone and beside a rebuild, round {number + 1}")
            seconds = effort.seconds / effort.rebuilds
            idle.append(_worked(analytics, lambda: time.sleep(seconds), f"idle-{number}"))  # noqa: B023
            busy.append(_worked(analytics, lambda: rebuilt(other, "--workers", "1"), f"busy-{number}"))
    for what, unit, side, target in (
        ("appends beside a rebuild", "events/s", 0, Target("ratio", "≥", 0.7)),
        ("a question beside a rebuild", "ms p95", 1, Target("ratio", "≤", 2)),
    ):
        ours, theirs = ([measured[side] for measured in each] for each in (busy, idle))
        yield figure(what, ours, theirs, events=events, unit=unit, yardstick="idle", target=target)


def _worked(analytics: AnalyticsService, meanwhile: Callable[[], Any], name: str) -> tuple[float, float]:
    """Record batches of 100 and ask, each in a thread, for as long as something else goes on; rate and p95 in ms."""
    over, appended, took = threading.Event(), [0], list[float]()

    def append() -> None:
        while not (appended[0] and over.is_set()):
            batch = [{**tool_call(), "id": f"{name}-{appended[0]}-{n}", "source": "live"} for n in range(BATCH)]
            analytics.record_events(batch).unwrap()
            appended[0] += len(batch)

    def ask() -> None:
        while not (took and over.is_set()):
            began = time.perf_counter()
            analytics.get_cost_breakdown(DAY).unwrap()
            took.append(1_000 * (time.perf_counter() - began))
            over.wait(ASK_EVERY)

    threads = [threading.Thread(target=work) for work in (append, ask)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    meanwhile()
    over.set()
    for thread in threads:
        thread.join()
    return appended[0] / (time.perf_counter() - began), percentile(took, 0.95)
