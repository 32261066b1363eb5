"""Correcting what a call reported to have cost: correct."""

from __future__ import annotations

from decimal import Decimal

import click

from analytics_es.cli.display import Line, render, words
from analytics_es.cli.options import db_option, json_option
from analytics_es.cli.store import Place, Store, existing
from analytics_es.events.codec import to_json
from analytics_es.types import CostCorrection


@click.command()
@click.argument("position", type=int)
@click.argument("cost")
@click.option("--note", required=True, metavar="TEXT", help="Why, to be kept with it.")
@click.option("--currency", metavar="CODE", help="Refuse it where the call is charged in another one.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and do nothing.")
@db_option
@json_option
def correct(position: int, cost: str, note: str, currency: str | None, dry_run: bool, db: Place, as_json: bool) -> None:
    """Correct what a call reported to have cost.

    The call at POSITION had cost COST, in its currency. It stays as it is: the correction is an event of its own, at
    the call's time. The cost that is in force already changes nothing. `explain` lists positions.

    \b
    Examples:
      analytics-es explain cost.reported_cost --last 7d --largest
      analytics-es correct 1234 0.0061 --note "invoice of March" --dry-run
      analytics-es correct 1234 0.0061 --note "invoice of March" --currency USD
    """
    with existing(db) as store:
        told = store.service.correct_cost(position, cost, note=note, currency=currency, dry_run=dry_run).unwrap()
    if as_json:
        click.echo(to_json(told))
    else:
        render.show([Line(_call(told, store)), Line(_change(told)), Line(_done(told))])


def _call(told: CostCorrection, store: Store) -> str:
    model = f" of {told.model}" if told.model else ""
    return f"call{words.safe(model)} at position {told.corrects:,}, {told.occurred_at.astimezone(store.reads):%F %T %Z}"


def _change(told: CostCorrection) -> str:
    sign = "+" if told.change > 0 else ""
    change = f" ({sign}{_exact(told.change)})" if told.change else ""
    return f"was {_exact(told.was)} → is {_exact(told.now)} {words.safe(told.currency)}{change}"


def _exact(amount: Decimal) -> str:
    """Return an amount with all of its decimals, and no zeros at their end."""
    whole, _, decimals = f"{amount:,f}".partition(".")
    return f"{whole}.{decimals}".rstrip("0").rstrip(".")


def _done(told: CostCorrection) -> str:
    if told.duplicate and told.number == 0:
        return "nothing changes: that is what it reported"
    if told.duplicate:
        return f"nothing changes: its correction {told.number} says so already, at position {told.position:,}"
    if told.position is None:
        return f"it would be correction {told.number} of this call; nothing was done"
    return f"correction {told.number} of this call, at position {told.position:,}"
