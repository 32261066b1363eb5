"""Answers about budgets: what is spent of them, and what was reached when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from attrs import frozen

from analytics_es.types.metrics import Completeness
from analytics_es.types.tables import Answer, Rows
from analytics_es.types.value_object import ValueObject


@frozen(kw_only=True, eq=False, repr=False)
class BudgetThreshold(ValueObject):
    """A part of a budget that is to be told of when it is spent.

    percent: of what was allocated, 0 to 1000.
    reached_at: when it was reached, in the store's time zone; None where it was not.
    position: of the event that reached it; None where none did.
    """

    percent: Decimal
    reached_at: datetime | None
    position: int | None


@frozen(kw_only=True, eq=False, repr=False)
class ThresholdReached(ValueObject):
    """So much of a budget was spent, for the first time.

    budget_id: whose threshold it is.
    currency: of the money here.
    scope: whose spending counts: all, tenant, user, model; "" for `budget.spent` alone.
    scope_id: which tenant, user or model; "" for others.
    starts_at: where the budget's period begins, in the store's time zone; None for no beginning.
    ends_at: where it ends, in the store's time zone; None for no end.
    percent: of what was allocated, 0 to 1000.
    allocated: in `currency`.
    spent: up to and with the event that reached it, in `currency`.
    position: of the event that reached it.
    occurred_at: when that event happened, in the store's time zone.
    told_position: of the event `budget.threshold.reached` that says so.
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


@frozen(kw_only=True, eq=False, repr=False)
class CreditStatus(ValueObject):
    """A grant of credits.

    grant_id: which one.
    amount: what was granted, in the budget's currency.
    balance: what is left of it, in the budget's currency.
    priority: grants with a lower one burn first.
    starts_at: when it begins, in the store's time zone.
    ends_at: when it expires, or the end of the hour it was voided in, in the store's time zone; None for no end.
    voided: it was taken back.
    recurs_hours: every how many hours it is granted anew; None where once.
    """

    grant_id: str
    amount: Decimal
    balance: Decimal
    priority: int
    starts_at: datetime
    ends_at: datetime | None
    voided: bool
    recurs_hours: int | None


@frozen(kw_only=True, eq=False, repr=False)
class BudgetStatus(ValueObject):
    """A budget in one period of its own.

    budget_id: which one.
    currency: of all money here.
    scope: whose calls count against it: all, or one tenant, user or model; "" for `budget.spent` events alone.
    scope_id: which tenant, user or model; "" for others.
    starts_at: where its period begins, in the store's time zone; None for no beginning.
    ends_at: where it ends, in the store's time zone; None for no end.
    allocated: in `currency`; None where nothing was.
    spent: in `currency`, the least it can be where calls are unknown; None where a `problem` says why not.
    remaining: allocated - spent, in `currency`; None where none was allocated.
    used: spent / allocated, 1 is all of it; None where one is not known.
    burn_rate: in `currency` a day, over the part of its period that has passed; None where that cannot be said.
    exhausted_at: when nothing remains at that rate, in the store's time zone; None if not before the end, or already.
    unknown_calls: how many count against it and have a cost that is not known.
    other_currencies: what was charged in others, and is not part of it: money by currency.
    thresholds: what it tells of, and when it was reached.
    credits: grants that burn down with what is spent.
    overage: what credits did not cover, in `currency`; None where there are no credits.
    problem: why `spent` is not known; None where it is.
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


@frozen(kw_only=True, eq=False, repr=False)
class BudgetReport(Answer):
    """Budgets whose period holds a time.

    at: that time, in the store's time zone.
    budgets: the fullest first.
    completeness: what the answer stands on.
    """

    _TABLES: ClassVar[Mapping[str, Rows]] = {
        "budgets": Rows("budgets"),
        "thresholds": Rows("budgets.thresholds", of=("budget_id", "currency", "starts_at")),
        "credits": Rows("budgets.credits", of=("budget_id", "currency", "starts_at")),
    }

    at: datetime
    budgets: list[BudgetStatus]
    completeness: Completeness
