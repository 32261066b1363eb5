"""Cells → money: a reported cost goes before, the price book prices the rest, and what has no price is left out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from functools import partial
from typing import Any, Self, TypeVar

from attrs import field, frozen

from analytics_es.cost.cells import CellQuery, PricedCells
from analytics_es.cost.charges import NO_TIER, NOT_KEPT, ZERO, Costs
from analytics_es.cost.context import with_prices
from analytics_es.cost.joined import Detail, JoinedCosts
from analytics_es.cost.price_table import Join
from analytics_es.cost.prices.book import PriceBook
from analytics_es.cost.prices.prices import Rate, UnitPrices
from analytics_es.cost.prices.quantities import EXACT
from analytics_es.cost.turns import ANY_OTHER, NEVER, Name, Turning
from analytics_es.cost.usage_cell import UsageCell
from analytics_es.cost.verdicts import AS_ZERO, COMPUTED, LEFT_OUT, NO_CALL, REPORTED, Verdict, why_not
from analytics_es.events.event import microseconds, time_of
from analytics_es.events.tiers import BATCH, STANDARD
from analytics_es.projection.declaration import Declaration
from analytics_es.queries import Question
from analytics_es.queries.figures import number
from analytics_es.read_models import Tiling

T = TypeVar("T")
UNKNOWN: Any = object()


@frozen(kw_only=True)
class Assumption:
    """What is supposed instead of what happened: other prices, for all calls; other models, for those of some."""

    prices: PriceBook | None = None
    models: Mapping[str, str] = field(factory=dict)

    def is_about(self, model: str) -> bool:
        """Say whether calls of a model are priced, whatever was reported."""
        return self.prices is not None or model in self.models

    def priced_as(self, name: Name) -> list[tuple[str | None, str]]:
        """Return whose prices a model's calls have: its own, or those of the model that is supposed in its place.

        Of that one, what its own provider asks for goes before what others do; `provider/model` names one of them.
        """
        provider, model = name
        other = self.models.get(model)
        if other is None:
            return [(provider or None, model)]
        named, slash, rest = other.partition("/")
        return [(provider or None, other), (None, other), *([(named, rest)] if slash else [])]


NOTHING_SUPPOSED = Assumption()


class Costing:
    """Prices what one question reads; money is exact.

    With a `currency`, only what costs so counts, whoever told it, or, with "", what is not known: the read model has a
    currency only of what was reported, so no filter of its rows can tell.
    """

    def __init__(
        self,
        question: Question,
        declaration: Declaration,
        assumption: Assumption | None = None,
        *,
        currency: str | None = None,
    ) -> None:
        self.currency = currency
        self._assumption = assumption or NOTHING_SUPPOSED
        self._book = self._assumption.prices or with_prices(question.context).prices.book()
        self._cells = PricedCells(question, declaration, self._turns)
        # What does not depend on an assumption is worked out once for a price book.
        self._worked_out: dict[Any, Any] = {} if assumption else self._book.worked_out()
        self.declaration, self._question = declaration, question
        # A read model of an earlier definition, which serves until it is rebuilt, has fewer.
        self.decimals = next(own.decimals for own in declaration.measures if own.name == "reported_cost")
        chosen = {} if assumption else question.notes.setdefault((JoinedCosts, id(self._book)), (self._book, {}))[1]
        self._joined = JoinedCosts(self._cells, self.verdict, self.decimals, self._worked_out, chosen)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cells.close()

    def by_group(
        self,
        tiling: Tiling,
        *,
        where: Mapping[str, str],
        by: Sequence[str] = (),
        granularity: str | None = None,
        detail: Detail = "prices",
    ) -> dict[tuple[Any, ...], Costs]:
        """Return costs by the values of keys, after the start of a bucket where there is a `granularity`."""
        return self.settled(self.unsettled(tiling, where=where, by=by, granularity=granularity, detail=detail))

    def unsettled(
        self,
        tiling: Tiling,
        *,
        where: Mapping[str, str],
        by: Sequence[str] = (),
        granularity: str | None = None,
        detail: Detail = "prices",
    ) -> dict[tuple[Any, ...], Costs]:
        """Return the same in every currency, as parts add up and are taken away; to be `settled` after that.

        In less than all `detail`, some of it may be missing: prices, and what has none; or what was used, too.
        """
        query = CellQuery(tiling=tiling, where=where, by=by, granularity=granularity)
        if detail == "money" and self._assumption != NOTHING_SUPPOSED:
            detail = "usage"  # what did not end, but told a cost, is then priced by what it used: that alone says so
        # By model and time there is a group a row, and of its prices, too, nothing is left to be added up before.
        a_group_a_row = granularity is not None and "model" in by and detail == "prices"
        joined = None if a_group_a_row else self._joined(query, detail=detail)
        if joined is None:
            return self.read(query)
        groups, left = joined
        return self.read(query, names=left, groups=groups) if left else groups

    def read(
        self,
        query: CellQuery,
        *,
        names: Collection[Name] | None = None,
        groups: dict[tuple[Any, ...], Costs] | None = None,
    ) -> dict[tuple[Any, ...], Costs]:
        """Return it read row by row, of models of these names, or of all, added to what there is."""
        groups = {} if groups is None else groups
        with localcontext(EXACT):
            for cell in self._cells(query, names):
                self._take(groups.setdefault(cell.group, Costs()), cell)
        return groups

    def once(self, what: str, tiling: Tiling, make: Callable[[Join], T]) -> T:
        """Return what is made of the prices of a period, once for what its rows are about."""
        return self._joined.once(what, tiling, make)

    def settled(self, groups: dict[tuple[Any, ...], Costs]) -> dict[tuple[Any, ...], Costs]:
        """Return costs with what corrections made known, of the currency asked for; changes `groups`."""
        with localcontext(EXACT):
            for costs in groups.values():
                costs.settle()
        if self.currency is not None:
            groups = {group: costs.only(self.currency) for group, costs in groups.items()}
            groups = {group: costs for group, costs in groups.items() if costs.charges or costs.unknown}
        return groups

    def of(self, cell: UsageCell) -> Costs:
        """Return what the calls of one cell cost."""
        costs = Costs()
        with localcontext(EXACT):
            self._take(costs, cell)
            costs.settle()
        return costs

    def changes(self, name: Name) -> Turning:
        """Say when in the period, and above how many tokens of input, the price of a model's calls changes."""
        period = self._question.period
        return self._turns(name, period.start, period.end)

    def tells(self, name: str) -> bool:
        """Say whether any row of the period tells something in a column."""
        return self._cells.tells(self._question.tiling, name)

    def _take(self, costs: Costs, cell: UsageCell) -> None:
        verdict = self.verdict(cell)
        if verdict.rate:
            money = verdict.rate.of(cell.counts)
        else:
            money = number(cell.counts.get("reported_cost"), self.decimals) or Decimal(0)
        verdict.add_to(costs, cell.counts, money)

    def verdict(self, cell: UsageCell) -> Verdict:
        """Return what becomes of a cell, whatever it counts."""
        about = cell[1:-1]
        verdict: Verdict | None = self._worked_out.get(about)
        if verdict is None:
            verdict = self._worked_out[about] = self._decide(cell)
        return verdict

    def _decide(self, cell: UsageCell) -> Verdict:
        of_model = partial(Verdict, provider=cell.provider, model=cell.model)
        if cell.pricing == "none" or (cell.pricing and self._assumption.is_about(cell.model)):
            rate = self._rate(cell)
            reason = why_not(rate, cell) if rate or not self._lacks_tier(cell) else NO_TIER
            if rate and not reason:
                return of_model(way=COMPUTED, currency=rate.prices.currency, rate=rate, pooled=cell.pooled)
            return of_model(way=LEFT_OUT, reason=reason, tier=cell.tier if reason == NO_TIER else "")
        if cell.pricing == "reported":
            return of_model(way=REPORTED, currency=cell.currency)
        if cell.pricing != "zero":
            return of_model(way=NO_CALL)
        rate = self._rate(cell)  # a cost of 0 is none, unless the model was declared free
        if rate and rate.prices.free:
            return of_model(way=REPORTED, currency=cell.currency)
        return of_model(way=AS_ZERO, currency=cell.currency, reason=NOT_KEPT if cell.at is None else ZERO)

    # ── prices ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _rate(self, cell: UsageCell) -> Rate | None:
        if cell.at is None:
            return None
        key = (cell.provider, cell.model, cell.band, cell.tier, cell.at)
        rate: Rate | None = self._worked_out.get(key, UNKNOWN)
        if rate is UNKNOWN:
            prices = self._prices((cell.provider, cell.model), cell.at, cell.tier)
            rate = self._worked_out[key] = prices.rate(cell.band + 1) if prices else None  # a band is what is above
        return rate

    def _lacks_tier(self, cell: UsageCell) -> bool:
        """Say whether a price of the model is known, but none of the tier of service."""
        if cell.at is None or cell.tier in (STANDARD, BATCH):
            return False
        return self._prices((cell.provider, cell.model), cell.at, STANDARD) is not None

    def _prices(self, name: Name, at: int, tier: str) -> UnitPrices | None:
        moment = time_of(at)
        tried = (self._book.prices_at(*whose, moment, service_tier=tier) for whose in self._assumption.priced_as(name))
        return next((prices for prices in tried if prices), None)

    def _turns(self, name: Name, start: datetime, end: datetime) -> Turning:
        """Say when within a period, and above which thresholds, the price of a model changes."""
        turning: Turning | None = self._worked_out.get((name, start, end))
        if turning is None:
            turning = self._worked_out[name, start, end] = self._all_turns(name, start, end)
        return turning

    def _all_turns(self, name: Name, start: datetime, end: datetime) -> Turning:
        names = self._assumption.priced_as(name)
        tiers = {ANY_OTHER, *(tier for whose in names for tier in self._book.tiers(*whose))}
        by_tier = {tier: self._turns_of(tier, names, start, end) for tier in tiers}
        turns = {turn for turning in by_tier.values() for turn in turning.turns}
        thresholds = {above for turning in by_tier.values() for above in turning.thresholds}
        return Turning(sorted(turns), sorted(thresholds), by_tier) if turns or thresholds else NEVER

    def _turns_of(self, tier: str, names: Sequence[tuple[str | None, str]], start: datetime, end: datetime) -> Turning:
        turns, thresholds = set[int](), set[int]()
        for whose in names:
            turns.update(map(microseconds, self._book.bounds(*whose, start, end, [tier])))
            thresholds.update(self._book.thresholds(*whose, start, end, [tier]))
        return Turning(sorted(turns), sorted(thresholds))
