"""Whether read models hold what the log says, and what changed in answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal

from attrs import frozen

from analytics_es.types.metrics import Distribution
from analytics_es.types.period import TimePeriod


@frozen(kw_only=True)
class ColumnDifference:
    """A column of a row that differs; `by` is live less expected, None where one of them is no number."""

    column: str
    live: int | Decimal | str | None
    expected: int | Decimal | str | None
    by: int | Decimal | None


@frozen(kw_only=True)
class Divergence:
    """A row that is not what the log says: its value is `changed`, it is `missing`, or it is `extra`.

    `positions` are the first of the `events` that the log holds for this row. `start` is where its bucket starts, None
    where the stored bucket is no time.
    """

    projection: str
    kind: Literal["changed", "missing", "extra"]
    grain: str
    start: datetime | None
    keys: Mapping[str, str]
    differences: list[ColumnDifference]
    positions: list[int]
    events: int


@frozen(kw_only=True)
class UnreadableDivergence:
    """An unreadable value that is `missing` from the list of a read model, or `extra` in it."""

    projection: str
    kind: Literal["missing", "extra"]
    position: int
    field: str


@frozen(kw_only=True)
class DayDivergence:
    """A day of which a read model has not taken in what the log holds; as many events may still be other events."""

    projection: str
    start: datetime | None
    events: int
    events_in_log: int


@frozen(kw_only=True)
class LedgerCheck:
    """What a read model has taken in, day by day, compared with the log up to its checkpoint.

    `checkpoint` says what is wrong with the checkpoint, if anything is.
    """

    projection: str
    position: int
    identical: bool
    days: int
    divergences: list[DayDivergence]
    checkpoint: str | None


@frozen(kw_only=True)
class ProjectionVerification:
    """A live read model compared with its events folded again up to its checkpoint.

    The first `divergences` and `unreadable` are listed; `omitted` counts the rest of both.
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


@frozen(kw_only=True)
class Verification:
    """Live read models compared with the log: all of it, a period, or `sampled` days, drawn with a `seed`.

    `sealed_until`: of events before, which are gone, it was what was sealed of them; None where none are gone.
    """

    identical: bool
    projections: list[ProjectionVerification]
    period: TimePeriod | None
    sampled: list[datetime] | None
    seed: int | None
    events: int
    seconds: float
    sealed_until: datetime | None = None


@frozen(kw_only=True)
class ChangeOfKind:
    """How many events of one kind (`late`, `correction`, `erasure`) came in, and where the first and the last are."""

    kind: str
    events: int
    first_position: int
    last_position: int


@frozen(kw_only=True)
class MetricChange:
    """What became of one metric over the period, for money of one currency.

    `difference` is `now` - `was`, figure by figure; of a figure that one side does not know it is None, but for counts
    and totals, which begin at nothing. `by_kind` is what the events of each kind give alone: their counts and totals
    add up to those of `difference`.
    """

    metric: str
    unit: str
    currency: str | None
    was: Distribution
    now: Distribution
    difference: Distribution
    by_kind: Mapping[str, Distribution]


@frozen(kw_only=True)
class ChangingEvent:
    """An event that changed an answer."""

    position: int
    kind: str
    type: str
    source: str
    id: str
    occurred_at: datetime
    recorded_at: datetime | None


@frozen(kw_only=True)
class AnswerDiff:
    """What changed in the answers about a period between two positions of the log.

    `kinds` are of the events with positions in (before, after] that occurred in the period; `metrics` lists what
    changed, `events` the first of the events.
    """

    period: TimePeriod
    before: int
    after: int
    kinds: list[ChangeOfKind]
    metrics: list[MetricChange]
    events: list[ChangingEvent]
