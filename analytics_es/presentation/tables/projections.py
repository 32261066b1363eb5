"""Projections → tables: how far each is, what it could not use, and whether it took in what the log holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analytics_es.presentation import Block, Cell, Column, Columns, Grid, Line, Number, Styled, words
from analytics_es.presentation.tables.explanation import stored
from analytics_es.presentation.tables.parts import beyond, errors
from analytics_es.presentation.tables.unread import left_out_fields, unread_fields
from analytics_es.types import (
    DayDivergence,
    DoubtfulCorrection,
    LastVerification,
    LedgerCheck,
    LeftOutField,
    ProjectionStatus,
    UnreadableValue,
    UnreadAnnouncement,
    UnreadField,
)
from analytics_es.types.sentences import sentence

_STATUS: Columns[ProjectionStatus] = [
    Column("projection", lambda status: status.name),
    Number("position", lambda status: words.count(status.position)),
    Number("behind", lambda status: words.count(status.lag_events)),
    Number("waiting", lambda status: _waiting(status), drop=1),
    Number("rows", lambda status: words.count(status.rows)),
    Number("unreadable", lambda status: errors(status.unreadable)),
    Column("few events", lambda status: status.few_events),
    Column("state", lambda status: _state(status)),
]
_VERIFIED: Columns[LastVerification] = [
    Column("projection", lambda last: last.projection),
    Column("verified", lambda last: f"{words.moment(last.verified_at)} {last.verified_at.tzinfo}"),
    Column("compared", lambda last: "all of it" if last.scope == "all" else last.scope),
    Number("up to position", lambda last: words.count(last.position)),
    Number("rows", lambda last: words.count(last.rows)),
    Column("found", lambda last: _found(last)),
]
_UNREADABLE: Columns[UnreadableValue] = [
    Column("projection", lambda unreadable: unreadable.projection),
    Number(
        "position",
        lambda unreadable: words.count(unreadable.position),
        link=lambda unreadable: stored(unreadable.position),
    ),
    Column("field", lambda unreadable: unreadable.field),
]
_UNREAD: Columns[UnreadAnnouncement] = [
    Number("position", lambda unread: words.count(unread.position), link=lambda unread: stored(unread.position)),
    Column("type", lambda unread: unread.type),
    Column("problem", lambda unread: unread.problem),
]
_CORRECTIONS: Columns[DoubtfulCorrection] = [
    Number(
        "position",
        lambda correction: words.count(correction.position),
        link=lambda correction: stored(correction.position),
    ),
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


def status(
    projections: Sequence[ProjectionStatus],
    unreadable: Sequence[UnreadableValue],
    unread: Sequence[UnreadAnnouncement],
    fields: Sequence[UnreadField],
    left_out: Sequence[LeftOutField],
    corrections: Sequence[DoubtfulCorrection],
    checks: Sequence[LedgerCheck],
    verified: Sequence[LastVerification],
) -> Iterator[Block]:
    """Return how far projections are, and what they could not use, did not read, or do not take for true."""
    yield how_far(projections)
    if unreadable:
        more = sum(projection.unreadable for projection in projections) - len(unreadable)
        yield Grid("Unreadable values", _UNREADABLE, unreadable, beyond(more, ""))
    yield from not_ours(unread)
    yield from unread_fields(fields)
    yield from left_out_fields(left_out)
    if corrections:
        yield Grid("Corrections that fit no call", _CORRECTIONS, corrections)
    yield from ledger(checks)
    if verified:
        yield Grid("Verified last", _VERIFIED, verified)
    if any(projection.lag_events for projection in projections):
        yield Line(sentence("Behind: any question catches up, `analytics-es run` stays up to date."), "dim")


def how_far(projections: Sequence[ProjectionStatus]) -> Grid[ProjectionStatus]:
    """Return how far each projection is, and what stops it, if anything does."""
    return Grid("", _STATUS, projections)


def last_verified(last: Sequence[LastVerification], projections: Sequence[ProjectionStatus]) -> Iterator[Block]:
    """Return what was found when each was verified last, and which never were."""
    if last:
        yield Grid("", _VERIFIED, last)
    verified = {row.projection for row in last}
    if never := [status.name for status in projections if status.name not in verified]:
        names = ", ".join(never)
        text = sentence("Never verified as it is now: {names} (`analytics-es projections verify`).", names=names)
        yield Line(text, "yellow")


def not_ours(unread: Sequence[UnreadAnnouncement]) -> Iterator[Block]:
    """Return what only looks as if this package had said it; nothing where there is none."""
    if unread:
        yield Grid("Not said by this package, and ignored", _UNREAD, unread)


def _waiting(status: ProjectionStatus) -> str:
    return words.duration(1_000 * status.lag_seconds) if status.lag_events else words.UNKNOWN


def _state(status: ProjectionStatus) -> Cell:
    if status.error:
        return Styled(status.error, "red")
    if status.stale:
        return Styled(f"stale: {status.stale}", "yellow")
    return Styled("behind", "yellow") if status.lag_events else "up to date"


def _found(last: LastVerification) -> Cell:
    """Say what differed, and whether what was compared is still there."""
    findings = ["identical"] if last.identical else [f"{words.plural(last.differences, 'entry')} differed"]
    if last.damaged:
        findings.append(f"{words.plural(last.damaged, 'event')} damaged")
    if last.derived_since:
        findings.append("some of it derived again since")
    text = ", ".join(findings)
    return text if last.identical and not last.damaged else Styled(text, "red")


def ledger(checks: Sequence[LedgerCheck]) -> Iterator[Block]:
    """Say whether what was taken in of each day is what the log holds."""
    wrong = [check for check in checks if not check.identical]
    if checks and not wrong:
        days = words.plural(max(check.days for check in checks), "day")
        yield Line(f"ledger agrees with the log ({days})")
    yield from (Line(f"{check.projection}: {check.checkpoint}", "red") for check in wrong if check.checkpoint)
    if divergences := [divergence for check in wrong for divergence in check.divergences]:
        remark = sentence("`analytics-es projections verify` says what is wrong with which rows.")
        yield Grid("Days that differ from the log", _DAYS, divergences, remark)


def _in_log(day: DayDivergence) -> str:
    """Return the number; as many events are other events, or the day would not be listed."""
    return words.count(day.events_in_log) + (" others" if day.events == day.events_in_log else "")
