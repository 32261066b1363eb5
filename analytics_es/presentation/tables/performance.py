"""Performance → tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from analytics_es.presentation import Behind, Block, Cell, Column, Columns, Grid, Link, Number, words
from analytics_es.presentation.tables.parts import (
    PERCENTILES,
    cut,
    errors,
    footer,
    heading,
    nothing,
    unclear,
)
from analytics_es.presentation.tables.series import series
from analytics_es.types import OperationPerformance, PerformanceMetrics, PerformancePoint, TimePeriod

Speed = OperationPerformance | PerformancePoint
Where = Mapping[str, str]
QUANTILES = ("p50", "p95", "p99")


def performance(answer: PerformanceMetrics, top: int) -> Iterator[Block]:
    """Return the tables of get_performance_metrics."""
    yield from heading("Performance", answer.period)
    if not answer.operations:
        yield from (*nothing(), footer([answer.completeness], answer.period))
        return
    yield operations(answer, top)
    yield from unclear(sum(row.unknown for row in answer.operations))
    yield from by_time(answer)
    yield footer([answer.completeness], answer.period, PERCENTILES)


def operations(answer: PerformanceMetrics, top: int, more: str | None = None) -> Block:
    """Return how every operation fared, busiest first."""
    return operation_grid(answer.operations, top, more)


def operation_grid(rows: Sequence[OperationPerformance], top: int, more: str | None = None) -> Block:
    """Return how some operations fared."""
    return Grid("Operations", _operation_columns(), *cut(rows, top, more))


def by_time(answer: PerformanceMetrics) -> Iterator[Grid[Any]]:
    """Return how all operations fared in each bucket of time, unless the period is one."""
    goes_on = answer.completeness.open_buckets
    yield from of_time(answer.period, answer.series, answer.totals, {}, goes_on=goes_on)


def of_time(
    period: TimePeriod, points: Sequence[Any], total: Any, where: Where, *, goes_on: bool
) -> Iterator[Grid[Any]]:
    """Return how calls fared in each bucket of time; `where`: what they are narrowed to."""
    if period.granularity != "total":
        starts = [point.start for point in points]
        yield series(
            period,
            _speed(lambda _: where),
            points,
            starts,
            total=total,
            is_empty=lambda point: not point.calls,
            of="calls",
            goes_on=goes_on,
        )


def keys(speed: OperationPerformance) -> Where:
    """Return what the figures of an operation are narrowed to."""
    return {"operation": speed.operation, "subject": speed.subject}


def narrowed(operation: str, subject: str | None) -> Link:
    """Return the way to one operation on one subject; None: on all of them, "": on those that tell none."""
    about = {"subject": subject or None, "unnamed": "1" if subject == "" else None}
    return Link(page="performance", words={"operation": operation, **about})


def _operation_columns() -> Columns[OperationPerformance]:
    return [
        Column("operation", lambda speed: speed.operation, link=lambda speed: narrowed(speed.operation, None)),
        Column(
            "subject",
            lambda speed: speed.subject or "(none)",
            link=lambda speed: narrowed(speed.operation, speed.subject),
        ),
        *_speed(keys),
        _number(
            "first chunk p50",
            lambda speed: speed.time_to_first_chunk_ms.p50,
            words.duration,
            drop=6,
            behind=("time_to_first_chunk", keys),
        ),
        _number(
            "tokens/s",
            lambda speed: speed.output_tokens_per_second,
            lambda rate: _rate(rate, 1),
            drop=5,
            behind=("timed_output_tokens", keys),
        ),
        _number("calls/s, busy", lambda speed: speed.busy_calls_per_second, lambda rate: _rate(rate, 4), drop=7),
    ]


def _speed(where: Callable[[Any], Where]) -> Columns[Any]:
    """Return the columns of figures, each of which leads to its calls; `where` narrows them to those of a row."""

    def quantile(name: str) -> Column[Any]:
        return _number(name, lambda speed: getattr(speed.duration_ms, name), words.duration, behind=("duration", where))

    return [
        _number("calls", lambda speed: speed.calls, words.count, behind=("calls", where)),
        _number("errors", lambda speed: speed.failures, errors, behind=("failures", where)),
        _number("error rate", lambda speed: speed.error_rate, words.percent, drop=3, behind=("failures", where)),
        *map(quantile, QUANTILES),
    ]


def _number(
    title: str,
    figure: Callable[[Any], Any],
    shown: Callable[[Any], Cell],
    *,
    drop: int = 0,
    behind: tuple[str, Callable[[Any], Where]] | None = None,
) -> Column[Any]:
    """Return a column of figures; of none, or of 0, there is nothing behind."""

    def events(speed: Any) -> Behind | None:
        return Behind(metric=f"performance.{behind[0]}", where=behind[1](speed)) if behind and figure(speed) else None

    return Number(title, lambda speed: shown(figure(speed)), drop=drop, behind=events if behind else None, exact=figure)


def _rate(per_second: float | None, places: int) -> str:
    return words.UNKNOWN if per_second is None else f"{per_second:,.{places}f}"
