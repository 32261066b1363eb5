"""Costs → charts: one for each currency, as these are never added; calls of unknown cost are marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from analytics_es.presentation import words
from analytics_es.presentation.charts import course
from analytics_es.presentation.charts.chart import Chart, Figure
from analytics_es.types import CostBreakdown, TimePeriod


def cost_series(answer: Any) -> list[Chart]:
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
    calls = [0] * len(starts)
    by_currency: dict[str, int] = {}
    for point in points:
        calls[places[point.start.astimezone(UTC)]] += point.calls
        by_currency[point.currency] = by_currency.get(point.currency, 0) + point.calls
    passed = course.passed([not number for number in calls], goes_on=goes_on)
    notes = _unknown(places, points)
    currencies = sorted((currency for currency in by_currency if currency), key=lambda key: (-by_currency[key], key))
    return course.drawn(
        _in_one(f"{what} in {words.safe(currency)}", period, starts, places, points, currency, passed, notes)
        for currency in currencies
    )


def _in_one(
    what: str,
    period: TimePeriod,
    starts: Sequence[datetime],
    places: Mapping[datetime, int],
    points: Iterable[Any],
    currency: str,
    passed: int,
    notes: Sequence[str],
) -> Chart | None:
    series: dict[str, list[Figure | None]] = {}
    charged = [point for point in points if point.currency == currency and point.cost is not None]
    for point in charged:
        nothing: list[Figure | None] = [Decimal(0) if place < passed else None for place in range(len(starts))]
        row = series.setdefault(_name(point, currency), nothing)
        place = places[point.start.astimezone(UTC)]
        row[place] = (row[place] or 0) + point.cost
    most_first = dict(sorted(series.items(), key=lambda row: -sum(figure or 0 for figure in row[1])))
    shown = course.told_apart(most_first)
    decimals = words.places([figure for row in shown.values() for figure in row])  # type: ignore[misc]

    def text(amount: Decimal | None) -> str:
        return words.money(amount, currency, decimals)

    return course.chart(
        what, period, starts, shown, text, kind="bars", unit=currency, notes=notes, noted="unknown cost"
    )


def _name(point: Any, currency: str) -> str:
    keys = getattr(point, "keys", {})
    return " · ".join(text or "(none)" for key, text in keys.items() if key != "currency") or currency


def _unknown(places: Mapping[datetime, int], points: Iterable[Any]) -> list[str]:
    """Return what is to be said of buckets with calls that are in no sum; nothing where all are."""
    calls = [0] * len(places)
    for point in points:
        if point.cost is None:
            calls[places[point.start.astimezone(UTC)]] += point.calls
    return (
        [f"{words.plural(number, 'call')} of unknown cost" if number else "" for number in calls] if any(calls) else []
    )
