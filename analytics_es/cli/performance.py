"""performance: how fast and how reliable operations were."""

from __future__ import annotations

import click

from analytics_es.cli import tables
from analytics_es.cli.options import Asked, question, top_option


@click.command()
@top_option
@question
def performance(asked: Asked, top: int) -> None:
    """Say how fast and how reliable every operation was.

    \b
    Examples:
      analytics-es performance --last 24h
      analytics-es performance --from 2026-11-01 --granularity total --json
    """
    with asked.answering() as (service, period):
        answer = service.get_performance_metrics(period).unwrap()
    asked.tell(answer, lambda: tables.performance(answer, top))
