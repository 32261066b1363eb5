"""The axes of a chart: from where to where its figures go, which of them stand at its side, and which buckets below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise

from attrs import frozen

from analytics_es.presentation.charts.chart import Chart, Figure

TICKS = 4  # steps of the figures at the side, about
LABELS = 8  # buckets that are named below, at most
FEW_DAYS = 14  # that are told apart by the day of the week

_STEPS = tuple(map(Decimal, ("1", "1.5", "2", "2.5", "4", "5", "7.5", "10")))
_DURATIONS = ((Decimal(3_600_000), "h"), (Decimal(60_000), "min"), (Decimal(1_000), "s"), (Decimal(1), "ms"))
_COUNTS = ((Decimal(1_000_000_000), "B"), (Decimal(1_000_000), "M"), (Decimal(1_000), "k"))
_AS_THEY_ARE = Decimal(10_000)  # up to which figures are told without k


@frozen
class Tick:
    """A figure at the side of a chart, as people read it."""

    figure: Decimal
    text: str


@frozen(kw_only=True)
class Scale:
    """From the lowest figure at the side to the highest one."""

    low: Decimal
    high: Decimal
    ticks: Sequence[Tick]

    def height(self, figure: Figure) -> float:
        """Return how high a figure is: 0 at the lowest, 1 at the highest."""
        return float((Decimal(figure) - self.low) / (self.high - self.low))


def scale(chart: Chart) -> Scale:
    """Return the scale on which everything of a chart has room, and 0."""
    figures = [Decimal(0), *_reached(chart), *(Decimal(level.figure) for level in chart.levels)]
    low, high = min(figures), max(figures)
    if low == high:
        return Scale(low=Decimal(0), high=Decimal(1), ticks=[Tick(Decimal(0), "0")])
    size, name = _told_in(max(high, -low), chart.unit)
    whole = all(isinstance(figure, int) for row in chart.series for figure in row.figures if figure is not None)
    step = _step((high - low) / size / TICKS, whole=whole and size == 1) * size
    first = int((low / step).to_integral_value(ROUND_FLOOR))
    last = int((high / step).to_integral_value(ROUND_CEILING))
    ticks = [Tick(number * step, _text(number * step / size, name)) for number in range(first, last + 1)]
    return Scale(low=ticks[0].figure, high=ticks[-1].figure, ticks=ticks)


def _reached(chart: Chart) -> Iterator[Decimal]:
    """Yield how far up and down each bucket goes: bars stand on one another, credits hang below."""
    for column in zip(*(row.figures for row in chart.series), strict=True):
        figures = [Decimal(figure) for figure in column if figure is not None]
        if chart.kind == "bars":
            yield from (sum((figure for figure in figures if sign * figure > 0), Decimal(0)) for sign in (1, -1))
        else:
            yield from figures


def _step(at_least: Decimal, *, whole: bool) -> Decimal:
    power = Decimal(1).scaleb(at_least.adjusted())
    steps = [step * power for step in _STEPS if step * power >= at_least]
    return next((step for step in steps if step >= 1 and step == int(step)), Decimal(1)) if whole else steps[0]


def _told_in(most: Decimal, unit: str) -> tuple[Decimal, str]:
    """Return in what the figures at the side are told: in seconds, in percent, in thousands."""
    if unit == "share":
        return Decimal("0.01"), "%"
    units = _DURATIONS if unit == "ms" else _COUNTS if most >= _AS_THEY_ARE else ()
    return next(((size, name) for size, name in units if most >= size), (Decimal(1), "ms" if unit == "ms" else ""))


def _text(figure: Decimal, unit: str) -> str:
    """Return a figure at the side: it is round, so that all its digits have room."""
    whole, _, places = f"{figure:,f}".partition(".")
    return f"{whole}.{places.rstrip('0')}".rstrip(".") + (f" {unit}" if unit and figure else "")


def step_of(buckets: int, most: int = LABELS) -> int:
    """Return every how many buckets one is named, so that they have room."""
    return max(1, -(-buckets // most))


def short(starts: Sequence[datetime], labels: Sequence[str]) -> list[str]:
    """Return the names of buckets below a chart, as short as they can be told apart; else the labels."""
    for texts in _shorter(starts):
        if len(set(texts)) == len(texts):
            return texts
    return list(labels)


def _shorter(starts: Sequence[datetime]) -> Iterator[list[str]]:
    days = [f"{start.day} {start:%b}" for start in starts]
    if all(not (start.hour or start.minute) for start in starts[1:]):
        if len(starts) > 1 and all(start.day == 1 for start in starts[1:]):
            yield from ([f"{start:%b}" for start in starts], [f"{start:%b %Y}" for start in starts])
        elif len(starts) <= FEW_DAYS and all((after - before).days <= 1 for before, after in pairwise(starts)):
            yield [f"{start:%a} {start.day}" for start in starts]
        yield from (days, [f"{day} {start.year}" for day, start in zip(days, starts, strict=True)])
    hours = [f"{start:%H:%M}" for start in starts]
    if len(set(days)) == 1:
        yield from (hours, [f"{hour} {start:%z}" for hour, start in zip(hours, starts, strict=True)])
    yield [f"{day} {hour}" for day, hour in zip(days, hours, strict=True)]
    yield [f"{day} {hour} {start:%z}" for day, hour, start in zip(days, hours, starts, strict=True)]
