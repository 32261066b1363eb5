"""Answers about what calls cost over time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from attrs import frozen

from analytics_es.types.metrics import Completeness
from analytics_es.types.period import TimePeriod
from analytics_es.types.tables import Answer, Rows
from analytics_es.types.value_object import ValueObject


@frozen(kw_only=True, eq=False, repr=False)
class CostSeriesPoint(ValueObject):
    """What one combination of the asked dimensions cost in one currency in one bucket of time.

    start: where the bucket begins, in the store's time zone.
    keys: each dimension's value, by name; "" where calls do not tell it.
    currency: of the money here; "" where the cost is not known.
    calls: how many they are.
    cost: in `currency`; None where it is not known.
    reported_cost: what calls themselves told, in `currency`; None where none did.
    computed_cost: what was computed from prices, in `currency`; None where nothing was.
    """

    start: datetime
    keys: Mapping[str, str]
    currency: str
    calls: int
    cost: Decimal | None
    reported_cost: Decimal | None
    computed_cost: Decimal | None


@frozen(kw_only=True, eq=False, repr=False)
class CostSeries(Answer):
    """What was spent on what, and when: the rows of a breakdown, a bucket of time each.

    Of the same question, the points of a combination add up to its row in a breakdown, and those of a bucket to that
    bucket's points there. Where there was nothing, there is no point.

    period: what was asked for, in whole buckets.
    by: the dimensions of `points`.
    starts: where each bucket of the period begins, in the store's time zone.
    points: one for each bucket, combination of `by` and currency that has anything, in a bucket the most first.
    calls: how many there were.
    unknown_calls: how many have a cost that is not known.
    supposed: the prices or models are not those that were: a what-if.
    completeness: what the answer stands on.
    """

    _TABLES: ClassVar[Mapping[str, Rows]] = {"points": Rows("points", keys="by")}

    period: TimePeriod
    by: list[str]
    starts: list[datetime]
    points: list[CostSeriesPoint]
    calls: int
    unknown_calls: int
    supposed: bool
    completeness: Completeness
