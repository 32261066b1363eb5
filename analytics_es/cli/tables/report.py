"""The report: usage, performance and cost on one screen."""

from __future__ import annotations

from datetime import timedelta

from attrs import frozen

from analytics_es.cli.display import Beside, Block, Column, Grid, Line, Share, words
from analytics_es.cli.tables import parts
from analytics_es.cli.tables.budgets import budgets
from analytics_es.cli.tables.cost import in_short, rows, totals, unknown
from analytics_es.cli.tables.performance import operations
from analytics_es.cli.tables.usage import usage_totals
from analytics_es.service.as_of import AsOf
from analytics_es.service.service import AnalyticsService
from analytics_es.types import BudgetReport, CostBreakdown, PerformanceMetrics, TimePeriod, UsageStats

BUSIEST, OPERATIONS, CHARGED, BUDGETS = 5, 8, 6, 3


@frozen(kw_only=True)
class Report:
    """The answers of a report, all about one period."""

    usage: UsageStats
    tenants: UsageStats
    users: UsageStats
    performance: PerformanceMetrics
    cost: CostBreakdown
    budgets: BudgetReport


def reported(service: AnalyticsService | AsOf, period: TimePeriod) -> Report:
    """Ask everything that a report tells."""
    return Report(
        usage=service.get_usage_stats(None, None, period).unwrap(),
        tenants=service.get_usage_stats("tenant", None, period).unwrap(),
        users=service.get_usage_stats("user", None, period).unwrap(),
        performance=service.get_performance_metrics(period).unwrap(),
        cost=service.get_cost_breakdown(period).unwrap(),
        budgets=service.get_budgets(at=period.end - timedelta(microseconds=1)).unwrap(),
    )


def report(found: Report) -> list[Block]:
    """Return the report's tables: the first rows of each, and where to find the others."""
    period = found.usage.period
    blocks = [*parts.heading("Report", period, series=False), *usage_totals(found.usage)]
    if found.usage.totals.events:
        blocks += _course(found.usage)
        blocks.append(Beside(_busiest(found.tenants), _busiest(found.users)))
    if found.performance.operations:
        blocks.append(operations(found.performance, OPERATIONS, "analytics-es performance"))
    if found.cost.rows:
        title = f"Cost  {in_short(found.cost)}"
        blocks += [rows(found.cost, CHARGED, "analytics-es cost", title=title), *unknown(found.cost)]
    elif found.cost.totals:
        blocks.append(totals(found.cost))
    if found.budgets.budgets:
        blocks.append(budgets(found.budgets.budgets, BUDGETS, "analytics-es budgets"))
    answers = (found.usage, found.performance, found.cost)
    return [*blocks, parts.footer([answer.completeness for answer in answers], period, parts.PERCENTILES)]


def _course(answer: UsageStats) -> list[Block]:
    if len(answer.series) < 2:
        return []
    bars = words.sparks([point.totals.events for point in answer.series])
    text = f"  events by the {answer.period.granularity}  {bars}"
    return [Line(text, "cyan", terminal_only=True), Line(terminal_only=True)]


def _busiest(answer: UsageStats) -> Grid:
    kind, whole = answer.entity_type or "", answer.totals.events
    shown = answer.top_entities[:BUSIEST]
    columns = [
        Column(kind),
        Column("events", right=True),
        Column("failed", right=True),
        Column("", bar=True),
    ]
    busiest = [
        [
            each.entity_id or "(none)",
            words.count(each.totals.events),
            parts.errors(each.totals.failures),
            Share(each.totals.events / whole if whole else 0.0),
        ]
        for each in shown
    ]
    beyond = answer.active_entities.get(kind, 0) - len(shown)
    return Grid(f"Busiest {kind}s", columns, busiest, f"… and {beyond:,} more: usage {kind}" if beyond > 0 else "")
