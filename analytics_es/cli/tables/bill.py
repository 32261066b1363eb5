"""The calls behind a cost → a table: what each cost, and how that comes about, in full: the costs add up."""

from __future__ import annotations

from decimal import Decimal

from analytics_es.cli.display import Block, Cell, Column, Grid, Line, Styled, words
from analytics_es.cli.tables.cost import REASONS
from analytics_es.cli.tables.parts import footer, heading
from analytics_es.types import ChargedUnits, CostExplanation, ExplainedCost, PriceUsed


def bill(answer: CostExplanation) -> list[Block]:
    """Return the calls, and below them what all of them come to."""
    keys = "".join(f", {key} {words.safe(value) or '(none)'}" for key, value in answer.keys.items())
    blocks = heading(f"Calls behind the cost{keys}", answer.period, series=False)
    if not answer.count:
        return [
            *blocks,
            Line("No such calls in this period.", "yellow"),
            Line(),
            footer([answer.completeness], answer.period),
        ]
    columns = [
        Column("position", right=True),
        Column("time"),
        Column("model"),
        Column("cost", right=True),
        Column("how"),
        Column("price", drop=1),
        Column("id", drop=2),
    ]
    rows = [_row(each) for each in answer.events]
    return [*blocks, Grid("", columns, rows, _sum(answer)), footer([answer.completeness], answer.period)]


def _row(each: ExplainedCost) -> list[Cell]:
    cost: Cell = (
        Styled("unknown", "bold yellow") if each.cost is None else f"{plain(each.cost)} {words.safe(each.currency)}"
    )
    return [
        words.count(each.position),
        each.occurred_at.isoformat(sep=" ", timespec="milliseconds")[:23],
        words.safe("/".join(part for part in (each.provider, each.model) if part) or "(no model)"),
        cost,
        _how(each),
        named(each.price) if each.price else "",
        words.safe(each.id),
    ]


def _how(each: ExplainedCost) -> str:
    if each.state == "unknown":
        return REASONS[each.reason]
    if each.state == "reported":
        return "a correction" if each.type == "provider.cost.corrected" else "reported"
    return " + ".join(_product(units) for units in each.charged) or "free"


def _product(charged: ChargedUnits) -> str:
    kind = charged.kind.removesuffix("_tokens").replace("_", " ")
    return f"{charged.units:,} {kind} × {plain(charged.price)}"


def _sum(answer: CostExplanation) -> str:
    parts = [words.plural(answer.calls, "call")]
    parts += [f"{plain(cost)} {words.safe(currency)}" for currency, cost in answer.totals.items()]
    if answer.unknown_calls:
        parts.append(f"{words.count(answer.unknown_calls)} of unknown cost")
    if answer.omitted:
        parts.append(f"{answer.omitted:,} not listed: --limit {answer.count} lists all")
    return " · ".join(parts)


def plain(number: Decimal) -> str:
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
