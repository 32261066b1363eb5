"""A budget → a chart of how it burns down."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal

from analytics_es.presentation import words
from analytics_es.presentation.charts import course
from analytics_es.presentation.charts.chart import Chart, Figure, Level
from analytics_es.types import BudgetStatus, CostBreakdown


def burn_down(budget: BudgetStatus, spending: CostBreakdown) -> Chart | None:
    """Return what remains of a budget after each bucket of its period, beside what would if it were spent evenly.

    `spending` is what was spent of it, from where it begins to where it ends. None where that is not all of it (a
    budget also holds what `budget.spent` says), where nothing is allocated, or where its period has no end.
    """
    if budget.allocated is None or budget.spent is None or budget.starts_at is None or budget.ends_at is None:
        return None
    starts = [*{point.start.astimezone(UTC): point.start for point in spending.series}.values()]
    places = course.places(starts)
    spent, calls = [Decimal(0)] * len(starts), [0] * len(starts)
    for point in spending.series:
        place = places[point.start.astimezone(UTC)]
        calls[place] += point.calls
        spent[place] += point.cost or 0 if point.currency == budget.currency else 0
    whole = (spending.period.start, spending.period.end) == (budget.starts_at, budget.ends_at)
    if not whole or sum(spent, Decimal(0)) != budget.spent:
        return None
    passed = course.passed([not number for number in calls], goes_on=spending.completeness.open_buckets)
    left: list[Figure | None] = [budget.allocated - sum(spent[: place + 1], Decimal(0)) for place in range(len(starts))]
    evenly: list[Figure | None] = [
        budget.allocated * (len(starts) - place - 1) / len(starts) for place in range(len(starts))
    ]
    decimals = words.places([budget.allocated, budget.spent])

    def text(amount: Decimal | None) -> str:
        return words.money(amount, budget.currency, decimals)

    series = {"remaining": [*left[:passed], *[None] * (len(starts) - passed)], "spent evenly": evenly}
    allocated = Level(name="allocated", figure=budget.allocated, text=text(budget.allocated))
    what = f"What remains of {words.safe(budget.budget_id or '(none)')} in {words.safe(budget.currency)}"
    return course.chart(
        what, spending.period, starts, series, text, kind="lines", unit=budget.currency, levels=[allocated]
    )
