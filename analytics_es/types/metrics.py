"""Answers about a metric, and what every answer stands on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from attrs import frozen

from analytics_es.types.period import TimePeriod
from analytics_es.types.tables import Answer, Rows
from analytics_es.types.unread import UnreadField
from analytics_es.types.value_object import ValueObject


@frozen(kw_only=True, eq=False, repr=False)
class Completeness(ValueObject):
    """What an answer stands on.

    position: every event up to here is in the answer.
    lag_events: how many events the log holds beyond it.
    lag_seconds: how long the first of these has been waiting, in seconds.
    unreadable: how many values of the period no fold could read.
    open_buckets: the period reaches into the present, so that more may come.
    sealed_until: events before are gone, what they add is sealed; None where that does not touch the period.
    complete_from: what was sealed before lacks measures declared later; None where that does not touch the period.
    not_stored: what was asked by, such as `user`, and is not stored of some of the events, by a policy of privacy.
    unread: how many fields of events of the period, and types, no projection reads; None where that is not counted.
    unread_fields: the first ten of these by type and field, the most frequent first, with what they may have meant.
    contradictions: how many figures of events of the period contradict what was told beside them.
    contradicting: the first ten fields of these, the most frequent first.
    partial_calls: how many calls of the period are partial: their last usage was never written, so they took more.
    """

    position: int
    lag_events: int
    lag_seconds: float
    unreadable: int
    open_buckets: bool
    sealed_until: datetime | None = None
    complete_from: datetime | None = None
    not_stored: tuple[str, ...] = ()
    unread: int | None = None
    unread_fields: tuple[UnreadField, ...] = ()
    contradictions: int = 0
    contradicting: tuple[str, ...] = ()
    partial_calls: int = 0


@frozen(kw_only=True, eq=False, repr=False)
class Distribution(ValueObject):
    """What a measure knows of its values; the rest is None. A sum has a total only, a count has no extremes.

    All but `count` are in the unit of the metric. Percentiles are by nearest rank, within 1.1 %; all else is exact.

    count: how many values.
    total: their sum.
    minimum: the smallest.
    maximum: the largest.
    mean: total / count.
    p50: half of the values are at most this.
    p90: 90 % of them are.
    p95: 95 % of them are.
    p99: 99 % of them are.
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


@frozen(kw_only=True, eq=False, repr=False)
class MetricPoint(ValueObject):
    """A metric in one bucket of time.

    start: where the bucket begins, in the store's time zone.
    figures: of the bucket, in the unit of the metric.
    """

    start: datetime
    figures: Distribution


@frozen(kw_only=True, eq=False, repr=False)
class MetricGroup(ValueObject):
    """A metric for one combination of the keys that were asked for.

    keys: each key's value, by name; "" where events do not tell it.
    figures: of the combination, in the unit of the metric.
    """

    keys: Mapping[str, str]
    figures: Distribution


@frozen(kw_only=True, eq=False, repr=False)
class MetricSummary(Answer):
    """One metric over a period. Money has one summary per currency.

    metric: its name, such as `cost.reported_cost`.
    unit: of its figures: events, calls, tokens, ms, currency …
    period: what was asked for, in whole buckets.
    figures: of the period; what the metric's measure does not support is None.
    series: one point a bucket of time.
    groups: one for each combination of the keys that were asked for, largest first.
    previous: the figures of the period before; while this one goes on, of the same stretch of it: `compared_with`.
    change: of the total (or the count) against that, 0.25 is a quarter more; None where there was none, or less.
    currency: of `figures`, `series` and `groups`; None for what is no money.
    by_currency: of money, the summary in each currency.
    completeness: what the answer stands on.
    compared_with: the stretch before that `previous` is of; None where it is no longer kept, or none has passed.
    """

    _TABLES: ClassVar[Mapping[str, Rows]] = {
        "groups": Rows("_parts.groups", of=("metric", "unit", "currency"), keys="_by"),
        "series": Rows("_parts.series", of=("metric", "unit", "currency")),
        "figures": Rows("_parts"),
    }

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
    compared_with: TimePeriod | None = None

    @property
    def _parts(self) -> list[MetricSummary]:
        """The summary in each currency, or the one that there is."""
        return self.by_currency or [self]

    @property
    def _by(self) -> list[str]:
        """The keys that were asked for, where the groups say it."""
        return [key for part in self._parts for key in getattr(part.groups, "by", ())]

    def _main(self) -> str:
        return "groups" if self._by or any(part.groups for part in self._parts) else "series"


@frozen(kw_only=True, eq=False, repr=False)
class MetricInfo(ValueObject):
    """A metric that can be asked for.

    name: what to ask for, `projection.measure`.
    kind: count, total, smallest, largest or histogram.
    unit: of its figures: events, calls, tokens, ms, currency …
    projection: whose read model holds it.
    keys: by what it can be grouped and filtered.
    """

    name: str
    kind: str
    unit: str
    projection: str
    keys: list[str]
