"""Projections: what there is, how far it is, and whether it is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from analytics_es.cli.commands import LazyGroup
from analytics_es.cli.display import Bar, print_answer
from analytics_es.cli.failures import Failed
from analytics_es.cli.forms import form_options
from analytics_es.cli.lag import LagLimit, lag_limit
from analytics_es.cli.options import store_options
from analytics_es.cli.store import Place, existing
from analytics_es.presentation import Block, Cell, Column, Columns, Grid, Line, Number, Styled, words
from analytics_es.presentation.tables.parts import errors
from analytics_es.presentation.tables.unread import left_out_fields, unread_fields
from analytics_es.types import (
    DayDivergence,
    DoubtfulCorrection,
    LedgerCheck,
    LeftOutField,
    ProjectionStatus,
    UnreadableValue,
    UnreadAnnouncement,
    UnreadField,
)

_PROJECTIONS: Columns[ProjectionStatus] = [
    Column("projection", lambda status: status.name),
    Number("version", lambda status: str(status.version)),
    Number("rows", lambda status: words.count(status.rows)),
]
_STATUS: Columns[ProjectionStatus] = [
    Column("projection", lambda status: status.name),
    Number("position", lambda status: words.count(status.position)),
    Number("behind", lambda status: words.count(status.lag_events)),
    Number("waiting", lambda status: _waiting(status)),
    Number("rows", lambda status: words.count(status.rows)),
    Number("unreadable", lambda status: errors(status.unreadable)),
    Column("few events", lambda status: status.few_events),
    Column("state", lambda status: _state(status)),
]
_UNREADABLE: Columns[UnreadableValue] = [
    Column("projection", lambda unreadable: unreadable.projection),
    Number("position", lambda unreadable: words.count(unreadable.position)),
    Column("field", lambda unreadable: unreadable.field),
]
_UNREAD: Columns[UnreadAnnouncement] = [
    Number("position", lambda unread: words.count(unread.position)),
    Column("type", lambda unread: unread.type),
    Column("problem", lambda unread: unread.problem),
]
_CORRECTIONS: Columns[DoubtfulCorrection] = [
    Number("position", lambda correction: words.count(correction.position)),
    Column("id", lambda correction: correction.id or words.UNKNOWN),
    Column("counted", lambda correction: "yes" if correction.counted else "no"),
    Column("problem", lambda correction: correction.problem),
]
_DAYS: Columns[DayDivergence] = [
    Column("projection", lambda day: day.projection),
    Column("day", lambda day: f"{day.start:%a %Y-%m-%d}" if day.start else words.UNKNOWN),
    Number("taken in", lambda day: words.count(day.events)),
    Number("in the log", lambda day: _in_log(day)),
]


@click.group(
    cls=LazyGroup,
    purposes={
        "rebuild": "Derive read models again from the log: all, or those of the named projections.",
        "verify": "Fold the log again and compare with the live read models, while they serve.",
    },
)
def projections() -> None:
    """Look at the projections and their read models.

    \b
    Examples:
      analytics-es projections list
      analytics-es projections status --db analytics.db
      analytics-es projections verify usage --sample 3
    """


@projections.command("list")
@store_options
@form_options
def list_(db: Place, as_json: bool) -> None:
    """List the projections.

    \b
    Example:
      analytics-es projections list
    """
    with existing(db) as store:
        projections = store.service.projections().unwrap()
    print_answer(projections, [Grid("", _PROJECTIONS, projections)], as_json)


@projections.command()
@click.option(
    "--no-check",
    is_flag=True,
    help="Do not look through the log: neither what was taken in of each day, nor corrections.",
)
@click.option(
    "--max-lag",
    callback=lambda context, option, text: lag_limit(text),
    metavar="EVENTS|TIME",
    help="End with exit code 1 if a projection is further behind than so many events, or for longer: 1000, 30s, 2h.",
)
@store_options
@form_options
def status(db: Place, as_json: bool, no_check: bool, max_lag: LagLimit | None) -> None:
    """Say how far projections are, and whether they took in what the log holds.

    The number of events of each day, and a checksum, are compared with the log's: nothing is folded, so a row that was
    changed afterwards is found by `projections verify` alone. Also lists what could not be read, and what only looks
    as if this package had said it (`analytics.…`) and is ignored; what no projection reads, such as names of others,
    with what they may have meant; and corrections of costs that fit no call. Nothing is caught up before.

    A few new events are folded by Python, in a millisecond, where that is surely what DuckDB would make of them:
    `few events` says by which of them, and which part of a definition is DuckDB's alone.

    \b
    Examples:
      analytics-es projections status
      analytics-es projections status --no-check --json
      analytics-es projections status --no-check --max-lag 5m
    """
    with existing(db) as store:
        projections = store.service.projections().unwrap()
        unreadable = store.service.unreadable_values().unwrap()
        unread = store.service.unread_announcements().unwrap()
        fields = store.service.unread_fields(limit=1000).unwrap()
        left_out = store.service.left_out_fields(limit=1000).unwrap()
        with Bar("checking", unit="parts") as bar:
            checks = None if no_check else store.service.check_ledger(progress=bar.report).unwrap()
            corrections = None if no_check else store.service.doubtful_corrections(progress=bar.report).unwrap()
    answer = {"projections": projections, "unreadable_values": unreadable, "unread_announcements": unread}
    answer |= {"unread_fields": fields, "left_out_fields": left_out}
    blocks = _status(projections, unreadable, unread, fields, left_out, corrections or [], checks or [])
    print_answer({**answer, "doubtful_corrections": corrections, "ledger": checks}, blocks, as_json)
    if max_lag and (problem := max_lag.problem(projections)):
        raise Failed(f"error: {problem}")


def _status(
    projections: Sequence[ProjectionStatus],
    unreadable: Sequence[UnreadableValue],
    unread: Sequence[UnreadAnnouncement],
    fields: Sequence[UnreadField],
    left_out: Sequence[LeftOutField],
    corrections: Sequence[DoubtfulCorrection],
    checks: Sequence[LedgerCheck],
) -> Iterator[Block]:
    yield Grid("", _STATUS, projections)
    if unreadable:
        beyond = sum(projection.unreadable for projection in projections) - len(unreadable)
        yield Grid("Unreadable values", _UNREADABLE, unreadable, f"… and {beyond:,} more" if beyond > 0 else "")
    if unread:
        yield Grid("Not said by this package, and ignored", _UNREAD, unread)
    yield from unread_fields(fields)
    yield from left_out_fields(left_out)
    if corrections:
        yield Grid("Corrections that fit no call", _CORRECTIONS, corrections)
    yield from ledger(checks)
    if any(projection.lag_events for projection in projections):
        yield Line("Behind: any question catches up, `analytics-es run` stays up to date.", "dim")


def _waiting(status: ProjectionStatus) -> str:
    return words.duration(1_000 * status.lag_seconds) if status.lag_events else words.UNKNOWN


def _state(status: ProjectionStatus) -> Cell:
    if status.error:
        return Styled(status.error, "red")
    if status.stale:
        return Styled(f"stale: {status.stale}", "yellow")
    return Styled("behind", "yellow") if status.lag_events else "up to date"


def ledger(checks: Sequence[LedgerCheck]) -> Iterator[Block]:
    """Say whether what was taken in of each day is what the log holds."""
    wrong = [check for check in checks if not check.identical]
    if checks and not wrong:
        days = words.plural(max(check.days for check in checks), "day")
        yield Line(f"ledger agrees with the log ({days})")
    yield from (Line(f"{check.projection}: {check.checkpoint}", "red") for check in wrong if check.checkpoint)
    if divergences := [divergence for check in wrong for divergence in check.divergences]:
        remark = "`analytics-es projections verify` says what is wrong with which rows."
        yield Grid("Days that differ from the log", _DAYS, divergences, remark)


def _in_log(day: DayDivergence) -> str:
    """Return the number; as many events are other events, or the day would not be listed."""
    return words.count(day.events_in_log) + (" others" if day.events == day.events_in_log else "")
