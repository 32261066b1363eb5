"""summary: the figures of one metric."""

from __future__ import annotations

from collections.abc import Sequence

import click

from analytics_es.cli import tables
from analytics_es.cli.display import Bar
from analytics_es.cli.options import Asked, pairs, question, top_option


@click.command()
@click.argument("metric")
@click.option("--group-by", multiple=True, metavar="KEY", help="Figures for each value of a key; may be repeated.")
@click.option("--where", multiple=True, metavar="KEY=VALUE", help="Only where a key has a value; may be repeated.")
@top_option
@question
def summary(asked: Asked, metric: str, group_by: Sequence[str], where: Sequence[str], top: int) -> None:
    """Sum up one METRIC: figures, groups, series, and before.

    `analytics-es metrics` lists the metrics, and the keys to group and to filter by.

    \b
    Examples:
      analytics-es summary performance.duration --group-by operation --last 24h
      analytics-es summary cost.reported_cost --group-by user --where provider=openai
      analytics-es summary cost.calls --group-by user --where tenant=acme
    """
    only = pairs(where)
    bar = Bar("reading the log")
    with asked.answering(bar) as (service, period):
        answer = service.get_summary(metric, period, group_by=group_by, where=only, progress=bar.report).unwrap()
    asked.tell(answer, lambda: tables.summary(answer, top))
