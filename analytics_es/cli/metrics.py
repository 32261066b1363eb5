"""metrics: what summary and export know."""

from __future__ import annotations

import click

from analytics_es.cli.display import print_answer
from analytics_es.cli.forms import form_options
from analytics_es.cli.options import store_options
from analytics_es.cli.store import Place, opened
from analytics_es.presentation.tables import metrics as tables
from analytics_es.store import exists


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
    print_answer(infos, tables.metrics(infos), as_json)
