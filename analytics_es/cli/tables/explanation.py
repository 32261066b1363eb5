"""What a number is made of → tables. Values are shown in full: they add up to the number."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from analytics_es.cli.display import Block, Column, Grid, Line, words
from analytics_es.cli.tables.parts import NOTHING, footer, heading
from analytics_es.events.event import EPOCH
from analytics_es.types import ExplainedEvent, Explanation

_FIGURES = {"total": "sum", "minimum": "smallest", "maximum": "largest"}


def explanation(answer: Explanation) -> list[Block]:
    """Return the events, and below them what all of them come to."""
    keys = "".join(f", {key} {value or '(none)'}" for key, value in answer.keys.items())
    blocks = heading(f"{answer.metric}{keys}", answer.period, series=False)
    if not answer.count:
        return [*blocks, Line(NOTHING, "yellow"), Line(), footer([answer.completeness], answer.period)]
    columns = [
        Column("position", right=True),
        Column("time"),
        Column("type", drop=1),
        Column("source", drop=3),
        Column("id", drop=2),
        Column(f"value{_unit(answer)}", right=True),
    ]
    rows = [_row(answer, each) for each in answer.events]
    return [*blocks, Grid("", columns, rows, _sum(answer)), footer([answer.completeness], answer.period)]


def _row(answer: Explanation, event: ExplainedEvent) -> list[str]:
    time = event.occurred_at.isoformat(sep=" ", timespec="milliseconds")[:23]
    return [words.count(event.position), time, event.type, event.source, event.id, _value(answer, event.value)]


def _sum(answer: Explanation) -> str:
    """Say what all events come to, and how many of them are not listed."""
    known = {name: getattr(answer.figures, name) for name in ([] if _counts(answer) else _FIGURES)}
    parts = [words.plural(answer.count, "event")]
    parts += [
        f"{_FIGURES[name]} {_value(answer, value)}{_unit(answer)}" for name, value in known.items() if value is not None
    ]
    if answer.omitted:
        parts.append(f"{answer.omitted:,} of them not listed: --limit {answer.count} lists all")
    return " · ".join(parts)


def _counts(answer: Explanation) -> bool:
    return answer.figures.count is not None and answer.figures.minimum is None


def _unit(answer: Explanation) -> str:
    unit = answer.currency or answer.unit
    return "" if unit in ("1", "us") else f" {unit}"


def _value(answer: Explanation, value: Decimal) -> str:
    """Return a value with all its digits; a time as a time."""
    if answer.unit == "us":
        return words.moment((EPOCH + timedelta(microseconds=int(value))).astimezone(answer.period.start.tzinfo))
    whole, _, places = f"{value:,f}".partition(".")
    return f"{whole}.{places}".rstrip("0").rstrip(".")
