"""migrate: a store made ready for this version."""

from __future__ import annotations

import click

from analytics_es.cli.display import Line, render
from analytics_es.cli.options import db_option, json_option, zone_option
from analytics_es.cli.store import Place, opened
from analytics_es.events.codec import to_json


@click.command()
@db_option
@zone_option
@json_option
def migrate(db: Place, tz: str | None, as_json: bool) -> None:
    """Prepare a store for this version, or create it.

    Every command that opens a store does so where it may. On PostgreSQL that takes the right to create tables: run
    this once with a role that has it, and everything else with one that has not.

    \b
    Examples:
      analytics-es migrate --db postgresql://owner@host/database
      analytics-es migrate --db analytics.db --tz Europe/Berlin
    """
    with opened(db, tz) as store:
        names = [each.name for each in store.service.projections().unwrap()]
    if as_json:
        click.echo(to_json({"store": str(db), "timezone": store.keeps, "projections": names}))
    else:
        render.show([Line(f"{db} is ready for {', '.join(names)}, kept in {store.keeps}")])
