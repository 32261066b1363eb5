"""Performance → charts: how long calls took, and how many of them failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analytics_es.presentation import words
from analytics_es.presentation.charts import course
from analytics_es.presentation.charts.chart import Chart
from analytics_es.types import PerformanceMetrics, TimePeriod

PERCENTILES = ("p50", "p95", "p99")


def performance(answer: PerformanceMetrics) -> list[Chart]:
    """Return how fast and how reliable all operations together were."""
    return course.drawn([durations(answer.period, answer.series), error_rate(answer.period, answer.series)])


def durations(period: TimePeriod, points: Sequence[Any]) -> Chart | None:
    """Return percentiles over time: half of the calls took at most so long, 95 and 99 % of them."""
    starts = [point.start for point in points]
    series = {name: [getattr(point.duration_ms, name) for point in points] for name in PERCENTILES}
    return course.chart("Duration of calls", period, starts, series, words.duration, kind="lines", unit="ms")


def error_rate(period: TimePeriod, points: Sequence[Any]) -> Chart | None:
    """Return the share of calls that failed; where none says how it ended, there is none."""
    starts = [point.start for point in points]
    series = {"failed": [point.error_rate for point in points]}
    what = "Share of calls that failed"
    return course.chart(what, period, starts, series, words.percent, kind="lines", unit="share")
