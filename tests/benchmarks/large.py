"""A short log and a long one side by side: what grows with the length of the log, and what does not.

What is measured is that of the long one, its yardstick that of the short one, asked by turns.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from attrs import define, evolve, frozen

from analytics_es import AnalyticsService
from tests.benchmarks.auditing import DAY, HOUR, NEAR, as_of
from tests.benchmarks.figures import Effort, Figure, Pace, Target, figure, pace, rates, times
from tests.benchmarks.lasting import lasting
from tests.benchmarks.querying import QUESTIONS
from tests.benchmarks.rebuilding import ROOT, STOCK, peak_mb
from tests.benchmarks.replaying import rebuilt
from tests.benchmarks.store import WEEK, Store, say
from tests.benchmarks.workload import DAYS, Arguments
from tests.benchmarks.yardsticks import project

NAME = "large"
SIZES = (1_000_000, 10_000_000)
FOLDER = ROOT / "build" / NAME
PERIODS = {"7 days": WEEK, "1 day": DAY}
ASKS: Mapping[str, Callable[[AnalyticsService], Any]] = {
    f"{name}, {when}": lambda analytics, ask=ask, period=period: ask(period, analytics).unwrap()
    for name, ask in QUESTIONS.items()
    for when, period in PERIODS.items()
} | {
    "explain one hour's cell": lambda analytics: analytics.explain(
        "cost.reported_cost", HOUR, where={"model": "m-mid"}
    ).unwrap(),
}
FLAT = Target("ratio", "≤", 1.2)
# The long log has all of its events in one week: its day has ten times as many tasks.
MOST = {"usage of everyone, 1 day": FLAT, "explain one hour's cell": Target("value", "≤", 100)}
WEEKS, WEEK_LONG = 10, timedelta(days=DAYS)


@frozen
class Both:
    """The two stores, and how many events each has."""

    short: Store
    long: Store

    def figure(self, what: str, long: Sequence[float], short: Sequence[float], **about: Any) -> Figure:
        """Return what was measured of the long one beside the short one."""
        return figure(what, long, short, **self.about(), **about)

    def about(self) -> dict[str, Any]:
        """Return what all figures say."""
        return {"events": self.long.events(), "yardstick": f"at {self.short.size:,} events"}


def large(sizes: Sequence[int], effort: Effort, folder: Path = FOLDER) -> Iterator[Figure]:
    """Make the stores, unless they are there, and measure both."""
    both = Both(*(lasting(folder / str(size), size, effort.calls_per_task) for size in sizes))
    for take in (_rebuilt, _sizes, _asked, _longer, _as_of, _memory):
        yield from (evolve(taken, measurement=NAME) for taken in take(both, effort))


def _rebuilt(both: Both, effort: Effort) -> Iterator[Figure]:
    """Rebuild both, which brings their read models up to date; and check what came out."""
    say("rebuilding by one process, and the long one by two")
    (short, short_peak), (long, long_peak) = (rebuilt(store, "--workers", "1") for store in (both.short, both.long))
    two, peak_of_two = rebuilt(both.long, "--workers", "2")
    for store in (both.short, both.long):
        check(store)
    events, few = both.long.events(), min(STOCK, both.short.events())
    stock = pace(few, lambda: project(both.long.path, both.long.own("stock").folder / "stock.db", few))
    both.long.clear()
    what, target = "rebuild by two workers", Target("ratio", "≥", 85)
    yield rates(what, [(two, stock)], events=events, yardstick="stock projection", target=target)
    yield rates(what, [(two, long)], events=events, yardstick="by one process", target=Target("ratio", "≥", 1.6))
    spent = ([1e6 * taken.cpu / taken.events] for taken in (long, short))
    what, unit = "rebuild by one process, processor time", "µs an event"
    yield both.figure(what, *spent, unit=unit, target=Target("ratio", "≤", 1.15))
    what, most = "rebuild by one process, peak memory", Target("value", "≤", 1_200)
    more = {"of_two_workers": peak_of_two}
    yield both.figure(what, [long_peak], [short_peak], unit="MB", target=most, more=more)


def check(store: Store) -> None:
    """Raise RuntimeError where the read models do not stand on every event of the log."""
    say(f"checking the ledger of {store.size:,} events")
    with store.open() as analytics:
        wrong = [check for check in analytics.check_ledger().unwrap() if not check.identical]
    if wrong:
        raise RuntimeError(f"the store in {store.folder.name} is not whole; remove it: {wrong}")


def _sizes(both: Both, effort: Effort) -> Iterator[Figure]:
    stores = (both.long, both.short)
    logs = ([store.path.stat().st_size / store.events()] for store in stores)
    yield both.figure("size of the log", *logs, unit="bytes an event")
    read_models = ([store.read_models.stat().st_size / store.events()] for store in stores)
    yield both.figure("size of the read models", *read_models, unit="bytes an event")


def _asked(both: Both, effort: Effort) -> Iterator[Figure]:
    """Ask every question of both stores, by turns; a first turn is not counted."""
    say(f"asking every question {effort.runs} times")
    pairs: dict[str, list[tuple[Pace, Pace]]] = {what: [] for what in ASKS}
    with both.long.open() as long, both.short.open() as short:
        for number in range(effort.runs + 1):
            for what, ask in ASKS.items():
                took = tuple(pace(1, lambda: ask(analytics)) for analytics in (long, short))  # noqa: B023
                if number:
                    pairs[what].append(took)
    for what, measured in pairs.items():
        yield times(what, measured, target=MOST.get(what), **both.about())


@define
class Weeks(Store):
    """A store of several weeks, each as busy as the first."""

    weeks: int

    def week(self) -> Iterator[Arguments]:
        """Generate the events."""
        for number in range(self.weeks):
            for event in super().week():
                later = {"id": f"{number} {event['id']}", "occurred_at": event["occurred_at"] + number * WEEK_LONG}
                yield {**event, **later}


def _longer(both: Both, effort: Effort) -> Iterator[Figure]:
    """Ask of everyone on one day, where there is one week and where there are ten, with the same events a day."""
    size, calls_per_task = both.short.size // WEEKS, both.short.calls_per_task
    weeks = Weeks(both.short.own("weeks").folder, size, calls_per_task, weeks=WEEKS)
    week = Weeks(both.short.own("week").folder, size, calls_per_task, weeks=1)
    for store in (week, weeks):
        store.catch_up()
    what, pairs = "usage of everyone, 1 day", list[tuple[Pace, Pace]]()
    with weeks.open() as long, week.open() as short:
        for number in range(effort.runs + 1):
            took = tuple(pace(1, lambda: ASKS[what](analytics)) for analytics in (long, short))  # noqa: B023
            if number:
                pairs.append(took)
    about = {"events": weeks.events(), "yardstick": "of one week"}
    both.short.clear()
    yield times(f"{what} of {WEEKS} weeks", pairs, target=FLAT, **about)


def _as_of(both: Both, effort: Effort) -> Iterator[Figure]:
    """Ask what a week cost near the head of both."""
    say("asking as of then")
    pairs = []
    for _ in range(effort.rebuilds):
        with both.long.open() as long, both.short.open() as short:
            heads = (both.long.events(), both.short.events())
            ours, theirs = (
                pace(1, lambda: as_of(analytics, max(1, head - NEAR)))  # noqa: B023
                for analytics, head in zip((long, short), heads, strict=True)
            )
        pairs.append((ours, theirs))
    yield times("as of, near the head", pairs, p95=False, target=Target("cpu", "≤", 300), **both.about())


def _memory(both: Both, effort: Effort) -> Iterator[Figure]:
    """Ask every question once, in a process of its own."""
    say("asking every question once, for the memory")
    command = [sys.executable, "-m", __spec__.name]
    peaks = (
        [float(subprocess.run([*command, str(store.path)], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)]
        for store in (both.long, both.short)
    )
    yield both.figure("every question, peak memory", *peaks, unit="MB")


def _peak(path: str) -> float:
    with AnalyticsService.open(path, follow=False, privacy="full") as analytics:
        for ask in ASKS.values():
            ask(analytics)
    return peak_mb()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_peak(*sys.argv[1:])))
