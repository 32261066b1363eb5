"""Why a number is what it is: the events behind it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal

from attrs import frozen

from analytics_es.types.metrics import Completeness, Distribution
from analytics_es.types.period import TimePeriod
from analytics_es.types.prices import PriceUsed


@frozen(kw_only=True)
class ExplainedEvent:
    """One event behind a number; `value` is what it brings to it, in the unit of the metric: of a count, 1."""

    position: int
    id: str
    source: str
    type: str
    occurred_at: datetime
    recorded_at: datetime | None
    value: Decimal


@frozen(kw_only=True)
class Explanation:
    """The events behind one number, as its read model holds it: up to `completeness.position`.

    `figures` are of all `count` events, of which `events` lists the first and `omitted` counts the rest. Money is of
    one `currency`. Where an entity's id is asked for without its type, an event is there once for each type of it.
    """

    metric: str
    unit: str
    currency: str | None
    period: TimePeriod
    keys: Mapping[str, str]
    figures: Distribution
    count: int
    events: list[ExplainedEvent]
    omitted: int
    completeness: Completeness


@frozen(kw_only=True)
class ChargedUnits:
    """What so many units of one kind cost in a call, that are of no more special kind with a price: units x price."""

    kind: str
    units: int
    price: Decimal
    cost: Decimal


@frozen(kw_only=True)
class ExplainedCost:
    """One call behind a cost, or a correction, and how its cost comes about.

    `state`: reported, computed, or unknown, for a `reason` (of UnknownCost), with the currency "" and no cost. `used`:
    what it told by kind. Of what is computed: the `price`, and what it `charged`, which adds up to the cost.
    """

    position: int
    id: str
    source: str
    type: str
    occurred_at: datetime
    provider: str
    model: str
    state: Literal["reported", "computed", "unknown"]
    reason: str
    currency: str
    cost: Decimal | None
    used: Mapping[str, int]
    price: PriceUsed | None
    charged: list[ChargedUnits]


@frozen(kw_only=True)
class CostExplanation:
    """The calls behind a cost, up to `completeness.position`.

    `totals` are the sums of all in each currency, `unknown_calls` those in none of them. `events` lists the dearest
    first, or the first in the log, `omitted` counts the rest. Where an entity's id is asked for without its type, an
    event is there once for each type of it.
    """

    period: TimePeriod
    keys: Mapping[str, str]
    totals: Mapping[str, Decimal]
    calls: int
    unknown_calls: int
    count: int
    events: list[ExplainedCost]
    omitted: int
    completeness: Completeness
