"""One metric → tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from attrs import asdict

from analytics_es.cli.display import Block, Cell, Column, Grid, words
from analytics_es.cli.tables.parts import PERCENTILES, cut, footer, heading
from analytics_es.events.event import EPOCH
from analytics_es.types import Distribution, MetricSummary

_FIGURES = ("count", "total", "mean", "minimum", "p50", "p90", "p95", "p99", "maximum")
_DROPPED_FIRST = {"minimum": 4, "p90": 3, "mean": 2, "total": 1}


def summary(answer: MetricSummary, top: int) -> list[Block]:
    """Return the tables of get_summary; of money, one set for each currency."""
    parts = answer.by_currency if len(answer.by_currency) > 1 else [answer]
    blocks = heading(answer.metric, answer.period)
    for part in parts:
        blocks += _of_one(part, top)
    notes = [PERCENTILES] if any(part.figures.p50 is not None for part in parts) else []
    return [*blocks, footer([answer.completeness], answer.period, *notes)]


def _of_one(answer: MetricSummary, top: int) -> list[Block]:
    names = _known([answer.figures, answer.previous, *(each.figures for each in answer.groups)])
    columns = [Column(name, right=True, drop=_DROPPED_FIRST.get(name, 0)) for name in names]
    title = f"In {answer.currency}" if answer.currency else ""
    whole = [
        ["this period", *_figures(answer, answer.figures, names)],
        ["period before", *_figures(answer, answer.previous, names)],
    ]
    remark = "" if answer.change is None else f"change against the period before: {words.change(answer.change)}"
    blocks: list[Block] = [Grid(title, [Column(""), *columns], whole, remark)]
    if answer.groups:
        keys = list(answer.groups[0].keys)
        rows = [
            [*(each.keys[key] or "(none)" for key in keys), *_figures(answer, each.figures, names)]
            for each in answer.groups
        ]
        grid = Grid(f"By {' and '.join(keys)}", [*(Column(key) for key in keys), *columns], *cut(rows, top))
        blocks.append(grid)
    if answer.period.granularity != "total":
        labels = words.starts([point.start for point in answer.series])
        rows = [
            [label, *_figures(answer, point.figures, names)] for label, point in zip(labels, answer.series, strict=True)
        ]
        blocks.append(Grid(f"By {answer.period.granularity}", [Column("start"), *columns], rows))
    return blocks


def _known(figures: Sequence[Distribution]) -> list[str]:
    """Return the figures that the metric has at all; a count says the same twice."""
    names = [name for name in _FIGURES if any(getattr(each, name) is not None for each in figures)]
    same = all(each.count == each.total for each in figures)
    return ["count"] if same and "total" in names else names or ["total"]


def _figures(answer: MetricSummary, figures: Distribution, names: Sequence[str]) -> list[Cell]:
    values = asdict(figures, recurse=False)
    return [words.count(values[name]) if name == "count" else _in_unit(answer, values[name]) for name in names]


def _in_unit(answer: MetricSummary, value: Decimal | None) -> str:
    if value is None:
        return words.UNKNOWN
    if answer.unit == "ms":
        return words.duration(value)
    if answer.unit == "currency":
        return words.money(value, answer.currency or "", words.places([answer.figures.total]))
    if answer.unit == "us":
        instant = EPOCH + timedelta(microseconds=int(value))
        return words.moment(instant.astimezone(answer.period.start.tzinfo))
    return words.decimal(value)
