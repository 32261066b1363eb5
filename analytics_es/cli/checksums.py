"""checksums: of events that a version before has recorded, and of one that was mended by hand."""

from __future__ import annotations

import click

from analytics_es.cli.display import Bar, print_answer
from analytics_es.cli.options import store_options, yes_option
from analytics_es.cli.store import Place, existing
from analytics_es.presentation import Line, words


@click.command()
@click.argument("position", type=click.IntRange(min=1, max=2**62), required=False)
@yes_option
@store_options
def checksums(db: Place, position: int | None, yes: bool, as_json: bool) -> None:
    """Give checksums to events that have none, or to a mended one.

    A version before recorded events without. What is stored of them now is taken as right: verify first. The one at
    POSITION gets a new checksum, whatever it has.

    \b
    Examples:
      analytics-es checksums
      analytics-es checksums 1042 --yes
    """
    with existing(db) as store:
        if position is not None and not yes:
            click.confirm(f"Take what is stored at position {position} as right?", abort=True, err=True)
        with Bar("writing checksums") as bar:
            written = store.service.write_checksums(position, progress=bar.report).unwrap()
    left = f"; up to position {written.unsummed:,} events have none" if written.unsummed else ""
    print_answer(written, [Line(f"wrote checksums of {words.plural(written.events, 'event')}{left}")], as_json)
