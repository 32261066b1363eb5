"""unit-costs: what a job, a task or a conversation costs."""

from __future__ import annotations

from collections.abc import Mapping

import click

from analytics_es.cli.options import Question, question_options, where_option
from analytics_es.presentation.tables import unit_costs as tables


@click.command("unit-costs")
@where_option
@question_options
def unit_costs(question: Question, where: Mapping[str, str]) -> None:
    """Say what a job, a successful task or a conversation costs.

    And 1,000 tokens of output; on average, by currency.

    \b
    Examples:
      analytics-es unit-costs
      analytics-es unit-costs --last-month --where model=gpt-4o
    """
    with question.answering() as (service, period):
        answer = service.get_unit_costs(period, where=where).unwrap()
    question.show(answer, tables.unit_costs(answer, where))
