"""Performance → tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from analytics_es.presentation import Behind, Block, Column, Columns, Grid, Link, Number, words
from analytics_es.presentation.tables.parts import (
    MORE,
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


def operations(answer: PerformanceMetrics, top: int, more: str = MORE) -> Block:
    """Return how every operation fared, busiest first."""
    return operation_grid(answer.operations, top, more)


def operation_grid(rows: Sequence[OperationPerformance], top: int, more: str = MORE) -> Block:
    """Return how some operations fared."""
    return Grid("Operations", _operation_columns(), *cut(rows, top, more))


def by_time(answer: PerformanceMetrics) -> Iterator[Block]:
    """Return how all operations fared in each bucket of time, unless the period is one."""
    goes_on = answer.completeness.open_buckets
    yield from of_time(answer.period, answer.series, answer.totals, {}, goes_on=goes_on)


def of_time(period: TimePeriod, points: Sequence[Any], total: Any, where: Where, *, goes_on: bool) -> Iterator[Block]:
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
        Number(
            "first chunk p50",
            lambda speed: words.duration(speed.time_to_first_chunk_ms.p50),
            drop=6,
            behind=lambda speed: Behind(metric="performance.time_to_first_chunk", where=keys(speed)),
            exact=lambda speed: speed.time_to_first_chunk_ms.p50,
        ),
        Number(
            "tokens/s",
            lambda speed: _rate(speed.output_tokens_per_second, 1),
            drop=5,
            behind=lambda speed: Behind(metric="performance.timed_output_tokens", where=keys(speed)),
            exact=lambda speed: speed.output_tokens_per_second,
        ),
        Number(
            "calls/s, busy",
            lambda speed: _rate(speed.busy_calls_per_second, 4),
            drop=7,
            exact=lambda speed: speed.busy_calls_per_second,
        ),
    ]


def _speed(where: Callable[[Any], Where]) -> Columns[Any]:
    """Return the columns of figures, each of which leads to its calls; `where` narrows them to those of a row."""

    def behind(measure: str) -> Callable[[Speed], Behind]:
        return lambda speed: Behind(metric=f"performance.{measure}", where=where(speed))

    def quantile(name: str) -> Column[Speed]:
        return Number(
            name,
            lambda speed: words.duration(getattr(speed.duration_ms, name)),
            behind=behind("duration"),
            exact=lambda speed: getattr(speed.duration_ms, name),
        )

    return [
        Number("calls", lambda speed: words.count(speed.calls), behind=behind("calls")),
        Number("errors", lambda speed: errors(speed.failures), behind=behind("failures")),
        Number(
            "error rate",
            lambda speed: words.percent(speed.error_rate),
            drop=3,
            behind=behind("failures"),
            exact=lambda speed: speed.error_rate,
        ),
        *map(quantile, QUANTILES),
    ]


def _rate(per_second: float | None, places: int) -> str:
    return words.UNKNOWN if per_second is None else f"{per_second:,.{places}f}"
