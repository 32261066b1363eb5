"""The rows of SQL views of costs as answers have them: read row by row, where SQL is not surely right about a model."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from decimal import localcontext
from typing import Any

from analytics_es.cost.cells import CellQuery
from analytics_es.cost.charges import USED, Charge, Costs
from analytics_es.cost.prices.quantities import EXACT
from analytics_es.cost.pricing import Costing
from analytics_es.cost.turns import Name
from analytics_es.queries import Question
from analytics_es.queries.figures import written
from analytics_es.read_models import Whose

BY = ("provider", "model", "operation")

Row = tuple[Any, ...]


def rows(
    costing: Costing,
    question: Question,
    grain: str,
    entities: Sequence[Whose] | None,
    names: Collection[Name] | None = None,
) -> Iterator[Row]:
    """Yield the costs of a period, as its answers have them, by bucket, entity and what was called.

    Of these entities and models of these names, or of all.
    """
    live = costing.declaration
    of_type, of_id = live.entity_key("type"), live.entity_key("id")
    for entity, *ids in [(entity,) for entity in ("", *live.entities)] if entities is None else entities:
        where = {of_type: entity, **({of_id: ids[0]} if ids and entity else {})}
        by = [*BY, *([of_id] if entity else [])]
        query = CellQuery(tiling=question.tiling, where=where, by=by, granularity=grain)
        groups = costing.settled(costing.read(query, names=names))
        for (bucket, *named), costs in groups.items():
            about = [grain, entity, bucket, named[len(BY)] if entity else "", *named[: len(BY)]]
            with localcontext(EXACT):
                of_group = list(_of_group(costs))
            yield from ((*about, *row) for row in of_group)


def _of_group(costs: Costs) -> Iterator[Row]:
    """Yield what is known in each currency, and what is not for each reason, by the columns of the table."""
    for currency, charge in costs.charges.items():
        yield currency, "", *_figures(charge, unknown=False)
    reasons: dict[str, Charge] = {}
    for (_, _, reason, _), charge in costs.unknown.items():
        reasons.setdefault(reason, Charge()).take(charge)
    for reason, charge in reasons.items():
        yield "", reason, *_figures(charge, unknown=True)


def _figures(charge: Charge, *, unknown: bool) -> Row:
    computed = 0 if unknown else charge.calls - charge.reported_calls
    counts = (charge.calls, charge.reported_calls, computed, charge.calls if unknown else 0)
    money = (charge.cost, charge.reported, charge.computed)
    return (
        *counts,
        *(None if amount is None else written(amount) for amount in money),
        *(_stored(charge.used.get(kind)) for kind in USED),
    )


def _stored(count: int | None) -> int | str | None:
    """Return a number as every database takes it: of one that does not fit 64 bits, the text."""
    return count if count is None or count < 2**63 else str(count)
