"""Recording: import, record."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click

from analytics_es.cli import render, words
from analytics_es.cli.blocks import Cell, Column, Grid, Styled
from analytics_es.cli.failures import Failed
from analytics_es.cli.imports import Tally, import_file
from analytics_es.cli.options import db_option, json_option, moment, zone_option
from analytics_es.cli.progress import Bar
from analytics_es.cli.rejects import Rejects, rejects
from analytics_es.cli.store import Place, Store, opened
from analytics_es.errors import CannotRead
from analytics_es.events.codec import to_json
from analytics_es.ingest.files import OTLP, read_mapping, rows
from analytics_es.types import Receipt

MAX_TEXT = 4 * 2**20  # of data as JSON: far beyond what an event may take
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=FILE, metavar="FILE…")
@click.option("--mapping", type=FILE, metavar="M.toml", help="How rows become events; CloudEvents need none.")
@click.option("--format", type=click.Choice([OTLP]), help="Files are traces of OpenTelemetry in OTLP/JSON.")
@click.option(
    "--rejects", "rejects_to", type=click.Path(path_type=Path), metavar="FILE", help="Write refused rows to a new file."
)
@click.option("--strict", is_flag=True, help="End with exit code 1 if any row was refused; the others are imported.")
@db_option
@zone_option
@json_option
def import_(
    files: Sequence[Path],
    mapping: Path | None,
    format: str | None,
    rejects_to: Path | None,
    strict: bool,
    db: Place,
    tz: str | None,
    as_json: bool,
) -> None:
    """Import files of events; a file again changes nothing.

    Files are CloudEvents as JSON Lines, or, by a mapping, CSV, JSON Lines or Parquet, or with --format otlp traces.
    Rows that are refused are counted, shown and, with --rejects, kept; all others are imported.

    \b
    Examples:
      analytics-es import events.jsonl
      analytics-es import usage-*.csv --mapping usage.toml --rejects refused.jsonl --strict
      analytics-es import traces.jsonl.gz --format otlp
    """
    if mapping and format:
        raise click.UsageError("traces need no --mapping: leave it or --format out")
    how = read_mapping(mapping) if mapping else None
    with Bar("looking into the files", ""):
        sources = [(path, rows(path, how, format=format)) for path in files]
    tallies: list[Tally] = []
    with rejects(rejects_to) as refused, opened(db, tz) as store:
        try:
            _note_zone(store, tz)
            for path, found in sources:
                tallies.append(Tally(file=str(path)))
                import_file(store.service, path, found, refused, tallies[-1])
            store.catch_up()
        finally:
            _show_refused(refused, rejects_to)
            _show_tallies(tallies, refused, as_json)
    if strict and refused.count:
        raise Failed(f"{words.plural(refused.count, 'row')} refused; everything else is imported")


def _note_zone(store: Store, tz: str | None) -> None:
    if tz and tz != store.keeps:
        click.echo(f"note: this store keeps its hours and days in {store.keeps}; --tz is for a new one", err=True)


def _show_refused(refused: Rejects, kept: Path | None) -> None:
    for each in refused.first:
        click.echo(words.safe(f"refused: {each.file} row {each.row}: {each.message}"), err=True)
    beyond = refused.count - len(refused.first)
    if refused.count and kept:
        click.echo(f"all {refused.count:,} refused rows are in {words.safe(str(kept))}", err=True)
    elif beyond:
        click.echo(f"… and {beyond:,} more refused; --rejects FILE would keep them all", err=True)


def _show_tallies(tallies: Sequence[Tally], refused: Rejects, as_json: bool) -> None:
    total = Tally(file="total")
    for tally in tallies:
        total.add(tally)
    if as_json:
        click.echo(to_json({"files": tallies, "total": total, "refusals": refused.first}))
        return
    titles = ("recorded", "duplicates", "of them differing", "refused")
    columns = [Column("file"), *(Column(title, right=True) for title in titles)]
    render.show([Grid("", columns, [_tally(each) for each in ([*tallies, total] if len(tallies) > 1 else tallies)])])


def _tally(each: Tally) -> list[Cell]:
    found = words.count(each.refused)
    return [
        each.file,
        words.count(each.recorded),
        words.count(each.duplicates),
        words.count(each.differing),
        Styled(found, "yellow") if each.refused else found,
    ]


# ── one event ───────────────────────────────────────────────────────────────────────────────────────────────────


@click.command()
@click.argument("event_type", metavar="TYPE")
@click.option("--data", required=True, metavar="JSON", help="The event's data: JSON, @FILE, or - for standard input.")
@click.option("--occurred-at", type=moment, metavar="TIME", help="When it happened.  [default: now]")
@click.option("--id", metavar="TEXT", help="The event's id at its source; it needs --occurred-at.")
@click.option("--source", metavar="TEXT", help="Who tells.  [default: local]")
@db_option
@zone_option
@json_option
def record(
    event_type: str,
    data: str,
    occurred_at: datetime | None,
    id: str | None,
    source: str | None,
    db: Place,
    tz: str | None,
    as_json: bool,
) -> None:
    """Record one event, durably, and print its position.

    \b
    Examples:
      analytics-es record job.completed --data '{"job_id": "j-1", "duration_ms": 1200}'
      analytics-es record tool.call.failed --data @event.json --occurred-at 2026-11-01T12:00Z --id t-7
    """
    fields = _data(data)
    with opened(db, tz) as store:
        when = store.read(occurred_at) if occurred_at else None
        receipt = store.service.record_event(event_type, fields, occurred_at=when, id=id, source=source).unwrap()
    click.echo(to_json(receipt) if as_json else _receipt(receipt))


def _receipt(receipt: Receipt) -> str:
    if not receipt.duplicate:
        return f"recorded at position {receipt.position}"
    differs = ", with other content: what was recorded first stays" if receipt.differs else ""
    return f"already recorded at position {receipt.position}{differs}"


def _data(given: str) -> Any:
    try:
        return json.loads(_text(given), parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--data") from None


def _text(given: str) -> str:
    if given == "-":
        return _bounded(sys.stdin.read(MAX_TEXT + 1))
    if not given.startswith("@"):
        return given
    try:
        with Path(given[1:]).open(encoding="utf-8") as file:
            return _bounded(file.read(MAX_TEXT + 1))
    except OSError as error:
        raise CannotRead(path=given[1:], problem=error.strerror) from error


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise ValueError(f"longer than {MAX_TEXT} characters")
    return text


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")
