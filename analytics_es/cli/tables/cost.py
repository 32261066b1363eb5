"""Cost → tables. What is not known has a line of its own, and is in no sum."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from analytics_es.cli.display import Block, Cell, Column, Grid, Line, Share, Styled, words
from analytics_es.cli.tables.parts import MORE, cut, footer, heading
from analytics_es.types import CostBreakdown, CostPoint, CostRow, PricesUsed, UnknownCost

_ALARM = "bold yellow"
_LISTED = 3  # models in one line
REASONS = {
    "no_price": "no price is known",
    "no_usage": "the calls told no usage",
    "reported_as_zero": "reported as 0, although tokens were used: free, or not priced by who charged",
    "parts_not_told": "not told how many tokens are of two kinds with prices of their own",
    "not_kept": "the price changed within a stretch of which only sums are kept",
}


def cost(answer: CostBreakdown, top: int, supposed: Sequence[Block] = ()) -> list[Block]:
    """Return the tables of get_cost_breakdown; of a what-if with what is `supposed` in it."""
    blocks = [*heading("What if: cost" if answer.supposed else "Cost", answer.period), *supposed]
    if not answer.calls and not answer.totals:
        nothing = "No provider calls in this period: try a longer one, such as --last 4w, or --from."
        return [*blocks, Line(nothing, "yellow"), Line(), footer([answer.completeness], answer.period)]
    blocks += [totals(answer), rows(answer, top), *efforts(answer), *unknown(answer)]
    if answer.period.granularity != "total" and answer.series:
        blocks.append(_series(answer))
    return [*blocks, *warnings(answer), footer([answer.completeness], answer.period, *prices(answer))]


def totals(answer: CostBreakdown) -> Grid:
    """Return the cost in each currency, what it was before, and what it will be."""
    foreseen = any(each.forecast is not None for each in answer.totals)
    columns = [
        Column("this period", right=True),
        Column("reported", right=True, drop=3),
        Column("computed", right=True, drop=3),
        Column("calls", right=True),
        Column("period before", right=True, drop=2),
        Column("change", right=True, drop=1),
        *([Column("forecast (linear)", right=True, drop=1)] if foreseen else []),
    ]
    shown = []
    for each in answer.totals:
        decimals = words.places([each.cost])
        before, after = (words.money(amount, each.currency, decimals) for amount in (each.previous_cost, each.forecast))
        shown.append(
            [
                *(
                    words.money(amount, each.currency, decimals)
                    for amount in (each.cost, each.reported_cost, each.computed_cost)
                ),
                words.count(each.calls),
                before,
                words.change(each.change),
                *([after] if foreseen else []),
            ]
        )
    tokens = answer.tokens
    kinds = {
        "tokens in": tokens.input,
        "of them read from a cache": tokens.cache_read,
        "tokens out": tokens.output,
        "of them reasoning": tokens.reasoning,
    }
    told = [f"{number:,} {kind}" for kind, number in kinds.items() if number is not None]
    return Grid(
        "All calls" if shown else "All calls: no cost is known",
        columns,
        shown,
        " · ".join([words.plural(answer.calls, "call"), *told]),
    )


def in_short(answer: CostBreakdown) -> str:
    """Return the cost in each currency in one line."""
    return " · ".join(
        f"{words.money(each.cost, each.currency, words.places([each.cost]))} "
        f"({words.plural(each.calls, 'call')}{f', {words.change(each.change)}' if each.change is not None else ''})"
        for each in answer.totals
    )


def rows(answer: CostBreakdown, top: int, more: str = MORE, *, title: str = "") -> Grid:
    """Return what what cost, by currency, most first, with its share of all in the same currency."""
    keys = [key for key in answer.by if key != "currency"]
    mixed = any(each.computed_cost is not None for each in answer.rows) and answer.reported_calls > 0
    columns = [
        *(Column(key) for key in keys),
        Column("cost", right=True),
        Column("share", right=True),
        Column("", bar=True, drop=3),
        *([Column("of it computed", right=True, drop=2)] if mixed else []),
        Column("calls", right=True),
        Column("tokens in", right=True, drop=4),
        Column("tokens out", right=True, drop=5),
    ]
    decimals = words.places_by_currency((each.currency, each.cost) for each in answer.rows)
    order = {each.currency: place for place, each in enumerate(answer.totals)}
    ordered = sorted(answer.rows, key=lambda each: order.get(each.currency, len(order)))
    shown = [_row(each, keys, decimals[each.currency], mixed=mixed) for each in ordered]
    return Grid(title or f"By {' and '.join(keys) or 'currency'}", columns, *cut(shown, top, more))


def _row(each: CostRow, keys: Sequence[str], decimals: int, *, mixed: bool) -> list[Cell]:
    unknown = Styled("unknown", _ALARM)
    return [
        *(each.keys[key] or "(none)" for key in keys),
        unknown if each.cost is None else words.money(each.cost, each.currency, decimals),
        words.percent(each.share),
        Share(each.share),
        *([words.money(each.computed_cost, each.currency, decimals)] if mixed else []),
        words.count(each.calls),
        words.count(each.tokens.input),
        words.count(each.tokens.output),
    ]


def efforts(answer: CostBreakdown) -> list[Block]:
    """Return a line about the calls that failed, and one about those that were tried again."""
    lines: list[Block] = []
    for effort, title in (("failed", "Failed calls"), ("retried", "Retries that did not fail")):
        found = [each for each in answer.efforts if each.effort == effort]
        if found:
            calls = sum(each.calls for each in found)
            known = [each for each in found if each.cost is not None]
            costs = [words.money(each.cost, each.currency, words.places([each.cost])) for each in known]
            unknown = sum(each.calls for each in found if each.cost is None)
            charged = f" cost {', '.join(costs)}, in the sums above" if known else ""
            rest = f"; {words.count(unknown)} of unknown cost" if unknown else ""
            lines.append(Line(f"{title}: {words.plural(calls, 'call')}{charged}{rest}"))
    return lines


def unknown(answer: CostBreakdown) -> list[Block]:
    """Return a line for each reason why the cost of calls is not known, and one for what has no price."""
    blocks: list[Block] = []
    for reason, meaning in REASONS.items():
        found = [each for each in answer.unknown if each.reason == reason and each.calls]
        if found:
            calls = words.plural(sum(each.calls for each in found), "call")
            text = f"Unknown cost: {calls}, in no sum above ({meaning}): {_models(found)}"
            blocks.append(Line(text, _ALARM))
    if answer.unpriced:
        kinds = [f"{words.count(each.units)} {each.kind} of {_name(each)}" for each in answer.unpriced]
        blocks.append(Line(f"Without a price, in no sum above: {_first(kinds)}", _ALARM))
    return [*blocks, Line()] if blocks else []


def _models(unknown: Sequence[UnknownCost]) -> str:
    def told(each: UnknownCost) -> str:
        tokens = f"{words.count(each.tokens.input)} tokens in, {words.count(each.tokens.output)} out"
        return f"{_name(each)} ({words.plural(each.calls, 'call')}, {tokens})"

    return _first([told(each) for each in unknown])


def _first(texts: Sequence[str]) -> str:
    beyond = f"; and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    return "; ".join(texts[:_LISTED]) + beyond


def _name(each: Any) -> str:
    return "/".join(part for part in (each.provider, each.model) if part) or "(no model)"


# ── prices ──────────────────────────────────────────────────────────────────────────────────────────────────────


def prices(answer: CostBreakdown) -> list[str]:
    """Say which prices costs were computed with, and since when the oldest of them is in force."""
    told, used = answer.prices, answer.prices.used
    versions = sorted({each.version for each in used if each.version})
    positions = sorted({each.position for each in used if each.position})
    found = [f"genai-prices {version}" for version in versions]
    if positions:
        found.append(f"published prices up to position {told.published:,}")
    if any(each.entry for each in used):
        found.append("supposed prices")
    since = [each.since for each in used if each.since]
    if since:
        age = (answer.period.end - min(since)).days
        found.append(f"the oldest price is {words.plural(max(age, 0), 'day')} old")
    return [f"prices: {', '.join(found)}"] if found else []


def warnings(answer: CostBreakdown) -> list[Block]:
    """Return lines about prices that are not those that were in use, that cannot be read, or that are not all."""
    return [Line(text, "yellow") for text in (*_other_edition(answer.prices), *_unread(answer), *_unmeasured(answer))]


def _other_edition(told: PricesUsed) -> list[str]:
    if told.default_recorded in (None, told.default_version) or not any(each.version for each in told.used):
        return []
    return [
        f"Computed with genai-prices {told.default_version}; in use then was {told.default_recorded}: install that to "
        "see the figures of then."
    ]


def _unread(answer: CostBreakdown) -> list[str]:
    positions = ", ".join(map(str, answer.prices.unread))
    return [f"Published prices that this version cannot read, at positions {positions}"] if positions else []


def _unmeasured(answer: CostBreakdown) -> list[str]:
    found = [f"{_name(each)}: {', '.join(each.unmeasured)}" for each in answer.prices.used if each.unmeasured]
    return [f"Charged for on top, and told by no event: {_first(found)}"] if found else []


def _series(answer: CostBreakdown) -> Grid:
    """Return one row a bucket with a column for each currency; the bar is of the one with the most calls."""
    currencies = [each.currency for each in answer.totals]
    buckets: dict[datetime, dict[str, CostPoint]] = {}
    for point in answer.series:
        buckets.setdefault(point.start, {})[point.currency] = point
    decimals = words.places_by_currency((each.currency, each.cost) for each in answer.series)
    costs = [points[currencies[0]].cost or Decimal(0) for points in buckets.values()] if currencies else []
    most = max(costs, default=Decimal(0))
    unknown = answer.unknown_calls > 0
    shown: list[list[Cell]] = [
        [
            start,
            *(words.money(points[each].cost, each, decimals.get(each, 2)) for each in currencies),
            words.count(sum(each.calls for each in points.values())),
            *([words.count(points[""].calls if "" in points else 0)] if unknown else []),
            Share(float((points[currencies[0]].cost or 0) / most) if most else None),
        ]
        for start, points in zip(words.starts([*buckets]), buckets.values(), strict=True)
    ]
    titles = (*(f"in {currency}" for currency in currencies), "calls", *(["unknown cost"] if unknown else []))
    columns = [Column("start"), *(Column(title, right=True) for title in titles), Column("", bar=True, drop=1)]
    return Grid(f"By {answer.period.granularity}", columns, shown)
