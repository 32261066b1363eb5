"""What units of work cost on average: get_unit_costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, cast

from attrs import frozen

from analytics_es.cost.cells import NEEDED
from analytics_es.cost.charges import Costs, together
from analytics_es.cost.prices.quantities import trimmed
from analytics_es.cost.pricing import Costing
from analytics_es.errors import UnknownKey
from analytics_es.projection.declaration import Declaration
from analytics_es.queries.question import Question, QuestionContext, grouping
from analytics_es.types import TimePeriod, UnitCost, UnitCosts

ENTITY_OF = {"job": "job", "successful_task": "task", "conversation": "conversation"}
OUTPUT = "1000_output_tokens"
TWELVE = Decimal("1e-12")


def unit_costs(source: QuestionContext, period: TimePeriod, where: Mapping[str, str]) -> UnitCosts:
    """Answer get_unit_costs."""
    filters = source.known(where)
    with source.question(["cost"], period) as question:
        declaration = question.declaration("cost", NEEDED)
        own = [key.name for key in declaration.keys if not key.of_entity]
        for word in filters:
            if word not in own:
                raise UnknownKey(key=word, projection="unit costs", keys=", ".join(own))
        with Costing(question, declaration) as costing:
            asked = _Asked(question, declaration, costing, filters)
            whole = together(costing.by_group(question.tiling, where=grouping(declaration, [], filters).where))
            units = [*asked.of_entities(), *_of_output(whole)]
        return UnitCosts(
            period=question.period,
            units=units,
            calls=whole.known().calls + whole.not_known().calls,
            unknown_calls=whole.not_known().calls,
            completeness=question.completeness(),
        )


@frozen
class _Asked:
    """One question about the units that calls name."""

    question: Question
    declaration: Declaration
    costing: Costing
    filters: Mapping[str, str]

    def of_entities(self) -> Iterator[UnitCost]:
        """Yield the units that are entities and have calls."""
        for unit, entity in ENTITY_OF.items():
            where = grouping(self.declaration, [entity], self.filters).where
            costs = together(self.costing.by_group(self.question.tiling, where=where))
            if costs.charges or costs.unknown:
                yield from _units(unit, costs, Decimal(self._count(unit, where)))

    def _count(self, unit: str, where: Mapping[str, str]) -> int:
        """Count the entities that calls name; of tasks those that ended well, which rows without a call tell."""
        spans, of_id = self.question.tiling.spans(), self.declaration.entity_key("id")
        told: str | None = "pricing"
        if unit == "successful_task":
            named = {self.declaration.entity_key("type"), of_id}
            where, told = {**{key: value for key, value in where.items() if key in named}, "pricing": ""}, None
        rows = self.question.snapshot.distinct(self.declaration, of_id, spans, by=(), where=where, not_empty=told)
        return int(rows[0][0]) if rows else 0


def _units(unit: str, costs: Costs, units: Decimal) -> Iterator[UnitCost]:
    known = {currency: charge.cost for currency, charge in sorted(costs.charges.items())}
    for currency, cost in (known or {"": None}).items():
        yield _unit(unit, currency, cost, units, costs.not_known().calls)


def _of_output(whole: Costs) -> Iterator[UnitCost]:
    for currency, charge in sorted(whole.charges.items()):
        tokens = charge.used.get("output_tokens", 0)
        if tokens:
            yield _unit(OUTPUT, currency, charge.cost, trimmed(Decimal(tokens) / 1000), whole.not_known().calls)


def _unit(unit: Any, currency: str, cost: Decimal | None, units: Decimal, unknown: int) -> UnitCost:
    each = None if cost is None or not units else trimmed((cost / units).quantize(TWELVE))
    return UnitCost(
        unit=cast(Any, unit),
        currency=currency,
        cost=None if cost is None else trimmed(cost),
        units=units,
        each=each,
        unknown_calls=unknown,
    )
