"""Why a number is what it is: the events behind it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal

from attrs import frozen

from analytics_es.types.metrics import Completeness, Distribution
from analytics_es.types.period import TimePeriod
from analytics_es.types.prices import PriceUsed
from analytics_es.types.tables import Answer, Rows
from analytics_es.types.value_object import ValueObject


@frozen(kw_only=True, eq=False, repr=False)
class ExplainedEvent(ValueObject):
    """One event behind a number.

    position: where it is in the log.
    id: its identity, with `source`.
    source: who told it.
    type: such as `provider.call.completed`.
    occurred_at: when it happened, in the store's time zone.
    recorded_at: when it was recorded, in UTC.
    value: what it brings to the number, in the unit of the metric: of a count, 1.
    subject: what it is about: a model, tool, kind of task or kind of job; "" where it does not tell.
    error_type: what kind of failure it tells; "" where it tells none.
    """

    position: int
    id: str
    source: str
    type: str
    occurred_at: datetime
    recorded_at: datetime | None
    value: Decimal
    subject: str = ""
    error_type: str = ""


@frozen(kw_only=True, eq=False, repr=False)
class Explanation(Answer):
    """The events behind one number, as its read model holds it: up to `completeness.position`.

    metric: its name, such as `cost.reported_cost`.
    unit: of its figures and values.
    currency: of money; None for what is none.
    period: of the number, in whole buckets.
    keys: what it is narrowed to, by name.
    figures: of all the events.
    count: how many there are.
    events: the first of them, in the order that was asked for.
    omitted: how many more there are.
    completeness: what the answer stands on.
    """

    _TABLES: ClassVar[Mapping[str, Rows]] = {
        "events": Rows("events"),
    }

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


@frozen(kw_only=True, eq=False, repr=False)
class ChargedUnits(ValueObject):
    """What units of one kind cost in a call.

    kind: what was charged for.
    units: how many, that are of no more special kind with a price.
    price: of one of them.
    cost: units x price.
    """

    kind: str
    units: int
    price: Decimal
    cost: Decimal


@frozen(kw_only=True, eq=False, repr=False)
class ExplainedCost(ValueObject):
    """One call behind a cost, or a correction, and how its cost comes about.

    position: where it is in the log.
    id: its identity, with `source`.
    source: who told it.
    type: such as `provider.call.completed`.
    occurred_at: when it happened, in the store's time zone.
    provider: whose model was called; "" where it does not tell.
    model: what was called; "" where it does not tell.
    state: reported, computed, or unknown.
    reason: why it is unknown, as in UnknownCost; "" where it is known.
    currency: of its cost; "" where that is not known.
    cost: in `currency`; None where it is not known.
    used: how many units it told, by kind.
    price: of a computed cost; None for others.
    charged: of a computed cost, what adds up to it; else nothing.
    service_tier: the tier of service that it told, else standard.
    requests: how many requests its event stands for; 0 of a correction.
    below_cliff: it was priced below the first threshold of its price, because it stands for many requests.
    settles: of a correction, how many calls it makes known that had reported a cost of 0.
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
    service_tier: str = "standard"
    requests: int = 1
    below_cliff: bool = False
    settles: int = 0


@frozen(kw_only=True, eq=False, repr=False)
class CostExplanation(Answer):
    """The calls behind a cost, up to `completeness.position`.

    period: of the cost, in whole buckets.
    keys: what it is narrowed to, by name.
    totals: of all calls: money by currency.
    calls: how many there are.
    unknown_calls: how many of them are in no total.
    count: how many events there are, calls and corrections.
    events: the dearest first, the latest, or the first in the log.
    omitted: how many more there are.
    completeness: what the answer stands on.
    """

    _TABLES: ClassVar[Mapping[str, Rows]] = {
        "events": Rows("events"),
        "charged": Rows("events.charged", of=("position", "currency")),
    }

    period: TimePeriod
    keys: Mapping[str, str]
    totals: Mapping[str, Decimal]
    calls: int
    unknown_calls: int
    count: int
    events: list[ExplainedCost]
    omitted: int
    completeness: Completeness
