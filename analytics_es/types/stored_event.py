"""What is stored at one position of the log, and what becomes of it in answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from attrs import Factory, frozen

from analytics_es.types.explanation import ExplainedCost
from analytics_es.types.tables import Answer, Rows
from analytics_es.types.value_object import ValueObject


@frozen(kw_only=True, eq=False, repr=False)
class CountedValue(ValueObject):
    """What an event adds to one metric.

    metric: its name, such as `cost.reported_cost`.
    unit: of the value.
    currency: of money; None for what is none.
    value: what it adds, of a count 1, in the unit of the metric.
    keys: of the row that it is added to, by name; those that have no text are left out.
    """

    metric: str
    unit: str
    currency: str | None
    value: Decimal
    keys: Mapping[str, str]


@frozen(kw_only=True, eq=False, repr=False)
class UncountedValue(ValueObject):
    """What a projection cannot use of an event.

    projection: which one.
    field: the name of a measure or key, "where", or "event" for all of it.
    cause: why, in words.
    """

    projection: str
    field: str
    cause: str


@frozen(kw_only=True, eq=False, repr=False)
class StoredEvent(Answer):
    """What is stored at one position of the log, and what becomes of it in answers.

    position: where it is in the log.
    last_position: up to where the log goes.
    type: such as `provider.call.completed`; "" where it is not what was recorded.
    source: who told it; None where what is stored is no event.
    id: its identity, with `source`; None where what is stored is no event.
    occurred_at: when it happened, in the store's time zone; None where what is stored is no event.
    recorded_at: when it was recorded, in UTC; None where that is not told.
    data: what it says, as it is stored; None where what is stored is no event.
    counted: what it adds to each metric, as the read models are defined, once they have come this far.
    uncounted: what projections cannot use of it.
    cost: of a call, or a correction, how its cost comes about; None where it is neither, or waits to be counted.
    corrects: where the call is that it corrects; None where it is no correction, or there is none.
    corrections: where the corrections of its cost are, in their order.
    unknown_pseudonyms: those in it that the store's vault does not know: forgotten since, or of another store.
    raw: what is stored, as text, where that is no event; None where it is one.
    problem: why what is stored is no event; None where it is one.
    """

    _TABLES: ClassVar[Mapping[str, Rows]] = {
        "counted": Rows("counted"),
        "uncounted": Rows("uncounted"),
        "charged": Rows("cost.charged"),
    }

    position: int
    last_position: int
    type: str
    source: str | None
    id: str | None
    occurred_at: datetime | None
    recorded_at: datetime | None
    data: Mapping[str, Any] | None
    counted: list[CountedValue]
    uncounted: list[UncountedValue]
    cost: ExplainedCost | None = None
    corrects: int | None = None
    corrections: list[int] = Factory(list)
    unknown_pseudonyms: list[str] = Factory(list)
    raw: str | None = None
    problem: str | None = None
