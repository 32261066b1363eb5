"""The calls behind a cost → a table: what each cost, and how that comes about, in full: the costs add up."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from analytics_es.cli.display import Block, Cell, Column, Columns, Grid, Number, Styled, words
from analytics_es.cli.tables.cost import REASONS
from analytics_es.cli.tables.parts import ALARM, apart, footer, heading, model_name
from analytics_es.types import ChargedUnits, CostExplanation, ExplainedCost, PriceUsed

_COLUMNS: Columns[ExplainedCost] = [
    Number("position", lambda call: words.count(call.position)),
    Column("time", lambda call: call.occurred_at.isoformat(sep=" ", timespec="milliseconds")[:23]),
    Column("model", lambda call: words.safe(model_name(call))),
    Number("cost", lambda call: _cost(call)),
    Column("how", lambda call: _how(call)),
    Column("price", lambda call: named(call.price) if call.price else "", drop=1),
    Column("id", lambda call: words.safe(call.id), drop=2),
]


def bill(answer: CostExplanation) -> Iterator[Block]:
    """Return the calls, and below them what all of them come to."""
    keys = "".join(f", {key} {words.safe(value) or '(none)'}" for key, value in answer.keys.items())
    yield from heading(f"Calls behind the cost{keys}", answer.period, series=False)
    if answer.count:
        yield Grid("", _COLUMNS, answer.events, _sum(answer))
    else:
        yield from apart("No such calls in this period.")
    yield footer([answer.completeness], answer.period)


def _cost(call: ExplainedCost) -> Cell:
    return Styled("unknown", ALARM) if call.cost is None else f"{_plain(call.cost)} {words.safe(call.currency)}"


def _how(call: ExplainedCost) -> str:
    if call.state == "unknown":
        return REASONS[call.reason]
    if call.state == "reported":
        return "a correction" if call.type == "provider.cost.corrected" else "reported"
    return " + ".join(map(_product, call.charged)) or "free"


def _product(charged: ChargedUnits) -> str:
    kind = charged.kind.removesuffix("_tokens").replace("_", " ")
    return f"{charged.units:,} {kind} × {_plain(charged.price)}"


def _sum(answer: CostExplanation) -> str:
    parts = [words.plural(answer.calls, "call")]
    parts += [f"{_plain(cost)} {words.safe(currency)}" for currency, cost in answer.totals.items()]
    if answer.unknown_calls:
        parts.append(f"{words.count(answer.unknown_calls)} of unknown cost")
    if answer.omitted:
        parts.append(f"{answer.omitted:,} not listed: --limit {answer.count} lists all")
    return " · ".join(parts)


def _plain(number: Decimal) -> str:
    """Return a number with all its digits."""
    return f"{number:,f}"


def named(price: PriceUsed) -> str:
    """Say where a price is from, and since when it is in force."""
    since = f" from {price.since:%Y-%m-%d %H:%M}".removesuffix(" 00:00") if price.since else ""
    if price.entry:
        return f"price {price.entry} of the file{since}"
    if price.position:
        return f"the price at position {words.count(price.position)}{since}"
    return f"genai-prices {price.version}{since}"
