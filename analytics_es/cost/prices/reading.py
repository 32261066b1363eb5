"""Published prices as they come: plain data of files, of callers and of the log, checked and made into entries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, time
from decimal import Context, Decimal, InvalidOperation
from difflib import get_close_matches
from itertools import combinations, pairwise
from typing import Any

from attrs import frozen

from analytics_es.cost.prices.entries import ANY, PriceEntry, logged_unit
from analytics_es.cost.prices.prices import Tier, UnitPrice
from analytics_es.cost.prices.quantities import EXACT, KINDS, both, wholes
from analytics_es.errors import BadPrice
from analytics_es.events.checks import MAX_INTEGER, MAX_TEXT, kind_of, shown
from analytics_es.events.event import EARLIEST, LATEST
from analytics_es.events.tiers import LONGEST, STANDARD, tier

DECIMALS = 12
HIGHEST = Decimal(10) ** 12
MOST = 100  # of aliases, and of tiers of a price

# For how many, as a power of ten, a price is given, and of which kinds.
_UNITS = {"per_mtok": (6, "tokens"), "per_1k": (3, ""), "each": (0, "")}
_NAMES = ("provider", "model", "aliases", "currency", "effective_from", "effective_until", "hours")
_ALL = (*_NAMES, *_UNITS, "batch", "free", "multiplier", "service_tier")
_CURRENCY = re.compile(r"[A-Z]{3}")
_LEAST, _WIDE = Decimal(1).scaleb(-DECIMALS), Context(prec=60)


def read_entry(table: Any, *, where: str = "a price") -> PriceEntry:
    """Read an entry from what TOML or JSON says of it, or a mapping of the same shape; raises BadPrice."""
    return _Reader(where).entry(table)


@frozen
class _Reader:
    """Reads one entry; what is wrong is told with `where` it is."""

    where: str

    def wrong(self, problem: str) -> BadPrice:
        return BadPrice(where=self.where, problem=problem)

    def entry(self, table: Any) -> PriceEntry:
        if not isinstance(table, Mapping):
            raise self.wrong(f"an entry maps names to values, this is {kind_of(table)}")
        fields = {name: value for name, value in table.items() if value is not None}
        self._check_names(fields, _ALL)
        prices, free, multiplier = self._way(fields)
        since, until = self._time(fields, "effective_from"), self._time(fields, "effective_until")
        if since is None:
            raise self.wrong("effective_from is missing: the time from which it holds")
        if until and until <= since:
            raise self.wrong("effective_until must be after effective_from")
        return PriceEntry(
            provider=self._pattern("provider", fields.get("provider", ANY)),
            model=self._pattern("model", fields.get("model")),
            aliases=self._aliases(fields.get("aliases", ())),
            currency=self._currency(fields.get("currency"), needed=bool(prices), refused=multiplier is not None),
            effective_from=since,
            effective_until=until,
            hours=self._hours(fields.get("hours", ())),
            prices=prices,
            batch=self._batch(fields, free=free),
            free=free,
            multiplier=multiplier,
            service_tier=self._tier_of(fields),
        )

    def _way(self, fields: Mapping[str, Any]) -> tuple[dict[str, UnitPrice], bool, Decimal | None]:
        """Read the one of three ways to say what something costs."""
        prices, free, multiplier = self._prices(fields), fields.get("free", False), fields.get("multiplier")
        if not isinstance(free, bool):
            raise self.wrong(f"free must be true or false, not {shown(free)}")
        if bool(prices) + free + (multiplier is not None) != 1:
            raise self.wrong("say one of prices (per_mtok, per_1k, each), free = true, or multiplier")
        factor = None if multiplier is None else self._decimal("multiplier", multiplier)
        if factor == 0 or (prices and not any(map(_charges, prices.values()))):
            raise self.wrong("nothing costs anything: say so by free = true")
        return prices, free, factor

    def _check_names(self, names: Iterable[Any], allowed: Sequence[str], within: str = "") -> None:
        for name in names:
            if name not in allowed:
                begun = [one for one in allowed if len(str(name)) > 2 and one.startswith(str(name))]
                close = begun or get_close_matches(str(name), allowed, 1, 0.7)
                hint = f": did you mean {close[0]}?" if close else f": use {', '.join(allowed)}"
                raise self.wrong(f"{within}{shown(name)} is not known{hint}")

    def _pattern(self, name: str, value: Any) -> str:
        if not isinstance(value, str) or not 0 < len(value.strip()) <= MAX_TEXT:
            raise self.wrong(f"{name} must be a text of 1 to {MAX_TEXT} characters, not {shown(value)}")
        return value.strip()

    def _aliases(self, aliases: Any) -> tuple[str, ...]:
        if not isinstance(aliases, list | tuple) or len(aliases) > MOST:
            raise self.wrong(f"aliases must be a list of at most {MOST} texts, not {shown(aliases)}")
        return tuple(self._pattern("an alias", alias) for alias in aliases)

    def _currency(self, value: Any, *, needed: bool, refused: bool) -> str | None:
        if refused and value is not None:
            raise self.wrong("a multiplier has the currency of the default price: leave currency out")
        if value is None and not needed:
            return None
        if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
            raise self.wrong(f"currency must be an ISO 4217 code such as USD, not {shown(value)}")
        return value

    def _time(self, fields: Mapping[str, Any], name: str) -> datetime | None:
        value = fields.get(name)
        if value is None:
            return None
        if isinstance(value, str):
            with suppress(ValueError):
                value = datetime.fromisoformat(value)
        if not isinstance(value, datetime) or value.utcoffset() is None:
            raise self.wrong(f"{name} must be a time with its zone, such as 2026-01-01T00:00:00Z, not {shown(value)}")
        if not EARLIEST <= value < LATEST:
            raise self.wrong(f"{name} is outside the years {EARLIEST.year} to {LATEST.year - 1}")
        return value.astimezone(UTC)

    def _hours(self, value: Any) -> tuple[time, time] | None:
        if value in ((), []):
            return None
        if isinstance(value, list | tuple) and len(value) == 2:
            first, last = map(_time_of_day, value)
            if first is not None and last is not None and first != last:
                return first, last
        raise self.wrong(f'hours must be two times of the day in UTC, such as ["16:30", "00:30"], not {shown(value)}')

    def _tier_of(self, fields: Mapping[str, Any]) -> str | None:
        """Read the tier of service; the standard one is that of an entry that names none."""
        value = fields.get("service_tier", "")
        word = tier(value) if isinstance(value, str) else ""
        if value != "" and not 0 < len(word) <= LONGEST:
            raise self.wrong(f"service_tier must name a tier such as flex, not {shown(value)}")
        if word in ("", STANDARD):
            return None
        if "batch" in fields:
            raise self.wrong("batch is a part of the standard price: leave it out, or leave service_tier out")
        return word

    def _batch(self, fields: Mapping[str, Any], *, free: bool) -> Decimal | None:
        if "batch" not in fields:
            return None
        if free:
            raise self.wrong("what is free costs nothing in a batch, too: leave batch out")
        return self._decimal("batch", fields["batch"])

    # ── prices ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _prices(self, fields: Mapping[str, Any]) -> dict[str, UnitPrice]:
        prices: dict[str, UnitPrice] = {}
        for unit, (power, ending) in _UNITS.items():
            listed = fields.get(unit, {})
            if not isinstance(listed, Mapping):
                raise self.wrong(f"{unit} maps kinds to prices, this is {kind_of(listed)}")
            for kind, price in listed.items():
                self._check_names([kind], [name for name in KINDS if ending in name], f"{unit}: ")
                if kind in prices:
                    raise self.wrong(f"{kind} has two prices")
                prices[kind] = self._price(kind, price, power)
        self._check_covered(prices)
        return prices

    def _check_covered(self, prices: Mapping[str, UnitPrice]) -> None:
        for kind in prices:
            missing = [whole for whole in wholes(kind) if whole not in prices]
            if missing:
                raise self.wrong(f"{kind} has a price, but {missing[0]}, which it is a part of, has none")
        for one, other in combinations(prices, 2):
            joint = both(one, other)
            if joint and joint not in prices:
                raise self.wrong(f"{one} and {other} have prices, but {joint}, which is both, has none")

    def _price(self, kind: str, price: Any, power: int) -> UnitPrice:
        if not isinstance(price, Mapping):
            return UnitPrice(self._of_one(kind, price, power))
        self._check_names(price, ("base", "tiers"), f"{kind}: ")
        listed = price.get("tiers", [])
        if not isinstance(listed, list | tuple) or len(listed) > MOST:
            raise self.wrong(f"{kind}: tiers must be a list of at most {MOST}")
        tiers = tuple(self._tier(kind, tier, power) for tier in listed)
        if any(lower.above >= higher.above for lower, higher in pairwise(tiers)):
            raise self.wrong(f"{kind}: tiers must be in order, the lowest threshold first")
        return UnitPrice(self._of_one(kind, price.get("base"), power), tiers)

    def _tier(self, kind: str, tier: Any, power: int) -> Tier:
        if not isinstance(tier, Mapping):
            raise self.wrong(f"{kind}: a tier has above and price, this is {kind_of(tier)}")
        self._check_names(tier, ("above", "price"), f"{kind}: ")
        above = tier.get("above")
        if type(above) is not int or not 0 < above <= MAX_INTEGER:
            raise self.wrong(f"{kind}: above must be a whole number of input tokens, not {shown(above)}")
        return Tier(above, self._of_one(kind, tier.get("price"), power))

    def _of_one(self, kind: str, price: Any, power: int) -> Decimal:
        """Read a price, and return that of one; as it is written to the log, it must be readable too."""
        one = EXACT.scaleb(self._decimal(kind, price), -power)
        written = logged_unit(kind)
        if EXACT.scaleb(one, _UNITS[written][0]) > HIGHEST:
            raise self.wrong(f"{kind} must be at most {HIGHEST:.0e} {written}, not {shown(price)} for {10**power:,}")
        return one

    def _decimal(self, name: str, number: Any) -> Decimal:
        """Read a number that is exact: a float is not."""
        if isinstance(number, str):
            try:
                number = Decimal(number)
            except InvalidOperation:
                raise self.wrong(f"{name} must be a number, not {shown(number)}") from None
        if type(number) is int and abs(number) <= HIGHEST:
            number = Decimal(number)
        if type(number) is not Decimal:
            raise self.wrong(f"{name} must be a number as text or Decimal, not {kind_of(number)}")
        if not number.is_finite() or not 0 <= number <= HIGHEST:
            raise self.wrong(f"{name} must be between 0 and {HIGHEST:.0e}, not {shown(number)}")
        rounded = _WIDE.quantize(number, _LEAST)
        if rounded != number:
            raise self.wrong(f"{name} has more than {DECIMALS} decimals: {shown(number)}")
        return rounded.normalize(EXACT)


def _charges(price: UnitPrice) -> bool:
    return bool(price.base) or any(tier.price for tier in price.tiers)


def _time_of_day(value: Any) -> time | None:
    """Read a time of day without a zone, which is UTC; None for what is none."""
    if isinstance(value, str):
        try:
            value = time.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, time) and value.tzinfo is None else None
