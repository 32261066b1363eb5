"""export: events, or the series of metrics, in a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from analytics_es.cli.display import Bar
from analytics_es.cli.options import PATH, Question, period_options
from analytics_es.cli.store import existing
from analytics_es.presentation import Line, words
from analytics_es.types import ExportFormat
from analytics_es.types.lifecycle import Format


@click.command()
@click.argument("format", type=click.Choice([form.value for form in ExportFormat]))
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="The series of a metric; may be repeated.")
@click.option("-o", "--output", type=PATH, metavar="FILE", help="Write here; never replaces a file.")
@period_options
def export(question: Question, format: Format, metrics: Sequence[str], output: Path | None) -> None:
    """Write events, or the series of metrics, to a file.

    Both are replayed from the log. Without --output, the file is named after its content.

    \b
    Examples:
      analytics-es export csv --last 24h
      analytics-es export parquet --month 2026-11 -o november.parquet
      analytics-es export json --metric cost.reported_cost --metric usage.events
    """
    with existing(question.db) as store, Bar("exporting") as bar:
        result = store.service.export_data(
            format, question.period(store), list(metrics) or None, to=output, progress=bar.report
        ).unwrap()
    manifest = f", with a manifest at {result.manifest.name}" if result.manifest else ""
    content = f"{words.plural(result.rows, 'row')}, {words.size(result.bytes)}, sha256 {result.sha256}"
    question.show(result, [Line(f"wrote {result.path}: {content}{manifest}")])
