"""What a measurement gives: a figure, its yardstick of the same run, and whether it meets its target."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from attrs import Factory, frozen


@frozen
class Target:
    """At least, or at most, a number: of the figure itself, or of its ratio to the yardstick."""

    of: Literal["value", "ratio"]
    relation: Literal["≥", "≤"]
    number: float

    def met(self, measured: float) -> bool:
        """Say whether a measured number meets it."""
        return measured >= self.number if self.relation == "≥" else measured <= self.number


@frozen(kw_only=True)
class Figure:
    """One measured number. `ratio` is value / yardstick, the median of all rounds; `more` is what else was seen."""

    what: str
    events: int
    value: float
    unit: str
    yardstick: str = ""
    yardstick_value: float | None = None
    ratio: float | None = None
    target: Target | None = None
    more: Mapping[str, Any] = Factory(dict)

    @property
    def met(self) -> bool | None:
        """Whether the target is met, None where there is none."""
        measured = self.ratio if self.target and self.target.of == "ratio" else self.value
        return None if self.target is None or measured is None else self.target.met(measured)


@frozen
class Effort:
    """How much work is put into figures: rounds of long measurements, runs of a query, seconds of a stream."""

    rounds: int = 3
    runs: int = 30
    seconds: float = 10.0
    singles: int = 1_000
    calls_per_task: float = 20.8


@frozen
class Pace:
    """How long some events took, on the clock and of the processor's time."""

    events: int
    wall: float
    cpu: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.wall


def pace(events: int, work: Callable[[], Any]) -> Pace:
    """Do the work and time it; processor time is of all threads, and tells more where the machine is shared."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return Pace(events, time.perf_counter() - wall, time.process_time() - cpu)


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value of nearest rank."""
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def spread(values: Sequence[float], digits: int = 3) -> dict[str, float]:
    """Return p50, p95 and maximum."""
    known = {"p50": percentile(values, 0.50), "p95": percentile(values, 0.95), "max": max(values)}
    return {name: round(value, digits) for name, value in known.items()}


def rates(
    what: str,
    pairs: Sequence[tuple[Pace, Pace]],
    *,
    events: int,
    yardstick: str,
    target: Target,
    more: Mapping[str, Any] | None = None,
) -> Figure:
    """Return the figure of rounds that each measured our pace and the yardstick's: the medians."""

    def median(measured: Callable[[Pace, Pace], float]) -> float:
        return statistics.median(measured(*pair) for pair in pairs)

    cpu = {
        "cpu_us": round(median(lambda ours, _: 1e6 * ours.cpu / ours.events), 2),
        "yardstick_cpu_us": round(median(lambda _, theirs: 1e6 * theirs.cpu / theirs.events), 2),
    }
    return Figure(
        what=what,
        events=events,
        value=median(lambda ours, _: ours.rate),
        unit="events/s",
        yardstick=yardstick,
        yardstick_value=median(lambda _, theirs: theirs.rate),
        ratio=median(lambda ours, theirs: ours.rate / theirs.rate),
        target=target,
        more={"rounds": len(pairs), **cpu, **(more or {})},
    )
