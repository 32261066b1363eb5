"""correct: what a call reported to have cost."""

from __future__ import annotations

import click

from analytics_es.cli.display import print_answer
from analytics_es.cli.options import store_options
from analytics_es.cli.store import OpenStore, Place, existing
from analytics_es.presentation import Line, words
from analytics_es.types import CostCorrection


@click.command()
@click.argument("position", type=int)
@click.argument("cost")
@click.option("--note", required=True, metavar="TEXT", help="Why, to be kept with it.")
@click.option("--currency", metavar="CODE", help="Refuse it where the call is charged in another one.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and do nothing.")
@store_options
def correct(position: int, cost: str, note: str, currency: str | None, dry_run: bool, db: Place, as_json: bool) -> None:
    """Correct what a call reported to have cost.

    The call at POSITION had cost COST, in its currency. It stays as it is: the correction is an event of its own, at
    the call's time. The cost that is in force already changes nothing, but a reported 0 of a call that used tokens is
    known to be what it cost once a correction says so. `explain` lists positions.

    \b
    Examples:
      analytics-es explain cost.cost --last 7d --largest
      analytics-es correct 1234 0.0061 --note "invoice of March" --dry-run
      analytics-es correct 1234 0.0061 --note "invoice of March" --currency USD
    """
    with existing(db) as store:
        correction = store.service.correct_cost(position, cost, note=note, currency=currency, dry_run=dry_run).unwrap()
    lines = [_call(correction, store), _change(correction), _done(correction)]
    print_answer(correction, map(Line, lines), as_json)


def _call(correction: CostCorrection, store: OpenStore) -> str:
    model = f" of {correction.model}" if correction.model else ""
    when = f"{correction.occurred_at.astimezone(store.reads):%F %T %Z}"
    return f"call{words.safe(model)} at position {correction.corrects:,}, {when}"


def _change(correction: CostCorrection) -> str:
    was, now, change = map(words.exact, (correction.was, correction.now, correction.change))
    sign = "+" if correction.change > 0 else ""
    difference = f" ({sign}{change})" if correction.change else ""
    if not (correction.change or correction.duplicate):
        difference = ", which is known from here on"
    return f"was {was} → is {now} {words.safe(correction.currency)}{difference}"


def _done(correction: CostCorrection) -> str:
    number, position = correction.number, correction.position
    if correction.duplicate and number == 0:
        return "nothing changes: that is what it reported"
    if correction.duplicate:
        return f"nothing changes: its correction {number} says so already, at position {position:,}"
    if position is None:
        return f"it would be correction {number} of this call; nothing was done"
    return f"correction {number} of this call, at position {position:,}"
