"""Prices: what one of each kind costs, since when, from where, and what a usage costs at them; exact, Decimal only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal, localcontext
from typing import Any, ClassVar

from attrs import evolve, frozen

from analytics_es.cost.prices.quantities import EXACT, KINDS, apart, changes, side, without_price
from analytics_es.events.tiers import BATCH, STANDARD
from analytics_es.queries.figures import trimmed
from analytics_es.types import Answer, Rows

_DAY = timedelta(days=1)


@frozen
class Tier:
    """What one costs in calls whose total input is above so many tokens."""

    above: int
    price: Decimal


@frozen
class UnitPrice:
    """What one costs. Above a tier's threshold all units of the call cost the tier's price, not only those above."""

    base: Decimal
    tiers: tuple[Tier, ...] = ()  # lowest threshold first

    def at(self, input_tokens: int) -> Decimal:
        """Return the price in a call with so much input in total, its parts included."""
        return next((tier.price for tier in reversed(self.tiers) if input_tokens > tier.above), self.base)

    def times(self, factor: Decimal) -> UnitPrice:
        """Return this price multiplied."""
        with localcontext(EXACT):
            tiers = tuple(evolve(tier, price=tier.price * factor) for tier in self.tiers)
            return UnitPrice(self.base * factor, tiers)


@frozen(kw_only=True)
class Origin:
    """Where a price is from: a `version` of the package genai-prices, or, published, a `position` of the log, or both.

    Both: the price published there is a multiple of the package's. One that is only supposed to be published has an
    `entry` in the place of a position: which of the supposed ones it is, from 1.
    """

    version: str | None = None
    position: int | None = None
    entry: int | None = None


@frozen(kw_only=True)
class Cost:
    """What a usage costs. `other` is neither input nor output: requests and searches.

    `unpriced` names what was used and has no price: it is not in the sums.
    """

    input: Decimal
    output: Decimal
    other: Decimal
    currency: str
    unpriced: tuple[str, ...] = ()

    @property
    def total(self) -> Decimal:
        """The sum."""
        with localcontext(EXACT):
            return trimmed(self.input + self.output + self.other)


@frozen(kw_only=True, repr=False)
class UnitPrices(Answer):
    """What calls of a model cost at a time: the price of one, by kind (`quantities.KINDS`).

    A kind without a price costs what the kind costs that it lies in. `provider` and `model` are named as where the
    price is from. `service_tier`: of which tier of service they are; `batch`: of batches. `since`: when it came into
    force, None where that is not known. `free`: it was declared so. `unmeasured` names what is charged for on top, and
    no event tells.
    """

    _TABLES: ClassVar[Mapping[str, Rows]] = {
        "prices": Rows("prices", of=("provider", "model", "currency"), named="kind"),
        "tiers": Rows("prices.tiers", of=("provider", "model", "currency"), named="kind"),
    }

    provider: str
    model: str
    currency: str
    prices: Mapping[str, UnitPrice]
    origin: Origin
    batch: bool = False
    since: datetime | None = None
    free: bool = False
    unmeasured: tuple[str, ...] = ()
    service_tier: str = STANDARD

    @property
    def thresholds(self) -> tuple[int, ...]:
        """The numbers of input tokens above which prices change, lowest first."""
        return tuple(sorted({tier.above for price in self.prices.values() for tier in price.tiers}))

    def charges_as(self, other: UnitPrices) -> bool:
        """Say whether another one is the same, but for the tier that it is of."""
        return evolve(other, batch=self.batch, service_tier=self.service_tier) == self

    def cost(self, usage: Mapping[str, Any], *, band: int | None = None) -> Cost | None:
        """Return the cost of one call's usage, a mapping of kinds to counts that may hold other things, too.

        Or of many calls' sums, with `requests`, how many they are; then all are of one `band`: input tokens of any one
        call, which decides on tiers, and is taken to be above no threshold where it is not given. None where nothing
        that was used has a price. Raises BadUsage.
        """
        counts = {"requests": 1, **usage}
        if self.free:
            return Cost(input=Decimal(0), output=Decimal(0), other=Decimal(0), currency=self.currency)
        sums = {"input": Decimal(0), "output": Decimal(0), "other": Decimal(0)}
        alone = apart(self.prices, counts)
        unpriced = without_price(self.prices, usage)
        if not self.prices or (unpriced and not any(alone.values())):
            return None
        if band is None:
            band = 0 if counts["requests"] > 1 else counts.get("input_tokens", 0)
        with localcontext(EXACT):
            for kind, count in alone.items():
                sums[side(kind)] += self.prices[kind].at(band) * count
        return Cost(**{name: trimmed(cost) for name, cost in sums.items()}, currency=self.currency, unpriced=unpriced)

    def rate(self, band: int) -> Rate:
        """Return what calls with so much input each cost, as one factor for each count."""
        factors: dict[str, Decimal] = {}
        with localcontext(EXACT):
            for kind, signs in changes(tuple(self.prices)).items():
                factors[kind] = sum((self.prices[whole].at(band) * sign for whole, sign in signs.items()), Decimal(0))
        missing = () if self.free else without_price(self.prices, dict.fromkeys(KINDS, 1))
        return Rate(self, tuple((kind, factor) for kind, factor in factors.items() if factor), missing)


@frozen
class Rate:
    """What calls cost that have the same prices: counts of kinds times `factors`, however many calls they sum up.

    `missing`: the kinds that have no price.
    """

    prices: UnitPrices
    factors: tuple[tuple[str, Decimal], ...]
    missing: tuple[str, ...] = ()

    def of(self, counts: Mapping[str, Any]) -> Decimal:
        """Return what these counts cost, None standing for 0; exact in the context `quantities.EXACT`."""
        cost = Decimal(0)
        for kind, factor in self.factors:
            if count := counts.get(kind):
                cost += factor * count
        return cost

    def unpriced(self, counts: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the kinds that were used and have no price."""
        return tuple(kind for kind in self.missing if counts.get(kind))


@frozen(kw_only=True)
class Dated:
    """Prices and when they hold: from `since` until `until`, and at these hours of a day (UTC, may pass midnight)."""

    prices: Mapping[str, UnitPrice]
    since: datetime | None = None
    until: datetime | None = None
    hours: tuple[time, time] | None = None

    def holds(self, at: datetime) -> bool:
        """Say whether they hold at a time, given in UTC."""
        if (self.since and at < self.since) or (self.until and at >= self.until):
            return False
        return self.hours is None or _within(self.hours, at.time())

    def turns(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield when, within (start, end), these prices may begin or cease to hold, in no order."""
        instants = [bound for bound in (self.since, self.until) if bound]
        if self.hours:
            days = [start.date() + number * _DAY for number in range((end - start).days + 2)]
            instants += [datetime.combine(day, at, UTC) for day in days for at in self.hours]
        yield from (instant for instant in instants if start < instant < end)


def _within(hours: tuple[time, time], at: time) -> bool:
    first, last = hours
    return first <= at < last if first <= last else at >= first or at < last


@frozen(kw_only=True)
class PriceList:
    """All prices of one model: of `standard`, the last one that holds is in force, and where none does the first.

    In a tier of service, a kind costs what the first of its `tiers` says that holds and names it, else the same. In a
    batch, tokens cost `batch_part` of the standard price, where there is one; a batch that nothing is said of costs the
    same. Any other tier that nothing is said of has no price, unless all is `free`.
    """

    provider: str
    model: str
    currency: str
    origin: Origin
    standard: tuple[Dated, ...]
    tiers: Mapping[str, tuple[Dated, ...]] = {}
    batch_part: Decimal | None = None
    free: bool = False
    unmeasured: tuple[str, ...] = ()

    def at(self, at: datetime, *, tier: str = STANDARD) -> UnitPrices | None:
        """Return what is in force at a time, given in UTC; None where nothing has a price, or that tier has none."""
        batch = tier == BATCH
        standard = next((dated for dated in reversed(self.standard) if dated.holds(at)), self.standard[0])
        in_part = batch and self.batch_part is not None
        own = [] if in_part else [dated for dated in self.tiers.get(tier, ()) if dated.holds(at)]
        prices = {kind: price for dated in (standard, *reversed(own)) for kind, price in dated.prices.items()}
        if not self.free and not (prices and (own or tier in (STANDARD, BATCH))):
            return None
        return UnitPrices(
            provider=self.provider,
            model=self.model,
            currency=self.currency,
            prices=self._in_part(prices) if batch else prices,
            origin=self.origin,
            batch=batch,
            since=max((dated.since for dated in (standard, *own) if dated.since), default=None),
            free=self.free,
            unmeasured=self.unmeasured,
            service_tier=tier,
        )

    def _in_part(self, prices: dict[str, UnitPrice]) -> dict[str, UnitPrice]:
        """Requests and searches cost the same in a batch."""
        part = self.batch_part
        if part is None:
            return prices
        return {kind: price if side(kind) == "other" else price.times(part) for kind, price in prices.items()}

    def turns(self, start: datetime, end: datetime) -> set[datetime]:
        """Return when, within (start, end), prices may change."""
        own = (dated for tier in self.tiers.values() for dated in tier)
        return {instant for dated in (*self.standard, *own) for instant in dated.turns(start, end)}
