"""report: usage, performance and cost on one screen."""

from __future__ import annotations

import click

from analytics_es.cli.options import Question, question_options
from analytics_es.presentation.tables import report as tables


@click.command()
@question_options
def report(question: Question) -> None:
    """Show usage, performance and cost on one screen.

    \b
    Examples:
      analytics-es report
      analytics-es report --last-month
      analytics-es report --last 24h --db demo.db
      analytics-es report --as-of 12
    """
    with question.answering() as (service, period):
        answers = tables.reported(service, period)
    question.show(answers, tables.report(answers))
