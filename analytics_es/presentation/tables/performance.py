"""Performance → tables."""

from __future__ import annotations

from collections.abc import Iterator

from analytics_es.presentation import Block, Column, Columns, Grid, Number, words
from analytics_es.presentation.tables.parts import (
    MORE,
    PERCENTILES,
    by_time,
    cut,
    errors,
    footer,
    heading,
    nothing,
    unclear,
)
from analytics_es.types import OperationPerformance, PerformanceMetrics, PerformancePoint

_SPEED: Columns[OperationPerformance | PerformancePoint] = [
    Number("calls", lambda speed: words.count(speed.calls)),
    Number("errors", lambda speed: errors(speed.failures)),
    Number("error rate", lambda speed: words.percent(speed.error_rate), drop=3),
    Number("p50", lambda speed: words.duration(speed.duration_ms.p50)),
    Number("p95", lambda speed: words.duration(speed.duration_ms.p95)),
    Number("p99", lambda speed: words.duration(speed.duration_ms.p99)),
]
_OPERATIONS: Columns[OperationPerformance] = [
    Column("operation", lambda speed: speed.operation),
    Column("subject", lambda speed: speed.subject or "(none)"),
    *_SPEED,
    Number("first chunk p50", lambda speed: words.duration(speed.time_to_first_chunk_ms.p50), drop=6),
    Number("tokens/s", lambda speed: _rate(speed.output_tokens_per_second, 1), drop=5),
    Number("calls/s, busy", lambda speed: _rate(speed.busy_calls_per_second, 4), drop=7),
]


def performance(answer: PerformanceMetrics, top: int) -> Iterator[Block]:
    """Return the tables of get_performance_metrics."""
    yield from heading("Performance", answer.period)
    if not answer.operations:
        yield from (*nothing(), footer([answer.completeness], answer.period))
        return
    yield operations(answer, top)
    yield from unclear(sum(row.unknown for row in answer.operations))
    yield from by_time(
        answer,
        _SPEED,
        total=answer.totals,
        is_empty=lambda point: not point.calls,
        of="calls",
    )
    yield footer([answer.completeness], answer.period, PERCENTILES)


def operations(answer: PerformanceMetrics, top: int, more: str = MORE) -> Block:
    """Return how every operation fared, busiest first."""
    return Grid("Operations", _OPERATIONS, *cut(answer.operations, top, more))


def _rate(per_second: float | None, places: int) -> str:
    return words.UNKNOWN if per_second is None else f"{per_second:,.{places}f}"
