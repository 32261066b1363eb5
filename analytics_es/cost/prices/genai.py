"""The default prices: the data that the package genai-prices brings along. What it could fetch is never asked for."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from decimal import Decimal
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from attrs import frozen

from analytics_es.cost.prices.prices import Dated, Origin, PriceList, Tier, UnitPrice
from analytics_es.cost.prices.quantities import EXACT
from analytics_es.errors import MissingExtra
from analytics_es.events.tiers import STANDARD, tier

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import (
        ConditionalPrice,
        ModelInfo,
        ModelPrice,
        PriceVariant,
        StartDateConstraint,
        TieredPrices,
        TimeOfDateConstraint,
    )

PACKAGE = "genai-prices"
INSTALL = "pip install 'analytics-es[prices]'"
CURRENCY = "USD"
# By what prices of a tier are told there, and what tells nothing else than a tier.
_TIERS = ("service_tier", "speed", "processing")
REMEMBERED = 4096  # models as events name them

# What prices are called there, what we call what they are for, and for ten to the power of how many of these they are.
_KINDS = {
    "input_mtok": ("input_tokens", 6),
    "cache_read_mtok": ("cache_read_tokens", 6),
    "cache_write_mtok": ("cache_creation_tokens", 6),
    "cache_write_1h_mtok": ("cache_creation_1h_tokens", 6),
    "input_audio_mtok": ("input_audio_tokens", 6),
    "cache_audio_read_mtok": ("cache_read_audio_tokens", 6),
    "input_image_mtok": ("input_image_tokens", 6),
    "cache_image_read_mtok": ("cache_read_image_tokens", 6),
    "output_mtok": ("output_tokens", 6),
    "output_reasoning_mtok": ("reasoning_tokens", 6),
    "output_audio_mtok": ("output_audio_tokens", 6),
    "output_image_mtok": ("output_image_tokens", 6),
    "web_searches_kcount": ("searches", 3),
    "requests_kcount": ("requests", 3),
}
# OpenTelemetry's names of providers that it does not know, or takes for another.
_PROVIDERS: dict[str, str] = {
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "gcp.gen_ai": "google",
    "x_ai": "x-ai",
    **dict.fromkeys(("fireworks_ai", "fireworks-ai"), "fireworks"),
    "togetherai": "together_ai",
}


@frozen(kw_only=True)
class Edition:
    """Which prices these are: the package's version, and a SHA-256 of its data, which may be another at one version."""

    version: str
    digest: str


def installed() -> bool:
    """Say whether the package is there."""
    return find_spec("genai_prices") is not None


@functools.cache
def edition() -> Edition:
    """Say which prices the package brings; nothing is loaded. Raises MissingExtra."""
    if not installed():
        raise MissingExtra(package=PACKAGE, extra="prices")
    from importlib import metadata, resources  # they bring the readers of mail along

    files = [resources.files("genai_prices").joinpath(name).read_bytes() for name in ("data.py", "data_units.py")]
    return Edition(version=metadata.version(PACKAGE), digest=hashlib.sha256(b"".join(files)).hexdigest())


@functools.cache
def _snapshot() -> DataSnapshot:
    """Load the data that came with the package, whatever an application may have made it fetch."""
    if not installed():
        raise MissingExtra(package=PACKAGE, extra="prices")
    from genai_prices.data import providers
    from genai_prices.data_snapshot import DataSnapshot

    return DataSnapshot(providers=providers, from_auto_update=False)


@functools.lru_cache(maxsize=REMEMBERED)
def find(provider: str | None, model: str) -> PriceList | None:
    """Return the prices of a model as an event names it; None where it is not known. Raises MissingExtra.

    Names are matched as the package matches them: aliases and dated snapshots of models, spellings of providers; where
    no provider is named, the first one whose models have such names.
    """
    if (
        ":custom-model/" in model
    ):  # Bedrock's of one's own, paid by the hour; the one that it was made of is in its name
        return None
    try:
        owner, info = _snapshot().find_provider_model(model, None, _named(provider), None)
    except LookupError:
        return None
    # An offer of another's models has that one's prices, but not those of tiers.
    return _price_list(owner.id, info, tiers=any(info is own for own in owner.models))


def models(provider: str | None = None) -> Iterator[PriceList]:
    """Yield all models of a provider as an event names it, or of all; nothing where it is not known."""
    snapshot, named = _snapshot(), _named(provider)
    try:
        owners = snapshot.providers if named is None else [snapshot.find_provider(None, named, None)]
    except LookupError:
        return
    yield from (_price_list(owner.id, info, tiers=True) for owner in owners for info in owner.models)


def names(provider: str | None = None) -> set[str]:
    """Return the names of the models of a provider, or of all."""
    return {listed.model for listed in models(provider)}


def _named(provider: str | None) -> str | None:
    return _PROVIDERS.get(provider.lower(), provider) if provider else None


def _price_list(provider: str, info: ModelInfo, *, tiers: bool) -> PriceList:
    from genai_prices.types import ConditionalPrice, ModelPrice

    prices = [ConditionalPrice(prices=info.prices)] if isinstance(info.prices, ModelPrice) else info.prices
    return PriceList(
        provider=provider,
        model=info.id,
        currency=CURRENCY,
        origin=Origin(version=edition().version),
        standard=tuple(map(_dated, prices)) or (Dated(prices={}),),
        tiers=_tiers(info.price_variants or ()) if tiers else {},
        unmeasured=_unmeasured(conditional.prices for conditional in prices),
    )


def _tiers(variants: Iterable[PriceVariant]) -> dict[str, tuple[Dated, ...]]:
    """Return the prices of tiers: of variants those that are told by a tier alone."""
    by_tier: dict[str, tuple[Dated, ...]] = {}
    for variant in variants:
        ((name, written), *more) = variant.when.items()
        word = tier(written)
        if name in _TIERS and not more and word != STANDARD:
            by_tier[word] = (*by_tier.get(word, ()), _dated(variant))
    return by_tier


def _dated(listed: ConditionalPrice | PriceVariant) -> Dated:
    return Dated(
        prices={
            _KINDS[name][0]: _unit_price(price, _KINDS[name][1])
            for name, price in vars(listed.prices).items()
            if price is not None and name in _KINDS
        },
        **_when(listed.constraint),
    )


def _unit_price(price: Decimal | TieredPrices, digits: int) -> UnitPrice:
    from genai_prices.types import TieredPrices

    if isinstance(price, TieredPrices):
        tiers = tuple(Tier(tier.start, EXACT.scaleb(tier.price, -digits)) for tier in price.tiers)
        return UnitPrice(EXACT.scaleb(price.base, -digits), tiers)
    return UnitPrice(EXACT.scaleb(price, -digits))


def _when(constraint: StartDateConstraint | TimeOfDateConstraint | None) -> dict[str, Any]:
    from genai_prices.types import StartDateConstraint

    if constraint is None:
        return {}
    if isinstance(constraint, StartDateConstraint):
        return {"since": datetime.combine(constraint.start_date, time(), UTC)}
    return {"hours": (_utc(constraint.start_time), _utc(constraint.end_time))}


def _utc(at: time) -> time:
    """Return a time of day in UTC, as which one without a zone is read."""
    if at.tzinfo is None:
        return at
    return datetime.combine(datetime(1970, 1, 2), at).astimezone(UTC).time()


def _unmeasured(prices: Iterable[ModelPrice]) -> tuple[str, ...]:
    names = {name for listed in prices for name, price in vars(listed).items() if price is not None}
    return tuple(sorted(names - _KINDS.keys()))
