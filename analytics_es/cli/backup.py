"""backup: a copy of the log while everybody goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from analytics_es.cli.display import Bar, print_answer
from analytics_es.cli.options import PATH, store_options
from analytics_es.cli.store import Place, existing
from analytics_es.presentation import Line, words
from analytics_es.types import BackupResult

LISTED = 20  # positions


@click.command()
@click.argument("file", type=PATH)
@store_options
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
    text = f"wrote {result.path}: the log up to position {result.last_position:,}, {words.size(result.bytes)}"
    print_answer(result, [Line(text), *_damage(result)], as_json)


def _damage(result: BackupResult) -> Iterator[Line]:
    """Say what the copy has that was not recorded: an older copy may have it as it was."""
    if result.damaged:
        positions = ", ".join(map(str, result.damaged[:LISTED])) + (" …" if len(result.damaged) > LISTED else "")
        events = words.plural(len(result.damaged), "event")
        yield Line(f"{events} in it are not what was recorded, at {positions}: keep older backups")
