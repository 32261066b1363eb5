"""What a number is made of → tables. Values are shown in full: they add up to the number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from analytics_es.cli.display import Block, Column, Columns, Grid, Number, words
from analytics_es.cli.tables.parts import NOTHING, apart, footer, heading
from analytics_es.events.event import EPOCH
from analytics_es.types import ExplainedEvent, Explanation

_FIGURES = {"total": "sum", "minimum": "smallest", "maximum": "largest"}


def explanation(answer: Explanation) -> Iterator[Block]:
    """Return the events, and below them what all of them come to."""
    keys = "".join(f", {key} {value or '(none)'}" for key, value in answer.keys.items())
    yield from heading(f"{answer.metric}{keys}", answer.period, series=False)
    columns: Columns[ExplainedEvent] = [
        Number("position", lambda event: words.count(event.position)),
        Column("time", lambda event: event.occurred_at.isoformat(sep=" ", timespec="milliseconds")[:23]),
        Column("type", lambda event: event.type, drop=1),
        Column("source", lambda event: event.source, drop=3),
        Column("id", lambda event: event.id, drop=2),
        Number(f"value{_unit(answer)}", lambda event: _in_full(answer, event.value)),
    ]
    if answer.count:
        yield Grid("", columns, answer.events, _sum(answer))
    else:
        yield from apart(NOTHING)
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
        return words.moment((EPOCH + timedelta(microseconds=int(figure))).astimezone(answer.period.start.tzinfo))
    return words.exact(figure)
