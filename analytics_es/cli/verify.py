"""Whether read models are what the log says: verify."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from analytics_es.cli.display import Bar, Block, Column, Grid, Line, render, words
from analytics_es.cli.options import db_option, json_option, moment, tz_option
from analytics_es.cli.projections import ledger
from analytics_es.cli.store import Place, Store, existing
from analytics_es.errors import BadPeriod
from analytics_es.events.codec import to_json
from analytics_es.events.event import EARLIEST
from analytics_es.types import ColumnDifference, Divergence, ProjectionVerification, TimePeriod, Verification

LONGEST = 24  # characters of a stored text


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--from", "start", type=moment, metavar="TIME", help="Only from here: a date, or an ISO 8601 time.")
@click.option("--to", "end", type=moment, metavar="TIME", help="Only before this.")
@click.option("--sample", type=click.IntRange(min=1), metavar="DAYS", help="Only so many days, drawn at random.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Draw the days of the run that printed this.")
@click.option(
    "--limit", type=click.IntRange(min=0), default=20, show_default=True, help="Rows to list of each projection."
)
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that fold.")
@tz_option
@db_option
@json_option
def verify(
    db: Place,
    tz: str | None,
    names: Sequence[str],
    start: datetime | None,
    end: datetime | None,
    sample: int | None,
    seed: int | None,
    limit: int,
    workers: int,
    as_json: bool,
) -> None:
    """Fold the log again and compare with the live read models, while they serve.

    Each is compared at the position it has reached, row for row. Says that they are identical, or which buckets and
    keys differ, by how much, and which events are involved. Ends with 1 if anything differs.

    \b
    Examples:
      analytics-es projections verify
      analytics-es projections verify usage cost --from 2026-11-01 --to 2026-11-08
      analytics-es projections verify --sample 3 --json
    """
    if sample and (start or end):
        raise click.UsageError("--sample draws days of the whole log: leave out --from and --to.")
    if seed is not None and not sample:
        raise click.UsageError("--seed goes with --sample.")
    with existing(db, tz) as store, Bar("verifying", unit="parts" if sample or start or end else "events") as bar:
        found = store.service.verify(
            names or None,
            _period(store, start, end),
            sample=sample,
            seed=seed,
            limit=limit,
            workers=workers,
            progress=bar.report,
        ).unwrap()
    if as_json:
        click.echo(to_json(found))
    else:
        render.show(_told(found))
    if not found.identical:
        click.get_current_context().exit(1)


def _period(store: Store, start: datetime | None, end: datetime | None) -> TimePeriod | None:
    if not start and not end:
        return None
    try:
        return TimePeriod(
            store.read(start) if start else EARLIEST.astimezone(store.reads),
            store.read(end) if end else datetime.now(UTC).astimezone(store.reads),
        )
    except BadPeriod as error:
        raise click.UsageError(str(error)) from error


# ── in words ────────────────────────────────────────────────────────────────────────────────────────────────────


def _told(found: Verification) -> list[Block]:
    columns = [Column("projection"), Column("position", right=True), Column("rows", right=True), Column("verdict")]
    rows = [
        [each.projection, words.count(each.position), words.count(each.rows), _verdict(each)]
        for each in found.projections
    ]
    blocks: list[Block] = [Line(_what(found)), Line(), Grid("", columns, rows)]
    for each in found.projections:
        blocks += _rows(each) + _unreadable(each)
    wrong = [each.ledger for each in found.projections if not each.ledger.identical]
    return blocks + (ledger(wrong) if wrong else [])


def _what(found: Verification) -> str:
    if found.period:
        what = f"from {found.period.start.isoformat(sep=' ')} to {found.period.end.isoformat(sep=' ')}, "
    elif found.sampled is not None:
        what = f"{', '.join(f'{day:%Y-%m-%d}' for day in found.sampled) or 'no day'} (--seed {found.seed}), "
    else:
        what = ""
    sealed = f"; before {found.sealed_until:%Y-%m-%d}, what was sealed" if found.sealed_until else ""
    return f"verified {what}{words.plural(found.events, 'event')} folded again in {found.seconds:.1f} s{sealed}"


def _verdict(each: ProjectionVerification) -> str:
    if each.identical:
        return "identical"
    differ = len(each.divergences) + len(each.unreadable) + each.omitted
    return f"{words.plural(differ, 'entry')} differ" if differ != 1 else "1 entry differs"


def _rows(each: ProjectionVerification) -> list[Block]:
    if not each.divergences:
        return []
    titles = ("bucket", "keys", "kind", "differs")
    columns = [*(Column(title) for title in titles), Column("events", right=True), Column("positions")]
    rows = [_row(divergence) for divergence in each.divergences]
    remark = f"… and {each.omitted:,} more: --limit lists more" if each.omitted else ""
    return [Grid(each.projection, columns, rows, remark)]


def _row(each: Divergence) -> list[str]:
    start = words.UNKNOWN if each.start is None else f"{each.start:%Y-%m-%d %H:%M%z}"
    keys = " ".join(f"{key}={value}" for key, value in each.keys.items() if value)
    positions = ", ".join(map(str, each.positions)) + (" …" if each.events > len(each.positions) else "")
    differs = "; ".join(map(_difference, each.differences)) if each.kind == "changed" else ""
    return [f"{each.grain} {start}", keys, each.kind, differs, words.count(each.events), positions or words.UNKNOWN]


def _difference(each: ColumnDifference) -> str:
    live, expected = (
        words.UNKNOWN if value is None else f"{value!s:.{LONGEST}}" for value in (each.live, each.expected)
    )
    by = "" if each.by is None else f" ({each.by:+})"
    return f"{each.column} {live}, should be {expected}{by}"


def _unreadable(each: ProjectionVerification) -> list[Block]:
    if not each.unreadable:
        return []
    columns = [Column("position", right=True), Column("field"), Column("kind")]
    rows = [[words.count(value.position), value.field, value.kind] for value in each.unreadable]
    return [Grid(f"Unreadable values of {each.projection}", columns, rows)]
