"""One metric → charts: one, or of money one for each currency."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from analytics_es.presentation import words
from analytics_es.presentation.charts import course
from analytics_es.presentation.charts.chart import Chart, Figure
from analytics_es.presentation.charts.performance import PERCENTILES
from analytics_es.types import Distribution, MetricSummary

EXTREMES = ("minimum", "maximum")
_INSTANT = "us"  # moments, which are no heights


def summary(answer: MetricSummary) -> list[Chart]:
    """Return the metric over time: its percentiles where it has any, else its sum, count, or extremes."""
    return course.drawn(_chart(part) for part in answer.by_currency or [answer])


def _chart(answer: MetricSummary) -> Chart | None:
    names, kind = _names(answer)
    if answer.unit == _INSTANT:
        return None
    is_empty = [not any(getattr(point.figures, name) for name in names) for point in answer.series]
    passed = course.passed(is_empty, goes_on=answer.completeness.open_buckets)
    series: dict[str, list[Figure | None]] = {
        name: [
            getattr(point.figures, name) if place < passed or kind == "lines" else None
            for place, point in enumerate(answer.series)
        ]
        for name in names
    }
    starts = [point.start for point in answer.series]
    what = words.safe(answer.metric) + (f" in {words.safe(answer.currency)}" if answer.currency else "")
    unit = answer.currency or answer.unit
    return course.chart(what, answer.period, starts, series, _text(answer), kind=kind, unit=unit)


def _names(answer: MetricSummary) -> tuple[tuple[str, ...], Literal["bars", "lines"]]:
    """Return which figures are drawn, and how: extremes and percentiles do not add up."""
    points = [point.figures for point in answer.series]
    if any(figures.p50 is not None for figures in points):
        return PERCENTILES, "lines"
    if any(figures.total is not None for figures in points):
        is_count = all(figures.count == figures.total for figures in points)  # a count says the same twice
        return ("count" if is_count else "total",), "bars"
    if any(figures.count is not None for figures in points) and not any(_extreme(figures) for figures in points):
        return ("count",), "bars"
    return tuple(name for name in EXTREMES if any(getattr(figures, name) is not None for figures in points)), "lines"


def _extreme(figures: Distribution) -> bool:
    return figures.minimum is not None or figures.maximum is not None


def _text(answer: MetricSummary) -> Callable[[Any], str]:
    if answer.unit == "ms":
        return words.duration
    if answer.unit == "currency":
        decimals = words.places([answer.figures.total])
        return lambda amount: words.money(amount, answer.currency or "", decimals)
    return lambda figure: words.count(figure) if isinstance(figure, int) else words.decimal(figure)
