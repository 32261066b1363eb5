"""backup: a copy of the log while everybody goes on."""

from __future__ import annotations

from pathlib import Path

import click

from analytics_es.cli.display import Bar, Line, render, words
from analytics_es.cli.options import db_option, json_option
from analytics_es.cli.store import Place, existing
from analytics_es.events.codec import to_json
from analytics_es.types import BackupResult


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
