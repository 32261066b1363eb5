"""Answers about how fast and how reliable operations were."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from analytics_es.types.metrics import Completeness, Distribution
from analytics_es.types.period import TimePeriod


@frozen(kw_only=True)
class OperationPerformance:
    """One operation on one subject, such as `provider.call` on a model.

    `calls_per_second` is over the whole period, `busy_calls_per_second` over the buckets (hours) that had calls.
    `output_tokens_per_second` is over the duration of the calls that gave tokens. Durations are milliseconds.
    """

    operation: str
    subject: str
    calls: int
    failures: int
    error_rate: float | None
    calls_per_second: float
    busy_calls_per_second: float | None
    output_tokens: int | None
    output_tokens_per_second: float | None
    duration_ms: Distribution
    time_to_first_chunk_ms: Distribution


@frozen(kw_only=True)
class PerformancePoint:
    """All operations together in one bucket of time that starts at `start`; durations are milliseconds."""

    start: datetime
    calls: int
    failures: int
    error_rate: float | None
    duration_ms: Distribution


@frozen(kw_only=True)
class PerformanceMetrics:
    """How fast and how reliable operations were, busiest first."""

    period: TimePeriod
    operations: list[OperationPerformance]
    series: list[PerformancePoint]
    completeness: Completeness
