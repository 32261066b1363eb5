"""Performance → tables."""

from __future__ import annotations

from analytics_es.cli.display import Block, Cell, Column, Grid, Line, words
from analytics_es.cli.tables.parts import MORE, NOTHING, PERCENTILES, cut, errors, footer, heading
from analytics_es.types import Distribution, OperationPerformance, PerformanceMetrics

_SPEED = [
    Column("calls", right=True),
    Column("errors", right=True),
    Column("error rate", right=True, drop=3),
    Column("p50", right=True),
    Column("p95", right=True),
    Column("p99", right=True),
]


def performance(answer: PerformanceMetrics, top: int) -> list[Block]:
    """Return the tables of get_performance_metrics."""
    blocks = heading("Performance", answer.period)
    if not answer.operations:
        return [*blocks, Line(NOTHING, "yellow"), Line(), footer([answer.completeness], answer.period)]
    blocks.append(operations(answer, top))
    if answer.period.granularity != "total":
        rows = [
            [start, *_speed(point.calls, point.failures, point.error_rate, point.duration_ms)]
            for start, point in zip(words.starts([p.start for p in answer.series]), answer.series, strict=True)
        ]
        blocks.append(Grid(f"By {answer.period.granularity}", [Column("start"), *_SPEED], rows))
    return [*blocks, footer([answer.completeness], answer.period, PERCENTILES)]


def operations(answer: PerformanceMetrics, top: int, more: str = MORE) -> Grid:
    """Return how every operation fared, busiest first."""
    columns = [
        Column("operation"),
        Column("subject"),
        *_SPEED,
        Column("first chunk p50", right=True, drop=6),
        Column("tokens/s", right=True, drop=5),
        Column("calls/s, busy", right=True, drop=7),
    ]
    return Grid("Operations", columns, *cut([_operation(each) for each in answer.operations], top, more))


def _operation(each: OperationPerformance) -> list[Cell]:
    tokens, busy = each.output_tokens_per_second, each.busy_calls_per_second
    return [
        each.operation,
        each.subject or "(none)",
        *_speed(each.calls, each.failures, each.error_rate, each.duration_ms),
        words.duration(each.time_to_first_chunk_ms.p50),
        words.UNKNOWN if tokens is None else f"{tokens:,.1f}",
        words.UNKNOWN if busy is None else f"{busy:,.4f}",
    ]


def _speed(calls: int, failures: int, rate: float | None, spread: Distribution) -> list[Cell]:
    durations = [words.duration(value) for value in (spread.p50, spread.p95, spread.p99)]
    return [words.count(calls), errors(failures), words.percent(rate), *durations]
