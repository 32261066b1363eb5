"""Which charts an answer has, by itself: none, one, or one for each currency."""

from __future__ import annotations

from typing import Any

from analytics_es.presentation.charts import course
from analytics_es.presentation.charts.chart import Chart
from analytics_es.presentation.charts.cost import cost
from analytics_es.presentation.charts.performance import durations, error_rate
from analytics_es.presentation.charts.summary import summary
from analytics_es.presentation.charts.usage import events, tokens
from analytics_es.types import CostBreakdown, MetricSummary, PerformanceMetrics, UsageStats


def charts(answer: Any) -> list[Chart]:
    """Return the charts of an answer; none where there is nothing to draw."""
    match answer:
        case CostBreakdown():
            return cost(answer)
        case PerformanceMetrics():
            return course.drawn([durations(answer), error_rate(answer)])
        case UsageStats():
            return course.drawn([events(answer), tokens(answer)])
        case MetricSummary():
            return summary(answer)
    return []
