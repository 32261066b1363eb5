"""Cells → money: a reported cost goes before, the price book prices the rest, and what has no price is left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any, Self

from attrs import field, frozen

from analytics_es.cost.cells import CellQuery, PricedCells, UsageCell
from analytics_es.cost.charges import NO_PRICE, NO_TIER, NO_USAGE, NOT_KEPT, PARTS, USED, ZERO, Costs
from analytics_es.cost.context import with_prices
from analytics_es.cost.prices.book import PriceBook
from analytics_es.cost.prices.prices import Rate, UnitPrices
from analytics_es.cost.prices.quantities import EXACT, side
from analytics_es.cost.turns import ANY_OTHER, NEVER, Name, Turning
from analytics_es.events.event import microseconds, time_of
from analytics_es.events.tiers import BATCH, STANDARD
from analytics_es.projection.declaration import Declaration
from analytics_es.queries import Question
from analytics_es.queries.figures import number
from analytics_es.read_models import Tiling


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
        self._assumption = assumption or Assumption()
        self._book = self._assumption.prices or with_prices(question.context).prices.book()
        self._cells = PricedCells(question, declaration, self._turns)
        self._rates: dict[tuple[Any, ...], Rate | None] = {}
        self._verdicts: dict[tuple[Any, ...], tuple[Rate | None, str]] = {}  # by all of a cell but its group and counts
        self.declaration, self._question = declaration, question
        # A read model of an earlier definition, which serves until it is rebuilt, has fewer.
        self._decimals = next(own.decimals for own in declaration.measures if own.name == "reported_cost")
        self._changes: dict[Name, Turning] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cells.close()

    def by_group(
        self, tiling: Tiling, *, where: Mapping[str, str], by: Sequence[str] = (), granularity: str | None = None
    ) -> dict[tuple[Any, ...], Costs]:
        """Return costs by the values of keys, after the start of a bucket where there is a `granularity`."""
        return self.settled(self.unsettled(tiling, where=where, by=by, granularity=granularity))

    def unsettled(
        self, tiling: Tiling, *, where: Mapping[str, str], by: Sequence[str] = (), granularity: str | None = None
    ) -> dict[tuple[Any, ...], Costs]:
        """Return the same in every currency, as parts add up and are taken away; to be `settled` after that."""
        groups: dict[tuple[Any, ...], Costs] = {}
        with localcontext(EXACT):
            for cell in self._cells(CellQuery(tiling=tiling, where=where, by=by, granularity=granularity)):
                self._take(groups.setdefault(cell.group, Costs()), cell)
        return groups

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
        if name not in self._changes:
            period = self._question.period
            self._changes[name] = self._turns(name, period.start, period.end)
        return self._changes[name]

    def _take(self, costs: Costs, cell: UsageCell) -> None:
        if cell.pricing == "none" or (cell.pricing and self._assumption.is_about(cell.model)):
            self._price(costs, cell)
        elif cell.pricing == "reported":
            costs.charge(cell.currency).add(cell.counts, reported=self._reported(cell))
        elif cell.pricing == "zero":
            self._take_zero(costs, cell)

    def _take_zero(self, costs: Costs, cell: UsageCell) -> None:
        """A cost of 0 is none, unless the model was declared free, or what it cost was settled by a correction."""
        rate = self._rate(cell)
        if rate and rate.prices.free:
            costs.charge(cell.currency).add(cell.counts, reported=self._reported(cell))
            return
        reason = ZERO if cell.at is not None else NOT_KEPT
        if cell.counts["calls"]:
            costs.leave_out(cell.provider, cell.model, reason, cell.counts)
        if settled := cell.counts.get("settled_calls"):
            costs.charge(cell.currency).add({"calls": settled}, reported=self._reported(cell))
            named = (cell.provider, cell.model, cell.currency)
            costs.settled[named] = costs.settled.get(named, 0) + settled

    def _price(self, costs: Costs, cell: UsageCell) -> None:
        counts = cell.counts
        if not counts["calls"] and all(counts.get(kind) is None for kind in USED):
            return
        key = cell[1:-1]
        if key not in self._verdicts:
            rate = self._rate(cell)
            self._verdicts[key] = (rate, _why_not(rate, cell) if rate or not self._lacks_tier(cell) else NO_TIER)
        rate, reason = self._verdicts[key]
        if rate is None or reason:
            costs.leave_out(cell.provider, cell.model, reason, counts, cell.tier if reason == NO_TIER else "")
            return
        if cell.pooled and rate.prices.thresholds:
            currency = rate.prices.currency
            costs.below_cliff[currency] = costs.below_cliff.get(currency, 0) + counts["calls"]
        costs.price(cell.provider, cell.model, rate.prices, counts, rate.of(counts))
        for kind in rate.unpriced(counts):
            named = (cell.provider, cell.model, kind, rate.prices.currency)
            costs.unpriced[named] = costs.unpriced.get(named, 0) + counts[kind]

    def _reported(self, cell: UsageCell) -> Decimal:
        return number(cell.counts.get("reported_cost"), self._decimals) or Decimal(0)

    # ── prices ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _rate(self, cell: UsageCell) -> Rate | None:
        if cell.at is None:
            return None
        key = (cell.provider, cell.model, cell.band, cell.tier, cell.at)
        if key not in self._rates:
            prices = self._prices((cell.provider, cell.model), cell.at, cell.tier)
            self._rates[key] = prices.rate(cell.band + 1) if prices else None  # a band is what is above
        return self._rates[key]

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


def _why_not(rate: Rate | None, cell: UsageCell) -> str:
    """Say why calls have no cost, "" where they have."""
    if rate is None:
        return NOT_KEPT if cell.at is None else NO_PRICE
    priced = rate.prices.prices
    if rate.prices.free:
        return ""
    if cell.untold == "usage":
        return NO_USAGE if any(side(kind) != "other" for kind in priced) else ""
    words = cell.untold.split()
    if any(_clash(word, priced) for word in words):
        return PARTS
    used = [kind for kind, is_used in _used(words).items() if is_used]
    return "" if not used or any(kind in priced for kind in (*used, "requests")) else NO_PRICE


def _used(words: Sequence[str]) -> dict[str, bool]:
    return {
        "input_tokens": "no_input" not in words,
        "output_tokens": "no_output" not in words,
        "searches": "searches" in words,
    }


def _clash(word: str, priced: Collection[str]) -> bool:
    """Say whether both kinds that a word is about have prices of their own, and what is both has none, or is not told.

    Of one call, `check_parts` says it.
    """
    kind, and_, other = word.partition("&")
    if and_:
        return {f"{kind}_tokens", f"{other}_tokens"} <= {*priced}
    return word.startswith("cache_read_") and f"{word}_tokens" not in priced and _both(word) <= {*priced}


def _both(word: str) -> set[str]:
    return {"cache_read_tokens", f"input_{word.removeprefix('cache_read_')}_tokens"}
