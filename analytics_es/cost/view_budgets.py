"""The budgets that the SQL view of them shows: as the answer about budgets says them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from decimal import Decimal
from typing import Any

from analytics_es.cost.budgets.accounts import BUDGETS
from analytics_es.cost.budgets.report import budgets
from analytics_es.cost.context import COST, CostContext
from analytics_es.queries import QuestionContext
from analytics_es.queries.figures import trimmed


def show(context: CostContext) -> None:
    """Write what is spent of budgets, unless that was written since anything has changed, or an hour has begun."""
    read_models = context.read_models
    if not {BUDGETS, COST} <= read_models.declarations.keys():
        return
    hour = context.calendar.hour_start(int(context.clock().timestamp()))
    with read_models.reading() as cursor:
        state = read_models.shown.budgets_to_show(cursor, (BUDGETS, COST), hour)
    if state is None:
        return

    def opened(*_: Any) -> AbstractContextManager[QuestionContext]:
        return nullcontext(context)

    rows = list(_rows(context, opened))
    with read_models.writing() as cursor:
        read_models.shown.write_budgets(cursor, rows, state)


def _rows(context: CostContext, opened: Any) -> Iterator[tuple[Any, ...]]:
    report = budgets(opened, None, None)
    for budget in report.budgets:
        money = (budget.allocated, budget.spent, budget.remaining, budget.overage)
        yield (
            *(budget.budget_id, budget.currency, budget.scope, budget.scope_id),
            *(_seconds(budget.starts_at), _seconds(budget.ends_at)),
            *map(_plain, money),
            *(budget.unknown_calls, report.completeness.position, int(report.at.timestamp())),
            budget.problem,
        )


def _seconds(time: datetime | None) -> int | None:
    return None if time is None else int(time.timestamp())


def _plain(money: Decimal | None) -> str | None:
    return None if money is None else format(trimmed(money), "f")
