"""What becomes of calls that are priced alike: charged as reported or by a price, or left out; for which reason."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any, Literal

from attrs import frozen

from analytics_es.cost.charges import NO_PRICE, NO_USAGE, NOT_KEPT, PARTS, USED, Costs, Counts
from analytics_es.cost.prices.prices import Rate
from analytics_es.cost.prices.quantities import side
from analytics_es.cost.usage_cell import UsageCell

Way = Literal["no_call", "reported", "as_zero", "computed", "left_out"]
NO_CALL: Way = "no_call"
REPORTED: Way = "reported"
AS_ZERO: Way = "as_zero"  # a cost of 0 that is none
COMPUTED: Way = "computed"
LEFT_OUT: Way = "left_out"


@frozen(kw_only=True)
class Verdict:
    """What becomes of calls that are priced alike, however many they are: so they may be added up before.

    `currency`: of the cost, or of what was reported. `rate`: what they cost each. `reason`: why the cost is not known,
    and the `tier` of service that this is about. `pooled`: their events stand for many requests each.
    """

    way: Way
    provider: str
    model: str
    currency: str = ""
    rate: Rate | None = None
    reason: str = ""
    tier: str = ""
    pooled: bool = False

    def add_to(self, costs: Costs, counts: Counts, money: Decimal) -> None:
        """Add calls, with what they cost or were reported to, to costs."""
        if self.way == REPORTED:
            costs.charge(self.currency).add(counts, reported=money)
        elif self.way == AS_ZERO:
            self._add_zero(costs, counts, money)
        elif self.way in (COMPUTED, LEFT_OUT) and (counts["calls"] or any(counts.get(k) is not None for k in USED)):
            if self.rate is None:
                costs.leave_out(self.provider, self.model, self.reason, counts, self.tier)
            else:
                self._price(costs, counts, money, self.rate)

    def _add_zero(self, costs: Costs, counts: Counts, money: Decimal) -> None:
        """Leave out what reported a cost of 0, unless what it cost was settled by a correction."""
        if counts["calls"]:
            costs.leave_out(self.provider, self.model, self.reason, counts)
        if settled := counts.get("settled_calls"):
            costs.charge(self.currency).add({"calls": settled}, reported=money)
            named = (self.provider, self.model, self.currency)
            costs.settled[named] = costs.settled.get(named, 0) + settled

    def _price(self, costs: Costs, counts: Counts, cost: Decimal, rate: Rate) -> None:
        if self.pooled and rate.prices.thresholds:
            costs.below_cliff[self.currency] = costs.below_cliff.get(self.currency, 0) + counts["calls"]
        costs.price(self.provider, self.model, rate.prices, counts, cost)
        for kind in rate.unpriced(counts):
            named = (self.provider, self.model, kind, self.currency)
            costs.unpriced[named] = costs.unpriced.get(named, 0) + counts[kind]

    def alike(self, *, fine: bool) -> tuple[Any, ...]:
        """Return what verdicts have in common that may be added up: where not `fine`, all prices of a currency."""
        if self.way == NO_CALL:
            return (NO_CALL,)
        if self.way == REPORTED or (self.rate and not fine):
            return (self.way, self.currency)
        if self.rate is None:
            return (self.way, self.provider, self.model, self.currency, self.reason, self.tier)
        prices = self.rate.prices
        terms = (prices.currency, prices.service_tier, prices.origin, prices.since, prices.unmeasured)
        return (COMPUTED, self.provider, self.model, *terms, self.rate.missing)


def why_not(rate: Rate | None, cell: UsageCell) -> str:
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
