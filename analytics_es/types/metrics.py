"""Answers about a metric, and what every answer stands on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from attrs import frozen

from analytics_es.types.period import TimePeriod


@frozen(kw_only=True)
class Completeness:
    """What an answer stands on.

    `position`: every event up to here is in the answer. `lag_events`, `lag_seconds`: what the log holds beyond it, and
    how long the first of these has been waiting. `unreadable`: values of the period that no fold could read.
    `open_buckets`: whether the period reaches into the present, so that more may come. `sealed_until`: events of before
    are gone, and what they add is sealed. `complete_from`: of before, what was sealed lacks measures that were declared
    later; both are None where they say nothing about the period.
    """

    position: int
    lag_events: int
    lag_seconds: float
    unreadable: int
    open_buckets: bool
    sealed_until: datetime | None = None
    complete_from: datetime | None = None


@frozen(kw_only=True)
class Distribution:
    """What a measure knows of its values; the rest is None. A sum has a total only, a count has no extremes.

    Percentiles are by nearest rank and within 1.1 %; count, total, extremes and mean are exact.
    """

    count: int | None = None
    total: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    mean: Decimal | None = None
    p50: Decimal | None = None
    p90: Decimal | None = None
    p95: Decimal | None = None
    p99: Decimal | None = None


@frozen(kw_only=True)
class MetricPoint:
    """A metric in one bucket of time that starts at `start`."""

    start: datetime
    figures: Distribution


@frozen(kw_only=True)
class MetricGroup:
    """A metric for one combination of the keys that were asked for."""

    keys: Mapping[str, str]
    figures: Distribution


@frozen(kw_only=True)
class MetricSummary:
    """One metric over a period. `figures` holds only what the metric's measure supports; the rest is None.

    `change` is the relative change of the total (of the count, for a count) against the period before: 0.25 is a
    quarter more; None where the period before had none. Money has one summary per currency: then `groups` and
    `figures` are of that `currency`, and `by_currency` lists all.
    """

    metric: str
    unit: str
    period: TimePeriod
    figures: Distribution
    series: list[MetricPoint]
    groups: list[MetricGroup]
    previous: Distribution
    change: float | None
    currency: str | None
    by_currency: list[MetricSummary]
    completeness: Completeness


@frozen(kw_only=True)
class MetricInfo:
    """A metric that can be asked for: what it measures, in which unit, and by which keys."""

    name: str
    kind: str
    unit: str
    projection: str
    keys: list[str]
