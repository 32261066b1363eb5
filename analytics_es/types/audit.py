"""Whether read models hold what the log says, and what changed in answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal

from attrs import Factory, frozen

from analytics_es.types.metrics import Distribution
from analytics_es.types.period import TimePeriod
from analytics_es.types.tables import Answer, Rows
from analytics_es.types.value_object import ValueObject


@frozen(kw_only=True, eq=False, repr=False)
class ColumnDifference(ValueObject):
    """A column of a row that differs.

    column: its name.
    live: what the read model holds; None for nothing.
    expected: what the log says; None for nothing.
    by: live - expected; None where one of them is no number.
    """

    column: str
    live: int | Decimal | str | None
    expected: int | Decimal | str | None
    by: int | Decimal | None


@frozen(kw_only=True, eq=False, repr=False)
class Divergence(ValueObject):
    """A row that is not what the log says.

    projection: whose row it is.
    kind: its value is `changed`, it is `missing`, or it is `extra`.
    grain: of its bucket: hour, or day.
    start: where its bucket begins, in the store's time zone; None where the stored bucket is no time.
    keys: which row it is: each key's value, by name.
    differences: column by column.
    positions: of the first events that the log holds for this row.
    events: how many it holds for it.
    """

    projection: str
    kind: Literal["changed", "missing", "extra"]
    grain: str
    start: datetime | None
    keys: Mapping[str, str]
    differences: list[ColumnDifference]
    positions: list[int]
    events: int


@frozen(kw_only=True, eq=False, repr=False)
class UnreadableDivergence(ValueObject):
    """An unreadable value that is listed in a read model and should not be, or the other way round.

    projection: whose value it is.
    kind: it is `missing` from the list, or `extra` in it.
    position: of the event.
    field: the name of the measure or key.
    """

    projection: str
    kind: Literal["missing", "extra"]
    position: int
    field: str


@frozen(kw_only=True, eq=False, repr=False)
class DayDivergence(ValueObject):
    """A day of which a read model has not taken in what the log holds; as many events may still be other events.

    projection: whose read model it is.
    start: where the day begins, in the store's time zone; None where the stored day is no time.
    events: how many it has taken in.
    events_in_log: how many the log holds.
    """

    projection: str
    start: datetime | None
    events: int
    events_in_log: int


@frozen(kw_only=True, eq=False, repr=False)
class LedgerCheck(ValueObject):
    """What a read model has taken in, day by day, compared with the log.

    projection: whose read model it is.
    position: its checkpoint, up to which both are compared.
    identical: nothing differs.
    days: how many were compared.
    divergences: the days that differ.
    checkpoint: what is wrong with the checkpoint; None where nothing is.
    """

    projection: str
    position: int
    identical: bool
    days: int
    divergences: list[DayDivergence]
    checkpoint: str | None


@frozen(kw_only=True, eq=False, repr=False)
class ProjectionVerification(ValueObject):
    """A live read model compared with its events folded again.

    projection: whose read model it is.
    version: of the live definition.
    position: its checkpoint, up to which both are compared.
    identical: nothing differs.
    rows: how many were compared.
    divergences: the first rows that differ.
    unreadable: the first unreadable values that differ.
    omitted: how many more of both there are.
    ledger: the same, day by day, by what was taken in.
    """

    projection: str
    version: int
    position: int
    identical: bool
    rows: int
    divergences: list[Divergence]
    unreadable: list[UnreadableDivergence]
    omitted: int
    ledger: LedgerCheck


@frozen(kw_only=True, eq=False, repr=False)
class Verification(Answer):
    """Live read models compared with the log.

    identical: nothing differs, and no event is damaged.
    projections: one for each read model.
    period: what was compared, in whole buckets; None for all of the log, and for sampled days.
    sampled: where the days that were drawn begin, in the store's time zone; None where none were.
    seed: what they were drawn with; None where none were.
    events: how many were folded again.
    seconds: how long it took.
    sealed_until: of events before, which are gone, it was what was sealed of them; None where none are gone.
    damaged: the positions of events that are not what was recorded, the first 1,000 at most.
    unsummed: up to this position events have no checksum, so that damage may not show; 0 where all have one.
    """

    _TABLES: ClassVar[Mapping[str, Rows]] = {
        "projections": Rows("projections"),
        "divergences": Rows("projections.divergences"),
        "differences": Rows("projections.divergences.differences", of=("projection", "grain", "start", "keys")),
        "unreadable": Rows("projections.unreadable"),
        "days": Rows("projections.ledger.divergences"),
    }

    identical: bool
    projections: list[ProjectionVerification]
    period: TimePeriod | None
    sampled: list[datetime] | None
    seed: int | None
    events: int
    seconds: float
    sealed_until: datetime | None = None
    damaged: list[int] = Factory(list)
    unsummed: int = 0


@frozen(kw_only=True, eq=False, repr=False)
class LastVerification(ValueObject):
    """What was found when a live read model was verified last; one that was filled anew since has none.

    projection: whose read model it is.
    scope: `all`, or which part of it was compared: a period, or how many days, drawn with which seed.
    verified_at: when that was done, in the store's time zone.
    position: its checkpoint then, up to which both were compared.
    identical: nothing differed.
    rows: how many were compared.
    differences: how many entries differed.
    damaged: how many events were not what was recorded, 1,000 at most.
    derived_since: rows of it were put in the place of others since.
    """

    projection: str
    scope: str
    verified_at: datetime
    position: int
    identical: bool
    rows: int
    differences: int
    damaged: int
    derived_since: bool


@frozen(kw_only=True, eq=False, repr=False)
class ChecksumsWritten(ValueObject):
    """Events that were given checksums of what is stored of them.

    events: how many.
    unsummed: up to this position, events still have none. 0 where all have one.
    """

    events: int
    unsummed: int


@frozen(kw_only=True, eq=False, repr=False)
class ChangeOfKind(ValueObject):
    """Events of one kind that came in.

    kind: `late`, `correction` or `erasure`.
    events: how many.
    first_position: of the first of them.
    last_position: of the last of them.
    """

    kind: str
    events: int
    first_position: int
    last_position: int


@frozen(kw_only=True, eq=False, repr=False)
class MetricChange(ValueObject):
    """What became of one metric over the period, for money of one currency.

    metric: its name, such as `cost.reported_cost`.
    unit: of its figures.
    currency: of money; None for what is none.
    was: the figures before.
    now: the figures after.
    difference: now - was, figure by figure; None where one side knows none, but counts and totals begin at nothing.
    by_kind: what events of each kind give alone; counts and totals add up to those of `difference`.
    """

    metric: str
    unit: str
    currency: str | None
    was: Distribution
    now: Distribution
    difference: Distribution
    by_kind: Mapping[str, Distribution]


@frozen(kw_only=True, eq=False, repr=False)
class ChangingEvent(ValueObject):
    """An event that changed an answer.

    position: where it is in the log.
    kind: `late`, `correction` or `erasure`.
    type: such as `provider.call.completed`.
    source: who told it.
    id: its identity, with `source`.
    occurred_at: when it happened, in UTC.
    recorded_at: when it was recorded, in UTC.
    """

    position: int
    kind: str
    type: str
    source: str
    id: str
    occurred_at: datetime
    recorded_at: datetime | None


@frozen(kw_only=True, eq=False, repr=False)
class AnswerDiff(Answer):
    """What changed in the answers about a period between two positions of the log.

    period: what was asked for, in whole buckets.
    before: the earlier position.
    after: the later position.
    kinds: of the events with positions in (before, after] that occurred in the period.
    metrics: those that changed.
    events: the first of the events.
    """

    _TABLES: ClassVar[Mapping[str, Rows]] = {
        "metrics": Rows("metrics"),
        "kinds": Rows("kinds"),
        "events": Rows("events"),
        "by_kind": Rows("metrics.by_kind", of=("metric", "unit", "currency"), named="kind"),
    }

    period: TimePeriod
    before: int
    after: int
    kinds: list[ChangeOfKind]
    metrics: list[MetricChange]
    events: list[ChangingEvent]


@frozen(kw_only=True, eq=False, repr=False)
class UnreadAnnouncement(ValueObject):
    """An event of the service's own kind that does not say what the service says; it is ignored.

    position: where it is in the log.
    type: such as `analytics.tags.declared`.
    problem: what is wrong with it.
    """

    position: int
    type: str
    problem: str


@frozen(kw_only=True, eq=False, repr=False)
class DoubtfulCorrection(ValueObject):
    """A correction of a cost that is not beside a call that it fits.

    position: where it is in the log.
    source: who told it; None where it cannot be read.
    id: its identity, with `source`; None where it cannot be read.
    counted: it is in the sums, as it was recorded before its call was looked for; otherwise it waits, or was rejected.
    problem: what does not fit.
    """

    position: int
    source: str | None
    id: str | None
    counted: bool
    problem: str
