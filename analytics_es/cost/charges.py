"""What calls cost, added up: by currency where it is known, by model and reason where it is not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal, localcontext
from typing import Any

from attrs import Factory, define

from analytics_es.cost.prices.prices import UnitPrices
from analytics_es.cost.prices.quantities import EXACT, KINDS
from analytics_es.errors import HERE, StoreDamaged
from analytics_es.events.tiers import STANDARD
from analytics_es.types import PriceUsed

Counts = Mapping[str, Any]  # of columns of the read model; None where no event told

# Kinds of what events tell that they used, in their order; requests are calls.
USED = dict.fromkeys(kind for kind in KINDS if kind != "requests")

# Why the cost of calls is not known: nobody lists a price; nobody lists one of its tier of service; the call told
# nothing; it told a cost of 0 although it used tokens; it did not tell how much is of two kinds; its price changed
# within what is still kept of that time.
NO_PRICE, NO_TIER, NO_USAGE, ZERO = "no_price", "no_tier_price", "no_usage", "reported_as_zero"
PARTS, NOT_KEPT = "parts_not_told", "not_kept"


@define
class Charge:
    """Calls of one kind: how many, what they used, what was reported for them and what was computed.

    Money is None where there were no such calls.
    """

    calls: int = 0
    reported_calls: int = 0
    reported: Decimal | None = None
    computed: Decimal | None = None
    used: dict[str, int] = Factory(dict)

    @property
    def cost(self) -> Decimal | None:
        """The sum."""
        return _sum(self.reported, self.computed)

    def add(self, counts: Counts, *, reported: Decimal | None = None, computed: Decimal | None = None) -> None:
        """Add calls and what they cost."""
        self.calls += counts["calls"]
        self.reported, self.computed = _sum(self.reported, reported), _sum(self.computed, computed)
        if reported is not None:
            self.reported_calls += counts["calls"]
        used = self.used
        for kind, count in counts.items():
            if count is not None and kind in USED:
                used[kind] = used.get(kind, 0) + count

    def take(self, other: Charge) -> None:
        """Add another one."""
        self.calls += other.calls
        self.reported_calls += other.reported_calls
        self.reported, self.computed = _sum(self.reported, other.reported), _sum(self.computed, other.computed)
        _add(self.used, other.used)

    def less(self, other: Charge) -> None:
        """Take away what another one has of it."""
        self.calls -= other.calls
        self.reported_calls -= other.reported_calls
        self.reported = _less(self.reported, other.reported, self.reported_calls)
        self.computed = _less(self.computed, other.computed, self.calls - self.reported_calls)
        left = {kind: count - other.used.get(kind, 0) for kind, count in self.used.items()}
        self.used = {kind: count for kind, count in left.items() if count}

    @property
    def empty(self) -> bool:
        """Whether there is nothing of it."""
        return not (self.calls or self.used or self.cost)


def _add(counts: dict[Any, int], more: Mapping[Any, int]) -> None:
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count


def _sum(money: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Return money of both, None where there was none of either."""
    if money is None or other is None:
        return other if money is None else money
    return money + other


def _less(money: Decimal | None, other: Decimal | None, calls: int) -> Decimal | None:
    """Return what is left of money, None where there was none, or where no calls are left that have any."""
    left = None if money is None else money - (other or 0)
    return left if left or calls else None


Named = tuple[str, str, str]  # provider, model, and a kind
Why = tuple[str, str, str, str]  # provider, model, a reason, and the tier of service that it is about


@define
class Costs:
    """What the calls of one group cost. `unpriced`: how much was used of kinds that have no price, in calls that do.

    `prices`: those that were used, by provider and model, each with how many calls. `below_cliff`: calls that were
    priced below the first threshold of their price, because their events stand for many; as `unpriced` by currency.
    `settled`: calls that reported a cost of 0 which a correction made known, by provider, model and currency; `settle`
    takes them out of those of which the cost is not known.
    """

    charges: dict[str, Charge] = Factory(dict)
    unknown: dict[Why, Charge] = Factory(dict)
    unpriced: dict[tuple[str, str, str, str], int] = Factory(dict)
    prices: dict[tuple[str, str, int], tuple[UnitPrices, int]] = Factory(dict)
    below_cliff: dict[str, int] = Factory(dict)
    settled: dict[Named, int] = Factory(dict)

    def charge(self, currency: str) -> Charge:
        """Return what is charged in a currency, to add to."""
        charge = self.charges.get(currency)
        if charge is None:
            charge = self.charges[currency] = Charge()
        return charge

    def leave_out(self, provider: str, model: str, reason: str, counts: Counts, tier: str = "") -> None:
        """Add calls of which the cost is not known."""
        self.unknown.setdefault((provider, model, reason, tier), Charge()).add(counts)

    def price(self, provider: str, model: str, prices: UnitPrices, counts: Counts, cost: Decimal) -> None:
        """Add calls that were priced."""
        self.charge(prices.currency).add(counts, computed=cost)
        key = (provider, model, id(prices))
        _, calls = self.prices.get(key, (prices, 0))
        self.prices[key] = (prices, calls + counts["calls"])

    def take(self, other: Costs) -> None:
        """Add another one."""
        for currency, charge in other.charges.items():
            self.charge(currency).take(charge)
        for why, charge in other.unknown.items():
            self.unknown.setdefault(why, Charge()).take(charge)
        for key, (prices, calls) in other.prices.items():
            self.prices[key] = (prices, calls + self.prices.get(key, (prices, 0))[1])
        if other.unpriced or other.below_cliff or other.settled:
            _add(self.unpriced, other.unpriced)
            _add(self.below_cliff, other.below_cliff)
            _add(self.settled, other.settled)

    def settle(self) -> None:
        """Take the calls that a correction made known out of those that are not known; what they used, with the last.

        A correction has none of what its call has, so it may be read apart from it.
        """
        if not (self.settled or self.unknown):
            return
        for (provider, model, currency), calls in self.settled.items():
            zero = self.unknown.setdefault((provider, model, ZERO, ""), Charge())
            not_kept = self.unknown.get((provider, model, NOT_KEPT, ""), Charge())
            of_those = min(max(calls - zero.calls, 0), not_kept.calls)
            not_kept.calls -= of_those
            zero.calls -= calls - of_those
            if not zero.calls:
                self.charge(currency).add({"calls": 0, **zero.used})
                zero.used = {}
        self.settled = {}
        self.unknown = {why: charge for why, charge in self.unknown.items() if not charge.empty}

    def only(self, currency: str) -> Costs:
        """Return what is known in a currency; of "", what is not known."""
        if not currency:
            return Costs(unknown=self.unknown)
        return Costs(
            charges={name: charge for name, charge in self.charges.items() if name == currency},
            unpriced={named: count for named, count in self.unpriced.items() if named[-1] == currency},
            prices={
                key: (prices, calls) for key, (prices, calls) in self.prices.items() if prices.currency == currency
            },
            below_cliff={name: calls for name, calls in self.below_cliff.items() if name == currency},
        )

    def less(self, other: Costs) -> None:
        """Take away the charges, known and unknown, of a part of it, before either is settled."""
        for currency, charge in other.charges.items():
            self.charge(currency).less(charge)
        for why, charge in other.unknown.items():
            self.unknown.setdefault(why, Charge()).less(charge)
        left = {named: calls - other.settled.get(named, 0) for named, calls in self.settled.items()}
        self.settled = {named: calls for named, calls in left.items() if calls}
        self.charges = {currency: charge for currency, charge in self.charges.items() if not charge.empty}
        self.unknown = {why: charge for why, charge in self.unknown.items() if not charge.empty}

    def prices_used(self) -> list[PriceUsed]:
        """Return the prices that calls were computed with, each once for a model, in the order of time."""
        used: dict[tuple[Any, ...], int] = {}
        for (provider, model, _), (prices, calls) in self.prices.items():
            terms = (prices.currency, prices.service_tier, prices.origin, prices.since, prices.unmeasured)
            key = (provider, model, *terms)
            used[key] = used.get(key, 0) + calls
        return [
            PriceUsed(
                provider=provider,
                model=model,
                currency=currency,
                calls=calls,
                version=origin.version,
                position=origin.position,
                since=since,
                unmeasured=unmeasured,
                entry=origin.entry,
                service_tier=service_tier,
            )
            for (provider, model, currency, service_tier, origin, since, unmeasured), calls in sorted(
                used.items(), key=_in_order
            )
        ]

    def by_currency(self) -> list[tuple[str, Charge]]:
        """Return what is known in each currency; "" is what is not known, which has no money."""
        return [*self.charges.items(), *([("", self.not_known())] if self.unknown else [])]

    def known(self) -> Charge:
        """Return all that is known, whatever the currency: calls and what they used; its money means nothing."""
        return _together(self.charges)

    def not_known(self) -> Charge:
        """Return all that is not known."""
        return _together(self.unknown)


def _in_order(used: tuple[tuple[Any, ...], int]) -> tuple[Any, ...]:
    """Order prices by model and time, the standard tier first: however calls were read, the answer is the same."""
    provider, model, currency, tier, origin, since, _ = used[0]
    places = (origin.position or 0, origin.entry or 0, origin.version or "")
    return (provider, model, "" if since is None else since.isoformat(), tier != STANDARD, tier, currency, *places)


def _together(charges: Mapping[Any, Charge]) -> Charge:
    whole = Charge()
    for charge in charges.values():
        whole.take(charge)
    return whole


def regrouped(parts: Mapping[tuple[Any, ...], Costs], key: Callable[[tuple[Any, ...]], Any]) -> dict[Any, Costs]:
    """Return the costs of groups by what a key makes of their own."""
    groups: dict[Any, Costs] = defaultdict(Costs)
    with localcontext(EXACT):
        for group, part in parts.items():
            groups[key(group)].take(part)
    return dict(groups)


def remaining(parts: Mapping[Any, Costs], taken: Mapping[Any, Costs]) -> dict[Any, Costs]:
    """Return what is left of groups without parts of them, of those of which anything is; changes the groups.

    Raises StoreDamaged for a part of a group that is none: the rows are not what was written.
    """
    with localcontext(EXACT):
        for group, part in taken.items():
            if group not in parts:
                raise StoreDamaged(path=HERE, problem=f"the rows of {group!r:.80} do not add up")
            parts[group].less(part)
    return {group: part for group, part in parts.items() if part.charges or part.unknown}


def together(parts: Mapping[Any, Costs]) -> Costs:
    """Return the costs of several groups as those of one."""
    return regrouped(parts, lambda _: ()).get((), Costs())
