"""Budgets → tables."""

from __future__ import annotations

from collections.abc import Sequence

from analytics_es.cli import words
from analytics_es.cli.blocks import Cell, Column, Grid, Share, Styled
from analytics_es.cli.tables.parts import MORE, cut
from analytics_es.types import BudgetStatus


def budgets(found: Sequence[BudgetStatus], top: int, more: str = MORE) -> Grid:
    """Return what is left of every budget, the fullest first."""
    columns = [
        Column("budget"),
        Column("allocated", right=True),
        Column("spent", right=True),
        Column("remaining", right=True),
        Column("used", right=True, drop=1),
        Column("", bar=True, drop=2),
    ]
    decimals = words.places_by_currency((b.currency, amount) for b in found for amount in (b.allocated, b.spent))
    return Grid("Budgets", columns, *cut([_budget(each, decimals[each.currency]) for each in found], top, more))


def _budget(each: BudgetStatus, decimals: int) -> list[Cell]:
    over = each.remaining is not None and each.remaining < 0
    remaining = words.money(each.remaining, each.currency, decimals)
    return [
        each.budget_id or "(none)",
        words.money(each.allocated, each.currency, decimals),
        words.money(each.spent, each.currency, decimals),
        Styled(remaining, "red") if over else remaining,
        words.percent(each.used),
        Share(each.used, "red" if over else "cyan"),
    ]
