"""What is spent of budgets, kept for the view of it: as the answer about budgets was when it was given last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from analytics_es.log.database import Cursor
from analytics_es.read_models.registry import FORGET_ABOUT, WRITE_ABOUT
from analytics_es.read_models.views.dialects import Dialect
from analytics_es.read_models.views.statements import View

BUDGETS = "budgets"
NAME, SHOWN = "v_budgets", "budgets shown"
TEXTS = ("budget_id", "currency", "scope", "scope_id")
TIMES = ("starts_at", "ends_at")
MONEY = ("allocated", "spent", "remaining", "overage")
NUMBERS = ("unknown_calls", "position", "as_of")  # the last two: what the answer stands on, and seconds
COLUMNS = (*TEXTS, *TIMES, *MONEY, *NUMBERS, "problem")

# Budgets as they are shown.
FORGET = "DELETE FROM budgets_shown"
WRITE = f"INSERT INTO budgets_shown ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"

FORGET_BUDGET = f"{FORGET} WHERE budget_id = ?"
MOVE = "UPDATE budgets_shown SET position = ?, as_of = ?"


def table(dialect: Dialect) -> str:
    """Return the statement that creates what is kept, in the types of a database."""
    columns = [
        *(f"{name} {dialect.key_type} NOT NULL" for name in TEXTS),
        *(f"{name} {dialect.integer_type}" for name in (*TIMES, *NUMBERS)),
        *(f"{name} {dialect.money_type}" for name in MONEY),
        f"problem {dialect.key_type}",
    ]
    return f"CREATE TABLE IF NOT EXISTS budgets_shown ({', '.join(columns)})"


def view(dialect: Dialect) -> View:
    """Return the view: a row is a budget in the period of its own that goes on."""
    money = {name: sql for column in MONEY for name, sql in dialect.written(column, column).items()}
    used = f"coalesce({dialect.real('spent')}, 0) / nullif({dialect.real('allocated')}, 0)"
    return View(
        name=NAME,
        columns={
            **{name: name for name in TEXTS},
            **{name: dialect.instant(name) for name in TIMES},
            **money,
            "used": f"CASE WHEN problem IS NULL THEN {used} END",
            "unknown_calls": "unknown_calls",
            "problem": "problem",
            "as_of": dialect.instant("as_of"),
            "position": "position",
        },
        source="budgets_shown",
    )


def forget(cursor: Cursor) -> None:
    """Show none, until they are shown anew."""
    cursor.execute(FORGET)
    cursor.execute(FORGET_ABOUT, (SHOWN,))


def write(cursor: Cursor, rows: Iterable[Sequence[object]], state: str) -> None:
    """Show these and no others; `state` is what they are the answer for."""
    cursor.execute(FORGET)
    for row in rows:
        cursor.execute(WRITE, row)
    cursor.execute(WRITE_ABOUT, (SHOWN, state))


def change(cursor: Cursor, rows: Mapping[str, Iterable[Sequence[object]]], position: int, at: int, state: str) -> None:
    """Put the rows of these budgets in the place of theirs; all are of this position and time (seconds)."""
    for budget_id, of_budget in rows.items():
        cursor.execute(FORGET_BUDGET, (budget_id,))
        for row in of_budget:
            cursor.execute(WRITE, row)
    cursor.execute(MOVE, (position, at))
    cursor.execute(WRITE_ABOUT, (SHOWN, state))
