"""Which charts an answer has, by itself: none, one, or one for each currency."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from analytics_es.presentation.charts.chart import Chart
from analytics_es.presentation.charts.cost import cost, cost_series
from analytics_es.presentation.charts.performance import performance
from analytics_es.presentation.charts.summary import summary
from analytics_es.presentation.charts.usage import usage
from analytics_es.types import CostBreakdown, CostSeries, MetricSummary, PerformanceMetrics, UsageStats

DRAWN: Mapping[type[Any], Callable[[Any], list[Chart]]] = {
    CostBreakdown: cost,
    CostSeries: cost_series,
    MetricSummary: summary,
    PerformanceMetrics: performance,
    UsageStats: usage,
}


def charts(answer: Any) -> list[Chart]:
    """Return the charts of an answer; none where there is nothing to draw."""
    draw = DRAWN.get(type(answer))
    return draw(answer) if draw else []
