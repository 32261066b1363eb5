"""retain: events sealed and deleted that are to be kept no longer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from analytics_es.cli.display import Bar, Block, Column, Grid, Line, render, words
from analytics_es.cli.options import db_option, json_option
from analytics_es.cli.store import Place, existing
from analytics_es.events.codec import to_json
from analytics_es.types import RetentionResult


@click.command()
@click.option("--events", metavar="LENGTH", help="How long events are kept: 90d, 12w, 2y or forever.")
@click.option(
    "--family",
    "families",
    multiple=True,
    metavar="FAMILY=LENGTH",
    help="How long those of one family are kept, such as tool=30d; may be repeated.",
)
@click.option("--hourly", metavar="LENGTH", help="How long figures by the hour are kept; no shorter than events.")
@click.option("--daily", metavar="LENGTH", help="How long figures by the day are kept; no shorter than by the hour.")
@click.option(
    "--archive",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write the events there as Parquet before they are deleted.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@db_option
@json_option
def retain(
    db: Place,
    events: str | None,
    families: Sequence[str],
    hourly: str | None,
    daily: str | None,
    archive: Path | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Seal and delete events that are to be kept no longer.

    What they add to every projection is verified, and kept in the log as sealed rows: answers do not change. Events of
    that time are refused from then on. Others go on recording and asking meanwhile. `run` does this every night, at
    three o'clock, with the retention of the settings.

    \b
    Examples:
      analytics-es retain --events 90d --dry-run
      analytics-es retain --events 90d --hourly 400d --archive archive --yes
      analytics-es retain --events 90d --family tool=30d
    """
    given = {"events": events, "hourly": hourly, "daily": daily, **dict(map(_family, families))}
    told = {name: length for name, length in given.items() if length is not None}
    policy = told or None
    with existing(db) as store:
        plan = store.service.retain(policy, archive=archive, dry_run=True).unwrap()
        if dry_run or not yes:
            _tell(plan, as_json and dry_run)
        if dry_run:
            return
        _ask(yes)
        with Bar("retaining") as bar:
            result = store.service.retain(
                policy, archive=archive, progress=lambda what, done, of: bar.at(done, of or None, more=what)
            ).unwrap()
    _tell(result, as_json)


def _family(text: str) -> tuple[str, str]:
    family, found, length = text.partition("=")
    if not found:
        raise click.BadParameter(f"{text!r} is not FAMILY=LENGTH, such as tool=30d.", param_hint="--family")
    return f"{family}.*", length


def _ask(yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody is there to be asked: pass --yes.")
    click.confirm("Delete these events?", abort=True, err=True)


def _tell(result: RetentionResult, as_json: bool) -> None:
    if as_json:
        click.echo(to_json(result))
        return
    columns = [Column("events"), Column("older than"), Column("number", right=True), Column("size", right=True)]
    rows = [
        [each.family or "all others", f"{each.until:%Y-%m-%d}", words.count(each.events), words.size(each.bytes)]
        for each in result.families
    ]
    table: list[Block] = [Grid("", columns, rows)] if rows else []
    render.show([*table, *_buckets(result), Line(_planned(result) if result.dry_run else _done(result))])


def _buckets(result: RetentionResult) -> list[Block]:
    kept = (("hour", result.hours_from), ("day", result.days_from))
    return [Line(f"figures by the {name} from {since:%Y-%m-%d} on", "dim") for name, since in kept if since]


def _planned(result: RetentionResult) -> str:
    if not result.families:
        return "everything is kept for ever; pass --events, or set the retention of the store"
    return f"{words.plural(result.events, 'event')} would be sealed and deleted; nothing was done"


def _done(result: RetentionResult) -> str:
    given_back = max(result.bytes_before - result.bytes_after, 0)
    told = (
        f"sealed {words.plural(result.events, 'event')} into {words.plural(result.rows, 'row')} and deleted them; "
        f"{words.size(given_back)} given back, {words.size(result.bytes_free)} free for later events"
    )
    return told + (f"; archived in {result.archive.path}" if result.archive else "")
