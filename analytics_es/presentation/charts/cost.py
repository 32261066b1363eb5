"""Costs → charts: one for each currency, as these are never added; calls of unknown cost are marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from analytics_es.presentation import words
from analytics_es.presentation.charts import course
from analytics_es.presentation.charts.chart import Chart, Figure
from analytics_es.types import CostBreakdown, CostSeries, TimePeriod

_Keys = tuple[str, ...]  # what a cost is told apart by: two of them may read alike


def cost_series(answer: CostSeries) -> list[Chart]:
    """Return what calls cost by what they are told apart by (get_cost_series), that of the most calls first."""
    by = [key for key in answer.by if key != "currency"]
    what = f"Cost by {' and '.join(by)}" if by else "Cost"
    return _charts(what, answer.period, answer.starts, answer.points, goes_on=answer.completeness.open_buckets)


def cost(answer: CostBreakdown) -> list[Chart]:
    """Return what all calls cost, that of the most calls first (get_cost_breakdown)."""
    starts = [*{point.start.astimezone(UTC): point.start for point in answer.series}.values()]
    return _charts("Cost", answer.period, starts, answer.series, goes_on=answer.completeness.open_buckets)


def _charts(
    what: str, period: TimePeriod, starts: Sequence[datetime], points: Sequence[Any], *, goes_on: bool
) -> list[Chart]:
    places = course.places(starts)
    is_empty = [True] * len(starts)
    by_currency: dict[str, list[Any]] = {}
    for point in points:
        is_empty[places[point.start.astimezone(UTC)]] &= not (point.calls or point.cost)
        by_currency.setdefault(point.currency, []).append(point)
    passed = course.passed(is_empty, goes_on=goes_on)
    notes = _unknown(places, points)
    charged = {currency: part for currency, part in by_currency.items() if currency}
    told_apart = _most_first(charged)
    rows = {
        currency: _rows(told_apart, part, places, passed)
        for currency, part in sorted(charged.items(), key=lambda row: (-sum(point.calls for point in row[1]), row[0]))
    }
    return course.drawn(_in_one(what, period, starts, currency, series, notes) for currency, series in rows.items())


def _most_first(charged: Mapping[str, Sequence[Any]]) -> list[_Keys]:
    """Return what costs are told apart by, that of the largest share of a currency first: of one colour in all."""
    shares: dict[_Keys, Decimal] = {}
    for points in charged.values():
        costs: dict[_Keys, Decimal] = {}
        for point in points:
            keys = _keys(point)
            costs[keys] = costs.get(keys, Decimal(0)) + (point.cost or 0)
        whole = sum(map(abs, costs.values()), Decimal(0)) or Decimal(1)
        for keys, amount in costs.items():
            shares[keys] = max(shares.get(keys, Decimal(0)), abs(amount) / whole)
    return sorted(shares, key=lambda keys: (-shares[keys], _name(keys), keys))


def _rows(
    told_apart: Sequence[_Keys], points: Iterable[Any], places: Mapping[datetime, int], passed: int
) -> dict[str, Sequence[Figure | None]]:
    """Return a row of figures for each, by its name: 0 where there was nothing, none where time has not come."""
    nothing = [Decimal(0) if place < passed else None for place in range(len(places))]
    rows = {keys: [*nothing] for keys in told_apart}
    for point in points:
        place, row = places[point.start.astimezone(UTC)], rows[_keys(point)]
        row[place] = (row[place] or Decimal(0)) + (point.cost or 0)
    return dict(zip(course.unlike(map(_name, told_apart)), rows.values(), strict=True))


def _in_one(
    what: str,
    period: TimePeriod,
    starts: Sequence[datetime],
    currency: str,
    series: Mapping[str, Sequence[Figure | None]],
    notes: Sequence[str],
) -> Chart | None:
    decimals = words.places([figure for row in series.values() for figure in row])  # type: ignore[misc]

    def text(amount: Decimal | None) -> str:
        return words.money(amount, currency, decimals)

    rows = {name or currency: row for name, row in series.items()}
    in_it = f"{what} in {words.safe(currency)}"
    return course.chart(
        in_it, period, starts, rows, text, kind="bars", unit=currency, notes=notes, noted="unknown cost"
    )


def _keys(point: Any) -> _Keys:
    return tuple(text for key, text in getattr(point, "keys", {}).items() if key != "currency")


def _name(keys: _Keys) -> str:
    return " · ".join(text or "(none)" for text in keys)


def _unknown(places: Mapping[datetime, int], points: Iterable[Any]) -> list[str]:
    """Return what is to be said of buckets with calls that are in no sum; nothing where all are."""
    calls = [0] * len(places)
    for point in points:
        if point.cost is None:
            calls[places[point.start.astimezone(UTC)]] += point.calls
    return (
        [f"{words.plural(number, 'call')} of unknown cost" if number else "" for number in calls] if any(calls) else []
    )
