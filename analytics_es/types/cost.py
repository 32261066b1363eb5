"""Answers about what calls cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal

from attrs import frozen

from analytics_es.types.metrics import Completeness
from analytics_es.types.period import TimePeriod
from analytics_es.types.prices import PricesUsed
from analytics_es.types.tables import Answer, Rows
from analytics_es.types.value_object import ValueObject


@frozen(kw_only=True, eq=False, repr=False)
class Tokens(ValueObject):
    """Token sums of provider calls; None: no call told. The disjoint kinds add up to `input` and `output`:
    uncached_input + cache_read + cache_creation = input; text_output + reasoning = output.

    input: what models read, cached parts included.
    output: what models wrote, reasoning included.
    cache_read: read from a cache.
    cache_creation: written to a cache.
    reasoning: written to think.
    uncached_input: neither read from a cache nor written to one.
    text_output: written to be read.
    """

    input: int | None
    output: int | None
    cache_read: int | None
    cache_creation: int | None
    reasoning: int | None
    uncached_input: int | None
    text_output: int | None


@frozen(kw_only=True, eq=False, repr=False)
class CostRow(ValueObject):
    """What one combination of the asked dimensions cost in one currency: reported + computed = cost.

    Calls of which the cost is not known have a row of their own.

    keys: each dimension's value, by name; "" where calls do not tell it.
    currency: of the money in this row; "" where the cost is not known.
    calls: how many they are.
    cost: in `currency`; None where it is not known.
    reported_cost: what calls themselves told, in `currency`; None where none did.
    computed_cost: what was computed from prices, in `currency`; None where nothing was.
    share: of all that is known in this currency, 0 to 1, beside credits any; None where these leave nothing or less.
    tokens: what the calls used.
    """

    keys: Mapping[str, str]
    currency: str
    calls: int
    cost: Decimal | None
    reported_cost: Decimal | None
    computed_cost: Decimal | None
    share: float | None
    tokens: Tokens


@frozen(kw_only=True, eq=False, repr=False)
class CurrencyCost(ValueObject):
    """What all calls cost in one currency, reported and computed, with that of the period before.

    currency: of the money here.
    calls: how many cost something in it.
    reported_calls: how many of them told their cost themselves.
    cost: reported and computed together, in `currency`.
    reported_cost: in `currency`; None where no call told one.
    computed_cost: in `currency`; None where nothing was computed.
    previous_cost: of the period before, while this one goes on of the same stretch of it; None where there was none.
    change: of the cost against `previous_cost`, 0.25 is a quarter more; None where there was none, or less.
    forecast: at the end, if the rest goes as what passed (linear), in `currency`; None once the period ended.
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


@frozen(kw_only=True, eq=False, repr=False)
class EffortCost(ValueObject):
    """What failed calls cost, or what those cost that were tried again (and did not fail), in one currency.

    effort: `failed`, or `retried`.
    currency: of the cost; "" where it is not known.
    calls: how many they are.
    cost: in `currency`; None where it is not known.
    """

    effort: Literal["failed", "retried"]
    currency: str
    calls: int
    cost: Decimal | None


@frozen(kw_only=True, eq=False, repr=False)
class UnknownCost(ValueObject):
    """Calls of one model of which the cost is not known, what they used, and why.

    Of the reasons, `no_price`: nobody lists one. `no_tier_price`: nobody lists one of its tier of service. `no_usage`:
    they told nothing of what they used. `reported_as_zero`: they used tokens and reported a cost of 0: perhaps free,
    perhaps not priced by who charged. `parts_not_told`: what they used is of two kinds with prices of their own, and
    not told how much of it is both. `not_kept`: the price changed within a stretch of which only sums are kept.

    provider: whose model it is; "" where calls do not tell it.
    model: which one; "" where calls do not tell it.
    reason: one of the above.
    calls: how many they are.
    tokens: what they used.
    service_tier: of `no_tier_price`, the tier that has no price; else "".
    hint: what to do about it, where that can be said: what to install where the default prices are missing; else "".
    """

    provider: str
    model: str
    reason: str
    calls: int
    tokens: Tokens
    service_tier: str = ""
    hint: str = ""


@frozen(kw_only=True, eq=False, repr=False)
class UnpricedUsage(ValueObject):
    """What calls of a model used of a kind that has no price, while the rest of what they used has: it is in no sum.

    provider: whose model it is.
    model: which one.
    kind: what was used, such as `searches`.
    units: how many of that kind.
    """

    provider: str
    model: str
    kind: str
    units: int


@frozen(kw_only=True, eq=False, repr=False)
class CostPoint(ValueObject):
    """What calls cost in one currency in one bucket of time.

    start: where the bucket begins, in the store's time zone.
    currency: of the money here; "" where the cost is not known.
    calls: how many they are.
    cost: in `currency`; None where it is not known.
    reported_cost: in `currency`; None where no call told one.
    computed_cost: in `currency`; None where nothing was computed.
    """

    start: datetime
    currency: str
    calls: int
    cost: Decimal | None
    reported_cost: Decimal | None
    computed_cost: Decimal | None


@frozen(kw_only=True, eq=False, repr=False)
class CostBreakdown(Answer):
    """What was spent on what. Sums never mix currencies; a cost that is not known is listed, never counted as 0.

    Whole months are compared with as many months before, whole days with as many days, any other period with as many
    seconds. One that goes on is compared with the same stretch: 1 to 29 November, 16:00, with 1 to 29 October, 16:00.

    period: what was asked for, in whole buckets.
    by: the dimensions of `rows`.
    calls: how many there were: reported + computed + unknown.
    reported_calls: how many told their cost.
    computed_calls: how many have a cost that was computed from prices.
    unknown_calls: how many have a cost that is not known.
    totals: one for each currency, that of the most calls first.
    tokens: what all calls used.
    unknown: calls of which the cost is not known, by model and reason.
    unpriced: what was used and has no price, by model and kind.
    efforts: what failed and what was tried again.
    rows: one for each combination of `by` and currency.
    series: one point a bucket of time and currency.
    prices: those behind computed costs.
    supposed: the prices or models are not those that were: a what-if.
    completeness: what the answer stands on.
    below_cliff_calls: how many were priced below the first threshold, as their events stand for many requests each.
    not_ended: events that tell usage of a call, but not that it ended, or that it began; they are in no figure here.
    compared_with: the stretch before that previous costs are of; None where it is no longer kept, or none has passed.
    """

    _TABLES: ClassVar[Mapping[str, Rows]] = {
        "rows": Rows("rows", keys="by"),
        "series": Rows("series"),
        "totals": Rows("totals"),
        "unknown": Rows("unknown"),
        "unpriced": Rows("unpriced"),
        "efforts": Rows("efforts"),
        "prices": Rows("prices.used"),
    }

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
    below_cliff_calls: int = 0
    not_ended: int = 0
    compared_with: TimePeriod | None = None


@frozen(kw_only=True, eq=False, repr=False)
class UnitCost(ValueObject):
    """What one unit of work cost on average in one currency.

    `job`, `conversation`: the calls that name one, by the jobs or conversations that they name. `successful_task`: the
    calls that name a task, those of failed ones too, by the tasks that ended well. `1000_output_tokens`: all calls, by
    the output that those in this currency told.

    unit: one of the above.
    currency: of the money here; "" where no cost is known.
    cost: of all its calls, in `currency`; None where it is not known.
    units: how many there were; of output, in thousands of tokens.
    each: cost / units, rounded to 12 decimals, in `currency`; None where one of them is not known, or there were none.
    unknown_calls: how many have a cost that is not known: a job, task or conversation cost at least `each` then.
    """

    unit: Literal["job", "successful_task", "conversation", "1000_output_tokens"]
    currency: str
    cost: Decimal | None
    units: Decimal
    each: Decimal | None
    unknown_calls: int


@frozen(kw_only=True, eq=False, repr=False)
class UnitCosts(Answer):
    """What units of work cost.

    period: what was asked for, in whole buckets.
    units: one for each unit and currency.
    calls: how many there were.
    unknown_calls: how many of them have a cost that is not known; they are in no cost.
    completeness: what the answer stands on.
    """

    _TABLES: ClassVar[Mapping[str, Rows]] = {
        "units": Rows("units"),
    }

    period: TimePeriod
    units: list[UnitCost]
    calls: int
    unknown_calls: int
    completeness: Completeness


@frozen(kw_only=True, eq=False, repr=False)
class CostCorrection(ValueObject):
    """What became of a correction of what a call reported to have cost.

    position: the correction's in the log; of a duplicate, that of what put its cost in force; None on a dry run.
    corrects: the position of the call.
    number: which correction of the call it is, from 1; 0 for the call itself.
    occurred_at: when the call happened, in UTC.
    provider: whose model was called; None where the call does not tell.
    model: what was called; None where the call does not tell.
    was: what was in force before, in `currency`.
    now: what is in force now, in `currency`.
    change: now - was, in `currency`.
    currency: of the call, an ISO 4217 code.
    duplicate: that cost was in force already, and nothing was recorded.
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
