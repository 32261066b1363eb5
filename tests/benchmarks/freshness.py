"""Freshness: from the return of `record_event` until a query counts the event, at a steady rate with a follower."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle, islice
from threading import Thread
from typing import Any

from attrs import define, field

from analytics_es import AnalyticsService, TimePeriod
from tests.benchmarks.figures import Effort, Figure, Target, figure, pace, percentile, spread
from tests.benchmarks.store import Store, say

RATE = 500  # events a second
LOOK_EVERY = 0.005
TIMEOUT = 120.0


def freshness(store: Store, effort: Effort) -> Iterator[Figure]:
    """Measure in an empty store, and on top of the whole week."""
    small = store.own("fresh", min(2_000, store.size))
    for own, what in ((small, "freshness, empty store"), (store.copy("full"), "freshness, full store")):
        say(f"{RATE} events/s for {effort.seconds:g} s, {what.partition(', ')[2]}")
        with own.open(follow=True) as analytics:
            yield measure(what, analytics, own, effort, most=30)


def measure(
    what: str, analytics: AnalyticsService, store: Store, effort: Effort, *, most: float, rate: int = RATE
) -> Figure:
    """Record at a steady rate and ask all the time, in rounds; before each the store is asked alone."""
    analytics.record_event("custom.begun", {}).unwrap()
    analytics.wait_until_caught_up()
    events, seen, idle, rates = analytics.store.log.head(), list[list[float]](), list[list[float]](), []
    prepared = list(islice(store.week(), 2_000))
    for _ in range(effort.rounds):
        idle.append([1_000 * pace(1, lambda: _visible(analytics)).wall for _ in range(effort.runs)])
        writer = _Writer(analytics, prepared, max(1, round(rate * effort.seconds / effort.rounds)), rate)
        seen.append([1_000 * wait for wait in _watch(analytics, writer)])
        rates.append(writer.count / writer.took)
    together = spread([wait for waits in seen for wait in waits], 1)
    return figure(
        what,
        *([percentile(part, 0.95) for part in parts] for parts in (seen, idle)),
        events=events,
        unit="ms p95",
        yardstick="the question alone",
        target=Target("value", "≤", most),
        more={"p50": together["p50"], "max": together["max"], "rate": round(min(rates))},
    )


def _visible(analytics: AnalyticsService) -> int:
    """Ask a question of the hours around now; returns the position that the answer stands on."""
    period = TimePeriod.last(hours=1)
    answer = analytics.get_summary("usage.events", TimePeriod(period.start, period.end + timedelta(hours=1)))
    return answer.unwrap().completeness.position


@define(eq=False)
class _Writer(Thread):
    """Records events at a steady rate, and notes the position and the time of each."""

    analytics: AnalyticsService
    events: list[dict[str, Any]]
    count: int
    rate: int
    recorded: deque[tuple[int, float]] = field(factory=deque)
    took: float = 0.0

    def __attrs_pre_init__(self) -> None:
        super().__init__(name="writer")

    def run(self) -> None:
        """Record every event when it is due, with a time and an id of its own."""
        began = time.perf_counter()
        for number, event in zip(range(self.count), cycle(self.events), strict=False):
            time.sleep(max(0.0, began + number / self.rate - time.perf_counter()))
            receipt = self.analytics.record_event(event["event_type"], event["data"]).unwrap()
            self.recorded.append((receipt.position, time.perf_counter()))
        self.took = time.perf_counter() - began


def _watch(analytics: AnalyticsService, writer: _Writer) -> list[float]:
    """Ask again and again until every event was seen; returns how long each was not."""
    waits: list[float] = []
    writer.start()
    until = time.perf_counter() + writer.count / writer.rate + TIMEOUT
    while writer.is_alive() or writer.recorded:
        position, now = _visible(analytics), time.perf_counter()
        while writer.recorded and writer.recorded[0][0] <= position:
            waits.append(max(0.0, now - writer.recorded.popleft()[1]))
        if now > until:
            raise TimeoutError(f"{len(writer.recorded)} events are still not visible")
        time.sleep(LOOK_EVERY)
    writer.join()
    return waits
