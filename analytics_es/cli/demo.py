"""demo: a made-up week, recorded and reported."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import click

from analytics_es.cli.demo_week import platform_events
from analytics_es.cli.display import Bar, print_answer
from analytics_es.cli.options import json_option, moment, store_option
from analytics_es.cli.store import Place, opened
from analytics_es.presentation import Block, Line, words
from analytics_es.presentation.tables import report as tables
from analytics_es.store import exists
from analytics_es.types import TimePeriod


@click.command()
@store_option("demo.db", help="The store; a new one is best.")
@click.option("--seed", default=1, show_default=True, help="The same seed and start make the same events.")
@click.option("--start", type=moment, metavar="TIME", help="Begin here, UTC.  [default: --days before today]")
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 366), help="Length of the story.")
@click.option("--jobs", default=600, show_default=True, type=click.IntRange(1, 1_000_000), help="Jobs in it.")
@json_option
def demo(db: Place, seed: int, start: datetime | None, days: int, jobs: int, as_json: bool) -> None:
    """Record a made-up week of an agent platform, and report.

    Nobody in it is real, so names are kept as they are.

    \b
    Examples:
      analytics-es demo
      analytics-es demo --db /tmp/demo.db --seed 7 --days 30 --jobs 5000
    """
    begin = start or datetime.combine(datetime.now(UTC), time(), UTC) - timedelta(days=days)
    begin = begin if begin.tzinfo else begin.replace(tzinfo=UTC)
    there = exists(db.address, schema=db.schema)
    with opened(db, privacy="full") as store:
        with Bar("recording") as bar:
            receipt = store.service.record_events(
                platform_events(seed=seed, start=begin, days=days, jobs=jobs), progress=bar.report
            ).unwrap()
        store.catch_up()
        answers = tables.reported(store.service, TimePeriod(begin, begin + timedelta(days=days)))
    if there:
        click.echo(
            f"{words.safe(str(db))} was there already: {words.plural(receipt.recorded, 'event')} added, "
            f"{receipt.duplicates:,} known and left as they were. Remove it for a fresh start.",
            err=True,
        )
    print_answer(answers, [*tables.report(answers), *_next(db)], as_json)


def _next(db: Place) -> Iterator[Block]:
    yield from (Line(), Line("All of it is made up. Ask more:"))
    for question in ("usage tenant", "cost --by tenant", "summary performance.duration --group-by subject"):
        yield Line(f"  analytics-es {question} {db.options}")
