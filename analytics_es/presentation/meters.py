"""Budgets at a glance: how much of each is spent, and where that leads → meters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analytics_es.presentation import Link, words
from analytics_es.presentation.parts import Meter, Meters
from analytics_es.types import BudgetStatus


def meters(budgets: Sequence[BudgetStatus]) -> Meters:
    """Return a meter for each budget, in the order in which they come."""
    return Meters([_meter(budget) for budget in budgets])


def _meter(budget: BudgetStatus) -> Meter:
    whole = "" if budget.allocated is None else f" of {words.amount(budget.allocated)}"
    spent = words.UNKNOWN if budget.spent is None else words.amount(budget.spent)
    return Meter(
        name=words.safe(budget.budget_id) or "(none)",
        figure=f"{spent}{whole} {words.safe(budget.currency)}",
        part=budget.used,
        note=" · ".join(_course(budget)),
        over=budget.remaining is not None and budget.remaining < 0,
        link=Link(page="budgets", words={"budget": budget.budget_id or None}),
    )


def _course(budget: BudgetStatus) -> Iterator[str]:
    """Yield where it stands, where that leads, and what of it is not known."""
    if budget.problem:
        yield f"spent is not known: {budget.problem}"
    elif budget.allocated is None:
        yield "nothing is allocated"
    elif budget.remaining is not None and budget.remaining < 0:
        yield f"{words.amount(-budget.remaining)} {words.safe(budget.currency)} more than allocated"
    elif budget.remaining == 0:
        yield "all of it is spent"
    elif budget.exhausted_at:
        yield f"at this rate spent by {budget.exhausted_at:%Y-%m-%d %H:%M}"
    elif budget.burn_rate is not None and budget.ends_at:
        yield f"at this rate lasts until it ends, {budget.ends_at:%Y-%m-%d}"
    if budget.unknown_calls:
        yield f"at least: {words.plural(budget.unknown_calls, 'call')} of unknown cost"
    if budget.other_currencies:
        others = budget.other_currencies.items()
        told = ", ".join(words.money(money, currency, words.places([money])) for currency, money in others)
        yield f"in other currencies, and in no sum: {told}"
