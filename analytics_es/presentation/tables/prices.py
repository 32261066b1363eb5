"""Prices as tables: of one model, of many, and entries as they were published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any

from analytics_es.cost import PriceBook, PriceEntry, UnitPrices
from analytics_es.cost.prices import genai
from analytics_es.cost.prices.prices import Origin, UnitPrice
from analytics_es.cost.prices.quantities import KINDS, digits, listed
from analytics_es.events.tiers import STANDARD
from analytics_es.presentation import Block, Column, Columns, Grid, Line, Number, words
from analytics_es.queries.figures import written

_PER = {6: "million", 3: "thousand"}
_SHOWN = ("input_tokens", "cache_read_tokens", "cache_creation_tokens", "output_tokens")
_ENTRIES: Columns[tuple[int | None, PriceEntry]] = [
    Number("position", lambda row: words.count(row[0])),
    Column("provider", lambda row: row[1].provider),
    Column("model", lambda row: ", ".join((row[1].model, *row[1].aliases))),
    Column("from", lambda row: _time(row[1].effective_from)),
    Column("until", lambda row: words.UNKNOWN if row[1].effective_until is None else _time(row[1].effective_until)),
    Column("price", lambda row: _terms(row[1])),
]


def unit_prices(prices: UnitPrices, at: datetime) -> Iterator[Block]:
    """Return the prices of a model, kind by kind, each with its tiers."""
    tier = "" if prices.service_tier == STANDARD else f", tier {prices.service_tier}"
    batch = " in a batch" if prices.batch else tier
    whose = f" of {prices.provider}" if prices.provider else ""
    title = f"{prices.model}{whose}{batch}, {prices.currency}, at {at:%Y-%m-%d %H:%M:%S %Z}"
    kinds = [kind for kind in KINDS if kind in prices.prices]
    bands = {"price": 0} | {f"above {words.count(above)} input": above + 1 for above in prices.thresholds}
    amounts = [_aligned([listed(kind, prices.prices[kind].at(band)) for kind in kinds]) for band in bands.values()]
    rows = list(zip(kinds, (_PER[digits(kind)] for kind in kinds), *amounts, strict=True))
    columns = [Column("kind", itemgetter(0)), Column("per", itemgetter(1)), *_figures(bands, 2)]
    beyond = f"Charged on top, and told by no event: {', '.join(prices.unmeasured)}." if prices.unmeasured else ""
    yield Grid(title, columns, rows or [("everything", "", "free")], beyond)
    yield Line(f"since {_time(prices.since)} · from {_origin(prices.origin)}", "dim")


def models(prices: Sequence[UnitPrices]) -> Block:
    """Return the prices of many models of one provider: what most calls use, up to the first threshold."""
    amounts = [_aligned([_base(model.prices.get(kind), kind) for model in prices]) for kind in _SHOWN]
    since = (words.UNKNOWN if not model.since else _time(model.since) for model in prices)
    rows = list(zip((model.model for model in prices), *amounts, since, strict=True))
    columns = [Column("model", itemgetter(0)), *_figures(map(_short, _SHOWN), 1), Column("since", itemgetter(-1))]
    return Grid(f"Default prices of {prices[0].provider}, {prices[0].currency} per million", columns, rows)


def _figures(titles: Iterable[str], first: int) -> list[Column[Any]]:
    return [Number(title, itemgetter(place)) for place, title in enumerate(titles, first)]


def entries(chosen: Sequence[tuple[int | None, PriceEntry]]) -> Block:
    """Return published entries, or those that are to be."""
    return Grid("", _ENTRIES, chosen)


def footer(book: PriceBook) -> Iterator[Block]:
    """Say what else is known, and what cannot be read."""
    if book.unread:
        where = ", ".join(map(words.count, book.unread))
        yield Line(f"cannot be read by this version, and left out: prices at position {where}", "yellow")
    rest = f"genai-prices {genai.edition().version}" if genai.installed() else "nothing: genai-prices is not installed"
    yield Line(f"{words.plural(len(book.published), 'price')} published; for everything else {rest}", "dim")


def _terms(entry: PriceEntry) -> str:
    if entry.free:
        return "free"
    if entry.multiplier is not None:
        terms = f"{written(entry.multiplier)} × default"
    else:
        prices = (f"{_short(kind)} {_with_tiers(kind, price)}" for kind, price in entry.prices.items())
        terms = f"{', '.join(prices)} {entry.currency}"
    hours = " to ".join(f"{hour:%H:%M}" for hour in entry.hours or ())
    batch = "" if entry.batch is None else f", in a batch × {written(entry.batch)}"
    tier = "" if entry.service_tier is None else f", tier {entry.service_tier}"
    return f"{terms}{tier}{batch}" + (f", {hours} UTC" if hours else "")


def _with_tiers(kind: str, price: UnitPrice) -> str:
    return written(listed(kind, price.base)) + ("+" if price.tiers else "")


def _origin(origin: Origin) -> str:
    package = f"genai-prices {origin.version}"
    if origin.position is None:
        return package
    published = f"what was published at position {words.count(origin.position)}"
    return f"{published}, of {package}" if origin.version else published


def _time(instant: datetime | None) -> str:
    if instant is None:
        return "an unknown time"
    own = instant.astimezone(UTC)
    return f"{own:%Y-%m-%d}" if not (own.hour or own.minute or own.second) else f"{own:%Y-%m-%d %H:%M:%S}"


def _short(kind: str) -> str:
    return kind.removesuffix("_tokens").replace("_", " ")


def _base(price: UnitPrice | None, kind: str) -> Decimal | None:
    return None if price is None else listed(kind, price.base)


def _aligned(numbers: Sequence[Decimal | None]) -> list[str]:
    """Return numbers in full, with their points below one another."""
    texts = [words.UNKNOWN if number is None else written(number) for number in numbers]
    ends = [len(text) - text.index(".") if "." in text else 0 for text in texts]
    return [text + " " * (max(ends) - end) for text, end in zip(texts, ends, strict=True)]
