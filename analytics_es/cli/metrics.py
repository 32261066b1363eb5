"""metrics: what summary and export know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from analytics_es.cli.display import print_answer
from analytics_es.cli.forms import form_options
from analytics_es.cli.options import store_options
from analytics_es.cli.store import Place, opened
from analytics_es.presentation import Block, Column, Columns, Grid, Line, words
from analytics_es.store import exists
from analytics_es.types import MetricInfo


@click.command()
@store_options
@form_options
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
        infos = store.service.list_metrics().unwrap()
    print_answer(infos, _metrics(infos), as_json)


_COLUMNS: Columns[MetricInfo] = [
    Column("metric", lambda metric: metric.name),
    Column("kind", lambda metric: metric.kind),
    Column("unit", lambda metric: metric.unit),
]


def _metrics(infos: Sequence[MetricInfo]) -> Iterator[Block]:
    for projection in dict.fromkeys(metric.projection for metric in infos):
        metrics = [metric for metric in infos if metric.projection == projection]
        yield Grid(projection, _COLUMNS, metrics, f"keys: {', '.join(metrics[0].keys)}")
    yield Line(words.plural(len(infos), "metric"), "dim")
