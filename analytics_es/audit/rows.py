"""Rows of answers → the period and the keys that their numbers are about, to explain them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from analytics_es.errors import NotARow
from analytics_es.projection.declaration import MONEY
from analytics_es.queries.grouping import read_filters
from analytics_es.types import (
    CostBreakdown,
    CostPoint,
    CostRow,
    CostSeries,
    CostSeriesPoint,
    CurrencyCost,
    EffortCost,
    EntityUsage,
    EventTypeUsage,
    MetricGroup,
    MetricPoint,
    MetricSummary,
    OperationPerformance,
    PerformanceMetrics,
    PerformancePoint,
    TimePeriod,
    UnknownCost,
    UsagePoint,
    UsageStats,
)
from analytics_es.types.values import shown

REPORTED, COST = "cost.reported_cost", "cost.cost"

Answer = MetricSummary | UsageStats | PerformanceMetrics | CostBreakdown | CostSeries
Point = MetricPoint | UsagePoint | PerformancePoint | CostPoint | CostSeriesPoint
OfCost = CostRow | CurrencyCost | EffortCost | UnknownCost
Row = Point | MetricGroup | EventTypeUsage | EntityUsage | OperationPerformance | OfCost


def period_and_keys(
    answer: TimePeriod | Answer, row: Row | None, where: Mapping[str, str] | None, *, metric: str
) -> tuple[TimePeriod, dict[str, str]]:
    """Return the period and the keys that a row of an answer is about, or, without a row, all of it.

    Keys in `where` are added to those of the answer. Raises NotARow and BadQuestion.
    What a summary was filtered by it does not say: that has to be asked again. Computed costs have no currency in the
    log: of a row of costs, only costs are looked for in its currency.
    """
    filters = read_filters(where)
    if isinstance(answer, CostBreakdown | CostSeries) and answer.supposed:
        raise NotARow(row="A cost that is only supposed")
    if isinstance(answer, TimePeriod):
        if row is not None:
            raise NotARow(row=f"A row of {answer}")
        return answer, filters
    keys = _keys_of_answer(answer)
    if row is None:
        return answer.period, {**keys, **filters}
    keys |= _keys(row)
    if isinstance(row, OfCost | CostPoint | CostSeriesPoint) and metric not in (REPORTED, COST):
        del keys[MONEY]
    of_all = isinstance(answer, PerformanceMetrics) and row == answer.totals
    period = _bucket(answer, row.start) if isinstance(row, Point) and not of_all else answer.period
    return period, {**keys, **filters}


def _keys_of_answer(answer: Answer) -> dict[str, str]:
    match answer:
        case MetricSummary(currency=str() as currency):
            return {MONEY: currency}
        case UsageStats(entity_type=str() as kind, entity_id=entity_id):
            return {"entity_type": kind} | ({} if entity_id is None else {"entity_id": entity_id})
        case MetricSummary() | UsageStats() | PerformanceMetrics() | CostBreakdown() | CostSeries():
            return {}
        case _:
            raise NotARow(row=f"{shown(answer):.80}")


def _keys(row: Row) -> dict[str, str]:
    match row:
        case MetricGroup(keys=keys):
            return dict(keys)
        case CostRow(keys=keys, currency=currency) | CostSeriesPoint(keys=keys, currency=currency):
            return {**keys, MONEY: currency}
        case EffortCost(effort=effort, currency=currency):
            return {"effort": effort, MONEY: currency}
        case UnknownCost(provider=provider, model=model):
            return {"provider": provider, "model": model, MONEY: ""}
        case CostPoint(currency=currency) | CurrencyCost(currency=currency):
            return {MONEY: currency}
        case OperationPerformance(operation=operation, subject=subject):
            return {"operation": operation, "subject": subject}
        case EntityUsage(entity_type=kind, entity_id=entity_id):
            return {"entity_type": kind, "entity_id": entity_id}
        case EventTypeUsage(event_type=event_type):
            return {"event_type": event_type}
        case MetricPoint() | UsagePoint() | PerformancePoint():
            return {}
        case _:
            raise NotARow(row=f"{shown(row):.80}")


def _bucket(answer: Answer, start: datetime) -> TimePeriod:
    """Return the time from a point of a series to the next; instants, because clocks that go back show a time twice."""
    starts = answer.starts if isinstance(answer, CostSeries) else [point.start for point in answer.series]
    instants = sorted({bucket.timestamp() for bucket in starts} | {answer.period.end.timestamp()})
    if start.timestamp() not in instants[:-1]:
        raise NotARow(row=f"The point at {start}")
    end = instants[instants.index(start.timestamp()) + 1]
    return TimePeriod(start, datetime.fromtimestamp(end, start.tzinfo), answer.period.granularity)
