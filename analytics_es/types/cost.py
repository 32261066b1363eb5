"""Answers about what calls cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal

from attrs import frozen

from analytics_es.types.metrics import Completeness
from analytics_es.types.period import TimePeriod
from analytics_es.types.prices import PricesUsed


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
