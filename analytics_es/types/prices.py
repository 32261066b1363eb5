"""Answers about prices: which were used, and what others would change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from attrs import frozen

from analytics_es.types.metrics import Completeness
from analytics_es.types.period import TimePeriod


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
