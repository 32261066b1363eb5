"""cost: what was charged for what, or would be at other prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from analytics_es.cli.display import Bar
from analytics_es.cli.options import PATH, Question, pairs, question_options, top_option, where_option
from analytics_es.cost.prices.files import read_prices
from analytics_es.presentation.tables import cost as tables
from analytics_es.presentation.tables.cost_notes import supposed as supposing


@click.command()
@click.option(
    "--by",
    multiple=True,
    default=("model",),
    show_default=True,
    metavar="KEY",
    help="provider, model, operation, an entity such as user or tenant, or a tag: attributes.team; may be repeated.",
)
@where_option
@click.option(
    "--prices",
    "file",
    type=PATH,
    metavar="FILE",
    help="What if: all calls at these prices, as if they were published; what calls reported is set aside.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="MODEL=OTHER",
    help="What if: calls of a model as if they were of another one, or of PROVIDER/OTHER; may be repeated.",
)
@top_option
@question_options
def cost(
    question: Question, by: Sequence[str], where: Mapping[str, str], file: Path | None, models: Sequence[str], top: int
) -> None:
    """Say what was charged for what, and what is not known.

    \b
    Examples:
      analytics-es cost --this-month
      analytics-es cost --month 2026-11 --granularity week
      analytics-es cost --since 2026-11-01 --until 2026-11-15
      analytics-es cost --by tenant --by model --last 4w
      analytics-es cost --by user --by tenant
      analytics-es cost --by user --names
      analytics-es cost --where user= --where currency=USD
      analytics-es cost --by user --from 2026-11-01 --to 2026-12-01 --tz Asia/Kolkata
      analytics-es cost --where user=ada --model gpt-4o=claude-sonnet-4-5
      analytics-es cost --prices contract.toml --last 4w
    """
    replacements = pairs(models, "--model", "MODEL=OTHER")
    prices = read_prices(file) if file else None
    bar = Bar("reading the log")
    with question.answering(bar) as (service, period):
        answer = service.get_cost_breakdown(
            period, by=by, where=where, prices=prices, models=replacements, progress=bar.report
        ).unwrap()
        was = service.get_cost_breakdown(period, where=where).unwrap() if answer.supposed else answer
    supposed = supposing(was, replacements, prices, file) if answer.supposed else []
    question.show(answer, tables.cost(answer, top, where, supposed))
