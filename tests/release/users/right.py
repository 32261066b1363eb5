"""What somebody writes who uses the package, and type-checks strictly."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import analytics_es
from analytics_es import AnalyticsService, OperationResult, Receipt, TimePeriod
from analytics_es.errors import AnalyticsError, CannotOpen
from analytics_es.ingest import InProcessBus
from analytics_es.projection import count, histogram, key, projection, total
from analytics_es.projections import Cost, Usage
from analytics_es.testing import provider_call
from analytics_es.types import CostBreakdown, ExportFormat, UsageStats


@projection(version=1, consumes=("review.>",))
class Reviews:
    """Reviews, by who wrote them."""

    author: str = key("attributes.author")
    reviews: int = count(unit="reviews")
    lines: int = total("attributes.lines", unit="lines")
    duration: Any = histogram("duration_ms", unit="ms")


def open_store() -> AnalyticsService | None:
    try:
        return AnalyticsService.open("analytics.db", projections=[Reviews, Usage, Cost], rebuild="auto")
    except CannotOpen as error:
        print(error.code, error.details)
        return None


def record(analytics: AnalyticsService, data: Mapping[str, Any]) -> int | None:
    now = datetime.now(UTC)
    result: OperationResult[Receipt] = analytics.record_event("tool.call.completed", data, occurred_at=now)
    if result.ok:
        return result.value.position
    print(result.failure.code, result.failure.message)
    return None


def costs(analytics: AnalyticsService) -> dict[str, Decimal | None]:
    week = TimePeriod.last(days=7, granularity="day")
    breakdown: CostBreakdown = analytics.get_cost_breakdown(week, by=["user", "model"]).unwrap()
    return {row.keys["user"]: row.cost for row in breakdown.rows}


def use(analytics: AnalyticsService) -> None:
    month = TimePeriod.month("2026-11")
    stats: UsageStats = analytics.get_usage_stats("user", "ada", month).unwrap()
    print(stats.totals.events, analytics_es.__version__)
    analytics.export_data("parquet", month, to="month.parquet").unwrap()
    analytics.export_data(ExportFormat.CSV, month, to="month.csv").unwrap()
    with analytics.buffered(max_events=100) as buffer:
        buffer.record_event("tool.call.completed", {"tool": "bash"})
    bus = InProcessBus()
    analytics.subscribe_to(bus)
    try:
        analytics.record_event(**provider_call()).unwrap()
    except AnalyticsError as error:
        print(error.code)
