"""Spending: what the calls of a scope cost between two hours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from decimal import Decimal

from attrs import field, frozen

from analytics_es.answers.rows import columns_of, measures_of
from analytics_es.calendar import Calendar
from analytics_es.errors import NotOnTheHour
from analytics_es.events import EARLIEST, LATEST
from analytics_es.figures import number
from analytics_es.periods import Tiling
from analytics_es.queries import Source
from analytics_es.types import Completeness, TimePeriod

COST = "cost"

Answering = Callable[[str, TimePeriod], AbstractContextManager[Source]]


@frozen(kw_only=True)
class Spending:
    """What calls cost, by currency; of `unknown_calls` that is not known."""

    amounts: Mapping[str, Decimal] = field(factory=dict)
    unknown_calls: int = 0
    computed: bool = False  # by prices, some of it
    completeness: Completeness | None = None


def between(start: datetime | None, end: datetime | None) -> TimePeriod:
    """Return a period without a series; of no start or end, it has all of that side."""
    return TimePeriod(start or EARLIEST, end or LATEST, "total")


def hours(calendar: Calendar, period: TimePeriod) -> Tiling:
    """Return the hours of a period that begins and ends with one; raises NotOnTheHour."""
    tiling = Tiling.of(calendar, period)
    for asked, kept in ((period.start, tiling.start), (period.end, tiling.end)):
        if asked.timestamp() != kept:
            raise NotOnTheHour(time=asked.isoformat(), zone=calendar.zone)
    return tiling


def spending(answering: Answering, scope: str, scope_id: str, period: TimePeriod) -> Spending:
    """Return what the calls of a scope cost in a period."""
    where = {"entity_type": ""} if scope in ("all", "model") else {"entity_type": scope, "entity_id": scope_id}
    if scope == "model":
        where["model"] = scope_id
    with answering(COST, period) as source, source.question([COST], period) as question:
        declaration = question.declaration(COST, [])
        columns = columns_of(measures_of(declaration, ["reported_cost", "calls_without_cost"]))
        rows = question.snapshot.sums(
            declaration, columns, hours(source.calendar, period).spans(), where=where, by=["currency"]
        )
        amounts = {row[0]: number(row[2], 9) for row in rows}
        return Spending(
            amounts={currency: amount for currency, amount in amounts.items() if amount is not None},
            unknown_calls=sum(row[1] for row in rows),
            completeness=question.completeness(),
        )
