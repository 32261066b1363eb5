"""Budgets: what is spent of them, and what remains."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import click

from analytics_es.cli.display import print_answer
from analytics_es.cli.forms import form_options
from analytics_es.cli.names import named, names_option
from analytics_es.cli.options import as_of_option, moment, reading_options, top_option
from analytics_es.cli.store import Place, existing
from analytics_es.presentation import Block
from analytics_es.presentation.tables import budgets as tables


@click.command()
@click.argument("budget", required=False)
@click.option(
    "--at", type=moment, metavar="TIME", help="Those of the periods that hold this time.  [default: now; of one, all]"
)
@as_of_option
@names_option
@top_option
@reading_options
@form_options
def budgets(
    budget: str | None,
    at: datetime | None,
    as_of: int | datetime | None,
    names: bool,
    top: int,
    db: Place,
    as_json: bool,
) -> None:
    """Say what is spent of budgets, and what remains.

    Of all, or of one BUDGET. What is not known of their spending, thresholds and credits follow below.

    \b
    Examples:
      analytics-es budgets
      analytics-es budgets acme-march --json
      analytics-es budgets --at 2026-03-31
    """
    with existing(db) as store, store.answering(as_of) as service:
        when = store.read(at) if at else None
        answer = service.get_budgets(budget=budget, at=when).unwrap()
        nowhere = not answer.budgets and budget is not None
        elsewhen = nowhere and bool(when and service.get_budgets(budget=budget).unwrap().budgets)
    blocks: Iterable[Block] = tables.budget_report(answer, top, budget, elsewhen=elsewhen)
    shown, blocks = named(db, answer, blocks, as_json) if names else (answer, blocks)
    print_answer(shown, blocks, as_json)
