"""What publishing prices would change → tables; what changes its currency, or becomes known, is not subtracted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from analytics_es.presentation import Block, Column, Columns, Grid, Number, words
from analytics_es.presentation.tables.explanation import named
from analytics_es.presentation.tables.parts import apart, cut, footer, heading, model_name, start_of
from analytics_es.types import PriceChange, PriceChangeTotal, Priced, PriceDiff

Places = Mapping[str, int]


def price_diff(answer: PriceDiff, top: int) -> Iterator[Block]:
    """Return what changes, in all and day by day, and what does not."""
    yield from heading(f"If {words.plural(answer.prices, 'price')} were published", answer.period, series=False)
    unchanged = f"{words.plural(answer.reported_calls, 'call')} reported a cost, which stays."
    if answer.changes:
        amounts = [(total.currency, amount) for total in answer.totals for amount in (total.was, total.now)]
        places = words.places_by_currency(amounts)
        yield from (_totals(answer, places), _changes(answer, places, top))
    else:
        unchanged = f"Nothing would change in this period. {unchanged}"
    yield from (*apart(unchanged, ""), footer([answer.completeness], answer.period, "nothing was published"))


def _totals(answer: PriceDiff, places: Places) -> Block:
    columns: Columns[PriceChangeTotal] = [
        Column("currency", lambda total: words.safe(total.currency)),
        Number("was", lambda total: words.money(total.was, "", places[total.currency])),
        Number("is", lambda total: words.money(total.now, "", places[total.currency])),
        Number("difference", lambda total: _difference(total.difference, total.currency, places)),
    ]
    return Grid("What changes, in all", columns, answer.totals)


def _changes(answer: PriceDiff, places: Places, top: int) -> Block:
    start = start_of(answer.changes)
    columns: Columns[PriceChange] = [
        Column("day", lambda change: start(change)[4:]),
        Column("model", lambda change: words.safe(model_name(change))),
        Number("calls", lambda change: words.count(change.calls)),
        Number("was", lambda change: _cost(change.was, places)),
        Number("is", lambda change: _cost(change.now, places)),
        Number("difference", lambda change: _difference(change.difference, next(iter(change.now.cost), ""), places)),
        Column("why", _why),
    ]
    return Grid("By day and model", columns, *cut(answer.changes, top))


def _difference(amount: Decimal | None, currency: str, places: Places) -> str:
    if amount is None:
        return words.UNKNOWN
    text = words.money(amount, currency, places[currency])
    return f"+{text}" if amount > 0 and not text.startswith("<") else text


def _cost(priced: Priced, places: Places) -> str:
    costs = [words.money(cost, currency, places[currency]) for currency, cost in priced.cost.items()]
    unknown = [f"{words.count(priced.unknown_calls)} unknown"] if priced.unknown_calls else []
    return ", ".join([*costs, *unknown]) or words.UNKNOWN


def _why(change: PriceChange) -> str:
    """Name the prices of the file that are used, and what was used instead."""
    new = [named(price) for price in change.now.prices if price.entry]
    old = [named(price) for price in change.was.prices if price.calls and price not in change.now.prices]
    return f"{', '.join(new)}, instead of {', '.join(old) or 'an unknown cost'}"
