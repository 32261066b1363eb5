"""agents export: the ledger's events in a file, which another ledger can take in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from analytics_es.cli.agents.reading import agent_option, ledger_option
from analytics_es.cli.display import Bar, print_answer
from analytics_es.cli.options import PATH, json_option
from analytics_es.cli.store import Place, existing
from analytics_es.events.event import EARLIEST, LATEST
from analytics_es.ingest.strictness import agents
from analytics_es.presentation import Line, words
from analytics_es.types import TimePeriod

FORMS = {".jsonl": "json", ".jsonl.gz": "json", ".parquet": "parquet"}  # by how a file is called


def _form(path: Path) -> str:
    for ending, form in FORMS.items():
        if path.name.lower().endswith(ending):
            return form
    raise click.UsageError(f"{path} is to end with {', '.join(FORMS)}: that says how it is written.")


@click.command()
@click.argument("file", type=PATH)
@agent_option
@ledger_option
@json_option
def export(file: Path, names: Sequence[str], db: Place, as_json: bool) -> None:
    """Write the ledger's calls to a file, for another one.

    All that agents told is in it: calls, runs of tools, failures, and corrections of what calls cost, as they are
    stored. It ends with .jsonl, .jsonl.gz or .parquet, is for nobody else to read, and never replaces a file.

    \b
    Examples:
      analytics-es agents export laptop.jsonl.gz
      analytics-es agents export codex.jsonl --agent codex
    """
    form = _form(file)
    with existing(db) as store, Bar("exporting") as bar:
        result = store.service.export_data(
            form,  # type: ignore[arg-type]  # one of the three
            TimePeriod(EARLIEST, LATEST),
            to=file,
            sources=list(names) or agents(),
            progress=bar.report,
        ).unwrap()
    content = f"{words.plural(result.rows, 'event')}, {words.size(result.bytes)}, sha256 {result.sha256}"
    print_answer(result, [Line(words.safe(f"wrote {result.path}: {content}"))], as_json)
