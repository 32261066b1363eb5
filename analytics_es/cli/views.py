"""views: what other tools read of a store by SQL."""

from __future__ import annotations

import click

from analytics_es.cli.display import Bar, print_answer
from analytics_es.cli.forms import form_options
from analytics_es.cli.options import store_options
from analytics_es.cli.store import Place, existing
from analytics_es.presentation import Column, Columns, Grid, Line, words
from analytics_es.types import SqlView

_COLUMNS: Columns[SqlView] = [
    Column("view", lambda view: view.name),
    Column("columns", lambda view: ", ".join(view.columns)),
]


@click.command()
@store_options
@form_options
def views(db: Place, as_json: bool) -> None:
    """List the SQL views of a store for Grafana, Metabase, Datasette.

    They are in the file of the read models (`analytics.views.db`), or in the schema of the store. Everything recorded
    is in them when this ends; `analytics-es run` keeps it so.

    \b
    Examples:
      analytics-es views
      analytics-es views --db postgresql://user@host/database --json
    """
    with existing(db) as store:
        store.catch_up()
        with Bar("pricing"):
            listed = store.service.sql_views().unwrap()
    print_answer(listed, [Grid("", _COLUMNS, listed), Line(words.plural(len(listed), "view"), "dim")], as_json)
