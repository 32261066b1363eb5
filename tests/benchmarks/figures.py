"""What a measurement gives: a figure, its yardstick of the same run, and whether it meets its target."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from attrs import Factory, field, frozen
from attrs.validators import min_len


@frozen
class Target:
    """At least, or at most, a number: of the figure, of its ratio to the yardstick, or of its processor time."""

    of: Literal["value", "ratio", "cpu"]
    relation: Literal["≥", "≤"]
    number: float

    def met(self, measured: float) -> bool:
        """Say whether a measured number meets it."""
        return measured >= self.number if self.relation == "≥" else measured <= self.number


@frozen(kw_only=True)
class Figure:
    """One measured number, and the same of a yardstick: both are medians of rounds, or percentiles of many turns.

    what: what was measured; with `yardstick` it is unique within its measurement
    events: how many events it was measured with
    value: in `unit`
    yardstick: what it is held against, measured by turns in the same run
    yardstick_value: in `unit`
    ratios: value / yardstick, of every round
    target: what is wanted, if anything
    cpu: processor time, in `cpu_unit`, where it was taken; yardstick_cpu is the yardstick's
    more: what else was seen
    measurement: the name of the measurement that gave it, told by the run
    """

    what: str
    events: int
    value: float
    unit: str = field(validator=min_len(1))
    yardstick: str = field(validator=min_len(1))
    yardstick_value: float
    ratios: tuple[float, ...] = field(converter=tuple[float, ...], validator=min_len(1))
    target: Target | None = None
    cpu: float | None = None
    yardstick_cpu: float | None = None
    cpu_unit: str = ""
    more: Mapping[str, Any] = Factory(dict)
    measurement: str = ""

    @property
    def name(self) -> str:
        """What tells it from all others of a run."""
        return f"{self.measurement}: {self.what} | {self.yardstick}"

    @property
    def ratio(self) -> float:
        """The median of all rounds, each beside its own yardstick."""
        return statistics.median(self.ratios)

    @property
    def better(self) -> Literal["higher", "lower"]:
        """Which way is better, of the value and of the ratio alike: more events a second, less of all else."""
        return "higher" if self.unit == "events/s" else "lower"

    @property
    def met(self) -> bool | None:
        """Whether the target is met, None where there is none."""
        if self.target is None:
            return None
        measured = {"value": self.value, "ratio": self.ratio, "cpu": self.cpu}[self.target.of]
        if measured is None:
            raise ValueError(f"{self.what} has a target of processor time, which was not taken")
        return self.target.met(measured)


@frozen
class Effort:
    """How much work is put into figures.

    rounds: of measurements
    rebuilds: of measurements whose rounds start processes
    starts: of the program
    runs: of a question
    seconds: of a stream, all rounds together
    singles: events that are recorded one by one
    writers, batches: processes that write at the same time, and how often each commits
    """

    rounds: int = 3
    rebuilds: int = 3
    starts: int = 9
    runs: int = 30
    seconds: float = 10.0
    singles: int = 1_000
    writers: int = 8
    batches: int = 40
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


Pairs = Sequence[tuple[Pace, Pace]]  # of each round: ours, and the yardstick's


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


def figure(what: str, ours: Sequence[float], theirs: Sequence[float], **about: Any) -> Figure:
    """Return the figure of rounds that each measured a number of ours and the yardstick's: the medians."""
    return Figure(
        what=what,
        value=statistics.median(ours),
        yardstick_value=statistics.median(theirs),
        ratios=[one / other for one, other in zip(ours, theirs, strict=True)],
        **about,
    )


def rates(what: str, pairs: Pairs, **about: Any) -> Figure:
    """Return the figure of rounds that each measured our pace and the yardstick's: events a second."""
    cpus = {"cpu": _cpu([1e6 * ours.cpu / ours.events for ours, _ in pairs])}
    cpus["yardstick_cpu"] = _cpu([1e6 * theirs.cpu / theirs.events for _, theirs in pairs])
    ours, theirs = ([paces[side].rate for paces in pairs] for side in (0, 1))
    return figure(what, ours, theirs, unit="events/s", cpu_unit="µs", **cpus, **about)


def times(what: str, pairs: Pairs, *, p95: bool = True, **about: Any) -> Figure:
    """Return the figure of turns that each took us and the yardstick some time: milliseconds, the 95th percentile.

    With `p95=False` it is the median, as processor time is always.
    """
    ours, theirs = ([1e3 * paces[side].wall for paces in pairs] for side in (0, 1))
    cpu, yardstick_cpu = (_cpu([1e3 * paces[side].cpu for paces in pairs]) for side in (0, 1))
    part = 0.95 if p95 else 0.5
    more = {**about.pop("more", {}), **spread(ours), "yardstick_p50": round(percentile(theirs, 0.5), 3)}
    return Figure(
        what=what,
        value=percentile(ours, part),
        unit="ms p95" if p95 else "ms",
        yardstick_value=percentile(theirs, part),
        ratios=[one / other for one, other in zip(ours, theirs, strict=True)],
        cpu=cpu,
        yardstick_cpu=yardstick_cpu,
        cpu_unit="ms",
        more=more,
        **about,
    )


def _cpu(measured: Sequence[float]) -> float:
    return round(statistics.median(measured), 3)
