"""A cost, reported, computed or unknown → the calls it is made of, each with the price it has; read from the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from decimal import Decimal, localcontext
from typing import Any, NamedTuple

import pyarrow as pa
from attrs import define, evolve, field

from analytics_es.audit.evidence import Evidence, First, read_stored
from analytics_es.cost import UnitPrices
from analytics_es.cost.cells import NEEDED
from analytics_es.cost.charges import USED, Costs
from analytics_es.cost.prices.quantities import EXACT, without_parts
from analytics_es.cost.pricing import Costing
from analytics_es.cost.rate_key import as_calls, rate_of
from analytics_es.cost.usage_cell import UsageCell
from analytics_es.events.event import time_of
from analytics_es.projection.declaration import MONEY, Declaration
from analytics_es.projection.fold_sql import OCCURRED
from analytics_es.projection.rows import by_name
from analytics_es.queries import QuestionContext
from analytics_es.queries.figures import trimmed
from analytics_es.store import Store
from analytics_es.types import ChargedUnits, CostExplanation, ExplainedCost, Progress, TimePeriod


def explain_cost(
    context: QuestionContext,
    store: Store,
    period: TimePeriod,
    where: Mapping[str, str],
    *,
    limit: int = 100,
    largest: bool = True,
    latest: bool = False,
    progress: Progress | None = None,
) -> CostExplanation:
    """Say which calls a cost is made of, up to the checkpoint of the read model, in whole hours.

    `where` may name the currency of the cost, whoever told it; "" are the calls of which it is not known. Only the
    period's part of the log is read. Raises UnknownKey, BadLimit, SealedPeriod.
    """
    first = First[_Line](limit, _latest if latest else _dearest if largest else None)
    keys = context.as_logged(where)
    bill = _Bill(first, keys.pop(MONEY, None))
    evidence = Evidence.of(context, store.log, context.declaration("cost"), NEEDED, period, keys)
    question, declaration = evidence.question, evidence.declaration
    with Costing(question, declaration) as costing:
        for batch, rows in evidence.batches(store.fold, _of_calls(declaration), progress):
            bill.add(batch, [_line(costing, row, question.tiling.within[0]) for row in by_name(rows)])
    return CostExplanation(
        period=question.period,
        keys=dict(where),
        totals={currency: trimmed(cost) for currency, cost in sorted(bill.totals.items())},
        calls=bill.calls,
        unknown_calls=bill.unknown_calls,
        count=bill.count,
        events=[_explained(*event, question.tiling.calendar.zone) for event in first.events],
        omitted=bill.count - len(first.events),
        completeness=evidence.completeness,
    )


def cost_of(context: QuestionContext, store: Store, stored: pa.Table, hour: TimePeriod) -> ExplainedCost | None:
    """Say how the cost of one event of an hour comes about, as it is stored.

    None where it brings nothing to a cost, or is not yet in the read model.
    """
    first = First[_Line](1)
    evidence = Evidence.of(context, store.log, context.declaration("cost"), NEEDED, hour, {})
    position = stored.column("position")[0].as_py()
    if position > evidence.position or position in evidence.left_out:
        return None
    question, declaration = evidence.question, evidence.declaration
    within = question.tiling.within
    rows = store.fold.by_event(stored, _of_calls(declaration), evidence.where, within=within)
    with Costing(question, declaration) as costing:
        _Bill(first, None).add(stored, [_line(costing, row, within[0]) for row in by_name(rows)])
    return next((_explained(*event, question.tiling.calendar.zone) for event in first.events), None)


def _of_calls(declaration: Declaration) -> Declaration:
    return evolve(declaration, where=f"({declaration.where}) AND family = 'provider'")


class _Line(NamedTuple):
    """An event as a cell of its own, and what it costs."""

    position: int
    occurred_at: int
    cell: UsageCell
    costs: Costs

    @property
    def currency(self) -> str:
        return next(iter(self.costs.charges), "")

    @property
    def cost(self) -> Decimal | None:
        charge = self.costs.charges.get(self.currency)
        return charge.cost if charge else None


def _line(costing: Costing, row: Mapping[str, Any], start: int) -> _Line:
    """Return a call or a correction with what it costs, in a period from some microsecond on."""
    provider, model, moment = row["provider"], row["model"], row[OCCURRED]
    turning = costing.changes((provider, model))
    rated = rate_of(row["rate"])
    cell = UsageCell(
        group=(),
        provider=provider,
        model=model,
        currency=row["currency"],
        pricing=row["pricing"],
        band=0 if rated.pooled else turning.band(row["input_tokens"] or 0),
        tier=rated.tier,
        half="",
        pooled=rated.pooled,
        untold=row["untold"],
        at=turning.last(moment, start),
        counts=as_calls(row, pooled=rated.pooled),
    )
    return _Line(row["position"], moment, cell, costing.of(cell))


@define
class _Bill:
    """What the lines so far add up to in a currency, or in all, and the first of them."""

    first: First[_Line]
    currency: str | None
    totals: dict[str, Decimal] = field(factory=dict)
    calls: int = 0
    unknown_calls: int = 0
    count: int = 0

    def add(self, batch: pa.Table, lines: Iterable[_Line]) -> None:
        """Take the lines of one batch, by position."""
        self.first.add(batch, [line for line in lines if self._count(line)])

    def _count(self, line: _Line) -> bool:
        """Add what a line brings to the cost; says whether it does."""
        charges = {
            currency: charge for currency, charge in line.costs.charges.items() if self.currency in (None, currency)
        }
        unknown = line.costs.unknown if self.currency in (None, "") else {}
        with localcontext(EXACT):
            for currency, charge in charges.items():
                self.totals[currency] = self.totals.get(currency, Decimal(0)) + (charge.cost or 0)
                self.calls += charge.calls
        for charge in unknown.values():
            self.calls += charge.calls
            self.unknown_calls += charge.calls
        self.count += bool(charges or unknown)
        return bool(charges or unknown)


def _dearest(line: _Line) -> tuple[bool, Decimal, int]:
    """Order by cost, the most first; what is not known comes last."""
    return line.cost is None, -(line.cost or Decimal(0)), line.position


def _latest(line: _Line) -> tuple[int, int]:
    return -line.occurred_at, -line.position


def _explained(line: _Line, stored: Mapping[str, Any], zone: tzinfo) -> ExplainedCost:
    event, cell, costs = read_stored(stored), line.cell, line.costs
    charge = costs.charges.get(line.currency)
    reason = "" if charge else next(iter(costs.unknown))[2]
    return ExplainedCost(
        position=line.position,
        id=event.id,
        source=event.source,
        type=event.type,
        occurred_at=time_of(line.occurred_at, zone),
        provider=cell.provider,
        model=cell.model,
        state="unknown" if charge is None else "reported" if charge.computed is None else "computed",
        reason=reason,
        currency=line.currency,
        cost=None if line.cost is None else trimmed(line.cost),
        used={kind: cell.counts[kind] for kind in USED if cell.counts.get(kind) is not None},
        price=next(iter(costs.prices_used()), None),
        service_tier=cell.tier,
        requests=cell.counts["calls"],
        below_cliff=bool(costs.below_cliff),
        settles=cell.counts.get("settled_calls") or 0,
        charged=[units for prices, _ in costs.prices.values() for units in _charged(prices, cell)],
    )


def _charged(prices: UnitPrices, cell: UsageCell) -> list[ChargedUnits]:
    """Return what a call used of each kind that has a price, and is of no more special one, times that price."""
    alone = {} if prices.free else without_parts(prices.prices, cell.counts)
    rates = {kind: prices.prices[kind].at(cell.band + 1) for kind in alone}
    with localcontext(EXACT):
        return [
            ChargedUnits(kind=kind, units=units, price=trimmed(rates[kind]), cost=trimmed(units * rates[kind]))
            for kind, units in alone.items()
            if units
        ]
