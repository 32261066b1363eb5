"""One metric → tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from analytics_es.events.event import time_of
from analytics_es.presentation import Block, Column, Grid, Number, words
from analytics_es.presentation.tables.parts import PERCENTILES, by_time, compared, cut, filtered, footer, heading
from analytics_es.types import Explanation, MetricGroup, MetricPoint, MetricSummary

_FIGURES = ("count", "total", "mean", "minimum", "p50", "p90", "p95", "p99", "maximum")
_DROPPED_FIRST = {"minimum": 4, "p90": 3, "mean": 2, "total": 1}


def summary(answer: MetricSummary, top: int, where: Mapping[str, str]) -> Iterator[Block]:
    """Return the tables of get_summary; of money, one set for each currency."""
    parts = answer.by_currency if len(answer.by_currency) > 1 else [answer]
    yield from heading(f"{answer.metric}{filtered(where)}", answer.period)
    for part in parts:
        yield from _in_one_currency(part, top)
    notes = [PERCENTILES] if any(part.figures.p50 is not None for part in parts) else []
    yield footer([answer.completeness], answer.period, *notes)


def _in_one_currency(answer: MetricSummary, top: int) -> Iterator[Block]:
    columns = [_column(answer, name) for name in _names(answer)]
    title = f"In {answer.currency}" if answer.currency else ""
    remark = "" if answer.change is None else f"change against the period before: {words.change(answer.change)}"
    remark = " · ".join(filter(None, [remark, compared(answer)]))
    periods = {"this period": answer.figures, "period before": answer.previous}
    rows = [MetricGroup(keys={"": period}, figures=figures) for period, figures in periods.items()]
    yield Grid(title, [_key(""), *columns], rows, remark)
    if answer.groups:
        keys = list(answer.groups[0].keys)
        yield Grid(f"By {' and '.join(keys)}", [*map(_key, keys), *columns], *cut(answer.groups, top))
    empty = {None, 0}
    yield from by_time(
        answer,
        columns,
        total=answer,
        is_empty=lambda point: {point.figures.count, point.figures.total} <= empty and _extreme(point) is None,
        of="any",
    )


def _extreme(point: MetricPoint) -> Decimal | None:
    return point.figures.maximum if point.figures.minimum is None else point.figures.minimum


def _names(answer: MetricSummary) -> list[str]:
    """Return the figures that the metric has at all; a count says the same twice."""
    rows = [answer.figures, answer.previous, *(group.figures for group in answer.groups)]
    names = [name for name in _FIGURES if any(getattr(figures, name) is not None for figures in rows)]
    same = all(figures.count == figures.total for figures in rows)
    return ["count"] if same and "total" in names else names or ["total"]


def _key(key: str) -> Column[MetricGroup]:
    return Column(key, lambda group: group.keys[key] or "(none)")


def _column(answer: MetricSummary, name: str) -> Column[MetricGroup | MetricPoint]:
    def cell(row: MetricGroup | MetricPoint) -> str:
        figure = getattr(row.figures, name)
        return words.count(figure) if name == "count" else in_unit(answer, figure)

    return Number(name, cell, drop=_DROPPED_FIRST.get(name, 0))


def in_unit(answer: MetricSummary | Explanation, figure: Decimal | None) -> str:
    """Return a figure of an answer as people read what is of its unit."""
    if figure is None:
        return words.UNKNOWN
    if answer.unit == "ms":
        return words.duration(figure)
    if answer.unit == "currency":
        return words.money(figure, answer.currency or "", words.places([answer.figures.total]))
    if answer.unit == "us":
        return words.moment(time_of(int(figure)).astimezone(answer.period.start.tzinfo))
    return words.decimal(figure)
