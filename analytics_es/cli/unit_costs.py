"""unit-costs: what a job, a task or a conversation costs."""

from __future__ import annotations

from collections.abc import Sequence

import click

from analytics_es.cli import tables
from analytics_es.cli.options import Asked, pairs, question


@click.command("unit-costs")
@click.option("--where", multiple=True, metavar="KEY=VALUE", help="Only where a key has a value; may be repeated.")
@question
def unit_costs(asked: Asked, where: Sequence[str]) -> None:
    """Say what a job, a successful task or a conversation costs.

    And 1,000 tokens of output; on average, by currency.

    \b
    Examples:
      analytics-es unit-costs
      analytics-es unit-costs --last 4w --where model=gpt-4o
    """
    only = pairs(where)
    with asked.answering() as (service, period):
        answer = service.get_unit_costs(period, where=only).unwrap()
    asked.tell(answer, lambda: tables.unit_costs(answer))
