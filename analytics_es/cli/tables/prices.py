"""Prices as tables: of one model, of many, and entries as they were published."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from analytics_es.cli.display import Block, Cell, Column, Grid, Line, words
from analytics_es.cost.prices import genai
from analytics_es.cost.prices.book import PriceBook
from analytics_es.cost.prices.entries import PriceEntry
from analytics_es.cost.prices.prices import Origin, UnitPrice, UnitPrices
from analytics_es.cost.prices.quantities import KINDS, digits, listed, trimmed

_PER = {6: "million", 3: "thousand"}
_SHOWN = ("input_tokens", "cache_read_tokens", "cache_creation_tokens", "output_tokens")


def unit_prices(found: UnitPrices, at: datetime) -> list[Block]:
    """Return the prices of a model, kind by kind, each with its tiers."""
    batch = " in a batch" if found.batch else ""
    title = f"{found.model} of {found.provider}{batch}, {found.currency}, at {at:%Y-%m-%d %H:%M:%S %Z}"
    kinds = [kind for kind in KINDS if kind in found.prices]
    columns = [Column("kind"), Column("per"), Column("price", right=True)]
    columns += [Column(f"above {words.count(each)} input", right=True) for each in found.thresholds]
    bands = [0, *(each + 1 for each in found.thresholds)]
    cells = [_aligned([listed(kind, found.prices[kind].at(band)) for kind in kinds]) for band in bands]
    rows: list[list[Cell]] = [
        [kind, _PER[digits(kind)], *(column[place] for column in cells)] for place, kind in enumerate(kinds)
    ]
    beyond = f"Charged on top, and told by no event: {', '.join(found.unmeasured)}." if found.unmeasured else ""
    table = Grid(title, columns, rows or [["everything", "", "free"]], beyond)
    return [table, Line(f"since {_time(found.since)} · from {_origin(found.origin)}", "dim")]


def models(found: Sequence[UnitPrices]) -> Grid:
    """Return the prices of many models of one provider: what most calls use, up to the first threshold."""
    columns = [Column("model"), *(Column(_short(kind), right=True) for kind in _SHOWN), Column("since")]
    aligned = [_aligned([_of(each.prices.get(kind), kind) for each in found]) for kind in _SHOWN]
    rows = [
        [each.model, *(column[place] for column in aligned), words.UNKNOWN if not each.since else _time(each.since)]
        for place, each in enumerate(found)
    ]
    return Grid(f"Default prices of {found[0].provider}, {found[0].currency} per million", columns, rows)


def entries(chosen: Iterable[tuple[int | None, PriceEntry]]) -> Grid:
    """Return published entries, or those that are to be."""
    titles = ("provider", "model", "from", "until", "price")
    columns = [Column("position", right=True), *(Column(title) for title in titles)]
    rows = [
        [
            words.count(position),
            each.provider,
            ", ".join((each.model, *each.aliases)),
            _time(each.effective_from),
            words.UNKNOWN if each.effective_until is None else _time(each.effective_until),
            _said(each),
        ]
        for position, each in chosen
    ]
    return Grid("", columns, rows)


def footer(book: PriceBook) -> list[Block]:
    """Say what else is known, and what cannot be read."""
    lines: list[Block] = []
    if book.unread:
        where = ", ".join(map(words.count, book.unread))
        lines.append(Line(f"cannot be read by this version, and left out: prices at position {where}", "yellow"))
    known = f"genai-prices {genai.edition().version}" if genai.installed() else "nothing: genai-prices is not installed"
    published = words.plural(len(book.published), "price")
    return [*lines, Line(f"{published} published; for everything else {known}", "dim")]


def _said(entry: PriceEntry) -> str:
    if entry.free:
        return "free"
    if entry.multiplier is not None:
        said = f"{_plain(entry.multiplier)} × default"
    else:
        prices = (f"{_short(kind)} {_with_tiers(kind, price)}" for kind, price in entry.prices.items())
        said = f"{', '.join(prices)} {entry.currency}"
    hours = " to ".join(f"{each:%H:%M}" for each in entry.hours or ())
    batch = "" if entry.batch is None else f", in a batch × {_plain(entry.batch)}"
    return f"{said}{batch}" + (f", {hours} UTC" if hours else "")


def _with_tiers(kind: str, price: UnitPrice) -> str:
    return _plain(listed(kind, price.base)) + ("+" if price.tiers else "")


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


def _of(price: UnitPrice | None, kind: str) -> Decimal | None:
    return None if price is None else listed(kind, price.base)


def _plain(number: Decimal) -> str:
    return format(trimmed(number), "f")


def _aligned(numbers: Sequence[Decimal | None]) -> list[str]:
    """Return numbers in full, with their points below one another."""
    texts = [words.UNKNOWN if number is None else _plain(number) for number in numbers]
    ends = [len(text) - text.index(".") if "." in text else 0 for text in texts]
    return [text + " " * (max(ends) - end) for text, end in zip(texts, ends, strict=True)]
