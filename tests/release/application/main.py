"""An application that embeds the package, and has a package of the same name as one of its parts."""

import projections
from analytics_es import AnalyticsService, TimePeriod
from analytics_es.projections import Usage

with AnalyticsService.open(":memory:") as analytics:
    analytics.record_event("tool.call.completed", {"tool": "bash", "duration_ms": 12}).unwrap()
    analytics.wait_until_caught_up()
    events = analytics.get_summary("usage.events", TimePeriod.last(days=1)).unwrap()

assert projections.MINE == "the application's"
assert Usage.__module__.startswith("analytics_es.projections")
assert events.metric == "usage.events"
