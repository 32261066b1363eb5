"""What somebody mistypes: a type checker finds every marked line, and no other."""

from datetime import UTC, datetime

import analytics_es
from analytics_es import AnalyticsService, TimePeriod


def use(analytics: AnalyticsService) -> None:
    week = TimePeriod.last(days=7)
    breakdown = analytics.get_cost_breakdown(week).unwrap()
    print(breakdown.total)  # wrong: an attribute of an answer
    print(breakdown.rows[0].kosts)  # wrong: an attribute of a part of it
    analytics.get_cost_breakdown(week, group_by=["user"])  # wrong: a keyword
    analytics.get_cost_breakdown(7)  # wrong: what a period is
    analytics.record_event("tool.call.completed")  # wrong: an argument that is missing
    analytics.record_event("tool.call.completed", {}, occurred_at=7)  # wrong: what a time is
    print(analytics.get_cost_breakdown(week).value.rows)  # wrong (mypy): nobody looked whether there is a value
    print(analytics.get_cost_breakdown(week).failure.code)  # wrong (mypy): nobody looked whether there is a failure
    TimePeriod(datetime.now(UTC), datetime.now(UTC), "dayly")  # wrong: a granularity
    TimePeriod.last(days=7, granularity="daily")  # wrong: a granularity
    analytics.export_data("exel", week)  # wrong: a format
    AnalyticsService.open("analytics.db", rebuild="never")  # wrong: one of two words
    AnalyticsService.open("analytics.db", time_zone="UTC")  # wrong: a keyword
    analytics.buffered(when_full="wait")  # wrong: one of three words
    print(analytics.get_usage_statistics)  # wrong: a method
    print(analytics_es.AnalyticServices)  # wrong: a name of the package
