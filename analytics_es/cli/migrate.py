"""migrate: a store made ready for this version."""

from __future__ import annotations

import click

from analytics_es.cli.display import print_answer
from analytics_es.cli.options import new_store_options, strict_ids_option
from analytics_es.cli.store import Place, opened
from analytics_es.presentation import Line, words


@click.command()
@strict_ids_option
@new_store_options
def migrate(strict_ids: list[str] | None, db: Place, as_json: bool) -> None:
    """Prepare a store for this version, or create it.

    Every command that opens a store does so where it may. On PostgreSQL that takes the right to create tables: run
    this once with a role that has it, and everything else with one that has not. What it prints names the sources
    whose ids are strict.

    \b
    Examples:
      analytics-es migrate --db postgresql://owner@host/database
      analytics-es migrate --db analytics.db --tz Europe/Berlin
      analytics-es migrate --db analytics.db --strict-ids agents
    """
    with opened(db, strict_ids=strict_ids) as store:
        names = [projection.name for projection in store.service.projections().unwrap()]
        strict = store.service.store.log.strict.patterns
    answer = {"store": str(db), "timezone": store.keeps, "projections": names, "strict_ids": strict}
    ids = f"; ids are strict for {words.safe(', '.join(strict))}" if strict else ""
    print_answer(answer, [Line(f"{db} is ready for {', '.join(names)}, kept in {store.keeps}{ids}")], as_json)
