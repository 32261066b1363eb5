"""What replays the log without replacing anything: verify, the ledger, a day derived again, as of; and explain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from analytics_es import AnalyticsService, TimePeriod
from tests.benchmarks.figures import Effort, Figure, Pace, Target, pace, times
from tests.benchmarks.replaying import rebuilt, rounds
from tests.benchmarks.store import EVERYTHING, Store, say
from tests.benchmarks.workload import START

HOUR = TimePeriod(START + timedelta(days=3, hours=12), START + timedelta(days=3, hours=13))
DAY = TimePeriod(START + timedelta(days=3), START + timedelta(days=4))
NEAR = 50_000  # events before the head
WHOLE, SEVENTH = "rebuild by one process", "1/7 of a rebuild by one process"

Work = Callable[[AnalyticsService, int], Any]
MOST: Mapping[str, Target] = {
    "verify": Target("ratio", "≤", 1.2),
    "as of, the whole week": Target("cpu", "≤", 2_000),
    "as of, near the head": Target("cpu", "≤", 300),
}


def audit(store: Store, effort: Effort) -> Iterator[Figure]:
    """Verify, check the ledger, derive a day again and ask as of then; in every round beside a rebuild."""
    store.catch_up()
    events, pairs = store.events(), defaultdict[str, list[tuple[Pace, Pace]]](list)
    works: dict[str, Work] = {
        "verify": lambda analytics, _: analytics.verify().unwrap(),
        "check of the ledger": lambda analytics, _: analytics.check_ledger().unwrap(),
        "as of, the whole week": lambda analytics, head: as_of(analytics, head - head // 10),
        "as of, near the head": lambda analytics, head: as_of(analytics, max(1, head - NEAR)),
        "one day derived again": lambda analytics, _: analytics.run_aggregation(DAY).unwrap(),
    }
    for number in range(rounds(events, effort)):
        say(f"verifying, deriving, asking as of then, and rebuilding; round {number + 1}")
        whole, _ = rebuilt(store, "--workers", "1")
        seventh = Pace(whole.events, whole.wall / 7, whole.cpu / 7)
        for what, work in works.items():
            with store.open() as analytics:
                took = pace(events, lambda: work(analytics, events))  # noqa: B023
            pairs[what].append((took, seventh if what == "one day derived again" else whole))
    for what, measured in pairs.items():
        yardstick = SEVENTH if what == "one day derived again" else WHOLE
        yield times(what, measured, p95=False, events=events, yardstick=yardstick, target=MOST.get(what))


def as_of(analytics: AnalyticsService, position: int) -> None:
    analytics.as_of(position).get_cost_breakdown(EVERYTHING).unwrap()


def explain(store: Store, effort: Effort) -> Iterator[Figure]:
    """Explain a number of an hour, beside reading the events of that hour."""
    store.catch_up()
    say("explaining")
    with store.open() as analytics:
        yield explained(analytics, store, effort)


def explained(analytics: AnalyticsService, store: Store, effort: Effort) -> Figure:
    """Explain what a model cost in an hour, and read the events of the hour, by turns."""
    start, end = (int(time.timestamp() * 1_000_000) for time in (HOUR.start, HOUR.end))
    log, events = analytics.store.log, store.events()

    def read() -> int:
        return sum(part.num_rows for part in log.scan_period(start, end, upto=events, limit=50_000))

    def ask() -> None:
        analytics.explain("cost.reported_cost", HOUR, where={"model": "m-mid"}).unwrap()

    ask()  # the first time, a plan is made
    pairs = [(pace(1, ask), pace(1, read)) for _ in range(effort.runs)]
    target = Target("value", "≤", 100)
    return times("explain one hour's cell", pairs, events=events, yardstick="scan of the hour", target=target)
