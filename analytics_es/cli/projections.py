"""Projections: what there is, how far it is, and whether it is right."""

from __future__ import annotations

from collections.abc import Sequence

import click

from analytics_es.cli.display import Bar, Block, Cell, Column, Grid, Line, Styled, render, words
from analytics_es.cli.failures import Group
from analytics_es.cli.options import db_option, json_option
from analytics_es.cli.store import Place, existing
from analytics_es.events.codec import to_json
from analytics_es.types import LedgerCheck, ProjectionStatus, UnreadableValue


@click.group(cls=Group)
def projections() -> None:
    """Look at the projections and their read models.

    \b
    Examples:
      analytics-es projections list
      analytics-es projections status --db analytics.db
      analytics-es projections verify usage --sample 3
    """


@projections.command("list")
@db_option
@json_option
def list_(db: Place, as_json: bool) -> None:
    """List the projections.

    \b
    Example:
      analytics-es projections list
    """
    with existing(db) as store:
        found = store.service.projections().unwrap()
    if as_json:
        click.echo(to_json(found))
    else:
        columns = [Column("projection"), Column("version", right=True), Column("rows", right=True)]
        rows = [[each.name, str(each.version), words.count(each.rows)] for each in found]
        render.show([Grid("", columns, rows)])


@projections.command()
@click.option("--no-check", is_flag=True, help="Do not compare with the log what was taken in of each day.")
@db_option
@json_option
def status(db: Place, as_json: bool, no_check: bool) -> None:
    """Say how far projections are, and whether they took in what the log holds.

    The number of events of each day, and a checksum, are compared with the log's: nothing is folded, so a row that was
    changed afterwards is found by `projections verify` alone. Also lists what could not be read. Nothing is caught up
    before.

    \b
    Examples:
      analytics-es projections status
      analytics-es projections status --no-check --json
    """
    with existing(db) as store:
        found = store.service.projections().unwrap()
        unreadable = store.service.unreadable_values().unwrap()
        with Bar("checking", unit="parts") as bar:
            checks = None if no_check else store.service.check_ledger(progress=bar.report).unwrap()
    if as_json:
        click.echo(to_json({"projections": found, "unreadable_values": unreadable, "ledger": checks}))
    else:
        render.show([_status(found), *_unreadable(found, unreadable), *ledger(checks or []), *_advice(found)])


def _status(found: Sequence[ProjectionStatus]) -> Grid:
    titles = ("position", "behind", "waiting", "rows", "unreadable")
    columns = [Column("projection"), *(Column(title, right=True) for title in titles), Column("state")]
    return Grid("", columns, [_state(each) for each in found])


def _state(each: ProjectionStatus) -> list[Cell]:
    return [
        each.name,
        words.count(each.position),
        words.count(each.lag_events),
        words.duration(1_000 * each.lag_seconds) if each.lag_events else words.UNKNOWN,
        words.count(each.rows),
        Styled(words.count(each.unreadable), "red") if each.unreadable else "0",
        _in_words(each),
    ]


def _in_words(each: ProjectionStatus) -> Cell:
    if each.error:
        return Styled(each.error, "red")
    if each.stale:
        return Styled(f"stale: {each.stale}", "yellow")
    return Styled("behind", "yellow") if each.lag_events else "up to date"


def _unreadable(found: Sequence[ProjectionStatus], listed: Sequence[UnreadableValue]) -> list[Block]:
    if not listed:
        return []
    columns = [Column("projection"), Column("position", right=True), Column("field")]
    rows = [[each.projection, words.count(each.position), each.field] for each in listed]
    beyond = sum(each.unreadable for each in found) - len(listed)
    return [Grid("Unreadable values", columns, rows, f"… and {beyond:,} more" if beyond > 0 else "")]


def _advice(found: Sequence[ProjectionStatus]) -> list[Block]:
    if not any(each.lag_events for each in found):
        return []
    return [Line("Behind: any question catches up, `analytics-es run` stays up to date.", "dim")]


def ledger(checks: Sequence[LedgerCheck]) -> list[Block]:
    """Say whether what was taken in of each day is what the log holds."""
    wrong = [each for each in checks if not each.identical]
    if checks and not wrong:
        return [Line(f"ledger agrees with the log ({words.plural(max(each.days for each in checks), 'day')})")]
    blocks: list[Block] = [Line(f"{each.projection}: {each.checkpoint}", "red") for each in wrong if each.checkpoint]
    columns = [Column("projection"), Column("day"), Column("taken in", right=True), Column("in the log", right=True)]
    rows = [
        [
            each.projection,
            f"{each.start:%a %Y-%m-%d}" if each.start else words.UNKNOWN,
            *_events(each.events, each.events_in_log),
        ]
        for check in wrong
        for each in check.divergences
    ]
    remark = "`analytics-es projections verify` says what is wrong with which rows."
    return [*blocks, *([Grid("Days that differ from the log", columns, rows, remark)] if rows else [])]


def _events(taken: int, in_log: int) -> list[str]:
    """Return both numbers; as many events are other events, or the day would not be listed."""
    return [words.count(taken), words.count(in_log) + (" others" if taken == in_log else "")]
