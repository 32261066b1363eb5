"""migrate: a store made ready for this version."""

from __future__ import annotations

import click

from analytics_es.cli.display import Line, print_answer
from analytics_es.cli.options import new_store_options
from analytics_es.cli.store import Place, opened


@click.command()
@new_store_options
def migrate(db: Place, as_json: bool) -> None:
    """Prepare a store for this version, or create it.

    Every command that opens a store does so where it may. On PostgreSQL that takes the right to create tables: run
    this once with a role that has it, and everything else with one that has not.

    \b
    Examples:
      analytics-es migrate --db postgresql://owner@host/database
      analytics-es migrate --db analytics.db --tz Europe/Berlin
    """
    with opened(db) as store:
        names = [projection.name for projection in store.service.projections().unwrap()]
    answer = {"store": str(db), "timezone": store.keeps, "projections": names}
    print_answer(answer, [Line(f"{db} is ready for {', '.join(names)}, kept in {store.keeps}")], as_json)
