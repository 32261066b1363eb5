"""metrics: what summary and export know."""

from __future__ import annotations

from collections.abc import Sequence

import click

from analytics_es.cli.display import Block, Column, Grid, Line, render, words
from analytics_es.cli.options import db_option, json_option
from analytics_es.cli.store import Place, opened
from analytics_es.events.codec import to_json
from analytics_es.store import exists
from analytics_es.types import MetricInfo


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
