"""Keeping: aggregate, backup, export, migrate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from analytics_es.cli import render, words
from analytics_es.cli.blocks import Line
from analytics_es.cli.options import Asked, about_period, db_option, json_option, zone_option
from analytics_es.cli.progress import Bar
from analytics_es.cli.store import Place, existing, opened
from analytics_es.events.codec import to_json
from analytics_es.lifecycle.export import SUFFIXES
from analytics_es.types import AggregationResult, BackupResult, ExportResult


@click.command()
@about_period
def aggregate(asked: Asked) -> None:
    """Derive the read models of a period again from the log.

    They are swapped in at once; who asks meanwhile sees the old ones.

    \b
    Examples:
      analytics-es aggregate --last 24h
      analytics-es aggregate --from 2026-11-01 --to 2026-11-08 --json
    """
    with asked.caught_up() as (store, period), Bar("aggregating"):
        result = store.service.run_aggregation(period).unwrap()
    asked.tell(result, lambda: [Line(_aggregated(result))])


def _aggregated(result: AggregationResult) -> str:
    return (
        f"derived {words.plural(result.rows, 'row')} of {', '.join(result.projections)} again from "
        f"{words.plural(result.events, 'event')}, up to position {result.position:,}, in {result.seconds:.1f} s"
    )


@click.command()
@click.argument("format", type=click.Choice([*SUFFIXES]))
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="The series of a metric; may be repeated.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write here; never replaces a file."
)
@about_period
def export(asked: Asked, format: str, metrics: Sequence[str], output: Path | None) -> None:
    """Write events, or the series of metrics, to a file.

    Both are replayed from the log. Without --output, the file is named after its content.

    \b
    Examples:
      analytics-es export csv --last 24h
      analytics-es export parquet --from 2026-11-01 --to 2026-12-01 -o november.parquet
      analytics-es export json --metric cost.reported_cost --metric usage.events
    """
    with asked.store() as store, Bar("exporting") as bar:
        result = store.service.export_data(
            format, asked.period(store), list(metrics) or None, to=output, progress=bar.report
        ).unwrap()
    asked.tell(result, lambda: [Line(_exported(result))])


def _exported(result: ExportResult) -> str:
    manifest = f", with a manifest at {result.manifest.name}" if result.manifest else ""
    said = f"{words.plural(result.rows, 'row')}, {words.size(result.bytes)}, sha256 {result.sha256}"
    return f"wrote {result.path}: {said}{manifest}"


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


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@db_option
@json_option
def backup(file: Path, db: Place, as_json: bool) -> None:
    """Copy the log to a file while everybody goes on.

    The copy is complete and a store of its own; read models are derived again from it. FILE must not exist yet.

    \b
    Examples:
      analytics-es backup monday.db
      analytics-es backup --db analytics.db /backups/2026-11-01.db --json
    """
    with existing(db) as store, Bar("copying", unit="pages") as bar:
        result = store.service.back_up(file, progress=bar.report).unwrap()
    if as_json:
        click.echo(to_json(result))
    else:
        render.show([Line(_backed_up(result))])


def _backed_up(result: BackupResult) -> str:
    return f"wrote {result.path}: the log up to position {result.last_position:,}, {words.size(result.bytes)}"
