"""Answers about prices: which were used, and what others would change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from attrs import frozen

from analytics_es.types.metrics import Completeness
from analytics_es.types.period import TimePeriod
from analytics_es.types.tables import Answer, Rows
from analytics_es.types.value_object import ValueObject


@frozen(kw_only=True, eq=False, repr=False)
class PriceUsed(ValueObject):
    """A price that calls of a model were computed with.

    With a version and a position, it is a published multiple of what that version says.

    provider: whose model it is.
    model: which one.
    currency: that the price is in.
    calls: how many were computed with it.
    version: of genai-prices, whose price it is; None for what comes from the log alone.
    position: of the published price in the log; None for what comes from genai-prices alone.
    since: when it came into force, aware; None where that is not known.
    unmeasured: what is charged for on top, and no event tells.
    entry: which of the prices that are only supposed it is, from 1, in the place of a position; None for others.
    service_tier: the tier of service that it is of: standard, batch, flex, priority …
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
    service_tier: str = "standard"


@frozen(kw_only=True, eq=False, repr=False)
class PricesUsed(ValueObject):
    """The prices behind computed costs.

    Where the two versions differ, costs may be others than they were shown then: install the recorded one.

    published: the last position of a published price that was known; None where none was.
    default_version: of the package genai-prices; None where it is not installed.
    default_recorded: the version that the log says was in use then; None where it says nothing.
    unread: positions of published prices that this version cannot read.
    used: the prices, those of the most calls first.
    """

    published: int | None
    default_version: str | None
    default_recorded: str | None
    unread: tuple[int, ...]
    used: list[PriceUsed]


@frozen(kw_only=True, eq=False, repr=False)
class Priced(ValueObject):
    """What the calls of a model come to at some prices.

    cost: money by currency.
    unknown_calls: how many of them have a cost that is not known.
    prices: those that were used, or, where none was, those in force.
    """

    cost: Mapping[str, Decimal]
    unknown_calls: int
    prices: list[PriceUsed]


@frozen(kw_only=True, eq=False, repr=False)
class PriceChange(ValueObject):
    """What prices would change of the cost of one model's calls on one day, and which do so.

    start: where the day begins, in the store's time zone.
    provider: whose model it is.
    model: which one.
    calls: how many they are.
    was: what they come to at the prices in force.
    now: what they would come to.
    difference: now - was; None where these are not in one and the same currency, or nothing is known of one.
    entries: which of the prices do so, from 1.
    """

    start: datetime
    provider: str
    model: str
    calls: int
    was: Priced
    now: Priced
    difference: Decimal | None
    entries: list[int]


@frozen(kw_only=True, eq=False, repr=False)
class PriceChangeTotal(ValueObject):
    """What all that changes was and is in one currency.

    currency: of the money here.
    was: at the prices in force, in `currency`; None where nothing was in it.
    now: at the others, in `currency`; None where nothing is in it.
    difference: of what stays in that currency, in `currency`; None where nothing does.
    """

    currency: str
    was: Decimal | None
    now: Decimal | None
    difference: Decimal | None


@frozen(kw_only=True, eq=False, repr=False)
class PriceDiff(Answer):
    """What would change if prices were published: model by model and day by day, and in all.

    period: what was asked for, in whole buckets.
    prices: how many of them would be published.
    changes: model by model and day by day.
    totals: one for each currency.
    reported_calls: how many reported a cost, and keep it; they are in none of the figures.
    completeness: what the answer stands on.
    """

    _TABLES: ClassVar[Mapping[str, Rows]] = {
        "changes": Rows("changes"),
        "totals": Rows("totals"),
        "prices_was": Rows("changes.was.prices", of=("start",)),
        "prices_now": Rows("changes.now.prices", of=("start",)),
    }

    period: TimePeriod
    prices: int
    changes: list[PriceChange]
    totals: list[PriceChangeTotal]
    reported_calls: int
    completeness: Completeness
