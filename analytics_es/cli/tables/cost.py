"""Cost → tables. What is not known has a line of its own, and is in no sum."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from analytics_es.cli import words
from analytics_es.cli.blocks import Block, Cell, Column, Grid, Line, Share, Styled
from analytics_es.cli.tables.parts import MORE, cut, footer, heading
from analytics_es.types import CostBreakdown, CostPoint, CostRow, UnknownCost

_ALARM = "bold yellow"


def cost(answer: CostBreakdown, top: int) -> list[Block]:
    """Return the tables of get_cost_breakdown."""
    blocks = heading("Cost", answer.period)
    if not answer.calls and not answer.totals:
        nothing = "No provider calls in this period: try a longer one, such as --last 4w, or --from."
        return [*blocks, Line(nothing, "yellow"), Line(), footer([answer.completeness], answer.period)]
    blocks += [totals(answer), rows(answer, top), *unknown(answer)]
    if answer.period.granularity != "total" and answer.series:
        blocks.append(_series(answer))
    return [*blocks, footer([answer.completeness], answer.period)]


def totals(answer: CostBreakdown) -> Grid:
    """Return the reported cost of each currency and what it was before."""
    columns = [
        Column("this period", right=True),
        Column("calls", right=True),
        Column("period before", right=True, drop=2),
        Column("change", right=True, drop=1),
    ]
    shown = [
        [
            words.money(each.reported_cost, each.currency, words.places([each.reported_cost])),
            words.count(each.calls),
            words.money(each.previous_reported_cost, each.currency, words.places([each.reported_cost])),
            words.change(each.change),
        ]
        for each in answer.totals
    ]
    tokens = answer.tokens
    kinds = {
        "tokens in": tokens.input,
        "of them read from a cache": tokens.cache_read,
        "tokens out": tokens.output,
        "of them reasoning": tokens.reasoning,
    }
    told = [f"{number:,} {kind}" for kind, number in kinds.items() if number is not None]
    return Grid(
        "Reported cost" if shown else "Reported cost: none",
        columns,
        shown,
        " · ".join([words.plural(answer.calls, "call"), *told]),
    )


def in_short(answer: CostBreakdown) -> str:
    """Return the reported cost of each currency in one line."""
    return " · ".join(
        f"{words.money(each.reported_cost, each.currency, words.places([each.reported_cost]))} "
        f"({words.plural(each.calls, 'call')}{f', {words.change(each.change)}' if each.change is not None else ''})"
        for each in answer.totals
    )


def rows(answer: CostBreakdown, top: int, more: str = MORE, *, title: str = "") -> Grid:
    """Return what was charged for what, by currency, most first, with its share of all in the same currency."""
    keys = [key for key in answer.by if key != "currency"]
    mixed = any(each.calls_without_cost for each in answer.rows if each.reported_cost is not None)
    columns = [
        *(Column(key) for key in keys),
        Column("reported cost", right=True),
        Column("share", right=True),
        Column("", bar=True, drop=3),
        Column("calls", right=True),
        Column("unknown cost", right=True, drop=1) if mixed else None,
        Column("tokens in", right=True, drop=4),
        Column("tokens out", right=True, drop=5),
    ]
    decimals = words.places_by_currency((each.currency, each.reported_cost) for each in answer.rows)
    order = {each.currency: place for place, each in enumerate(answer.totals)}
    ordered = sorted(answer.rows, key=lambda each: order.get(each.currency, len(order)))
    shown = [_row(each, keys, decimals[each.currency], mixed=mixed) for each in ordered]
    return Grid(
        title or f"By {' and '.join(keys) or 'currency'}",
        [column for column in columns if column],
        *cut(shown, top, more),
    )


def _row(each: CostRow, keys: Sequence[str], decimals: int, *, mixed: bool) -> list[Cell]:
    known = each.reported_cost is not None
    money = words.money(each.reported_cost, each.currency, decimals) if known else Styled("unknown", _ALARM)
    without = words.count(each.calls_without_cost)
    return [
        *(each.keys[key] or "(none)" for key in keys),
        money,
        words.percent(each.share),
        Share(each.share),
        words.count(each.calls),
        *([Styled(without, "yellow") if each.calls_without_cost else without] if mixed else []),
        words.count(each.tokens.input),
        words.count(each.tokens.output),
    ]


def unknown(answer: CostBreakdown) -> list[Block]:
    """Return lines about the calls of which nobody knows what they cost, and of those reported to be free."""
    without = [each for each in answer.unknown if each.calls]
    free = sum(each.at_zero_cost for each in answer.unknown)
    blocks: list[Block] = []
    if answer.calls_without_cost:
        calls = words.plural(answer.calls_without_cost, "call")
        blocks.append(Line(f"Unknown cost: {calls}, in no sum above: {_models(without)}", _ALARM))
    if free:
        text = f"Reported as 0: {words.plural(free, 'call')} that used tokens; free, or not priced by who charged"
        blocks.append(Line(text, _ALARM))
    return [*blocks, Line()] if blocks else []


def _models(unknown: Sequence[UnknownCost]) -> str:
    def told(each: UnknownCost) -> str:
        name = "/".join(part for part in (each.provider, each.model) if part) or "(no model)"
        tokens = f"{words.count(each.tokens.input)} tokens in, {words.count(each.tokens.output)} out"
        return f"{name} ({words.plural(each.calls, 'call')}, {tokens})"

    beyond = f"; and {len(unknown) - 3} more models" if len(unknown) > 3 else ""
    return "; ".join(told(each) for each in unknown[:3]) + beyond


def _series(answer: CostBreakdown) -> Grid:
    """Return one row a bucket with a column for each currency; the bar is of the one with the most calls."""
    currencies = [each.currency for each in answer.totals]
    buckets: dict[datetime, list[CostPoint]] = {}
    for point in answer.series:
        buckets.setdefault(point.start, []).append(point)
    charged = [{each.currency: each.reported_cost for each in points} for points in buckets.values()]
    most = max((each.get(currencies[0]) or Decimal(0) for each in charged), default=Decimal(0)) if currencies else 0
    decimals = words.places_by_currency((each.currency, each.reported_cost) for each in answer.series)
    shown: list[list[Cell]] = [
        [
            start,
            *(words.money(costs.get(currency), currency, decimals.get(currency, 2)) for currency in currencies),
            words.count(sum(each.calls for each in points)),
            words.count(sum(each.calls_without_cost for each in points)),
            Share(float((costs.get(currencies[0]) or 0) / most) if most else None),
        ]
        for start, points, costs in zip(words.starts([*buckets]), buckets.values(), charged, strict=True)
    ]
    titles = (*(f"in {currency}" for currency in currencies), "calls", "unknown cost")
    columns = [Column("start"), *(Column(title, right=True) for title in titles), Column("", bar=True, drop=1)]
    return Grid(f"By {answer.period.granularity}", columns, shown)
