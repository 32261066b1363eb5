"""The report: usage, performance and cost on one screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from attrs import frozen

from analytics_es.presentation import Behind, Beside, Block, Columns, Grid, Line, Number, words
from analytics_es.presentation.tables import parts
from analytics_es.presentation.tables.budgets import budgets
from analytics_es.presentation.tables.cost import rows, totals
from analytics_es.presentation.tables.cost_notes import in_short, unknown
from analytics_es.presentation.tables.performance import operations
from analytics_es.presentation.tables.usage import entity, share, usage_totals
from analytics_es.types import (
    BudgetReport,
    CostBreakdown,
    CostSeries,
    EntityUsage,
    PerformanceMetrics,
    TimePeriod,
    UsageStats,
)
from analytics_es.types.sentences import sentence

if TYPE_CHECKING:
    from analytics_es.service import AnalyticsService, AsOf

ANSWERS = ("cost", "series", "usage", "tenants", "users", "performance", "budgets")  # of a report, by their names
BUSIEST, OPERATIONS, CHARGED, BUDGETS = 5, 8, 6, 3


@frozen(kw_only=True)
class Report:
    """The answers of a report, all about one period; budgets are as of its end, or of now while it goes on."""

    usage: UsageStats
    tenants: UsageStats
    users: UsageStats
    performance: PerformanceMetrics
    cost: CostBreakdown
    series: CostSeries
    budgets: BudgetReport


def reported(service: AnalyticsService | AsOf, period: TimePeriod) -> Report:
    """Ask everything that a report tells."""
    usage = service.get_usage_stats(None, None, period).unwrap()
    at = None if usage.completeness.open_buckets else usage.period.end - timedelta(microseconds=1)
    return Report(
        usage=usage,
        tenants=service.get_usage_stats("tenant", None, period).unwrap(),
        users=service.get_usage_stats("user", None, period).unwrap(),
        performance=service.get_performance_metrics(period).unwrap(),
        cost=service.get_cost_breakdown(period).unwrap(),
        series=service.get_cost_series(period).unwrap(),
        budgets=service.get_budgets(at=at).unwrap(),
    )


def report(answers: Report) -> Iterator[Block]:
    """Return the report's tables: the first rows of each, and where to find the others."""
    usage, performance, cost = answers.usage, answers.performance, answers.cost
    yield from (*parts.heading("Report", usage.period, series=False), *usage_totals(usage))
    if usage.totals.events:
        yield from _course(usage)
        yield Beside(*(_busiest(whose) for whose in (answers.tenants, answers.users)))
    if performance.operations:
        yield operations(performance, OPERATIONS, sentence("`analytics-es performance`"))
    if cost.rows:
        yield rows(cost, CHARGED, sentence("`analytics-es cost`"), title=f"Cost  {in_short(cost)}")
        yield from unknown(cost)
    elif cost.totals:
        yield totals(cost)
    if answers.budgets.budgets:
        title = f"Budgets  as of {answers.budgets.at:%Y-%m-%d %H:%M}"
        then = "" if usage.completeness.open_buckets else f" --at {answers.budgets.at.isoformat(timespec='seconds')}"
        yield budgets(
            answers.budgets.budgets, BUDGETS, sentence("`analytics-es budgets{then}`", then=then), title=title
        )
    stands_on = [answer.completeness for answer in (usage, performance, cost)]
    yield parts.footer(stands_on, usage.period, parts.PERCENTILES)


def _course(answer: UsageStats) -> Iterator[Block]:
    if len(answer.series) > 1:
        bars = words.sparks([point.totals.events for point in answer.series])
        yield Line(f"  events by the {answer.period.granularity}  {bars}", "cyan", terminal_only=True)
        yield Line(terminal_only=True)


def _busiest(answer: UsageStats) -> Grid[EntityUsage]:
    return busiest(answer, sentence("`analytics-es usage {kind}`", kind=answer.entity_type))


def busiest(answer: UsageStats, more: str) -> Grid[EntityUsage]:
    """Return those of a type that have the most events; `more` says what lists the others."""
    kind, shown = answer.entity_type or "", answer.top_entities[:BUSIEST]

    def behind(measure: str) -> Callable[[EntityUsage], Behind]:
        return lambda usage: Behind(metric=f"usage.{measure}", where={kind: usage.entity_id})

    columns: Columns[EntityUsage] = [
        entity(answer),
        Number("events", lambda usage: words.count(usage.totals.events), behind=behind("events")),
        Number("failed", lambda usage: parts.errors(usage.totals.failures), behind=behind("failures")),
        share(answer.totals.events, drop=0),
    ]
    beyond = answer.active_entities.get(kind, 0) - len(shown)
    return Grid(f"Busiest {kind}s", columns, shown, parts.beyond(beyond, more))
