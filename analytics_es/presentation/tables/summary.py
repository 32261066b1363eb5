"""One metric → tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from analytics_es.events.event import time_of
from analytics_es.presentation import Behind, Block, Column, Columns, Grid, Number, words
from analytics_es.presentation.tables.parts import PERCENTILES, by_time, compared, cut, filtered, footer, heading
from analytics_es.types import Distribution, Explanation, MetricGroup, MetricPoint, MetricSummary

THIS = "this period"
MONEY, TIME = "currency", "us"  # units: that of money, whose key tells its currency, and microseconds since 1970
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
    yield periods(answer)
    yield from groups(answer, top)
    yield from series(answer)


def periods(answer: MetricSummary) -> Grid[MetricGroup]:
    """Return the figures of the period, and of the one before."""
    title = f"In {answer.currency}" if answer.currency else ""
    remark = "" if answer.change is None else f"change against the period before: {words.change(answer.change)}"
    remark = " · ".join(filter(None, [remark, compared(answer)]))
    before = answer.compared_with
    rows = [MetricGroup(keys={"": name}, figures=figures) for name, figures in _periods(answer).items()]

    def behind(row: MetricGroup) -> Behind | None:
        if row.keys[""] == THIS:
            return _behind(answer, {})
        return _behind(answer, {}, before.start, before.end) if before else None

    return Grid(title, [_key(""), *_columns(answer, behind)], rows, remark)


def groups(answer: MetricSummary, top: int, more: str | None = None) -> Iterator[Grid[Any]]:
    """Return the figures of each combination of keys, the largest first; nothing where none were asked for."""
    if answer.groups:
        keys = list(answer.groups[0].keys)
        columns = [*map(_key, keys), *_columns(answer, lambda group: _behind(answer, group.keys))]
        yield Grid(f"By {' and '.join(keys)}", columns, *cut(answer.groups, top, more))


def series(answer: MetricSummary) -> Iterator[Grid[Any]]:
    """Return the figures of each bucket of time, unless the period is one."""
    empty = {None, 0}
    yield from by_time(
        answer,
        _columns(answer, lambda _: _behind(answer, {})),
        total=answer,
        is_empty=lambda point: {point.figures.count, point.figures.total} <= empty and _extreme(point) is None,
        of="any",
    )


def _periods(answer: MetricSummary) -> Mapping[str, Distribution]:
    return {THIS: answer.figures, "period before": answer.previous}


def _behind(
    answer: MetricSummary, keys: Mapping[str, str], start: datetime | None = None, end: datetime | None = None
) -> Behind:
    """Return what lists the events of some keys; of money, of its currency."""
    currency = {} if answer.currency is None else {MONEY: answer.currency}
    return Behind(metric=answer.metric, where={**currency, **keys}, start=start, end=end)


def _extreme(point: MetricPoint) -> Decimal | None:
    return point.figures.maximum if point.figures.minimum is None else point.figures.minimum


def names(answer: MetricSummary) -> list[str]:
    """Return the figures that the metric has at all; a count says the same twice."""
    rows = [answer.figures, answer.previous, *(group.figures for group in answer.groups)]
    names = [name for name in _FIGURES if any(getattr(figures, name) is not None for figures in rows)]
    same = all(figures.count == figures.total for figures in rows)
    return ["count"] if same and "total" in names else names or ["total"]


def _key(key: str) -> Column[MetricGroup]:
    return Column(key, lambda group: group.keys[key] or "(none)")


def _columns(answer: MetricSummary, behind: Callable[[Any], Behind | None]) -> Columns[Any]:
    return [_column(answer, name, behind) for name in names(answer)]


def _column(answer: MetricSummary, name: str, behind: Callable[[Any], Behind | None]) -> Column[Any]:
    def figure(row: Any) -> Any:
        return getattr(row.figures, name)

    def exact(row: Any) -> Any:
        return in_full(answer, name, figure(row))

    def events(row: Any) -> Behind | None:
        return behind(row) if figure(row) else None

    dropped = _DROPPED_FIRST.get(name, 0)
    return Number(name, lambda row: shown(answer, name, figure(row)), drop=dropped, behind=events, exact=exact)


def shown(answer: MetricSummary, name: str, figure: Decimal | int | None) -> str:
    """Return a figure of a metric as people read it."""
    if name == "count":
        return words.count(None if figure is None else int(figure))
    return in_unit(answer, None if figure is None else Decimal(figure))


def in_full(answer: MetricSummary, name: str, figure: Any) -> Any:
    """Return a figure with all its digits; of a time, the time."""
    is_time = answer.unit == TIME and name != "count" and figure is not None
    return _instant(answer, figure) if is_time else figure


def _instant(answer: MetricSummary | Explanation, figure: Decimal) -> datetime:
    return time_of(int(figure)).astimezone(answer.period.start.tzinfo)


def in_unit(answer: MetricSummary | Explanation, figure: Decimal | None) -> str:
    """Return a figure in the unit of a metric."""
    if figure is None:
        return words.UNKNOWN
    if answer.unit == "ms":
        return words.duration(figure)
    if answer.unit == MONEY:
        return words.money(figure, answer.currency or "", words.places([answer.figures.total]))
    if answer.unit == TIME:
        return words.moment(_instant(answer, figure))
    return words.decimal(figure)
