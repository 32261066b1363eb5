"""Answers about how fast and how reliable operations were."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from attrs import frozen

from analytics_es.types.metrics import Completeness, Distribution
from analytics_es.types.period import TimePeriod
from analytics_es.types.tables import Answer, Rows
from analytics_es.types.value_object import ValueObject


@frozen(kw_only=True, eq=False, repr=False)
class OperationPerformance(ValueObject):
    """One operation on one subject.

    operation: such as `provider.call`.
    subject: the model, tool, type of task or of job; "" where events do not tell it.
    calls: how many ended.
    failures: how many of them failed.
    error_rate: the share that failed of those that say how they ended, 0 to 1; None where none says so.
    calls_per_second: over what has passed of the period; None where nothing has.
    busy_calls_per_second: over the hours that had calls, of the one that goes on what has passed; None where none had.
    output_tokens: how many; None where no call told.
    output_tokens_per_second: over the duration of the calls that gave tokens; None where none did.
    duration_ms: how long calls took, in milliseconds.
    time_to_first_chunk_ms: how long until the first part of an answer came, in milliseconds.
    unknown: how many of the calls ended and do not say how: neither failed nor went well.
    """

    operation: str
    subject: str
    calls: int
    failures: int
    error_rate: float | None
    calls_per_second: float | None
    busy_calls_per_second: float | None
    output_tokens: int | None
    output_tokens_per_second: float | None
    duration_ms: Distribution
    time_to_first_chunk_ms: Distribution
    unknown: int = 0


@frozen(kw_only=True, eq=False, repr=False)
class PerformancePoint(ValueObject):
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


@frozen(kw_only=True, eq=False, repr=False)
class PerformanceMetrics(Answer):
    """How fast and how reliable operations were.

    period: what was asked for, in whole buckets.
    operations: one for each operation and subject, busiest first.
    series: one point a bucket of time.
    completeness: what the answer stands on.
    totals: all operations together, over the whole period.
    """

    _TABLES: ClassVar[Mapping[str, Rows]] = {
        "operations": Rows("operations"),
        "series": Rows("series"),
    }

    period: TimePeriod
    operations: list[OperationPerformance]
    series: list[PerformancePoint]
    completeness: Completeness
    totals: PerformancePoint
