"""summary: the figures of one metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from analytics_es.cli.display import Bar
from analytics_es.cli.options import Question, question_options, top_option, where_option
from analytics_es.presentation.tables import summary as tables


@click.command()
@click.argument("metric")
@click.option("--group-by", multiple=True, metavar="KEY", help="Figures for each value of a key; may be repeated.")
@where_option
@top_option
@question_options
def summary(question: Question, metric: str, group_by: Sequence[str], where: Mapping[str, str], top: int) -> None:
    """Sum up one METRIC: figures, groups, series, and before.

    `analytics-es metrics` lists the metrics, and the keys to group and to filter by.

    \b
    Examples:
      analytics-es summary performance.duration --group-by operation --last 24h
      analytics-es summary cost.reported_cost --group-by user --where provider=openai
      analytics-es summary cost.calls --group-by user --where tenant=acme --this-week
    """
    bar = Bar("reading the log")
    with question.answering(bar) as (service, period):
        answer = service.get_summary(metric, period, group_by=group_by, where=where, progress=bar.report).unwrap()
    question.show(answer, tables.summary(answer, top, where))
