"""Dead letters: list, show, retry, discard."""

from __future__ import annotations

import click

from analytics_es.cli.display import Bar, print_answer
from analytics_es.cli.failures import Group
from analytics_es.cli.forms import form_options
from analytics_es.cli.options import store_options, yes_option
from analytics_es.cli.store import Place, existing
from analytics_es.events.codec import to_json
from analytics_es.presentation import Column, Columns, Grid, Line, Number, words
from analytics_es.types import DeadLetter

_position = click.argument("position", type=click.IntRange(min=1, max=2**62))
_projection = click.option("--projection", metavar="NAME", help="Only those of one projection.")
_LETTERS: Columns[DeadLetter] = [
    Number("position", lambda letter: words.count(letter.position)),
    Column("projection", lambda letter: letter.projection),
    Column("field", lambda letter: letter.field),
    Column("hour", lambda letter: words.moment(letter.hour)),
    Column("state", lambda letter: "discarded" if letter.discarded else "open"),
]


@click.group("dead-letters", cls=Group)
def dead_letters() -> None:
    """What projections could not use: which event, and why.

    A value that could not be read is left out of its measure, an event that could not be added of its projection. Both
    are counted in every answer about their hours.

    \b
    Examples:
      analytics-es dead-letters list
      analytics-es dead-letters show 1042
      analytics-es dead-letters retry --all
    """


@dead_letters.command("list")
@_projection
@click.option("--discarded", is_flag=True, help="Those that were accepted, too.")
@click.option("--limit", type=click.IntRange(min=1, max=1_000_000), default=100, show_default=True, help="At most.")
@store_options
@form_options
def list_(db: Place, projection: str | None, discarded: bool, limit: int, as_json: bool) -> None:
    """List what could not be used, by position.

    \b
    Examples:
      analytics-es dead-letters list
      analytics-es dead-letters list --projection cost --discarded --json
    """
    with existing(db) as store:
        letters = store.service.dead_letters(projection=projection, limit=limit, discarded=discarded).unwrap()
    print_answer(letters, [Grid("", _LETTERS, letters) if letters else Line("no dead letters")], as_json)


@dead_letters.command()
@_position
@store_options
@form_options
def show(db: Place, position: int, as_json: bool) -> None:
    """Show the event at POSITION, and why projections could not use it.

    \b
    Examples:
      analytics-es dead-letters show 1042
      analytics-es dead-letters show 1042 --json
    """
    with existing(db) as store:
        details = store.service.dead_letter(position).unwrap()
    stored = to_json(details.event) if details.event else details.raw or ""
    lines = [
        f"position {details.position:,}: {details.type}",
        *(f"{cause.letter.projection}: {cause.cause}" for cause in details.causes),
        "",
        *stored.splitlines(),
    ]
    print_answer(details, [Line(words.safe(line)) for line in lines], as_json)


@dead_letters.command()
@click.argument("position", type=click.IntRange(min=1, max=2**62), required=False)
@click.option("--all", "every", is_flag=True, help="All that are not discarded.")
@_projection
@store_options
def retry(db: Place, position: int | None, every: bool, projection: str | None, as_json: bool) -> None:
    """Derive again the hours that dead letters lie in.

    A newer version, or a new upcaster, may read them now.

    \b
    Examples:
      analytics-es dead-letters retry 1042
      analytics-es dead-letters retry --all --projection cost
    """
    if every == (position is not None):
        raise click.UsageError("Give a POSITION, or --all.")
    with existing(db) as store, Bar("deriving again"):
        result = store.service.retry_dead_letters(position, projection=projection).unwrap()
    tried = words.plural(result.tried, "dead letter")
    text = f"tried {tried}: {result.solved:,} solved, {result.remaining:,} remaining"
    print_answer(result, [Line(text)], as_json)


@dead_letters.command()
@_position
@_projection
@yes_option
@store_options
def discard(db: Place, position: int, projection: str | None, yes: bool, as_json: bool) -> None:
    """Accept what could not be used at POSITION.

    It stays counted in every answer, but is no longer listed.

    \b
    Examples:
      analytics-es dead-letters discard 1042
      analytics-es dead-letters discard 1042 --projection cost --yes --json
    """
    with existing(db) as store:
        store.service.dead_letter(position).unwrap()
        if not yes:
            click.confirm(f"Accept that position {position} cannot be read?", abort=True, err=True)
        letters = store.service.discard_dead_letters(position, projection=projection).unwrap()
    text = f"discarded {words.plural(len(letters), 'dead letter')} at position {position:,}"
    print_answer(letters, [Line(text)], as_json)
