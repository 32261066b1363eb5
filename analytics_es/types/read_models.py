"""How far read models are, what was derived again, and what they could not read."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from analytics_es.types.period import TimePeriod


@frozen(kw_only=True)
class AggregationResult:
    """What `run_aggregation` re-derived: whole hours (and the days they lie in), from the log, up to a position."""

    period: TimePeriod
    projections: list[str]
    rows: int
    events: int
    position: int
    seconds: float


@frozen(kw_only=True)
class RebuildResult:
    """Read models that were filled again from the log up to a position, and promoted.

    `sealed_until`: what events before, which are gone, had added was carried over; None where none are gone.
    """

    projections: list[str]
    events: int
    rows: int
    position: int
    unreadable: int
    seconds: float
    events_per_second: int
    sealed_until: datetime | None = None


@frozen(kw_only=True)
class ProjectionStatus:
    """How far a projection is. `error` is what stopped it, if anything did.

    `stale` says how the live read model differs from today's definition; it serves until a rebuild is promoted.
    """

    name: str
    version: int
    position: int
    lag_events: int
    lag_seconds: float
    rows: int
    unreadable: int
    error: str | None
    stale: str | None = None


@frozen(kw_only=True)
class UnreadableValue:
    """A value that a projection could not read and left out: the event's position and the field."""

    projection: str
    position: int
    field: str


@frozen(kw_only=True)
class DeadLetter:
    """A value that a projection could not read and left out.

    `field` is a measure's or key's name, "where", or "event" for something stored that is no event, which has no
    `hour`. `discarded`: it was accepted as it is; it stays counted.
    """

    projection: str
    position: int
    field: str
    hour: datetime | None
    discarded: bool


@frozen(kw_only=True)
class RetryResult:
    """How many dead letters were tried again, can be read now, and remain; what was derived again for that."""

    tried: int
    solved: int
    remaining: int
    derived: list[TimePeriod]
