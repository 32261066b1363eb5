"""Projections: what there is, how far it is, and whether it is right."""

from __future__ import annotations

import click

from analytics_es.cli.commands import LazyGroup
from analytics_es.cli.display import Bar, print_answer
from analytics_es.cli.failures import Failed
from analytics_es.cli.forms import form_options
from analytics_es.cli.lag import LagLimit, max_lag_option
from analytics_es.cli.options import store_options
from analytics_es.cli.store import Place, existing
from analytics_es.presentation import Column, Columns, Grid, Number, words
from analytics_es.presentation.tables import projections as tables
from analytics_es.types import ProjectionStatus

_PROJECTIONS: Columns[ProjectionStatus] = [
    Column("projection", lambda status: status.name),
    Number("version", lambda status: str(status.version)),
    Number("rows", lambda status: words.count(status.rows)),
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
@max_lag_option("End with exit code 1 if a projection is further behind than that")
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
        verified = store.service.last_verifications().unwrap()
        with Bar("checking", unit="parts") as bar:
            checks = None if no_check else store.service.check_ledger(progress=bar.report).unwrap()
            corrections = None if no_check else store.service.doubtful_corrections(progress=bar.report).unwrap()
    answer = {"projections": projections, "unreadable_values": unreadable, "unread_announcements": unread}
    answer |= {"unread_fields": fields, "left_out_fields": left_out, "last_verifications": verified}
    blocks = tables.status(projections, unreadable, unread, fields, left_out, corrections or [], checks or [], verified)
    print_answer({**answer, "doubtful_corrections": corrections, "ledger": checks}, blocks, as_json)
    if max_lag and (problem := max_lag.problem(projections)):
        raise Failed(f"error: {problem}")
