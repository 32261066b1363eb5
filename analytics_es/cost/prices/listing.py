"""Prices as rows: one for each kind of usage, and for each number of input tokens above which it costs otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from attrs import frozen

from analytics_es.cost.prices.entries import PriceEntry
from analytics_es.cost.prices.prices import UnitPrice, UnitPrices
from analytics_es.types import Listing


@frozen(kw_only=True)
class ListedPrice:
    """What one of a kind costs, or what an entry says that has no price of a kind.

    position: of the published entry in the log; None for a default price.
    version: of genai-prices, for a default price; None for others.
    provider: whose model it is.
    model: which one, or a pattern for several.
    aliases: other names of it.
    service_tier: the tier that it is about; None for the standard one and batches.
    currency: of the price; None for a multiplier.
    effective_from: when it comes into force, in UTC; None where that is not known.
    effective_until: when it ends, in UTC; None for no end.
    hours: the hours of a day that it is about, in UTC; None for all.
    kind: what is charged for, such as `input_tokens`; None for what is free, or a multiple.
    above: of calls with more input tokens than this; None for all.
    price: of one; None for what is free, or a multiple.
    batch: the part of it that one costs in a batch; None where that is not said.
    free: nothing is charged.
    multiplier: so many times the default price; None for a price of its own.
    """

    position: int | None
    version: str | None
    provider: str
    model: str
    aliases: tuple[str, ...]
    service_tier: str | None
    currency: str | None
    effective_from: datetime | None
    effective_until: datetime | None
    hours: str | None
    kind: str | None
    above: int | None
    price: Decimal | None
    batch: Decimal | None
    free: bool
    multiplier: Decimal | None


def published_prices(entries: Iterable[tuple[int | None, PriceEntry]]) -> Listing[ListedPrice]:
    """Return the prices of entries, each with its position in the log."""
    return Listing((row for position, entry in entries for row in _of_entry(position, entry)), of=ListedPrice)


def default_prices(prices: Iterable[UnitPrices]) -> Listing[ListedPrice]:
    """Return prices of genai-prices."""
    return Listing((row for model in prices for row in _of_model(model)), of=ListedPrice)


def _of_entry(position: int | None, entry: PriceEntry) -> Iterator[ListedPrice]:
    hours = "-".join(at.isoformat("minutes") for at in entry.hours or ()) or None
    for kind, above, price in _steps(entry.prices):
        yield ListedPrice(
            position=position,
            version=None,
            provider=entry.provider,
            model=entry.model,
            aliases=entry.aliases,
            service_tier=entry.service_tier,
            currency=entry.currency,
            effective_from=entry.effective_from,
            effective_until=entry.effective_until,
            hours=hours,
            kind=kind,
            above=above,
            price=price,
            batch=entry.batch,
            free=entry.free,
            multiplier=entry.multiplier,
        )


def _of_model(prices: UnitPrices) -> Iterator[ListedPrice]:
    for kind, above, price in _steps(prices.prices):
        yield ListedPrice(
            position=prices.origin.position,
            version=prices.origin.version,
            provider=prices.provider,
            model=prices.model,
            aliases=(),
            service_tier=prices.service_tier,
            currency=prices.currency,
            effective_from=prices.since,
            effective_until=None,
            hours=None,
            kind=kind,
            above=above,
            price=price,
            batch=None,
            free=prices.free,
            multiplier=None,
        )


def _steps(prices: Mapping[str, UnitPrice]) -> Iterator[tuple[str | None, int | None, Decimal | None]]:
    """Yield kind, threshold and price; what has no prices of its own is one row, too."""
    for kind, price in prices.items():
        yield kind, None, price.base
        for tier in price.tiers:
            yield kind, tier.above, tier.price
    if not prices:
        yield None, None, None
