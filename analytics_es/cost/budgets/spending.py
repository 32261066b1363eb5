"""Spending: what the calls of a scope cost between two hours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from decimal import Decimal

from attrs import field, frozen

from analytics_es.cost.cells import NEEDED
from analytics_es.cost.charges import Costs, together
from analytics_es.cost.pricing import Costing
from analytics_es.errors import NoLongerKept, NotOnTheHour
from analytics_es.events.event import EARLIEST, LATEST
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration
from analytics_es.queries import Question, QuestionContext
from analytics_es.queries.grouping import grouping
from analytics_es.queries.rows import columns_of, measures_of
from analytics_es.read_models import Tiling
from analytics_es.types import Completeness, TimePeriod

COST = "cost"
OTHERS = 4  # times as many as are asked for may be read with them: each question for itself takes longer

OpenContext = Callable[[str, TimePeriod], AbstractContextManager[QuestionContext]]


@frozen(kw_only=True)
class Spending:
    """What calls cost, by currency; of `unknown_calls` that is not known.

    `nameless_calls`: those that may be of the scope, as a policy of privacy did not store of whom they were.
    """

    amounts: Mapping[str, Decimal] = field(factory=dict)
    unknown_calls: int = 0
    priced: bool = False  # some of it may change as prices are published
    completeness: Completeness | None = None
    nameless_calls: int = 0


def between(start: datetime | None, end: datetime | None) -> TimePeriod:
    """Return a period without a series; of no start or end, it has all of that side."""
    return TimePeriod(start or EARLIEST, end or LATEST, "total")


def hours(calendar: Calendar, period: TimePeriod) -> Tiling:
    """Return the hours of a period that begins and ends with one, or has all of a side; raises NotOnTheHour."""
    tiling = Tiling.of(calendar, period)
    for bound, hour in ((period.start, tiling.start), (period.end, tiling.end)):
        if bound not in (EARLIEST, LATEST) and bound.timestamp() != hour:
            raise NotOnTheHour(time=bound.isoformat(), zone=calendar.zone)
    return tiling


def spending(context: QuestionContext, scope: str, scope_id: str, period: TimePeriod) -> Spending:
    """Return what the calls of a scope cost in a period, as everywhere; raises NotOnTheHour."""

    def answered(question: Question) -> Spending:
        costs = together(_by_group(question, scope, scope_id, period, []))
        return _spending(costs, question.completeness(), _not_named(question, scope))

    return context.answer([COST], period, answered)


def spendings(
    context: QuestionContext, scope: str, scope_ids: Sequence[str], period: TimePeriod
) -> dict[str, Spending]:
    """Return the same of several of a scope, from one question; of none where calls are of many more than these."""
    if scope == "all":
        return {"": spending(context, scope, "", period)}

    def answered(question: Question) -> dict[str, Spending]:
        declaration = question.declaration(COST, NEEDED)
        groups, spans = grouping(declaration, [scope], {}), question.tiling.spans()
        most = len(scope_ids) * OTHERS
        if question.snapshot.has_more(declaration, groups.by[0], spans, where=groups.where, than=most):
            return {}
        costs = _costs(question, declaration, groups.where, period, groups.by)
        about = (question.completeness(), _not_named(question, scope))
        return {name: _spending(costs.get((name,), Costs()), *about) for name in scope_ids}

    return context.answer([COST], period, answered)


def _spending(costs: Costs, completeness: Completeness, nameless_calls: int) -> Spending:
    return Spending(
        amounts={name: charge.cost for name, charge in costs.charges.items() if charge.cost is not None},
        unknown_calls=costs.not_known().calls,
        priced=any(charge.computed is not None for charge in costs.charges.values()) or bool(costs.unknown),
        completeness=completeness,
        nameless_calls=nameless_calls,
    )


def _not_named(question: Question, scope: str) -> int:
    """Return how many calls may be of anybody, 0 where a policy of privacy let all be stored of whom they are."""
    return _nameless(question, scope) if question.not_stored([scope]) else 0


def _nameless(question: Question, scope: str) -> int:
    """Return how many calls of the period name nothing of this kind."""
    declaration = question.declaration(COST, NEEDED)
    columns, of_type = columns_of(measures_of(declaration, ["calls"])), declaration.entity_key("type")

    def calls(where: Mapping[str, str]) -> int:
        rows = question.snapshot.sums(declaration, columns, question.tiling.spans(), where=where)
        return int(rows[0][0] or 0) if rows else 0

    if scope in declaration.entities:
        return calls({of_type: ""}) - calls({of_type: scope})
    return calls({of_type: "", scope: ""})


def amounts_by(
    context: QuestionContext, scope: str, scope_id: str, period: TimePeriod, currency: str, key: str
) -> dict[str, Decimal]:
    """Return what they cost in one currency, by a key of the read model."""

    def answered(question: Question) -> dict[str, Decimal]:
        by_key = _by_group(question, scope, scope_id, period, [key])
        charges = {name: costs.charges.get(currency) for (name,), costs in by_key.items()}
        return {name: charge.cost for name, charge in charges.items() if charge and charge.cost is not None}

    return context.answer([COST], period, answered)


def _by_group(
    question: Question, scope: str, scope_id: str, period: TimePeriod, keys: Sequence[str]
) -> Mapping[tuple[str, ...], Costs]:
    declaration = question.declaration(COST, NEEDED)
    where = grouping(declaration, [], {} if scope == "all" else {scope: scope_id}).where
    return _costs(question, declaration, where, period, keys)


def _costs(
    question: Question, declaration: Declaration, where: Mapping[str, str], period: TimePeriod, keys: Sequence[str]
) -> Mapping[tuple[str, ...], Costs]:
    tiling = hours(question.context.calendar, period)
    if question.tiling != tiling:  # as far back, whole days are kept
        raise NoLongerKept(grain="hour", since=question.tiling.local(question.horizon.hours), instead="")
    with Costing(question, declaration) as costing:
        return costing.by_group(tiling, where=where, by=keys)
