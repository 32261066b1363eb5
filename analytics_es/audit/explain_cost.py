"""A cost, reported, computed or unknown → the calls it is made of, each with the price it has; read from the log."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal, localcontext
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from attrs import define, evolve, field

from analytics_es.cost.cells import MICRO, NEEDED, UsageCell
from analytics_es.cost.charges import USED, Costs
from analytics_es.cost.prices.prices import UnitPrices
from analytics_es.cost.prices.quantities import EXACT, lies_in, most_special, trimmed
from analytics_es.cost.pricing import Costing
from analytics_es.errors import BadLimit, FoldFailed, UnreadableEvent
from analytics_es.events.codec import decode
from analytics_es.events.event import EPOCH
from analytics_es.log import EventLog, gathered
from analytics_es.projection.declaration import MONEY, Declaration, Key, shortened
from analytics_es.projection.fold import Fold
from analytics_es.queries.question import QuestionContext, grouping, several
from analytics_es.read_models.seeds import check_exact
from analytics_es.read_models.tiling import calendar_of
from analytics_es.types import ChargedUnits, CostExplanation, ExplainedCost, Progress, TimePeriod

METRIC = "cost.cost"
_CALLS = "family = 'provider'"
# What makes every event a row of its own, with what decides on its price.
_APART = (Key(name="position", sql="position"), Key(name="moment", sql="occurred_at"))


def explain_cost(
    source: QuestionContext,
    log: EventLog,
    fold: Fold,
    period: TimePeriod,
    *,
    where: Mapping[str, str],
    limit: int = 100,
    largest: bool = True,
    progress: Progress | None = None,
) -> CostExplanation:
    """Say which calls a cost is made of, up to the checkpoint of the read model, in whole hours.

    `where` may name the currency of the cost, whoever told it; "" are the calls of which it is not known. Only the
    period's part of the log is read. Raises UnknownKey, BadLimit, SealedPeriod.
    """
    if limit < 0:
        raise BadLimit(limit=limit)
    keys = source.known(where)
    currency = keys.pop(MONEY, None)
    source = evolve(source, calendar=calendar_of(period, source.calendar))  # events know no zone
    entities = several(source.declaration("cost"), keys)
    with source.question(["cost"], period) as question:
        declaration = question.declaration("cost", NEEDED)
        if entities:
            declaration = declaration.crossed(entities)
        filters = grouping(declaration, [], keys).where
        position, tiling = question.snapshot.positions["cost"], question.tiling
        check_exact(log, tiling.start, 0, "an explanation")
        bill = _Bill(limit, largest, currency)
        within = (tiling.start * MICRO, tiling.end * MICRO)
        with Costing(question, declaration) as costing:
            lines = _Lines(costing, fold, declaration, filters, within)
            for batch in gathered(log.scan_period(*within, upto=position)):
                bill.add(batch, lines.of(batch))
                if progress:
                    progress("explaining", batch.column("position")[-1].as_py(), position)
        return CostExplanation(
            period=question.period,
            keys={word: str(value) for word, value in where.items()},
            totals={each: trimmed(cost) for each, cost in sorted(bill.totals.items())},
            calls=bill.calls,
            unknown_calls=bill.unknown_calls,
            count=bill.count,
            events=[_explained(each, tiling.calendar.zone) for each in bill.listed],
            omitted=bill.count - len(bill.listed),
            completeness=question.completeness(),
        )


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


@define
class _Lines:
    """Reads the calls and corrections of a batch as rows of the read model, with a row for each."""

    costing: Costing
    fold: Fold
    declaration: Declaration
    where: Mapping[str, str]
    within: tuple[int, int]

    def of(self, batch: pa.Table) -> Iterator[_Line]:
        """Yield what has or could have a cost, by position; raises FoldFailed."""
        finer = self._finer()
        folded = self.fold.of([finer])(batch, within=self.within)[finer.name]
        if isinstance(folded, FoldFailed):
            raise folded
        names = [*finer.row_key, *(column.name for column in finer.columns)]
        wanted = [(name, shortened(value)) for name, value in self.where.items() if name in names]  # "" is left out
        rows = (dict(zip(names, row, strict=True)) for row in folded.rows if row[0] == "hour")
        lines = [self._line(row) for row in rows if all(row[name] == text for name, text in wanted)]
        yield from sorted(lines, key=lambda line: line.position)

    def _finer(self) -> Declaration:
        """Return the declaration with a row for each event, and no more entities than are asked for."""
        declaration, kinds = self.declaration, list[str]()
        if declaration.entities:
            of_type, of_id = declaration.entity_key("type"), declaration.entity_key("id")
            kinds = [self.where[of_type]] if of_type in self.where else []
            if kinds == [""] and of_id not in self.where:
                declaration = declaration.crossed(())
        entities = tuple(each for each in declaration.entities if each in kinds) or declaration.entities
        keys = (*declaration.keys, *_APART)
        return evolve(declaration, keys=keys, entities=entities, where=f"({self.declaration.where}) AND {_CALLS}")

    def _line(self, row: Mapping[str, Any]) -> _Line:
        provider, model, moment = row["provider"], row["model"], int(row["moment"])
        batch = "batch" in row["rate"]
        turning = self.costing.changes((provider, model))
        cell = UsageCell(
            (),
            provider,
            model,
            row["currency"],
            row["pricing"],
            turning.band(row["input_tokens"] or 0),
            batch,
            "",
            row["untold"],
            turning.last(moment, self.within[0]),
            {**row, "requests": row["calls"]},
        )
        return _Line(int(row["position"]), moment, cell, self.costing.of(cell))


@define
class _Bill:
    """What the lines so far add up to, and the first of them with what is stored of their events."""

    limit: int
    largest: bool
    currency: str | None
    totals: dict[str, Decimal] = field(factory=dict)
    calls: int = 0
    unknown_calls: int = 0
    count: int = 0
    listed: list[tuple[_Line, dict[str, Any]]] = field(factory=list)

    def add(self, batch: pa.Table, lines: Iterator[_Line]) -> None:
        """Take what one batch adds."""
        found = [line for line in lines if self._count(line)]
        if self.largest:
            found = heapq.nsmallest(self.limit, found, key=_dearest)
        else:
            found = found[: self.limit - len(self.listed)]
        self.listed += zip(found, _stored(batch, found), strict=True)
        if self.largest:
            self.listed = heapq.nsmallest(self.limit, self.listed, key=lambda each: _dearest(each[0]))

    def _count(self, line: _Line) -> bool:
        """Add what a line brings to what is asked for; says whether it does."""
        known = {each: charge for each, charge in line.costs.charges.items() if self.currency in (None, each)}
        unknown = line.costs.unknown if self.currency in (None, "") else {}
        with localcontext(EXACT):
            for currency, charge in known.items():
                self.totals[currency] = self.totals.get(currency, Decimal(0)) + (charge.cost or 0)
                self.calls += charge.calls
        for charge in unknown.values():
            self.calls += charge.calls
            self.unknown_calls += charge.calls
        self.count += bool(known or unknown)
        return bool(known or unknown)


def _dearest(line: _Line) -> tuple[bool, Decimal, int]:
    """Order by cost, the most first; what is not known comes last."""
    return line.cost is None, -(line.cost or Decimal(0)), line.position


def _stored(batch: pa.Table, lines: list[_Line]) -> list[dict[str, Any]]:
    positions = pa.array([line.position for line in lines], pa.int64())
    stored: list[dict[str, Any]] = batch.take(
        pc.index_in(positions, batch.column("position").combine_chunks())
    ).to_pylist()
    return stored


def _explained(listed: tuple[_Line, dict[str, Any]], zone: Any) -> ExplainedCost:
    line, stored = listed
    cell, costs = line.cell, line.costs
    try:
        event = decode(line.position, stored["type"], stored["state"])
    except Exception as error:
        raise UnreadableEvent(position=line.position, problem=error) from error
    charge = costs.charges.get(line.currency)
    reason = "" if charge else next(iter(costs.unknown))[2]
    return ExplainedCost(
        position=line.position,
        id=event.id,
        source=event.source,
        type=event.type,
        occurred_at=(EPOCH + timedelta(microseconds=line.occurred_at)).astimezone(zone),
        provider=cell.provider,
        model=cell.model,
        state="unknown" if charge is None else "reported" if charge.computed is None else "computed",
        reason=reason,
        currency=line.currency,
        cost=None if line.cost is None else trimmed(line.cost),
        used={kind: cell.counts[kind] for kind in USED if cell.counts.get(kind) is not None},
        price=next(iter(costs.prices_used()), None),
        charged=[each for prices, _ in costs.prices.values() for each in _charged(prices, cell)],
    )


def _charged(prices: UnitPrices, cell: UsageCell) -> list[ChargedUnits]:
    """Return what a call used of each kind that has a price, and is of no more special one, times that price."""
    counts = cell.counts
    alone: dict[str, int] = {}
    for kind in () if prices.free else most_special(prices.prices):
        parts = sum(units for part, units in alone.items() if lies_in(part, kind))
        alone[kind] = (counts.get(kind) or 0) - parts
    each = {kind: prices.prices[kind].at(cell.band + 1) for kind in alone}
    with localcontext(EXACT):
        return [
            ChargedUnits(kind=kind, units=units, price=trimmed(each[kind]), cost=trimmed(units * each[kind]))
            for kind, units in alone.items()
            if units
        ]
