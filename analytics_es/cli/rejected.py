"""Rejected messages: list, show, record."""

from __future__ import annotations

from datetime import datetime

import click

from analytics_es.cli.display import print_answer
from analytics_es.cli.failures import Group
from analytics_es.cli.forms import form_options
from analytics_es.cli.options import moment, reading_options, store_options
from analytics_es.cli.record import json_data, receipt_line
from analytics_es.cli.store import Place, existing
from analytics_es.errors import NoRejectedMessage
from analytics_es.events.codec import to_json
from analytics_es.events.fields import LEFT_OUT
from analytics_es.presentation import Column, Columns, Grid, Line, Number, words
from analytics_es.types import RejectedMessage

EVERY = 1_000_000  # of these, the one at a position is looked for


def _kept_fields(message: RejectedMessage) -> list[str]:
    """Return the names of the fields that are there to be recorded."""
    return [name for name in (message.event or {}).get("data") or () if name != LEFT_OUT]


_position = click.argument("position", type=click.IntRange(min=1, max=2**62))
_MESSAGES: Columns[RejectedMessage] = [
    Number("position", lambda message: words.count(message.position)),
    Column("subject", lambda message: message.subject),
    Column("reason", lambda message: message.code),
    Column("field", lambda message: message.field or ""),
    Column("kept", lambda message: ", ".join(_kept_fields(message)) or "nothing"),
    Column("recorded", lambda message: f"at {message.recorded:,}" if message.recorded else ""),
]


@click.group(cls=Group)
def rejected() -> None:
    """Messages that could not be recorded: which, why, and what is kept.

    What comes by a bus, over HTTP or as spans and the door refuses is kept as the policy of privacy leaves it: numbers,
    pseudonyms, no texts. It can be recorded later, with what was wrong put right.

    \b
    Examples:
      analytics-es rejected list
      analytics-es rejected show 1042
      analytics-es rejected record 1042 --data '{"output_tokens": 3}'
    """


@rejected.command("list")
@click.option("--recorded", is_flag=True, help="Those whose events were recorded since, too.")
@click.option("--limit", type=click.IntRange(min=1, max=EVERY), default=100, show_default=True, help="At most.")
@store_options
@form_options
def list_(db: Place, recorded: bool, limit: int, as_json: bool) -> None:
    """List the last messages that gave no event, the newest first.

    \b
    Examples:
      analytics-es rejected list
      analytics-es rejected list --recorded --json
    """
    with existing(db) as store:
        messages = store.service.rejected_messages(limit=limit, recorded=recorded).unwrap()
    print_answer(messages, [Grid("", _MESSAGES, messages) if messages else Line("no rejected messages")], as_json)


@rejected.command()
@_position
@store_options
@form_options
def show(db: Place, position: int, as_json: bool) -> None:
    """Show the message that is kept at POSITION, and why it gave no event.

    \b
    Examples:
      analytics-es rejected show 1042
      analytics-es rejected show 1042 --json
    """
    with existing(db) as store:
        messages = store.service.rejected_messages(limit=EVERY, recorded=True).unwrap()
    message = next((one for one in messages if one.position == position), None)
    if message is None:
        raise NoRejectedMessage(position=position)
    lines = [
        f"position {position:,}: {message.subject}, {words.moment(message.occurred_at)}",
        f"{message.code}: {message.problem or message.field or ''}",
        *([f"recorded at position {message.recorded:,}"] if message.recorded else []),
        "",
        *(to_json(message.event) if message.event else "nothing is kept of what it said").splitlines(),
    ]
    print_answer(message, [Line(words.safe(line)) for line in lines], as_json)


@rejected.command()
@_position
@click.option("--data", metavar="JSON", help="Fields to put right: JSON, @FILE, or -; null leaves a field out.")
@click.option("--type", "event_type", metavar="TYPE", help="The event's type.  [default: as it came]")
@click.option("--occurred-at", type=moment, metavar="TIME", help="When it happened.  [default: as it came]")
@click.option("--id", metavar="TEXT", help="The event's id.  [default: as it came]")
@reading_options
def record(
    db: Place,
    position: int,
    data: str | None,
    event_type: str | None,
    occurred_at: datetime | None,
    id: str | None,
    as_json: bool,
) -> None:
    """Record the event of the message at POSITION, with fields put right.

    Source, id and time are those of the message, so that doing it again changes nothing.

    \b
    Examples:
      analytics-es rejected record 1042 --data '{"output_tokens": 3}'
      analytics-es rejected record 1042 --data '{"currency": "USD", "comment": null}'
    """
    changes = json_data(data) if data else {}
    with existing(db) as store:
        when = store.read(occurred_at) if occurred_at else None
        receipt = store.service.record_rejected(
            position, changes, event_type=event_type, occurred_at=when, id=id
        ).unwrap()
    click.echo(to_json(receipt) if as_json else receipt_line(receipt))
