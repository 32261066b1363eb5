"""Budgets → bars: how much of each is spent, as a part of what was allocated, so that currencies can stand together."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from html import escape
from typing import Any

from analytics_es.presentation import words
from analytics_es.presentation.charts import course
from analytics_es.types import BudgetReport, BudgetStatus

A_CENT = Decimal("0.01")  # what is shown with two places at a glance; the table has more
MOST = 40  # bars below one another
_HIGH = 26  # pixels of a bar with the room around it


def spent(budget: BudgetStatus) -> str:
    """Return what is spent of what was allocated, as it is seen at a glance: 1.38 of 0.99 EUR."""
    amounts = [amount for amount in (budget.allocated, budget.spent) if amount]
    places = 2 if all(abs(amount) >= A_CENT for amount in amounts) else words.places(amounts)
    nothing = Decimal(0) if budget.used == 0 else None
    so_far = words.money(nothing if budget.spent is None else budget.spent, "", places)
    return f"{so_far} of {words.money(budget.allocated, budget.currency, places)}"


def overspent(budget: BudgetStatus) -> bool:
    """Say whether there is less than nothing left."""
    return budget.remaining is not None and budget.remaining < 0


def used(answer: BudgetReport, currency: str | None) -> list[BudgetStatus]:
    """Return the budgets of which it is known how much is used, the fullest first: of one currency, or of all."""
    return [budget for budget in answer.budgets if budget.used is not None and currency in (None, budget.currency)]


def bars(budgets: Sequence[BudgetStatus]) -> dict[str, Any]:
    """Return a bar for each budget, as Plotly has it: `data` and `layout`; at all of it there is a line."""
    shown = budgets[:MOST]
    names = course.unlike(_plain(budget.budget_id or "(none)") for budget in shown)
    texts = [_plain(spent(budget)) for budget in shown]
    trace = {
        "type": "bar",
        "orientation": "h",
        "name": "spent",
        "x": [budget.used for budget in shown],
        "y": names,
        "text": texts,
        "textposition": "auto",
        "insidetextanchor": "start",
        "customdata": [f"{text}, {words.percent(budget.used)}" for text, budget in zip(texts, shown, strict=True)],
        "hovertemplate": "%{y}: %{customdata}<extra></extra>",
        "marker": {"color": [f"var(--{'warn' if overspent(budget) else 'c1'})" for budget in shown]},
    }
    beyond = f", the fullest {MOST} of {len(budgets):,}" if len(budgets) > MOST else ""
    return {"data": [trace], "layout": _layout(names, f"Spent of what was allocated{beyond}")}


def _layout(names: Sequence[str], title: str) -> dict[str, Any]:
    clear = "rgba(0,0,0,0)"
    line = {"color": "var(--soft)", "width": 1, "dash": "5px 4px"}
    return {
        "height": 96 + _HIGH * len(names),
        "margin": {"l": 8, "r": 16, "t": 44, "b": 44},
        "paper_bgcolor": clear,
        "plot_bgcolor": clear,
        "font": {"size": 11, "color": "var(--soft)"},
        "showlegend": False,
        "template": {},
        "bargap": 0.4,
        "title": {"text": title, "x": 0, "xref": "paper", "font": {"size": 13}},
        "modebar": {"bgcolor": clear, "color": "var(--soft)", "activecolor": "var(--c1)"},
        "xaxis": {"rangemode": "tozero", "tickformat": ".0%", "gridcolor": "var(--line)", "zeroline": False},
        "yaxis": {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [*reversed(names)],  # the first one stands above
            "automargin": True,
            "ticklabelstandoff": 7,
            "fixedrange": True,
        },
        "shapes": [{"type": "line", "x0": 1, "x1": 1, "yref": "paper", "y0": 0, "y1": 1, "line": line}],
    }


def _plain(text: str) -> str:
    """Return a text as one of which Plotly takes nothing for markup."""
    return escape(words.safe(text), quote=False)
