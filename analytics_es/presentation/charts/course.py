"""What the charts of all answers have in common: the buckets of a period, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from analytics_es.presentation import words
from analytics_es.presentation.charts.chart import MOST, Chart, Figure, Level, Series
from analytics_es.types import TimePeriod

Text = Callable[[Any], str]


def chart(
    what: str,
    period: TimePeriod,
    starts: Sequence[datetime],
    series: Mapping[str, Sequence[Figure | None]],
    text: Text,
    *,
    kind: Literal["bars", "lines"],
    unit: str,
    levels: Sequence[Level] = (),
    notes: Sequence[str] = (),
    noted: str = "",
) -> Chart | None:
    """Return a chart of series by name; None where there is nothing to draw: one bucket, or no figure."""
    shown = _told_apart(series)
    figures = [figure for row, _ in shown.values() for figure in row if figure is not None]
    if len(starts) < 2 or not (any(figures) or any(notes)):
        return None
    rows = [Series(name=name, figures=row, texts=[*map(text, row)], of=of) for name, (row, of) in shown.items()]
    title = f"{what} by the {period.granularity}, {_when(period)}"
    more: dict[str, Any] = {"levels": levels, "notes": notes, "noted": noted}
    return Chart(title=title, kind=kind, starts=starts, labels=words.starts(starts), series=rows, unit=unit, **more)


def _when(period: TimePeriod) -> str:
    last = period.end - timedelta(microseconds=1)
    return f"{period.start.day} {period.start:%b %Y} to {last.day} {last:%b %Y}"


def drawn(charts: Iterable[Chart | None]) -> list[Chart]:
    """Return the charts that there are."""
    return [chart for chart in charts if chart is not None]


def passed(is_empty: Sequence[bool], *, goes_on: bool) -> int:
    """Return how many buckets have passed: of a period that goes on, what is empty at its end may be to come."""
    number = len(is_empty)
    while goes_on and number and is_empty[number - 1]:
        number -= 1
    return number


def places(starts: Sequence[datetime]) -> Mapping[datetime, int]:
    """Return the places of buckets by where they begin; by UTC, as an hour may come twice."""
    return {start.astimezone(UTC): place for place, start in enumerate(starts)}


def unlike(names: Iterable[str]) -> list[str]:
    """Return names of which no two are alike: whoever names a model as another, or as what we call them together."""
    taken: dict[str, None] = {}
    for name in names:
        unlike, number = name, 2
        while unlike in taken:
            unlike, number = f"{name} ({number})", number + 1
        taken[unlike] = None
    return list(taken)


def _told_apart(
    series: Mapping[str, Sequence[Figure | None]],
) -> dict[str, tuple[Sequence[Figure | None], Sequence[str]]]:
    """Return at most as many series as can be told apart: the first ones, and all others together with their names."""
    names = list(series)
    first = names if len(names) <= MOST else names[: MOST - 1]
    shown: dict[str, tuple[Sequence[Figure | None], Sequence[str]]] = {name: (series[name], ()) for name in first}
    if others := names[len(first) :]:
        columns = zip(*(series[name] for name in others), strict=True)
        *_, name = unlike([*first, f"{len(others):,} others"])
        shown[name] = ([_sum(column) for column in columns], others)
    return shown


def _sum(column: Sequence[Figure | None]) -> Figure | None:
    figures = [figure for figure in column if figure is not None]
    return sum(figures) if figures else None
