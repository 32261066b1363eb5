"""What a number is made of → tables: events, or calls with how their cost comes about; in full, so that they add up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from decimal import Decimal

from analytics_es.events.event import CORRECTED, time_of
from analytics_es.presentation import Block, Cell, Column, Columns, Grid, Line, Link, Number, Styled, words
from analytics_es.presentation.tables.cost_notes import REASONS
from analytics_es.presentation.tables.parts import ALARM, filtered, footer, heading, model_name, nothing
from analytics_es.types import ChargedUnits, CostExplanation, ExplainedCost, ExplainedEvent, Explanation, PriceUsed
from analytics_es.types.sentences import joined, sentence

_FIGURES = {"total": "sum", "minimum": "smallest", "maximum": "largest"}
_WHERE: Columns[ExplainedEvent | ExplainedCost] = [
    Number("position", lambda event: words.count(event.position), link=lambda event: stored(event.position)),
    Column("time", lambda event: instant(event.occurred_at)),
]


def stored(position: int) -> Link:
    """Return the way to the event at a position."""
    return Link(page="event", words={"position": str(position)})


def instant(at: datetime) -> str:
    """Return a time to the millisecond, without its zone."""
    return at.isoformat(sep=" ", timespec="milliseconds")[:23]


def explanation(answer: Explanation) -> Iterator[Block]:
    """Return the events, and below them what all of them come to."""
    yield from heading(f"{answer.metric}{filtered(answer.keys)}", answer.period, series=False)
    if answer.count:
        yield events(answer, _more(answer))
    else:
        yield from nothing(answer.keys)
    yield footer([answer.completeness], answer.period)


def events(answer: Explanation, more: str = "") -> Grid[ExplainedEvent]:
    """Return the events that are listed, what all come to, and how there are `more`."""
    columns: Columns[ExplainedEvent] = [
        *_WHERE,
        Column("type", lambda event: event.type, drop=1),
        Column("subject", lambda event: event.subject, drop=2),
        Column("error", lambda event: event.error_type, drop=4),
        Column("source", lambda event: event.source, drop=5),
        Column("id", lambda event: event.id, drop=3),
        Number(f"value{_unit(answer)}", lambda event: in_full(answer, event.value), exact=lambda event: event.value),
    ]
    return Grid("", columns, answer.events, _sum(answer, more))


def _more(answer: Explanation | CostExplanation) -> str:
    return sentence("--limit {number} lists all", number=answer.count)


def _sum(answer: Explanation, more: str) -> str:
    """Say what all events come to, and how many of them are not listed."""
    counts = answer.figures.count is not None and answer.figures.minimum is None
    figures = {} if counts else {name: getattr(answer.figures, name) for name in _FIGURES}
    parts = [words.plural(answer.count, "event")]
    parts += [
        f"{_FIGURES[name]} {in_full(answer, figure)}{_unit(answer)}"
        for name, figure in figures.items()
        if figure is not None
    ]
    if answer.omitted:
        parts.append(_omitted(f"{answer.omitted:,} of them not listed", more))
    return joined(" · ", parts)


def _omitted(how_many: str, more: str) -> str:
    return sentence("{how_many}: {more}", how_many=how_many, more=more) if more else how_many


def _unit(answer: Explanation) -> str:
    unit = answer.currency or answer.unit
    return "" if unit in ("1", "us") else f" {unit}"


def in_full(answer: Explanation, figure: Decimal) -> str:
    """Return a figure of an answer with all its digits."""
    return figure_in_full(figure, answer.unit, answer.period.start.tzinfo)


def figure_in_full(figure: Decimal, unit: str, zone: tzinfo | None) -> str:
    """Return a figure with all its digits; a time as a time in a zone."""
    return words.moment(time_of(int(figure)).astimezone(zone)) if unit == "us" else words.exact(figure)


# ── costs ───────────────────────────────────────────────────────────────────────────────────────────────────────


def bill(answer: CostExplanation) -> Iterator[Block]:
    """Return the calls, and below them what all of them come to."""
    yield from heading(f"Calls behind the cost{filtered(answer.keys)}", answer.period, series=False)
    if answer.count:
        yield calls(answer, _more(answer), _how)
    else:
        yield from nothing(answer.keys, "calls")
    yield footer([answer.completeness], answer.period)


def calls(answer: CostExplanation, more: str = "", how: Callable[[ExplainedCost], str] | None = None) -> Block:
    """Return the calls that are listed, how the cost of each comes about, and how there are `more`."""
    priced = how is not None or any(call.price for call in answer.events)
    price: Column[ExplainedCost] = Column("price", lambda call: named(call.price) if call.price else "", drop=1)
    columns: Columns[ExplainedCost] = [
        *_WHERE,
        Column("model", lambda call: words.safe(model_name(call))),
        Number("cost", _cost, exact=lambda call: call.cost),
        Column("how", how or in_words),
        *([price] if priced else []),
        Column("id", lambda call: words.safe(call.id), drop=2),
    ]
    return Grid("", columns, answer.events, _bill_sum(answer, more))


def _cost(call: ExplainedCost) -> Cell:
    return Styled("unknown", ALARM) if call.cost is None else f"{_plain(call.cost)} {words.safe(call.currency)}"


def _how(call: ExplainedCost) -> str:
    return _told(call, " + ".join(map(_product, call.charged)))


def in_words(call: ExplainedCost) -> str:
    """Say how the cost of a call comes about, with what each kind of what it used costs."""
    alone = len(call.charged) == 1  # which costs what the call does
    return _told(call, ", ".join(_product(own) + ("" if alone else f" = {_plain(own.cost)}") for own in call.charged))


def _told(call: ExplainedCost, charged: str) -> str:
    if call.state == "unknown":
        return REASONS[call.reason]
    if call.state == "reported":
        settled = ", by which the reported 0 is known to be it" if call.settles and not call.cost else ""
        return f"a correction{settled}" if call.type == CORRECTED else "reported"
    charged = charged or "free"
    return f"{charged} (below the cliff: {call.requests:,} requests)" if call.below_cliff else charged


def _product(charged: ChargedUnits) -> str:
    return f"{charged.units:,} {_kind(charged)} × {_plain(charged.price)}"


def _kind(charged: ChargedUnits) -> str:
    return charged.kind.removesuffix("_tokens").replace("_", " ")


def arithmetic(call: ExplainedCost) -> Iterator[Block]:
    """Return what the cost of one call is made of, kind by kind, and which price that is."""
    columns: Columns[ChargedUnits] = [
        Column("used", _kind),
        Number("units", lambda charged: words.count(charged.units)),
        Number("price of one", lambda charged: _plain(charged.price)),
        Number(f"cost {words.safe(call.currency)}".rstrip(), lambda charged: _plain(charged.cost)),
    ]
    if call.charged:
        yield Grid("", columns, call.charged, f"together {_plain(call.cost or Decimal(0))} {words.safe(call.currency)}")
    if call.below_cliff or not call.charged:
        yield Line(_told(call, ""), ALARM if call.state == "unknown" else "")
    if call.price:
        yield Line(named(call.price))


def _bill_sum(answer: CostExplanation, more: str) -> str:
    parts = [words.plural(answer.calls, "call")]
    parts += [f"{_plain(cost)} {words.safe(currency)}" for currency, cost in answer.totals.items()]
    if answer.unknown_calls:
        parts.append(f"{words.count(answer.unknown_calls)} of unknown cost")
    if answer.omitted:
        parts.append(_omitted(f"{answer.omitted:,} not listed", more))
    return joined(" · ", parts)


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
