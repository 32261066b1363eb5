"""What callers hand in and get back: periods, results, receipts and answers, with their units.

Durations are milliseconds (float), money is Decimal in whole units of its currency, rates are per second, shares are
between 0 and 1, times are aware. A figure that is not known is None, never 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar
from zoneinfo import ZoneInfo

from attrs import Factory, field, frozen

from analytics_es.errors import AnalyticsError, BadPeriod, UnknownTimezone

T = TypeVar("T")
R = TypeVar("R")
# What is being done, how much of it is done, and of how much (0: not known).
Progress = Callable[[str, int, int], None]
Granularity = Literal["hour", "day", "total"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOURLY_UP_TO = timedelta(days=3)
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def _aware(instance: Any, attribute: Any, value: datetime) -> None:
    if value.utcoffset() is None:
        raise BadPeriod(text=str(value), problem=f"its {attribute.name} has no time zone")


@frozen
class TimePeriod:
    """A half-open stretch of time [start, end) and the granularity of its series.

    Without a granularity, a period of up to three days is told by the hour, a longer one by the day.
    """

    start: datetime = field(validator=_aware)
    end: datetime = field(validator=_aware)
    granularity: Granularity = field()

    @granularity.default
    def _by_length(self) -> Granularity:
        if (self.start.tzinfo is None) != (self.end.tzinfo is None):
            return "hour"  # to be refused by a validator, which runs later
        return "hour" if self.end - self.start <= _HOURLY_UP_TO else "day"

    @granularity.validator
    def _known(self, _: Any, value: str) -> None:
        if value not in ("hour", "day", "total"):
            raise BadPeriod(text=value, problem="its granularity must be hour, day or total")

    def __attrs_post_init__(self) -> None:
        # Two times of one zone compare by what its clocks show, which may go back: what counts is the instant.
        if self.start - _EPOCH >= self.end - _EPOCH:
            raise BadPeriod(text=str(self), problem="its start must be before its end")

    def __str__(self) -> str:
        return f"{self.start.isoformat()}/{self.end.isoformat()}"

    @classmethod
    def last(
        cls, *, now: datetime | None = None, granularity: Granularity | None = None, **length: float
    ) -> TimePeriod:
        """Return the period that ends now: `TimePeriod.last(days=7)`; takes what timedelta takes."""
        end = now or datetime.now(UTC)
        try:
            start = end - timedelta(**length)
        except OverflowError:
            told = ", ".join(f"{unit}={count}" for unit, count in length.items())
            raise BadPeriod(text=told, problem="it begins before the year 1") from None
        return cls._of(start, end, granularity)

    @classmethod
    def day(cls, day: date, tz: str = "UTC", *, granularity: Granularity | None = None) -> TimePeriod:
        """Return one calendar day in a time zone; it may have 23 or 25 hours. Raises UnknownTimezone."""
        zone = _zone(tz)
        try:
            following = day + timedelta(days=1)
        except OverflowError:
            raise BadPeriod(text=str(day), problem="it is the last day there is") from None
        return cls._of(_midnight(day, zone), _midnight(following, zone), granularity)

    @classmethod
    def parse(
        cls, text: str, tz: str = "UTC", *, now: datetime | None = None, granularity: Granularity | None = None
    ) -> TimePeriod:
        """Read "2026-11-01/2026-11-08", with dates or times on either side, one date, or a length such as "7d".

        Dates and times without a zone are in `tz`. Raises BadPeriod and UnknownTimezone.
        """
        length = re.fullmatch(r"([1-9][0-9]{0,5})([hdw])", text)
        if length:
            return cls.last(now=now, granularity=granularity, **{_UNITS[length[2]]: int(length[1])})
        start, slash, end = text.partition("/")
        zone = _zone(tz)
        first = _instant(text, start, zone)
        if slash:
            return cls._of(first, _instant(text, end, zone), granularity)
        try:
            day = first.astimezone(zone).date()
        except OverflowError:
            raise BadPeriod(text=text, problem=f"it is no day of the years 1 to 9999 in {tz}") from None
        return cls.day(day, tz, granularity=granularity)

    @classmethod
    def _of(cls, start: datetime, end: datetime, granularity: Granularity | None) -> TimePeriod:
        return cls(start, end, granularity) if granularity else cls(start, end)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UnknownTimezone(name=name) from None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _instant(text: str, part: str, zone: ZoneInfo) -> datetime:
    try:
        when = datetime.fromisoformat(part.strip())
    except ValueError:
        raise BadPeriod(text=text, problem="write it as 2026-11-01/2026-11-08, 2026-11-01 or 7d") from None
    return when if when.tzinfo else when.replace(tzinfo=zone)


# ── results ─────────────────────────────────────────────────────────────────────────────────────────────────────


@frozen(kw_only=True)
class Failure:
    """An expected failure: a stable code, a message that says what to do, and what it is about."""

    code: str
    message: str
    details: Mapping[str, Any] = Factory(dict)


@frozen(kw_only=True)
class OperationResult(Generic[T]):
    """What an operation gave: a value, or the failure that was to be expected."""

    value: T | None = None
    failure: Failure | None = None
    _cause: AnalyticsError | None = field(default=None, eq=False, repr=False)

    @classmethod
    def of(cls, work: Callable[[], T]) -> OperationResult[T]:
        """Do the work and keep its value, or the deliberate error it raised; other errors pass."""
        try:
            return cls(value=work())
        except AnalyticsError as error:
            return cls.failed(error)

    @classmethod
    def failed(cls, error: AnalyticsError) -> OperationResult[T]:
        """Return the failure that a deliberate error is."""
        return cls(failure=Failure(code=error.code, message=str(error), details=dict(error.details)), cause=error)

    @property
    def ok(self) -> bool:
        """Whether there is a value."""
        return self.failure is None

    def unwrap(self) -> T:
        """Return the value; raises the AnalyticsError of a failure."""
        if self._cause is not None:
            raise self._cause
        return self.value  # type: ignore[return-value]  # a success holds a T

    def then(self, step: Callable[[T], R]) -> OperationResult[R]:
        """Go on with the value; a failure stays what it is."""
        if self.failure is not None:
            return OperationResult(failure=self.failure, cause=self._cause)
        return OperationResult.of(lambda: step(self.unwrap()))


@frozen(kw_only=True)
class Receipt:
    """Where an event is in the log. `differs`: a duplicate told something else; what was stored first stays."""

    position: int
    duplicate: bool = False
    differs: bool = False


@frozen(kw_only=True)
class CostCorrection:
    """What became of a correction of what a call reported to have cost.

    `position` is the correction's, None where nothing was to be done; `corrects` is the call's, `number` counts its
    corrections from 1. `duplicate`: the cost was in force already, since `position` (of the call itself where `number`
    is 0), and nothing was recorded.
    """

    position: int | None
    corrects: int
    number: int
    occurred_at: datetime
    provider: str | None
    model: str | None
    was: Decimal
    now: Decimal
    change: Decimal
    currency: str
    duplicate: bool = False


@frozen(kw_only=True)
class Refusal:
    """An event of a batch that was refused, and why. `index` counts from 0 over the whole input."""

    index: int
    code: str
    message: str


@frozen(kw_only=True)
class BatchReceipt:
    """What became of many events. `differing` is how many of the duplicates told something else than what is stored."""

    recorded: int
    duplicates: int = 0
    differing: int = 0
    refused: int = 0
    refusals: list[Refusal] = Factory(list)  # the first 100
    last_position: int | None = None


@frozen(kw_only=True)
class BufferStats:
    """What a buffer did since it was opened, or since the fork that made this process.

    accepted = recorded + duplicates + lost + buffered. `dropped` and `refused` were never accepted. `failed_commits`
    are attempts; their events were tried again. `oldest_seconds`: how long the first of the buffered has been waiting.
    """

    buffered: int
    oldest_seconds: float
    accepted: int
    recorded: int
    duplicates: int
    differing: int
    refused: int
    dropped: int
    lost: int
    failed_commits: int
    last_failure: Failure | None


# ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────────


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


@frozen(kw_only=True)
class UsageTotals:
    """Usage in a stretch of time. Tokens include their cached and reasoning parts."""

    events: int
    finished: int
    failures: int
    duration_ms: float | None
    input_tokens: int | None
    output_tokens: int | None
    first_seen: datetime | None
    last_seen: datetime | None


@frozen(kw_only=True)
class EventTypeUsage:
    """Usage by one type of event."""

    event_type: str
    totals: UsageTotals


@frozen(kw_only=True)
class EntityUsage:
    """Usage by one entity."""

    entity_type: str
    entity_id: str
    totals: UsageTotals


@frozen(kw_only=True)
class UsagePoint:
    """Usage in one bucket of time that starts at `start`."""

    start: datetime
    totals: UsageTotals


@frozen(kw_only=True)
class UsageStats:
    """Who used how much.

    `success_rate`: of the activities that finished, the share that did not fail. `active_entities`: the exact number of
    distinct entities seen, by entity type. `top_entities`: the ten with the most events, of the asked entity type.
    """

    entity_type: str | None
    entity_id: str | None
    period: TimePeriod
    totals: UsageTotals
    success_rate: float | None
    active_entities: Mapping[str, int]
    by_event_type: list[EventTypeUsage]
    top_entities: list[EntityUsage]
    series: list[UsagePoint]
    completeness: Completeness


@frozen(kw_only=True)
class OperationPerformance:
    """One operation on one subject, such as `provider.call` on a model.

    `calls_per_second` is over the whole period, `busy_calls_per_second` over the buckets (hours) that had calls.
    `output_tokens_per_second` is over the duration of the calls that gave tokens. Durations are milliseconds.
    """

    operation: str
    subject: str
    calls: int
    failures: int
    error_rate: float | None
    calls_per_second: float
    busy_calls_per_second: float | None
    output_tokens: int | None
    output_tokens_per_second: float | None
    duration_ms: Distribution
    time_to_first_chunk_ms: Distribution


@frozen(kw_only=True)
class PerformancePoint:
    """All operations together in one bucket of time that starts at `start`; durations are milliseconds."""

    start: datetime
    calls: int
    failures: int
    error_rate: float | None
    duration_ms: Distribution


@frozen(kw_only=True)
class PerformanceMetrics:
    """How fast and how reliable operations were, busiest first."""

    period: TimePeriod
    operations: list[OperationPerformance]
    series: list[PerformancePoint]
    completeness: Completeness


@frozen(kw_only=True)
class Tokens:
    """Token sums of provider calls. `input` and `output` include their parts; the disjoint kinds add up to them:
    uncached_input + cache_read + cache_creation = input; text_output + reasoning = output. None: no call told.
    """

    input: int | None
    output: int | None
    cache_read: int | None
    cache_creation: int | None
    reasoning: int | None
    uncached_input: int | None
    text_output: int | None


@frozen(kw_only=True)
class CostRow:
    """What one combination of the asked dimensions cost in one currency: reported + computed = cost.

    Calls of which the cost is not known have a row of their own: its currency is "", and its cost None.
    `share`: of all that is known in this currency.
    """

    keys: Mapping[str, str]
    currency: str
    calls: int
    cost: Decimal | None
    reported_cost: Decimal | None
    computed_cost: Decimal | None
    share: float | None
    tokens: Tokens


@frozen(kw_only=True)
class CurrencyCost:
    """What all calls cost in one currency, reported and computed, with that of the period before.

    `forecast`: the cost at the period's end if the rest of it is like what passed of it (linear); None once it ended.
    """

    currency: str
    calls: int
    reported_calls: int
    cost: Decimal
    reported_cost: Decimal | None
    computed_cost: Decimal | None
    previous_cost: Decimal | None
    change: float | None
    forecast: Decimal | None


@frozen(kw_only=True)
class EffortCost:
    """What failed calls cost, or what those cost that were tried again (and did not fail), in one currency.

    Where their cost is not known, the currency is "", and the cost None.
    """

    effort: Literal["failed", "retried"]
    currency: str
    calls: int
    cost: Decimal | None


@frozen(kw_only=True)
class UnknownCost:
    """Calls of one model of which the cost is not known, what they used, and why.

    `no_price`: nobody lists one. `no_usage`: they told nothing of what they used. `reported_as_zero`: they used tokens
    and reported a cost of 0: perhaps free, perhaps not priced by who charged. `parts_not_told`: what they used is of
    two kinds with prices of their own, and not told how much of it is both. `not_kept`: the price changed within a
    stretch of which only sums are kept.
    """

    provider: str
    model: str
    reason: str
    calls: int
    tokens: Tokens


@frozen(kw_only=True)
class UnpricedUsage:
    """What calls of a model used of a kind that has no price, while the rest of what they used has: it is in no sum."""

    provider: str
    model: str
    kind: str
    units: int


@frozen(kw_only=True)
class PriceUsed:
    """A price that calls of a model were computed with: from where, and in force since when (None: not known).

    `version`: of genai-prices. `position`: of the published price in the log. Both: a published multiple of the former.
    `entry`: in the place of a position, which one it is of prices that are only supposed, from 1.
    `unmeasured`: what is charged for on top, and no event tells.
    """

    provider: str
    model: str
    currency: str
    calls: int
    version: str | None
    position: int | None
    since: datetime | None
    unmeasured: tuple[str, ...]
    entry: int | None = None


@frozen(kw_only=True)
class PricesUsed:
    """The prices behind computed costs. `published`: the last position of a published price that was known.

    `default_version`: of the package genai-prices; `default_recorded`: the version that the log says was in use then,
    None where it says nothing. Where they differ, costs may be others than they were shown then: install that version.
    `unread`: positions of published prices that this version cannot read.
    """

    published: int | None
    default_version: str | None
    default_recorded: str | None
    unread: tuple[int, ...]
    used: list[PriceUsed]


@frozen(kw_only=True)
class Priced:
    """What the calls of a model come to at some prices, by currency; what `unknown_calls` cost is not known.

    `prices`: those that were used, or, where none was, those in force.
    """

    cost: Mapping[str, Decimal]
    unknown_calls: int
    prices: list[PriceUsed]


@frozen(kw_only=True)
class PriceChange:
    """What prices would change of the cost of one model's calls on one day that begins at `start`, and which do so.

    `difference` is now - was; None where these are not in one and the same currency, or nothing is known of one.
    `entries` says which of the prices do so, from 1.
    """

    start: datetime
    provider: str
    model: str
    calls: int
    was: Priced
    now: Priced
    difference: Decimal | None
    entries: list[int]


@frozen(kw_only=True)
class PriceChangeTotal:
    """What all that changes was and is in one currency; `difference` is of what stays in that currency."""

    currency: str
    was: Decimal | None
    now: Decimal | None
    difference: Decimal | None


@frozen(kw_only=True)
class PriceDiff:
    """What would change if prices were published: model by model and day by day, and in all.

    `reported_calls` reported a cost, and keep it; they are in none of the figures.
    """

    period: TimePeriod
    prices: int
    changes: list[PriceChange]
    totals: list[PriceChangeTotal]
    reported_calls: int
    completeness: Completeness


@frozen(kw_only=True)
class CostPoint:
    """What calls cost in one currency in one bucket of time that starts at `start`; "": of which it is not known."""

    start: datetime
    currency: str
    calls: int
    cost: Decimal | None
    reported_cost: Decimal | None
    computed_cost: Decimal | None


@frozen(kw_only=True)
class CostBreakdown:
    """What was spent on what. Sums never mix currencies; a cost that is not known is listed, never counted as 0.

    `supposed`: the prices or models are not those that were: a what-if.
    """

    period: TimePeriod
    by: list[str]
    calls: int
    reported_calls: int
    computed_calls: int
    unknown_calls: int
    totals: list[CurrencyCost]
    tokens: Tokens
    unknown: list[UnknownCost]
    unpriced: list[UnpricedUsage]
    efforts: list[EffortCost]
    rows: list[CostRow]
    series: list[CostPoint]
    prices: PricesUsed
    supposed: bool
    completeness: Completeness


@frozen(kw_only=True)
class UnitCost:
    """What one unit of work cost on average in one currency: `each` = cost / units, rounded to 12 decimals.

    `job`, `conversation`: the calls that name one, by the jobs or conversations that they name. `successful_task`: the
    calls that name a task, those of failed ones too, by the tasks that ended well. `1000_output_tokens`: all calls, by
    the output that those in this currency told. `unknown_calls` of these have a cost that is not known: `each` of a
    job, a task or a conversation is at least that much then. Where nothing is known, the currency is "".
    """

    unit: Literal["job", "successful_task", "conversation", "1000_output_tokens"]
    currency: str
    cost: Decimal | None
    units: Decimal
    each: Decimal | None
    unknown_calls: int


@frozen(kw_only=True)
class UnitCosts:
    """What units of work cost, by unit and currency; `unknown_calls` of all `calls` are in none of it."""

    period: TimePeriod
    units: list[UnitCost]
    calls: int
    unknown_calls: int
    completeness: Completeness


@frozen(kw_only=True)
class BudgetThreshold:
    """A part of a budget, in percent: when and at which position of the log it was reached, None where it was not."""

    percent: Decimal
    reached_at: datetime | None
    position: int | None


@frozen(kw_only=True)
class ThresholdReached:
    """So much of a budget was spent, for the first time: by the event at `position`, which occurred at `occurred_at`.

    `told_position` is that of the event `budget.threshold.reached`.
    """

    budget_id: str
    currency: str
    scope: str
    scope_id: str
    starts_at: datetime | None
    ends_at: datetime | None
    percent: Decimal
    allocated: Decimal
    spent: Decimal
    position: int
    occurred_at: datetime
    told_position: int


@frozen(kw_only=True)
class CreditStatus:
    """A grant of credits: what is left of it, and of the grants with lower `priority` it burns after.

    `ends_at`: when it expires, or the end of the hour in which it was voided; None where it never ends.
    """

    grant_id: str
    amount: Decimal
    balance: Decimal
    priority: int
    starts_at: datetime
    ends_at: datetime | None
    voided: bool
    recurs_hours: int | None


@frozen(kw_only=True)
class BudgetStatus:
    """A budget in one period of its own: `remaining` is allocated - spent, None where none was allocated.

    `scope` is what counts against it: calls of `all`, or of one `tenant`, `user` or `model`, which is `scope_id`; ""
    where nothing does but `budget.spent` events. Where the cost of `unknown_calls` is not known, `spent` is the least
    that it can be. What was charged in `other_currencies` is not part of it. `burn_rate` is a day, over the part of its
    period that has passed; `exhausted_at` is when nothing remains at that rate, None where that is not before its end,
    or was already. `problem` says why `spent` is not known.
    `credits` burn down with what is spent, and `overage` is what they did not cover.
    """

    budget_id: str
    currency: str
    scope: str
    scope_id: str
    starts_at: datetime | None
    ends_at: datetime | None
    allocated: Decimal | None
    spent: Decimal | None
    remaining: Decimal | None
    used: float | None
    burn_rate: Decimal | None
    exhausted_at: datetime | None
    unknown_calls: int
    other_currencies: Mapping[str, Decimal]
    thresholds: list[BudgetThreshold]
    credits: list[CreditStatus]
    overage: Decimal | None
    problem: str | None


@frozen(kw_only=True)
class BudgetReport:
    """Budgets whose period holds `at`, the fullest first."""

    at: datetime
    budgets: list[BudgetStatus]
    completeness: Completeness


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
class FamilyRetention:
    """What retention means for one family of events, or for all others (None): what is older than `until` goes.

    `bytes`: of what the events say; indexes come on top.
    """

    family: str | None
    until: datetime
    events: int
    bytes: int


@frozen(kw_only=True)
class RetentionResult:
    """What retention has done, or, on a dry run, would do.

    `seals` and `rows`: how often, and into how many rows, events were sealed. `hours_from`, `days_from`: buckets that
    begin earlier are no longer kept; None where all are. `bytes_before`, `bytes_after`: of the log on disk, of which
    `bytes_free` wait for later events. `refused`: how many events have come too late to be taken in, in all.
    """

    dry_run: bool
    families: list[FamilyRetention]
    events: int
    seals: int
    rows: int
    hours_from: datetime | None
    days_from: datetime | None
    bytes_before: int
    bytes_after: int
    bytes_free: int
    archive: ExportResult | None
    refused: int


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
class ExportResult:
    """A finished export. Positions are of the first and last event that went into it, None where there was none.

    Events in Parquet have a manifest beside their file, which makes it part of an archive.
    """

    path: Path
    format: str
    rows: int
    bytes: int
    sha256: str
    first_position: int | None
    last_position: int | None
    manifest: Path | None = None


@frozen(kw_only=True)
class HeldCopy:
    """An export or a backup that the log tells of, at a position, and that holds events of a forgotten subject.

    The file of an export is known by its checksum wherever it was moved to.
    """

    kind: Literal["export", "backup"]
    file: str
    position: int
    exists: bool
    sha256: str | None = None


@frozen(kw_only=True)
class ForgetReceipt:
    """What became of a subject: what was destroyed and masked, and where it may still be. It does not name the subject.

    `fields` says how many events were masked in which field, `sealed_rows` in how many parts of what is sealed it was
    masked; `mentions`, in how many others its text was found and left. `derived` are the days whose read models were
    derived again, `copies` the files that hold what was masked, `remains` other places. `position` is that of the event
    that tells of it.
    """

    receipt: str
    entity: str
    vault_entries: int
    events: int
    fields: dict[str, int]
    first_position: int | None
    last_position: int | None
    sealed_rows: int
    mentions: dict[str, int]
    derived: list[TimePeriod]
    copies: list[HeldCopy]
    remains: list[str]
    position: int


@frozen(kw_only=True)
class BackupResult:
    """A finished copy of the log, up to a position."""

    path: Path
    last_position: int
    bytes: int


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


# ── explaining ──────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── verifying ───────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── two answers beside each other ───────────────────────────────────────────────────────────────────────────────


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


# ── dead letters ────────────────────────────────────────────────────────────────────────────────────────────────


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
