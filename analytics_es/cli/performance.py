"""performance: how fast and how reliable operations were."""

from __future__ import annotations

import click

from analytics_es.cli.options import Question, question_options, top_option
from analytics_es.presentation.tables import performance as tables


@click.command()
@top_option
@question_options
def performance(question: Question, top: int) -> None:
    """Say how fast and how reliable every operation was.

    \b
    Examples:
      analytics-es performance --last 24h
      analytics-es performance --yesterday
      analytics-es performance --from 2026-11-01 --granularity total --json
    """
    with question.answering() as (service, period):
        answer = service.get_performance_metrics(period).unwrap()
    question.show(answer, tables.performance(answer, top))
