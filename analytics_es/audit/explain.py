"""A number → the events behind it: replayed from its stretch of the log, by the declaration's own filter."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from attrs import define, evolve, field

from analytics_es.audit.explain_cost import METRIC
from analytics_es.errors import BadLimit, NotARow, SeveralCurrencies, UnreadableEvent
from analytics_es.events.codec import decode
from analytics_es.events.event import EPOCH
from analytics_es.log import EventLog, gathered
from analytics_es.projection.declaration import MONEY, Measure
from analytics_es.projection.fold import Contributions, Fold
from analytics_es.projection.fold_sql import MeasureCell
from analytics_es.queries.figures import distribution, merged, nothing
from analytics_es.queries.question import QuestionContext, find_metric, grouping, several
from analytics_es.read_models.seeds import check_exact
from analytics_es.read_models.tiling import calendar_of
from analytics_es.types import (
    CostBreakdown,
    CostPoint,
    CostRow,
    CurrencyCost,
    EffortCost,
    EntityUsage,
    EventTypeUsage,
    ExplainedEvent,
    Explanation,
    MetricGroup,
    MetricPoint,
    MetricSummary,
    OperationPerformance,
    PerformanceMetrics,
    PerformancePoint,
    Progress,
    TimePeriod,
    UnknownCost,
    UsagePoint,
    UsageStats,
)

MICRO = 1_000_000
REPORTED = "cost.reported_cost"

Answer = MetricSummary | UsageStats | PerformanceMetrics | CostBreakdown
Point = MetricPoint | UsagePoint | PerformancePoint | CostPoint
OfCost = CostRow | CurrencyCost | EffortCost | UnknownCost
Row = Point | MetricGroup | EventTypeUsage | EntityUsage | OperationPerformance | OfCost


def explain(
    source: QuestionContext,
    log: EventLog,
    fold: Fold,
    metric: str,
    period: TimePeriod,
    *,
    where: Mapping[str, str],
    limit: int = 100,
    largest: bool = False,
    progress: Progress | None = None,
) -> Explanation:
    """Say which events one number is made of, as its read model holds it: up to its checkpoint, in whole hours.

    Only the period's part of the log is read.
    Raises UnknownMetric, UnknownKey, SeveralCurrencies, BadLimit, SealedPeriod.
    """
    if limit < 0:
        raise BadLimit(limit=limit)
    declared, wanted = find_metric(list(source.read_models.declarations.values()), metric)
    where = source.known(where)
    source = evolve(source, calendar=calendar_of(period, source.calendar))  # events know no zone
    entities = several(declared, where)
    with source.question([declared.name], period) as question:
        declaration, measure = question.measure(declared, wanted)
        declaration = declaration.crossed(entities) if entities else declaration
        cell = MeasureCell.of(declaration, measure, grouping(declaration, [], where).where)
        position = question.snapshot.positions[declaration.name]
        tiling, completeness = question.tiling, question.completeness()
    check_exact(log, tiling.start, 0, "an explanation")
    found = _Found(limit, largest)
    within = (tiling.start * MICRO, tiling.end * MICRO)
    for batch in gathered(log.scan_period(*within, upto=position)):
        found.add(batch, fold.contributions(batch, cell, within=within, limit=found.room, largest=largest))
        if progress:
            progress("explaining", batch.column("position")[-1].as_py(), position)
    currency, count, values = found.one(metric, measure)
    return Explanation(
        metric=metric,
        unit=measure.unit,
        currency=currency,
        period=tiling.period(period),
        keys={word: str(value) for word, value in where.items()},
        figures=distribution(measure, values) if count else nothing(measure),
        count=count,
        events=[_event(each, measure, tiling.calendar.zone) for each in found.events],
        omitted=count - len(found.events),
        completeness=completeness,
    )


# One event that is listed: its position, its value, when it occurred in microseconds, its type, and what is stored.
_Listed = tuple[int, int, int, str, bytes]


@define
class _Found:
    """What the batches so far add up to, and the first of their events."""

    limit: int
    largest: bool
    events: list[_Listed] = field(factory=list)
    sums: dict[str, list[tuple[Any, ...]]] = field(factory=dict)

    @property
    def room(self) -> int:
        """How many events of the next batch may be among the first."""
        return self.limit if self.largest else self.limit - len(self.events)

    def add(self, batch: pa.Table, part: Contributions) -> None:
        """Take what one batch adds."""
        for money, values in part.sums.items():
            self.sums.setdefault(money, []).append(values)
        listed = _listed(batch, part.events)
        if self.largest:
            self.events = heapq.nsmallest(self.limit, [*self.events, *listed], key=lambda each: (-each[1], each[0]))
        else:
            self.events += listed

    def one(self, metric: str, measure: Measure) -> tuple[str | None, int, list[Any]]:
        """Return the currency, how many there are, and the measure's columns; raises SeveralCurrencies."""
        if len(self.sums) > 1:
            raise SeveralCurrencies(metric=metric, currencies=", ".join(sorted(self.sums)))
        money, parts = next(iter(self.sums.items()), (None, []))
        columns = zip(measure.columns, range(1, len(measure.columns) + 1), strict=True)
        values = [merged(column.merge, [part[i] for part in parts]) for column, i in columns]
        return money if measure.unit == MONEY else None, sum(part[0] for part in parts), values


def _listed(batch: pa.Table, events: Sequence[tuple[int, int, int]]) -> list[_Listed]:
    if not events:
        return []
    positions = pa.array([position for position, _, _ in events], pa.int64())
    stored = batch.take(pc.index_in(positions, batch.column("position").combine_chunks())).to_pylist()
    return [
        (position, value, occurred_at, row["type"], row["state"])
        for (position, occurred_at, value), row in zip(events, stored, strict=True)
    ]


def _event(listed: _Listed, measure: Measure, zone: Any) -> ExplainedEvent:
    position, value, occurred_at, event_type, state = listed
    try:
        event = decode(position, event_type, state)
    except Exception as error:
        raise UnreadableEvent(position=position, problem=error) from error
    return ExplainedEvent(
        position=position,
        id=event.id,
        source=event.source,
        type=event_type,
        occurred_at=(EPOCH + timedelta(microseconds=occurred_at)).astimezone(zone),
        recorded_at=event.recorded_at,
        value=Decimal(value).scaleb(-measure.decimals),
    )


# ── rows of answers ─────────────────────────────────────────────────────────────────────────────────────────────


def place(answer: TimePeriod | Answer, row: Row | None, *, metric: str) -> tuple[TimePeriod, dict[str, str]]:
    """Return the period and the keys that a row of an answer is about, or, without a row, all of it; raises NotARow.

    What a summary was filtered by it does not say: that has to be asked again. Computed costs have no currency in the
    log: of a row of costs, only costs are looked for in its currency.
    """
    if isinstance(answer, CostBreakdown) and answer.supposed:
        raise NotARow(row="A cost that is only supposed")
    if isinstance(answer, TimePeriod):
        if row is not None:
            raise NotARow(row=f"A row of {answer}")
        return answer, {}
    where = _keys_of_answer(answer)
    if row is None:
        return answer.period, where
    where |= _keys(row)
    if isinstance(row, OfCost | CostPoint) and metric not in (REPORTED, METRIC):
        del where[MONEY]
    return (_bucket(answer, row.start) if isinstance(row, Point) else answer.period), where


def _keys_of_answer(answer: Answer) -> dict[str, str]:
    match answer:
        case MetricSummary(currency=str() as currency):
            return {MONEY: currency}
        case UsageStats(entity_type=str() as kind, entity_id=entity_id):
            return {"entity_type": kind} | ({} if entity_id is None else {"entity_id": entity_id})
        case MetricSummary() | UsageStats() | PerformanceMetrics() | CostBreakdown():
            return {}
        case _:
            raise NotARow(row=f"{answer!r:.80}")


def _keys(row: Row) -> dict[str, str]:
    match row:
        case MetricGroup(keys=keys):
            return dict(keys)
        case CostRow(keys=keys, currency=currency):
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
            raise NotARow(row=f"{row!r:.80}")


def _bucket(answer: Answer, start: datetime) -> TimePeriod:
    """Return the time from a point of a series to the next; instants, because clocks that go back show a time twice."""
    instants = sorted({point.start.timestamp() for point in answer.series} | {answer.period.end.timestamp()})
    if start.timestamp() not in instants[:-1]:
        raise NotARow(row=f"The point at {start}")
    end = instants[instants.index(start.timestamp()) + 1]
    return TimePeriod(start, datetime.fromtimestamp(end, start.tzinfo), answer.period.granularity)
