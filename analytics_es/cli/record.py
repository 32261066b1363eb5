"""record: one event, from the command line."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click

from analytics_es.cli.options import moment, new_store_options, strict_fields_option
from analytics_es.cli.store import Place, opened
from analytics_es.errors import CannotRead, NotRead
from analytics_es.events.codec import to_json
from analytics_es.presentation import words
from analytics_es.presentation.tables.unread import left_out_line
from analytics_es.types import Receipt

MAX_TEXT = 4 * 2**20  # of data as JSON: far beyond what an event may take


@click.command()
@click.argument("event_type", metavar="TYPE")
@click.option("--data", required=True, metavar="JSON", help="The event's data: JSON, @FILE, or - for standard input.")
@click.option("--occurred-at", type=moment, metavar="TIME", help="When it happened.  [default: now]")
@click.option("--id", metavar="TEXT", help="The event's id at its source; it needs --occurred-at.")
@click.option("--source", metavar="TEXT", help="Who tells.  [default: local]")
@strict_fields_option
@new_store_options
def record(
    event_type: str,
    data: str,
    occurred_at: datetime | None,
    id: str | None,
    source: str | None,
    strict_fields: bool | None,
    db: Place,
    as_json: bool,
) -> None:
    """Record one event, durably, and print its position.

    \b
    Examples:
      analytics-es record job.completed --data '{"job_id": "j-1", "duration_ms": 1200}'
      analytics-es record tool.call.failed --data @event.json --occurred-at 2026-11-01T12:00Z --id t-7
      analytics-es record provider.call.completed --data '{"input_tokens": 12}' --strict-fields
    """
    fields = json_data(data)
    with opened(db, strict=strict_fields) as store:
        when = store.read(occurred_at) if occurred_at else None
        receipt = store.service.record_event(event_type, fields, occurred_at=when, id=id, source=source).unwrap()
        unread = store.service.unread_fields(here=True).unwrap()
        left_out = store.service.left_out_fields(position=receipt.position).unwrap() if not receipt.duplicate else []
    for entry in unread:
        click.echo(words.safe(f"note: {NotRead.of(entry.type, entry.field, entry.suggestion)}"), err=True)
    if line := left_out_line(left_out):
        click.echo(words.safe(f"note: {line}"), err=True)
    click.echo(to_json(receipt) if as_json else receipt_line(receipt))


def receipt_line(receipt: Receipt) -> str:
    """Say what became of an event."""
    waits = ": it waits for the call that it corrects, and counts from when that is there" if receipt.waiting else ""
    if not receipt.duplicate:
        return f"recorded at position {receipt.position}{waits}"
    differs = ", with other content: what was recorded first stays" if receipt.differs else ""
    return f"already recorded at position {receipt.position}{differs or waits}"


def json_data(option: str) -> Any:
    """Read what --data says; raises BadParameter."""
    try:
        return json.loads(_text(option), parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--data") from None


def _text(option: str) -> str:
    if option == "-":
        return _bounded(sys.stdin.read(MAX_TEXT + 1))
    if not option.startswith("@"):
        return option
    try:
        with Path(option[1:]).open(encoding="utf-8") as file:
            return _bounded(file.read(MAX_TEXT + 1))
    except OSError as error:
        raise CannotRead(path=option[1:], problem=error.strerror) from error


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise ValueError(f"longer than {MAX_TEXT} characters")
    return text


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")
