"""Stored integers → figures: scaled decimals, means, rates, and percentiles out of histograms."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal
from itertools import accumulate
from typing import Any

from analytics_es.projection.declaration import MONEY, Measure
from analytics_es.types import Distribution

DIGITS = Context(prec=200)  # of sums, and what is divided: more than Python's usual 28
_ANY = 10**40  # no value is larger
QUANTILES = {"p50": (50, 100), "p90": (90, 100), "p95": (95, 100), "p99": (99, 100)}


def exact(value: int, decimals: int) -> Decimal:
    """Return a stored integer as the number it stands for, however many digits it has."""
    return Decimal(value).scaleb(-decimals, DIGITS)


def number(value: int | None, decimals: int) -> Decimal | None:
    """Return a stored integer as the number it stands for, None where there is none."""
    return None if value is None else exact(value, decimals)


def figure(measure: Measure, value: int | None) -> Decimal | None:
    """Return what a stored integer of a measure stands for: an amount of money without the zeros at its end."""
    decimal = number(value, measure.decimals)
    return decimal if decimal is None or measure.unit != MONEY else trimmed(decimal)


def trimmed(number: Decimal) -> Decimal:
    """Return the same number without zeros at its end: one number is one text."""
    short = number.normalize(DIGITS)
    return short.quantize(Decimal(1), context=DIGITS) if short == short.to_integral_value() else short


def written(number: Decimal) -> str:
    """Return a number as digits, without an exponent and without zeros at its end."""
    return format(trimmed(number), "f")


def share(part: int, whole: int) -> float | None:
    """Return part / whole, None of nothing."""
    return part / whole if whole else None


def change(now: Decimal | int | None, before: Decimal | int | None) -> float | None:
    """Return the relative change, None where there was nothing before, or less, as after credits."""
    return float((now - before) / before) if now is not None and before is not None and before > 0 else None


def distribution(measure: Measure, values: Sequence[Any]) -> Distribution:
    """Return what a measure's merged columns say, in the order of `measure.columns`."""
    match measure.kind:
        case "count":
            return Distribution(count=values[0] or 0, total=Decimal(values[0] or 0))
        case "total":
            return Distribution(total=figure(measure, values[0]))
        case "smallest":
            return Distribution(minimum=figure(measure, values[0]))
        case "largest":
            return Distribution(maximum=figure(measure, values[0]))
        case _:
            return _histogram(measure.decimals, *values)


def nothing(measure: Measure) -> Distribution:
    """Return what a measure says of no event at all."""
    return distribution(measure, [merged(column.merge, []) for column in measure.columns])


_MERGED: dict[str, Callable[[Sequence[int]], int]] = {"sum": sum, "min": min, "max": max}


def merged(merge: str, values: Sequence[Any]) -> Any:
    """Return stored values of one column as one; None is their zero, and of histograms {}."""
    stored = [value for value in values if value is not None]
    if merge == "histogram":
        return _added(stored)
    return _MERGED[merge](stored) if stored else None


def _added(histograms: Sequence[Mapping[int, int]]) -> Mapping[int, int]:
    if len(histograms) == 1:
        return histograms[0]
    total: dict[int, int] = {}
    for buckets in histograms:
        for index, count in buckets.items():
            total[index] = total.get(index, 0) + count
    return total


def _histogram(
    decimals: int, count: int | None, total: int | None, low: int | None, high: int | None, buckets: Mapping[int, int]
) -> Distribution:
    """Return the figures of values; of what is left of others, an extreme may not be known."""
    if not count:
        return Distribution(count=0)
    total, bounds = total or 0, (low or 0, _ANY if high is None else high)
    indexes = sorted(buckets)
    seen = list(accumulate(map(buckets.__getitem__, indexes)))
    ranks = {name: _percentile(indexes, seen, count, *quantile, *bounds) for name, quantile in QUANTILES.items()}
    return Distribution(
        count=count,
        total=number(total, decimals),
        minimum=number(low, decimals),
        maximum=number(high, decimals),
        mean=exact(total, decimals) / count,
        **{name: round(value.scaleb(-decimals), max(decimals, 3)) for name, value in ranks.items()},
    )


def _percentile(
    indexes: Sequence[int], seen: Sequence[int], count: int, part: int, whole: int, low: int, high: int
) -> Decimal:
    """Return the value of nearest rank ceil(part/whole x count), as the middle of its bucket: within 1.1 %.

    Of each bucket, `seen` is how many values there are up to it. The harmonic middle 2ab/(a+b) of the whole numbers
    a..b that a bucket can hold is off by at most (b-a)/(b+a), below (r-1)/(r+1) = 1.084 % for r = 2^(1/32). The
    extremes bound it, so a single value is exact.
    """
    place = bisect_left(seen, max(1, -(-part * count // whole)))
    return _middle(indexes[place], low, high) if place < len(seen) else Decimal(high)


def _middle(index: int, low: int, high: int) -> Decimal:
    if index == -2:
        return Decimal(0)
    first = max(math.floor(2 ** (index / 32)) + 1, low, 1)
    last = min(math.floor(2 ** ((index + 1) / 32)), high)
    if first >= last:
        return Decimal(max(last, low))
    return Decimal(2 * first * last) / (first + last)
