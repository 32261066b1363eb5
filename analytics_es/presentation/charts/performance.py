"""Performance → charts: how long calls took, and how many of them failed."""

from __future__ import annotations

from analytics_es.presentation import words
from analytics_es.presentation.charts import course
from analytics_es.presentation.charts.chart import Chart
from analytics_es.types import PerformanceMetrics

PERCENTILES = ("p50", "p95", "p99")


def performance(answer: PerformanceMetrics) -> list[Chart]:
    """Return how fast and how reliable all operations together were."""
    return course.drawn([durations(answer), error_rate(answer)])


def durations(answer: PerformanceMetrics) -> Chart | None:
    """Return percentiles over time: half of the calls took at most so long, 95 and 99 % of them."""
    starts = [point.start for point in answer.series]
    series = {name: [getattr(point.duration_ms, name) for point in answer.series] for name in PERCENTILES}
    return course.chart("Duration of calls", answer.period, starts, series, words.duration, kind="lines", unit="ms")


def error_rate(answer: PerformanceMetrics) -> Chart | None:
    """Return the share of calls that failed; where none says how it ended, there is none."""
    starts = [point.start for point in answer.series]
    series = {"failed": [point.error_rate for point in answer.series]}
    return course.chart(
        "Share of calls that failed", answer.period, starts, series, words.percent, kind="lines", unit="share"
    )
