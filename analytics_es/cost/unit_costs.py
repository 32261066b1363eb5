"""What units of work cost on average: get_unit_costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from analytics_es.cost.cells import NEEDED, TOLD_APART
from analytics_es.cost.charges import Costs, together
from analytics_es.cost.pricing import Costing
from analytics_es.errors import UnknownKey
from analytics_es.projection.declaration import MONEY, Declaration
from analytics_es.queries import Question, QuestionContext
from analytics_es.queries.figures import DIGITS, trimmed
from analytics_es.queries.grouping import asked_by, grouping, read_filters
from analytics_es.types import TimePeriod, UnitCost, UnitCosts

ENTITY_OF = {"job": "job", "successful_task": "task", "conversation": "conversation"}
OUTPUT = "1000_output_tokens"
TWELVE = Decimal("1e-12")


def unit_costs(context: QuestionContext, period: TimePeriod, where: Mapping[str, str] | None) -> UnitCosts:
    """Answer get_unit_costs."""
    filters = context.as_logged(_read_filters(context.declaration("cost"), where))
    return context.answer(["cost"], period, lambda question: _unit_costs(question, filters))


def _unit_costs(question: Question, filters: dict[str, str]) -> UnitCosts:
    declaration, currency = question.declaration("cost", NEEDED), filters.get(MONEY)
    filters = {word: value for word, value in filters.items() if word != MONEY}
    with Costing(question, declaration, currency=currency) as costing:
        whole = together(costing.by_group(question.tiling, where=grouping(declaration, [], filters).where))
        units = [*_of_entities(question, declaration, costing, filters), *_of_output(whole)]
    return UnitCosts(
        period=question.period,
        units=units,
        calls=whole.known().calls + whole.not_known().calls,
        unknown_calls=whole.not_known().calls,
        completeness=question.completeness([*asked_by(filters), *ENTITY_OF.values()]),
    )


def _read_filters(declaration: Declaration, where: Mapping[str, str] | None) -> dict[str, str]:
    """Return filters by keys of calls; raises UnknownKey for others: a row is of one entity, here of the unit."""
    filters = read_filters(where)
    own = [key.name for key in declaration.keys if not key.of_entity and key.name not in TOLD_APART]
    for word in filters:
        if word not in own:
            raise UnknownKey(key=word, projection="unit costs", keys=", ".join(own))
    return filters


def _of_entities(
    question: Question, declaration: Declaration, costing: Costing, filters: Mapping[str, str]
) -> Iterator[UnitCost]:
    """Yield the units that are entities and have calls."""
    for unit, entity in ENTITY_OF.items():
        where = grouping(declaration, [entity], filters).where
        by = [] if costing.currency is None else [declaration.entity_key("id")]
        groups = costing.by_group(question.tiling, where=where, by=by)
        costs = together(groups)
        # Which entities have calls that cost so, prices alone can say.
        by_prices = by and unit != "successful_task"
        units = len(groups) if by_prices else _count(question, declaration, unit, where)
        if costs.charges or costs.unknown:
            yield from _units(unit, costs, Decimal(units))


def _count(question: Question, declaration: Declaration, unit: str, where: Mapping[str, str]) -> int:
    """Count the entities that calls name; of tasks those that ended well, which rows without a call tell."""
    spans, of_id = question.tiling.spans(), declaration.entity_key("id")
    filled: str | None = "pricing"
    if unit == "successful_task":
        keys = {declaration.entity_key("type"), of_id}
        where, filled = {**{key: value for key, value in where.items() if key in keys}, "pricing": ""}, None
    rows = question.snapshot.distinct(declaration, of_id, spans, by=(), where=where, not_empty=filled)
    return int(rows[0][0]) if rows else 0


def _units(unit: str, costs: Costs, units: Decimal) -> Iterator[UnitCost]:
    amounts = {currency: charge.cost for currency, charge in sorted(costs.charges.items())}
    for currency, cost in (amounts or {"": None}).items():
        yield _unit(unit, currency, cost, units, costs.not_known().calls)


def _of_output(whole: Costs) -> Iterator[UnitCost]:
    for currency, charge in sorted(whole.charges.items()):
        tokens = charge.used.get("output_tokens", 0)
        if tokens:
            yield _unit(OUTPUT, currency, charge.cost, trimmed(Decimal(tokens) / 1000), whole.not_known().calls)


def _quotient(cost: Decimal, units: Decimal) -> Decimal:
    return trimmed(DIGITS.divide(cost, units).quantize(TWELVE, context=DIGITS))


def _unit(unit: Any, currency: str, cost: Decimal | None, units: Decimal, unknown: int) -> UnitCost:
    return UnitCost(
        unit=unit,
        currency=currency,
        cost=None if cost is None else trimmed(cost),
        units=units,
        each=None if cost is None or not units else _quotient(cost, units),
        unknown_calls=unknown,
    )
