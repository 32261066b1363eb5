"""Usage → charts: events and tokens over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analytics_es.presentation import words
from analytics_es.presentation.charts import course
from analytics_es.presentation.charts.chart import Chart, Figure
from analytics_es.types import UsageStats


def usage(answer: UsageStats) -> list[Chart]:
    """Return how many events there were, and how many tokens."""
    return course.drawn([events(answer), tokens(answer)])


def events(answer: UsageStats) -> Chart | None:
    """Return how many events there were, those of what failed apart."""
    totals = [point.totals for point in answer.series]
    failed = [total.failures for total in totals]
    others = [total.events - total.failures for total in totals]
    return _bars(answer, "Events and failures", {"not failed": others, "failed": failed}, "events")


def tokens(answer: UsageStats) -> Chart | None:
    """Return how many tokens went in and came out."""
    totals = [point.totals for point in answer.series]
    series = {
        "tokens in": [total.input_tokens for total in totals],
        "tokens out": [total.output_tokens for total in totals],
    }
    return _bars(answer, "Tokens", series, "tokens")


def _bars(answer: UsageStats, what: str, series: Mapping[str, Sequence[Figure | None]], unit: str) -> Chart | None:
    is_empty = [not point.totals.events for point in answer.series]
    passed = course.passed(is_empty, goes_on=answer.completeness.open_buckets)
    so_far = {name: [*row[:passed], *[None] * (len(row) - passed)] for name, row in series.items()}
    starts = [point.start for point in answer.series]
    return course.chart(what, answer.period, starts, so_far, words.count, kind="bars", unit=unit)
