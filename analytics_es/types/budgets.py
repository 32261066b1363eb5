"""Answers about budgets: what is spent of them, and what was reached when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from attrs import frozen

from analytics_es.types.metrics import Completeness


@frozen(kw_only=True)
class BudgetThreshold:
    """A part of a budget, in percent: when and at which position of the log it was reached, None where it was not."""

    percent: Decimal
    reached_at: datetime | None
    position: int | None


@frozen(kw_only=True)
class ThresholdReached:
    """So much of a budget was spent, for the first time: by the event at `position`, which occurred at `occurred_at`.

    `told_position` is that of the event `budget.threshold.reached`.
    """

    budget_id: str
    currency: str
    scope: str
    scope_id: str
    starts_at: datetime | None
    ends_at: datetime | None
    percent: Decimal
    allocated: Decimal
    spent: Decimal
    position: int
    occurred_at: datetime
    told_position: int


@frozen(kw_only=True)
class CreditStatus:
    """A grant of credits: what is left of it, and of the grants with lower `priority` it burns after.

    `ends_at`: when it expires, or the end of the hour in which it was voided; None where it never ends.
    """

    grant_id: str
    amount: Decimal
    balance: Decimal
    priority: int
    starts_at: datetime
    ends_at: datetime | None
    voided: bool
    recurs_hours: int | None


@frozen(kw_only=True)
class BudgetStatus:
    """A budget in one period of its own: `remaining` is allocated - spent, None where none was allocated.

    `scope` is what counts against it: calls of `all`, or of one `tenant`, `user` or `model`, which is `scope_id`; ""
    where nothing does but `budget.spent` events. Where the cost of `unknown_calls` is not known, `spent` is the least
    that it can be. What was charged in `other_currencies` is not part of it. `burn_rate` is a day, over the part of its
    period that has passed; `exhausted_at` is when nothing remains at that rate, None where that is not before its end,
    or was already. `problem` says why `spent` is not known.
    `credits` burn down with what is spent, and `overage` is what they did not cover.
    """

    budget_id: str
    currency: str
    scope: str
    scope_id: str
    starts_at: datetime | None
    ends_at: datetime | None
    allocated: Decimal | None
    spent: Decimal | None
    remaining: Decimal | None
    used: float | None
    burn_rate: Decimal | None
    exhausted_at: datetime | None
    unknown_calls: int
    other_currencies: Mapping[str, Decimal]
    thresholds: list[BudgetThreshold]
    credits: list[CreditStatus]
    overage: Decimal | None
    problem: str | None


@frozen(kw_only=True)
class BudgetReport:
    """Budgets whose period holds `at`, the fullest first."""

    at: datetime
    budgets: list[BudgetStatus]
    completeness: Completeness
