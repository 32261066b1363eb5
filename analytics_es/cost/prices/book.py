"""The price book: published prices before the default ones, asked for one call, a time, or a stretch of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import product
from typing import Any, NamedTuple

from attrs import evolve, field, frozen

from analytics_es.cost.prices.entries import PriceEntry
from analytics_es.cost.prices.listing import published_prices
from analytics_es.cost.prices.prices import Cost, Origin, PriceList, UnitPrices
from analytics_es.errors import BadUsage, NaiveTime, NoSuchTable
from analytics_es.events.tiers import BATCH, STANDARD, tier
from analytics_es.types import Table, Tabular
from analytics_es.types.arguments import naming_arguments

REMEMBERED = 4096  # models that were asked for
WORKED_OUT = 20_000  # rates, turns and verdicts

Find = Callable[[str | None, str], PriceList | None]


def _nothing(provider: str | None, model: str) -> None:
    return None


class Published(NamedTuple):
    """An entry, and where in the log it is; None for one that is only supposed to be published, which has a number."""

    position: int | None
    entry: PriceEntry
    number: int | None = None

    @property
    def origin(self) -> Origin:
        """Where its prices are from."""
        return Origin(position=self.position, entry=self.number)


class Spell(NamedTuple):
    """A stretch of time [start, end) in which a price does not change; None where there is no price."""

    start: datetime
    end: datetime
    prices: UnitPrices | None


@frozen(kw_only=True, repr=False)
class PriceBook(Tabular):
    """Prices as they are known at a place in the log.

    Of the `published` entries that are about a model and hold at a time, the one published last is in force; where
    there is none, what `default` finds. `unread` are the positions of entries that this version cannot read.
    """

    published: tuple[Published, ...] = ()  # by position
    default: Find = field(default=_nothing, repr=False)
    unread: tuple[int, ...] = ()
    _remembered: dict[tuple[str | None, str], list[_Candidate]] = field(factory=dict, init=False, eq=False, repr=False)
    _worked_out: dict[Any, Any] = field(factory=dict, init=False, eq=False, repr=False)

    def tables(self) -> list[str]:
        """Return the name of its one table."""
        return ["published"]

    def table(self, name: str | None = None) -> Table:
        """Return what was published, a row for each kind of usage."""
        if name not in (None, "rows", "published"):
            raise NoSuchTable(name=name, kind="PriceBook", names="published")
        return published_prices((price.position, price.entry) for price in self.published).table()

    @naming_arguments
    def upto(self, position: int) -> PriceBook:
        """Return the book as it was known at a position of the log."""
        published = tuple(entry for entry in self.published if entry.position and entry.position <= position)
        return evolve(self, published=published, unread=tuple(at for at in self.unread if at <= position))

    @naming_arguments
    def as_if(self, entries: Iterable[PriceEntry]) -> PriceBook:
        """Return the book as it would be if these entries were published now."""
        supposed = (Published(None, entry, number) for number, entry in enumerate(entries, 1))
        return evolve(self, published=(*self.published, *supposed))

    def worked_out(self) -> dict[Any, Any]:
        """Return what was worked out of these prices until now, by what it is of, to be added to."""
        if len(self._worked_out) > WORKED_OUT:
            self._worked_out.clear()
        return self._worked_out

    @naming_arguments
    def prices_at(
        self,
        provider: str | None,
        model: str,
        at: datetime,
        *,
        batch: bool = False,
        service_tier: str | None = None,
    ) -> UnitPrices | None:
        """Return the prices of a tier in force at a time; None where nobody knows one, which never means 0.

        Raises BadUsage for a tier of service that is none, and for another one than `batch` says.
        """
        return _prices(self._about(provider, model), _utc(at), tier_of(service_tier, batch=batch))

    @naming_arguments
    def cost_of(self, usage: Mapping[str, Any], provider: str | None, model: str, at: datetime) -> Cost | None:
        """Return what one call costs, of which `usage` says how much of what it used, as the data of its event does.

        None where nobody knows a price. Raises BadUsage for what contradicts itself.
        """
        batch, service_tier = bool(usage.get("batch")), usage.get("service_tier")
        prices = self.prices_at(provider, model, at, batch=batch, service_tier=service_tier)
        return prices.cost(usage) if prices else None

    @naming_arguments
    def spells(
        self, provider: str | None, model: str, start: datetime, end: datetime, *, service_tier: str = STANDARD
    ) -> Iterator[Spell]:
        """Yield what is in force within [start, end), as few and as long stretches of time as there can be, in UTC."""
        return self._spells(self._about(provider, model), _utc(start), _utc(end), service_tier)

    def _spells(self, candidates: Sequence[Any], first: datetime, last: datetime, service_tier: str) -> Iterator[Spell]:
        spell: Spell | None = None
        for turn in sorted({first, *(turn for candidate in candidates for turn in candidate.turns(first, last))}):
            prices = _prices(candidates, turn, service_tier)
            if spell and not _same(spell.prices, prices):
                yield spell._replace(end=turn)
                spell = None
            spell = spell or Spell(turn, last, prices)
        if spell:
            yield spell

    @naming_arguments
    def bounds(
        self,
        provider: str | None,
        model: str,
        start: datetime,
        end: datetime,
        tiers: Sequence[str] | None = None,
    ) -> list[datetime]:
        """Return the instants within (start, end) at which the price of a call changes, of some tiers or of any."""
        spells = self._spells_of(provider, model, start, end, tiers)
        return sorted({spell.start for spell in spells} - {_utc(start)})

    @naming_arguments
    def thresholds(
        self,
        provider: str | None,
        model: str,
        start: datetime,
        end: datetime,
        tiers: Sequence[str] | None = None,
    ) -> list[int]:
        """Return the numbers of input tokens above which the price of a call within [start, end) changes."""
        spells = self._spells_of(provider, model, start, end, tiers)
        return sorted({threshold for spell in spells if spell.prices for threshold in spell.prices.thresholds})

    def _spells_of(
        self, provider: str | None, model: str, start: datetime, end: datetime, tiers: Sequence[str] | None
    ) -> Iterator[Spell]:
        for name in self.tiers(provider, model) if tiers is None else tiers:
            yield from self.spells(provider, model, start, end, service_tier=name)

    @naming_arguments
    def tiers(self, provider: str | None, model: str) -> list[str]:
        """Return the tiers of which anything is said of a model: the standard one and batches always are."""
        named = {tier for candidate in self._about(provider, model) for tier in candidate.prices.tiers}
        return [STANDARD, BATCH, *sorted(named - {STANDARD, BATCH})]

    def _about(self, provider: str | None, model: str) -> list[_Candidate]:
        """Return what may be in force for a model, what goes before the rest first."""
        candidates = self._remembered.get((provider, model))
        if candidates is None:
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            candidates = self._remembered[provider, model] = self._look_up(provider, model)
        return candidates

    def _look_up(self, provider: str | None, model: str) -> list[_Candidate]:
        listed = self.default(provider, model)
        providers = {provider, listed.provider if listed else provider}
        models = {model, listed.model if listed else model}
        chosen = [
            _Candidate(published.entry, prices)
            for published in reversed(self.published)
            if any(published.entry.names(*names) for names in product(providers, models))
            if (prices := published.entry.price_list(provider, model, origin=published.origin, default=listed))
        ]
        return [*chosen, _Candidate(None, listed)] if listed else chosen


class _Candidate(NamedTuple):
    """Prices that are in force where their entry holds, those without one always."""

    entry: PriceEntry | None
    prices: PriceList

    def at(self, at: datetime, tier: str) -> UnitPrices | None:
        if self.entry and not (self.entry.is_of_tier(tier) and self.entry.dated.holds(at)):
            return None
        return self.prices.at(at, tier=tier)

    def turns(self, start: datetime, end: datetime) -> set[datetime]:
        own = self.entry.dated.turns(start, end) if self.entry else ()
        return self.prices.turns(start, end).union(own)


def tier_of(service_tier: str | None, *, batch: bool = False) -> str:
    """Return the tier of a call in one word: its own, else that of batches or the standard one; raises BadUsage."""
    word = tier(service_tier) if isinstance(service_tier, str) else STANDARD
    if not word or not isinstance(service_tier, str | None) or (batch and word not in (STANDARD, BATCH)):
        raise BadUsage(problem=f"service_tier is {service_tier!r:.40}" + (", and batch is true" if batch else ""))
    return BATCH if batch else word


def _prices(candidates: Sequence[_Candidate], at: datetime, tier: str) -> UnitPrices | None:
    return next((prices for candidate in candidates if (prices := candidate.at(at, tier))), None)


def _same(one: UnitPrices | None, other: UnitPrices | None) -> bool:
    """Say whether two prices charge the same, wherever they are from."""
    if one is None or other is None:
        return one is other
    return (one.prices, one.currency, one.free) == (other.prices, other.currency, other.free)


def _utc(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise NaiveTime(value=at)
    return at.astimezone(UTC)
