"""How far read models are, what was derived again, and what they could not read."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from analytics_es.types.period import TimePeriod
from analytics_es.types.tables import Answer
from analytics_es.types.value_object import ValueObject


@frozen(kw_only=True, eq=False, repr=False)
class AggregationResult(Answer):
    """What `run_aggregation` re-derived from the log.

    period: whole hours, and the days they lie in.
    projections: whose read models, by name.
    rows: how many were written.
    events: how many were read.
    position: up to where in the log.
    seconds: how long it took.
    """

    period: TimePeriod
    projections: list[str]
    rows: int
    events: int
    position: int
    seconds: float


@frozen(kw_only=True, eq=False, repr=False)
class RebuildResult(ValueObject):
    """Read models that were filled again from the log, and promoted.

    projections: whose read models, by name.
    events: how many were read.
    rows: how many were written.
    position: up to where in the log.
    unreadable: how many values could not be read.
    seconds: how long it took.
    events_per_second: how fast it went.
    sealed_until: what events before had added was carried over, as they are gone; None where none are.
    """

    projections: list[str]
    events: int
    rows: int
    position: int
    unreadable: int
    seconds: float
    events_per_second: int
    sealed_until: datetime | None = None


@frozen(kw_only=True, eq=False, repr=False)
class ProjectionStatus(ValueObject):
    """How far a projection is.

    name: of the projection.
    version: of the live definition.
    position: every event up to here is in its read model.
    lag_events: how many events the log holds beyond it.
    lag_seconds: how long the first of these has been waiting, in seconds.
    rows: how many its read model has.
    unreadable: how many values could not be read.
    error: what stopped it; None where nothing did.
    stale: how it differs from today's definition; it serves until a rebuild is promoted. None where it does not.
    few_events: by what a few events are folded: "python", or "duckdb: …" and which part only DuckDB computes.
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
    few_events: str = "python"


@frozen(kw_only=True, eq=False, repr=False)
class UnreadableValue(ValueObject):
    """A value that a projection could not read and left out.

    projection: which one.
    position: of the event.
    field: the name of the measure or key.
    """

    projection: str
    position: int
    field: str


@frozen(kw_only=True, eq=False, repr=False)
class DeadLetter(ValueObject):
    """A value that a projection could not read and left out.

    projection: which one.
    position: of the event.
    field: the name of a measure or key, "where", or "event" for something stored that is no event.
    hour: where its hour begins, in the store's time zone; None for what is no event.
    discarded: it was accepted as it is; it stays counted.
    """

    projection: str
    position: int
    field: str
    hour: datetime | None
    discarded: bool


@frozen(kw_only=True, eq=False, repr=False)
class RetryResult(ValueObject):
    """What became of dead letters that were tried again.

    tried: how many there were.
    solved: how many can be read now.
    remaining: how many still cannot.
    derived: the periods whose read models were derived again for that.
    """

    tried: int
    solved: int
    remaining: int
    derived: list[TimePeriod]


@frozen(kw_only=True, eq=False, repr=False)
class SqlView(ValueObject):
    """A view of read models that other tools read, in the file of the read models or in the store's schema.

    name: of the view, such as v_cost_daily.
    columns: their names, in order.
    """

    name: str
    columns: list[str]
