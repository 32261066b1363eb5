"""What publishing prices would change → tables. What changes its currency, or becomes known, is not subtracted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from analytics_es.cli.display import Block, Cell, Column, Grid, Line, words
from analytics_es.cli.tables.bill import named
from analytics_es.cli.tables.parts import cut, footer, heading
from analytics_es.types import PriceChange, Priced, PriceDiff

Places = Mapping[str, int]


def price_diff(answer: PriceDiff, top: int) -> list[Block]:
    """Return what changes, in all and day by day, and what does not."""
    blocks = heading(f"If {words.plural(answer.prices, 'price')} were published", answer.period, series=False)
    kept = f"{words.plural(answer.reported_calls, 'call')} reported a cost, which stays."
    stands_on = footer([answer.completeness], answer.period, "nothing was published")
    if not answer.changes:
        return [*blocks, Line(f"Nothing would change in this period. {kept}"), Line(), stands_on]
    amounts = [(each.currency, amount) for each in answer.totals for amount in (each.was, each.now)]
    places = words.places_by_currency(amounts)
    return [*blocks, _totals(answer, places), _changes(answer.changes, places, top), Line(kept), Line(), stands_on]


def _totals(answer: PriceDiff, places: Places) -> Grid:
    columns = [Column("currency"), *(Column(title, right=True) for title in ("was", "is", "difference"))]
    rows: list[list[Cell]] = [
        [
            words.safe(each.currency),
            *(words.money(amount, "", places[each.currency]) for amount in (each.was, each.now)),
            _difference(each.difference, each.currency, places),
        ]
        for each in answer.totals
    ]
    return Grid("What changes, in all", columns, rows)


def _changes(changes: Sequence[PriceChange], places: Places, top: int) -> Grid:
    columns = [
        Column("day"),
        Column("model"),
        Column("calls", right=True),
        *(Column(title, right=True) for title in ("was", "is", "difference")),
        Column("why"),
    ]
    rows: list[list[Cell]] = [
        [
            day[4:],
            words.safe("/".join(part for part in (each.provider, each.model) if part) or "(no model)"),
            words.count(each.calls),
            _cost(each.was, places),
            _cost(each.now, places),
            _difference(each.difference, next(iter(each.now.cost), ""), places),
            _why(each),
        ]
        for day, each in zip(words.starts([each.start for each in changes]), changes, strict=True)
    ]
    return Grid("By day and model", columns, *cut(rows, top))


def _difference(amount: Decimal | None, currency: str, places: Places) -> str:
    if amount is None:
        return words.UNKNOWN
    text = words.money(amount, currency, places[currency])
    return f"+{text}" if amount > 0 and not text.startswith("<") else text


def _cost(priced: Priced, places: Places) -> str:
    known = [words.money(cost, currency, places[currency]) for currency, cost in priced.cost.items()]
    unknown = [f"{words.count(priced.unknown_calls)} unknown"] if priced.unknown_calls else []
    return ", ".join([*known, *unknown]) or words.UNKNOWN


def _why(change: PriceChange) -> str:
    """Name the prices of the file that are used, and what was used instead."""
    new = [named(each) for each in change.now.prices if each.entry]
    old = [named(each) for each in change.was.prices if each.calls and each not in change.now.prices]
    return f"{', '.join(new)}, instead of {', '.join(old) or 'an unknown cost'}"
