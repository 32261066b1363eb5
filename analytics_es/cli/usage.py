"""usage: who used how much."""

from __future__ import annotations

import click

from analytics_es.cli.options import Question, question_options, top_option
from analytics_es.presentation.tables import usage as tables


@click.command()
@click.argument("entity_type", required=False)
@click.argument("entity_id", required=False)
@top_option
@question_options
def usage(question: Question, entity_type: str | None, entity_id: str | None, top: int) -> None:
    """Say who used how much: everyone, all of a kind, or one.

    \b
    Examples:
      analytics-es usage --today
      analytics-es usage tenant --last 24h
      analytics-es usage user user-17 --month 2026-11
      analytics-es usage user --last 1y --granularity month
      analytics-es usage tenant --as-of 2026-12-01 --from 2026-11-01 --to 2026-12-01
    """
    with question.answering() as (service, period):
        answer = service.get_usage_stats(entity_type, entity_id, period).unwrap()
    question.show(answer, tables.usage(answer, top))
