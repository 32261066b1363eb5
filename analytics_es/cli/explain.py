"""explain: what a number is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from analytics_es.audit.rows import COST
from analytics_es.cli.display import Bar
from analytics_es.cli.options import Question, question_options, where_option
from analytics_es.presentation.tables import explanation as tables


@click.command()
@click.argument("metric")
@where_option
@click.option("--largest", is_flag=True, help="List the largest first, not in the order of the log.")
@click.option("--latest", is_flag=True, help="List those that happened last first.")
@click.option(
    "--limit", type=click.IntRange(min=0), default=20, show_default=True, help="Events to list; all are summed up."
)
@question_options
def explain(question: Question, metric: str, where: Mapping[str, str], largest: bool, latest: bool, limit: int) -> None:
    """List the events behind one number of a METRIC.

    The period is widened to whole hours, as in every answer. `analytics-es metrics` lists the metrics and their keys.
    `cost.cost` is what calls cost, reported, computed or unknown, and how that comes about, price by price.

    \b
    Examples:
      analytics-es explain cost.reported_cost --where user=ada --last 24h
      analytics-es explain cost.cost --where model=gpt-4o --largest --this-month
      analytics-es explain performance.duration --where operation=tool.call --largest --limit 5
      analytics-es explain performance.failures --latest --last 24h
      analytics-es explain usage.failures --from 2026-11-01T09:00 --to 2026-11-01T10:00 --json
      analytics-es explain cost.cost --as-of 1200 --last 7d
    """
    if largest and latest:
        raise click.UsageError("--largest is one order, --latest another: leave one of them out.")
    options: dict[str, Any] = {"where": where, "limit": limit, "largest": largest, "latest": latest}
    bar = Bar("explaining")
    with question.answering(bar) as (service, period):
        if metric == COST:
            costs = service.explain_cost(period, **options, progress=bar.report).unwrap()
        else:
            answer = service.explain(metric, period, **options, progress=bar.report).unwrap()
    if metric == COST:
        question.show(costs, tables.bill(costs))
    else:
        question.show(answer, tables.explanation(answer))
