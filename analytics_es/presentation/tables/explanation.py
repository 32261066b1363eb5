"""What a number is made of → tables: events, or calls with how their cost comes about; in full, so that they add up."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from analytics_es.events.event import time_of
from analytics_es.presentation import Block, Cell, Column, Columns, Grid, Number, Styled, words
from analytics_es.presentation.tables.cost_notes import REASONS
from analytics_es.presentation.tables.parts import ALARM, filtered, footer, heading, model_name, nothing
from analytics_es.types import ChargedUnits, CostExplanation, ExplainedCost, ExplainedEvent, Explanation, PriceUsed

_FIGURES = {"total": "sum", "minimum": "smallest", "maximum": "largest"}
_WHERE: Columns[ExplainedEvent | ExplainedCost] = [
    Number("position", lambda event: words.count(event.position)),
    Column("time", lambda event: event.occurred_at.isoformat(sep=" ", timespec="milliseconds")[:23]),
]
_BILL: Columns[ExplainedCost] = [
    *_WHERE,
    Column("model", lambda call: words.safe(model_name(call))),
    Number("cost", lambda call: _cost(call)),
    Column("how", lambda call: _how(call)),
    Column("price", lambda call: named(call.price) if call.price else "", drop=1),
    Column("id", lambda call: words.safe(call.id), drop=2),
]


def explanation(answer: Explanation) -> Iterator[Block]:
    """Return the events, and below them what all of them come to."""
    yield from heading(f"{answer.metric}{filtered(answer.keys)}", answer.period, series=False)
    columns: Columns[ExplainedEvent] = [
        *_WHERE,
        Column("type", lambda event: event.type, drop=1),
        Column("source", lambda event: event.source, drop=3),
        Column("id", lambda event: event.id, drop=2),
        Number(f"value{_unit(answer)}", lambda event: _in_full(answer, event.value)),
    ]
    if answer.count:
        yield Grid("", columns, answer.events, _sum(answer))
    else:
        yield from nothing(answer.keys)
    yield footer([answer.completeness], answer.period)


def _sum(answer: Explanation) -> str:
    """Say what all events come to, and how many of them are not listed."""
    counts = answer.figures.count is not None and answer.figures.minimum is None
    figures = {} if counts else {name: getattr(answer.figures, name) for name in _FIGURES}
    parts = [words.plural(answer.count, "event")]
    parts += [
        f"{_FIGURES[name]} {_in_full(answer, figure)}{_unit(answer)}"
        for name, figure in figures.items()
        if figure is not None
    ]
    if answer.omitted:
        parts.append(f"{answer.omitted:,} of them not listed: --limit {answer.count} lists all")
    return " · ".join(parts)


def _unit(answer: Explanation) -> str:
    unit = answer.currency or answer.unit
    return "" if unit in ("1", "us") else f" {unit}"


def _in_full(answer: Explanation, figure: Decimal) -> str:
    """Return a figure with all its digits; a time as a time."""
    if answer.unit == "us":
        return words.moment(time_of(int(figure)).astimezone(answer.period.start.tzinfo))
    return words.exact(figure)


# ── costs ───────────────────────────────────────────────────────────────────────────────────────────────────────


def bill(answer: CostExplanation) -> Iterator[Block]:
    """Return the calls, and below them what all of them come to."""
    yield from heading(f"Calls behind the cost{filtered(answer.keys)}", answer.period, series=False)
    if answer.count:
        yield Grid("", _BILL, answer.events, _bill_sum(answer))
    else:
        yield from nothing(answer.keys, "calls")
    yield footer([answer.completeness], answer.period)


def _cost(call: ExplainedCost) -> Cell:
    return Styled("unknown", ALARM) if call.cost is None else f"{_plain(call.cost)} {words.safe(call.currency)}"


def _how(call: ExplainedCost) -> str:
    if call.state == "unknown":
        return REASONS[call.reason]
    if call.state == "reported":
        settled = ", by which the reported 0 is known to be it" if call.settles and not call.cost else ""
        return f"a correction{settled}" if call.type == "provider.cost.corrected" else "reported"
    charged = " + ".join(map(_product, call.charged)) or "free"
    return f"{charged} (below the cliff: {call.requests:,} requests)" if call.below_cliff else charged


def _product(charged: ChargedUnits) -> str:
    kind = charged.kind.removesuffix("_tokens").replace("_", " ")
    return f"{charged.units:,} {kind} × {_plain(charged.price)}"


def _bill_sum(answer: CostExplanation) -> str:
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
    since += "" if price.service_tier == "standard" else f", {words.safe(price.service_tier)}"
    if price.entry:
        return f"price {price.entry} of the file{since}"
    if price.position:
        return f"the price at position {words.count(price.position)}{since}"
    return f"genai-prices {price.version}{since}"
