"""Questions: usage, performance, cost, summary, metrics, and the report of all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from analytics_es.cli import render, tables, words
from analytics_es.cli.blocks import Block, Column, Grid, Line
from analytics_es.cli.options import Asked, db_option, json_option, question, top_option
from analytics_es.cli.progress import Bar
from analytics_es.cli.store import Place, opened
from analytics_es.cost.prices.files import read_prices
from analytics_es.events.codec import to_json
from analytics_es.store import exists
from analytics_es.types import MetricInfo


@click.command()
@click.argument("entity_type", required=False)
@click.argument("entity_id", required=False)
@top_option
@question
def usage(asked: Asked, entity_type: str | None, entity_id: str | None, top: int) -> None:
    """Say who used how much: everyone, all of a kind, or one.

    \b
    Examples:
      analytics-es usage
      analytics-es usage tenant --last 24h
      analytics-es usage user user-17 --from 2026-11-01 --to 2026-12-01
      analytics-es usage tenant --as-of 2026-12-01 --from 2026-11-01 --to 2026-12-01
    """
    with asked.answering() as (service, period):
        answer = service.get_usage_stats(entity_type, entity_id, period).unwrap()
    asked.tell(answer, lambda: tables.usage(answer, top))


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


@click.command()
@click.option(
    "--by",
    multiple=True,
    default=("model",),
    show_default=True,
    metavar="KEY",
    help="provider, model, operation, an entity such as user or tenant, or a tag: attributes.team; may be repeated.",
)
@click.option("--where", multiple=True, metavar="KEY=VALUE", help="Only where a key has a value; may be repeated.")
@click.option(
    "--prices",
    "file",
    type=click.Path(path_type=Path),
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
@question
def cost(
    asked: Asked, by: Sequence[str], where: Sequence[str], file: Path | None, models: Sequence[str], top: int
) -> None:
    """Say what was charged for what, and what is not known.

    \b
    Examples:
      analytics-es cost
      analytics-es cost --by tenant --by model --last 4w
      analytics-es cost --by user --by tenant
      analytics-es cost --by user --from 2026-11-01 --to 2026-12-01 --tz Asia/Kolkata
      analytics-es cost --where user=ada --model gpt-4o=claude-sonnet-4-5
      analytics-es cost --prices contract.toml --last 4w
    """
    only, others = pairs(where), pairs(models, "--model", "MODEL=OTHER")
    prices = read_prices(file) if file else None
    bar = Bar("reading the log")
    with asked.answering(bar) as (service, period):
        answer = service.get_cost_breakdown(
            period, by=by, where=only, prices=prices, models=others, progress=bar.report
        ).unwrap()
        was = service.get_cost_breakdown(period, where=only).unwrap() if answer.supposed else answer
    supposed = tables.supposed(was, others, prices, file) if answer.supposed else []
    asked.tell(answer, lambda: tables.cost(answer, top, supposed))


@click.command("unit-costs")
@click.option("--where", multiple=True, metavar="KEY=VALUE", help="Only where a key has a value; may be repeated.")
@question
def unit_costs(asked: Asked, where: Sequence[str]) -> None:
    """Say what a job, a successful task or a conversation costs.

    And 1,000 tokens of output; on average, by currency.

    \b
    Examples:
      analytics-es unit-costs
      analytics-es unit-costs --last 4w --where model=gpt-4o
    """
    only = pairs(where)
    with asked.answering() as (service, period):
        answer = service.get_unit_costs(period, where=only).unwrap()
    asked.tell(answer, lambda: tables.unit_costs(answer))


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


def pairs(texts: Sequence[str], option: str = "--where", form: str = "KEY=VALUE") -> dict[str, str]:
    """Read KEY=VALUE, each key once."""
    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key or key in pairs:
            problem = "is given twice" if key in pairs else f"is not {form}"
            raise click.BadParameter(f"{text!r} {problem}.", param_hint=option)
        pairs[key] = value
    return pairs


@click.command()
@db_option
@json_option
def metrics(db: Place, as_json: bool) -> None:
    """List every metric that summary and export know.

    Those of a store that is there; every other has the same, but for tags.

    \b
    Examples:
      analytics-es metrics
      analytics-es metrics --json
    """
    place = db if exists(db.address, schema=db.schema) else Place(":memory:", db.schema, db.config)
    with opened(place) as store:
        found = store.service.list_metrics().unwrap()
    if as_json:
        click.echo(to_json(found))
    else:
        render.show(_metrics(found))


def _metrics(found: Sequence[MetricInfo]) -> list[Block]:
    columns = [Column("metric"), Column("kind"), Column("unit")]
    blocks: list[Block] = []
    for name in dict.fromkeys(each.projection for each in found):
        of_it = [each for each in found if each.projection == name]
        keys = f"keys: {', '.join(of_it[0].keys)}"
        blocks.append(Grid(name, columns, [[each.name, each.kind, each.unit] for each in of_it], keys))
    return [*blocks, Line(f"{words.plural(len(found), 'metric')}", "dim")]


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
