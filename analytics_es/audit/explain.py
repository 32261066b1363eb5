"""A number → the events behind it: replayed from its stretch of the log, by the declaration's own filter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from attrs import define, evolve, field

from analytics_es.audit.evidence import Evidence, First, read_stored
from analytics_es.errors import SeveralCurrencies
from analytics_es.events.event import time_of
from analytics_es.projection.declaration import MONEY, Measure
from analytics_es.projection.fold_sql import OCCURRED
from analytics_es.projection.rows import integers
from analytics_es.queries import QuestionContext
from analytics_es.queries.figures import distribution, figure, merged, nothing
from analytics_es.queries.summary import find_metric
from analytics_es.store import Store
from analytics_es.types import ExplainedEvent, Explanation, Progress, TimePeriod


def explain(
    context: QuestionContext,
    store: Store,
    metric: str,
    period: TimePeriod,
    where: Mapping[str, str],
    *,
    limit: int = 100,
    largest: bool = False,
    latest: bool = False,
    progress: Progress | None = None,
) -> Explanation:
    """Say which events one number is made of, as its read model holds it: up to its checkpoint, in whole hours.

    Only the period's part of the log is read.
    Raises UnknownMetric, UnknownKey, SeveralCurrencies, BadLimit, SealedPeriod.
    """
    first = First[_Event](limit, _latest if latest else _largest if largest else None)
    declared, measure = find_metric(list(context.read_models.declarations.values()), metric)
    where = context.as_logged(where)
    evidence = Evidence.of(context, store.log, declared, [measure.name], period, where)
    declaration, tiling = evidence.declaration, evidence.question.tiling
    measure = next(live for live in declaration.measures if live.name == measure.name)
    names = {*evidence.where, *([MONEY] if measure.unit == MONEY else [])}
    keys = tuple(key for key in declaration.keys if key.name in names or key.of_entity)
    number = _Number(metric, measure, first)
    for batch, rows in evidence.batches(store.fold, evolve(declaration, keys=keys, measures=(measure,)), progress):
        number.add(batch, rows)
    currency, values = number.merged()
    return Explanation(
        metric=metric,
        unit=measure.unit,
        currency=currency,
        period=tiling.period(period),
        keys=where,
        figures=distribution(measure, values) if values else nothing(measure),
        count=number.count,
        events=[_explained(*event, measure, tiling.calendar.zone) for event in first.events],
        omitted=number.count - len(first.events),
        completeness=evidence.completeness,
    )


class _Event(NamedTuple):
    """An event and the value that it adds, as an integer."""

    position: int
    occurred_at: int
    value: int


def _largest(event: _Event) -> tuple[int, int]:
    return -event.value, event.position


def _latest(event: _Event) -> tuple[int, int]:
    return -event.occurred_at, -event.position


SUBJECT = ("model", "tool", "task_type", "job_type")  # what something was done on, as speed is told by (Performance)
# What a column of a batch comes to; integers of any size.
_ADDED: dict[str, Callable[[pa.ChunkedArray], Any]] = {
    "sum": lambda column: sum(integers(column)),
    "min": lambda column: int(pc.min(column).as_py()),
    "max": lambda column: int(pc.max(column).as_py()),
    "histogram": lambda column: {row["values"]: row["counts"] for row in column.value_counts().to_pylist()},
}


@define
class _Number:
    """What the batches so far add up to, by currency ("" unless it is money), and the first of their events."""

    metric: str
    measure: Measure
    first: First[_Event]
    count: int = 0
    columns: dict[str, list[Any]] = field(factory=dict)

    def add(self, batch: pa.Table, rows: pa.Table) -> None:
        """Take what the events of one batch add."""
        value = self.measure.columns[1 if self.measure.kind == "histogram" else 0].name
        rows = rows.filter(pc.greater(rows[value], 0) if self.measure.kind == "count" else pc.is_valid(rows[value]))
        self.count += rows.num_rows
        if self.measure.unit == MONEY:
            for currency in rows[MONEY].unique().to_pylist():
                self._merge(currency, rows.filter(pc.equal(rows[MONEY], currency)))
        elif rows.num_rows:
            self._merge("", rows)
        if self.first.order is _latest:
            rows = rows.sort_by([(OCCURRED, "descending"), ("position", "descending")])
        elif self.first.order:
            rows = rows.sort_by([(value, "descending"), ("position", "ascending")])
        listed = rows.slice(0, self.first.limit).select(["position", OCCURRED, value])
        self.first.add(batch, [_Event(*row) for row in zip(*map(integers, listed.columns), strict=True)])

    def _merge(self, currency: str, rows: pa.Table) -> None:
        columns = self.measure.columns
        so_far = self.columns.get(currency, [None] * len(columns))
        added = [_ADDED[column.merge](rows[column.name]) for column in columns]
        self.columns[currency] = [
            merged(column.merge, parts) for column, *parts in zip(columns, so_far, added, strict=True)
        ]

    def merged(self) -> tuple[str | None, list[Any]]:
        """Return the currency, and the measure's columns, none of no events; raises SeveralCurrencies."""
        if len(self.columns) > 1:
            raise SeveralCurrencies(metric=self.metric, currencies=", ".join(sorted(self.columns)))
        currency, values = next(iter(self.columns.items()), (None, []))
        return currency if self.measure.unit == MONEY else None, values


def _explained(event: _Event, stored: Mapping[str, Any], measure: Measure, zone: tzinfo) -> ExplainedEvent:
    recorded = read_stored(stored)
    return ExplainedEvent(
        position=event.position,
        id=recorded.id,
        source=recorded.source,
        type=recorded.type,
        occurred_at=time_of(event.occurred_at, zone),
        recorded_at=recorded.recorded_at,
        value=figure(measure, event.value) or Decimal(0),
        subject=_text(recorded.data, *SUBJECT),
        error_type=_text(recorded.data, "error_type"),
    )


def _text(fields: Mapping[str, Any], *names: str) -> str:
    """Return the first of these fields that there is; a stored event of another version may hold anything."""
    return next((str(fields[name]) for name in names if fields.get(name) is not None), "")
