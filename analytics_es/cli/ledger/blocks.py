"""Blocks of hours, as a provider counts against what it allows: where they begin, and what the current one comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from attrs import define, frozen

from analytics_es.cli.ledger.figures import Bucket, Figures

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PLACES = Decimal("0.000001")


@frozen(kw_only=True)
class Burn:
    """How fast a block is used up, from its first call until now, and what it comes to if it goes on so.

    minutes: from the first call until now, at least one.
    tokens_per_minute: input and output, what was read from a cache, too; `uncached_tokens_per_minute`: without that.
    costs_per_hour: by currency; `costs_by_end`: of the whole block then.
    """

    minutes: float
    tokens_per_minute: int
    uncached_tokens_per_minute: int
    costs_per_hour: Mapping[str, Decimal]
    costs_by_end: Mapping[str, Decimal]


@define(kw_only=True)
class HoursBlock(Figures):
    """A block: what was used from `start` until before `end`; `first`: when the first event of it was.

    is_current: it is not over; only then there is a `burn`.
    """

    start: datetime
    end: datetime
    first: datetime
    is_current: bool = False
    burn: Burn | None = None


def blocks(hours: Iterable[Bucket], length: int, now: datetime) -> list[HoursBlock]:
    """Return the blocks of hours with calls, in their order: each begins with the first hour after the one before.

    `length` is in hours; all times are of UTC.
    """
    result: list[HoursBlock] = []
    for hour in hours:
        if not result or hour.start >= result[-1].end:
            end = hour.start + length * HOUR
            result.append(HoursBlock(start=hour.start, end=end, first=hour.first or hour.start))
        result[-1].add(hour)
    for block in result:
        if block.start <= now < block.end:
            block.is_current = True
            block.burn = _burn(block, now)
    return result


def begins_anew(hours: Sequence[Bucket], length: int) -> list[Bucket]:
    """Return the hours from the first on that surely begins a block: any before it was over by then."""
    for place, (before, hour) in enumerate(pairwise(hours), 1):
        if hour.start - before.start >= length * HOUR:
            return [*hours[place:]]
    return []


def _burn(block: HoursBlock, now: datetime) -> Burn:
    passed = max(now - block.first, MINUTE)
    left, minutes = max(block.end - now, timedelta()), passed / MINUTE
    ratio = Decimal(left / passed)
    tokens = block.input_tokens + block.output_tokens
    per_hour = Decimal(HOUR / passed)
    return Burn(
        minutes=round(minutes, 1),
        tokens_per_minute=round(tokens / minutes),
        uncached_tokens_per_minute=round((tokens - block.cache_read_tokens) / minutes),
        costs_per_hour={name: (cost * per_hour).quantize(PLACES) for name, cost in block.costs.items()},
        costs_by_end={name: (cost + cost * ratio).quantize(PLACES) for name, cost in block.costs.items()},
    )
