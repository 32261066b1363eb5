"""report: usage, performance and cost on one screen."""

from __future__ import annotations

import click

from analytics_es.cli import tables
from analytics_es.cli.options import Asked, question


@click.command()
@question
def report(asked: Asked) -> None:
    """Show usage, performance and cost on one screen.

    \b
    Examples:
      analytics-es report
      analytics-es report --last 24h --db demo.db
      analytics-es report --as-of 12
    """
    with asked.answering() as (service, period):
        found = tables.reported(service, period)
    asked.tell(found, lambda: tables.report(found))
