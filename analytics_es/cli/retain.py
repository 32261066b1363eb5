"""retain: events sealed and deleted that are to be kept no longer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from analytics_es.cli.display import Bar, print_answer
from analytics_es.cli.options import confirm, store_options, yes_option
from analytics_es.cli.store import Place, existing
from analytics_es.presentation import Block, Column, Columns, Grid, Line, Number, words
from analytics_es.types import FamilyRetention, RetentionResult, StuckProjection


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
@yes_option
@store_options
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
    three o'clock, with the retention of the store: the last that it was told of, or that of the settings.

    \b
    Examples:
      analytics-es retain --events 90d --dry-run
      analytics-es retain --events 90d --hourly 400d --archive archive --yes
      analytics-es retain --events 90d --family tool=30d
    """
    lengths = {"events": events, "hourly": hourly, "daily": daily, **dict(map(_family, families))}
    policy = {name: length for name, length in lengths.items() if length is not None} or None
    with existing(db) as store:
        plan = store.service.retain(policy, archive=archive, dry_run=True).unwrap()
        if dry_run or not yes:
            print_answer(plan, _result(plan), as_json and dry_run)
        if dry_run:
            return
        confirm("Delete these events?", yes)
        with Bar("retaining") as bar:
            result = store.service.retain(
                policy, archive=archive, progress=lambda phase, done, total: bar.at(done, total or None, more=phase)
            ).unwrap()
    print_answer(result, _result(result), as_json)


def _family(text: str) -> tuple[str, str]:
    family, equals, length = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not FAMILY=LENGTH, such as tool=30d.", param_hint="--family")
    return f"{family}.*", length


_FAMILIES: Columns[FamilyRetention] = [
    Column("events", lambda family: family.family or "all others"),
    Column("older than", lambda family: f"{family.until:%Y-%m-%d}"),
    Number("number", lambda family: words.count(family.events)),
    Number("size", lambda family: words.size(family.bytes)),
]


def _result(result: RetentionResult) -> Iterator[Block]:
    yield Grid("", _FAMILIES, result.families)
    for bucket, since in (("hour", result.hours_from), ("day", result.days_from)):
        if since:
            yield Line(f"figures by the {bucket} from {since:%Y-%m-%d} on", "dim")
    yield Line(_planned(result) if result.dry_run else _done(result))
    for stuck in result.stuck:
        yield Line(_stuck(stuck), "yellow")


def _stuck(stuck: StuckProjection) -> str:
    lacks = f"it lacks {stuck.lost} of these events" if stuck.lost else "nothing of it is lost"
    return f"warning: {stuck.projection} is stuck; {lacks}: {stuck.problem}"


def _planned(result: RetentionResult) -> str:
    if not result.families:
        return "everything is kept for ever; pass --events, or set the retention of the store"
    return f"{words.plural(result.events, 'event')} would be sealed and deleted; nothing was done"


def _done(result: RetentionResult) -> str:
    given_back = max(result.bytes_before - result.bytes_after, 0)
    text = (
        f"sealed {words.plural(result.events, 'event')} into {words.plural(result.rows, 'row')} and deleted them; "
        f"{words.size(given_back)} given back, {words.size(result.bytes_free)} free for later events"
    )
    return text + (f"; archived in {result.archive.path}" if result.archive else "")
