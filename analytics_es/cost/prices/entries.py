"""Prices that somebody publishes: what an entry says, which calls it is about, and how it is written."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Mapping
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from attrs import evolve, field, frozen

from analytics_es.cost.prices.prices import Dated, Origin, PriceList, UnitPrice
from analytics_es.cost.prices.quantities import listed, side
from analytics_es.events.tiers import BATCH, STANDARD
from analytics_es.queries.figures import written

ANY = "*"
FREE_CURRENCY = "USD"


@frozen(kw_only=True)
class PriceEntry:
    """What calls of some models of a provider cost from a time on.

    `provider`, `model` and each of `aliases` are names as events have them, whatever the case, with `*` for anything.
    Either `prices` of one by kind, or `free`, or `multiplier`: so many times the default price. `batch`: the part of
    that which tokens cost in a batch; None where they cost the same, or what the default price says of batches.
    `service_tier`: the one tier that it is about; without one it is about calls of the standard tier and batches, and a
    multiplier, or that all is free, about every tier.
    """

    provider: str
    model: str
    aliases: tuple[str, ...] = ()
    currency: str | None
    effective_from: datetime
    effective_until: datetime | None = None
    hours: tuple[time, time] | None = None
    prices: Mapping[str, UnitPrice] = field(factory=dict)
    batch: Decimal | None = None
    free: bool = False
    multiplier: Decimal | None = None
    service_tier: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as it is read: texts, numbers and booleans alone."""
        plain: dict[str, Any] = {"provider": self.provider, "model": self.model, "aliases": list(self.aliases)}
        plain |= {
            "service_tier": self.service_tier,
            "currency": self.currency,
            "effective_from": _written(self.effective_from),
        }
        plain["effective_until"] = self.effective_until and _written(self.effective_until)
        plain["hours"] = [at.isoformat() for at in self.hours or ()]
        for kind, price in self.prices.items():
            plain.setdefault(logged_unit(kind), {})[kind] = _plain_price(kind, price)
        plain |= {"batch": _plain(self.batch), "free": self.free, "multiplier": _plain(self.multiplier)}
        return {name: value for name, value in plain.items() if value not in (None, [], False)}

    def names(self, provider: str | None, model: str) -> bool:
        """Say whether it is about a model of a provider, as an event names them."""
        return _fits(self.provider, provider or "") and any(_fits(name, model) for name in (self.model, *self.aliases))

    def is_of_tier(self, tier: str) -> bool:
        """Say whether it is about calls of a tier; of all tiers where it is free, or a multiple of what they cost."""
        if self.service_tier is not None:
            return self.service_tier == tier
        return self.free or self.multiplier is not None or tier in (STANDARD, BATCH)

    def is_of(self, provider: str) -> bool:
        """Say whether it is about models of a provider."""
        return _fits(self.provider, provider)

    @property
    def dated(self) -> Dated:
        """What it says itself, and when that holds."""
        return Dated(prices=self.prices, since=self.effective_from, until=self.effective_until, hours=self.hours)

    def price_list(
        self, provider: str | None, model: str, *, origin: Origin, default: PriceList | None
    ) -> PriceList | None:
        """Return what it makes the prices of a model; None for a multiple of a default price that is not known."""
        if self.multiplier is None:
            of_tier = {} if self.service_tier is None else {self.service_tier: (self.dated,)}
            return PriceList(
                provider=provider or "",
                model=model,
                currency=self.currency or FREE_CURRENCY,
                origin=origin,
                standard=(evolve(self.dated, prices={}) if of_tier else self.dated,),
                tiers=of_tier,
                batch_part=self.batch,
                free=self.free,
            )
        if default is None:
            return None
        return evolve(
            default,
            origin=evolve(origin, version=default.origin.version),
            standard=tuple(self._multiplied(dated, self.multiplier) for dated in default.standard),
            tiers={
                tier: tuple(self._multiplied(dated, self.multiplier) for dated in own)
                for tier, own in default.tiers.items()
            },
            batch_part=self.batch,
        )

    def _multiplied(self, dated: Dated, factor: Decimal) -> Dated:
        since = max(self.effective_from, dated.since or self.effective_from)
        prices = {kind: price.times(factor) for kind, price in dated.prices.items()}
        return evolve(dated, since=since, prices=prices)


def logged_unit(kind: str) -> str:
    """Return for how many the log has the price of a kind."""
    return "per_1k" if side(kind) == "other" else "per_mtok"


def _fits(pattern: str, name: str) -> bool:
    return pattern == ANY or _compiled(pattern).fullmatch(name.lower().strip()) is not None


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Only `*` is more than itself."""
    return re.compile(fnmatch.translate(re.sub(r"[\[?]", r"[\g<0>]", pattern.lower())))


# ── written ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(number: Decimal | None) -> str | None:
    return None if number is None else written(number)


def _plain_price(kind: str, price: UnitPrice) -> Any:
    base = _plain(listed(kind, price.base))
    tiers = [{"above": tier.above, "price": _plain(listed(kind, tier.price))} for tier in price.tiers]
    return {"base": base, "tiers": tiers} if tiers else base
