"""Answers about how fast and how reliable operations were."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from analytics_es.types.metrics import Completeness, Distribution
from analytics_es.types.period import TimePeriod


@frozen(kw_only=True)
class OperationPerformance:
    """One operation on one subject.

    operation: such as `provider.call`.
    subject: the model, tool, type of task or of job; "" where events do not tell it.
    calls: how many ended.
    failures: how many of them failed.
    error_rate: the share that failed of those that say how they ended, 0 to 1; None where none says so.
    calls_per_second: over the whole period.
    busy_calls_per_second: over the buckets (hours) that had calls; None where none had.
    output_tokens: how many; None where no call told.
    output_tokens_per_second: over the duration of the calls that gave tokens; None where none did.
    duration_ms: how long calls took, in milliseconds.
    time_to_first_chunk_ms: how long until the first part of an answer came, in milliseconds.
    unknown: how many of the calls ended and do not say how: neither failed nor went well (docs/concepts.md).
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
    unknown: int = 0


@frozen(kw_only=True)
class PerformancePoint:
    """All operations together in one bucket of time.

    start: where the bucket begins, in the store's time zone.
    calls: how many ended.
    failures: how many of them failed.
    error_rate: the share that failed of those that say how they ended, 0 to 1; None where none says so.
    duration_ms: how long calls took, in milliseconds.
    unknown: how many of the calls ended and do not say how.
    """

    start: datetime
    calls: int
    failures: int
    error_rate: float | None
    duration_ms: Distribution
    unknown: int = 0


@frozen(kw_only=True)
class PerformanceMetrics:
    """How fast and how reliable operations were.

    period: what was asked for, in whole buckets.
    operations: one for each operation and subject, busiest first.
    series: one point a bucket of time.
    completeness: what the answer stands on.
    """

    period: TimePeriod
    operations: list[OperationPerformance]
    series: list[PerformancePoint]
    completeness: Completeness
