"""How agents' files stand → tables: what is safe, what is deleted next, what was passed over, what cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from math import floor

from analytics_es.cli.tables.agents_read import TitleOf, in_home
from analytics_es.ingest.sessions.counts import CallCounts
from analytics_es.ingest.sessions.status import AgentStatus
from analytics_es.presentation import Block, Cell, Column, Columns, Grid, Line, Number, Styled, words
from analytics_es.presentation.tables.parts import ALARM

SOON = 7  # days before which a deletion stands out, while not all is safe
LISTED = 5  # problems of one agent


def status(
    found: Sequence[AgentStatus],
    counts: Mapping[str, CallCounts],
    now: datetime,
    *,
    ledger: str,
    title_of: TitleOf,
) -> Iterator[Block]:
    """Return the tables of how agents' files stand."""
    there = [entry for entry in found if entry.homes or entry.files or _calls(entry, counts)]
    others = ", ".join(title_of(entry.agent) for entry in found if entry not in there)
    yield from (Line(f"Agents' sessions  as of {now:%Y-%m-%d %H:%M} ({now.tzinfo})", "bold cyan"), Line())
    yield Grid("", _columns(counts, title_of), there, f"not on this machine: {others}" if others else "")
    yield Grid("Deleted by the agent next", _deletions(now, title_of), [entry for entry in there if entry.oldest])
    yield from _passed_over(there, title_of)
    yield from _problems(there, title_of)
    if safe := [Line(text, style) for text, style in _safe(there, title_of)]:
        yield from (*safe, Line())
    looked = max((entry.looked_at for entry in there if entry.looked_at), default=None)
    last = f"last look {looked.astimezone(now.tzinfo):%Y-%m-%d %H:%M}" if looked else "never looked"
    yield Line(f"ledger {words.safe(in_home(ledger))} · {last}", "dim")


def _calls(entry: AgentStatus, counts: Mapping[str, CallCounts]) -> int:
    return counts[entry.agent].calls if entry.agent in counts else 0


def _columns(counts: Mapping[str, CallCounts], title_of: TitleOf) -> Columns[AgentStatus]:
    def of_log(entry: AgentStatus) -> CallCounts:
        return counts.get(entry.agent, CallCounts())

    return [
        Column("agent", lambda entry: title_of(entry.agent)),
        Number("files", lambda entry: words.count(entry.files)),
        Number("size", lambda entry: words.size(entry.bytes), drop=3),
        Number("safe", lambda entry: _of_all(entry)),
        Number("gone", lambda entry: words.count(entry.gone), drop=2),
        Number("calls in ledger", lambda entry: words.count(of_log(entry).calls)),
        Number("partial", lambda entry: words.count(of_log(entry).partial), drop=1),
        Number("open", lambda entry: words.count(entry.open)),
    ]


def _of_all(entry: AgentStatus) -> Cell:
    return words.count(entry.safe) if entry.safe == entry.files else Styled(words.count(entry.safe), ALARM)


def _deletions(now: datetime, title_of: TitleOf) -> Columns[AgentStatus]:
    def deleted(entry: AgentStatus) -> Cell:
        if entry.deletes_at is None:
            return "never" if entry.kept_days is None else words.UNKNOWN
        days = floor((entry.deletes_at - now).total_seconds() / 86_400)
        text = f"{entry.deletes_at.astimezone(now.tzinfo):%Y-%m-%d} ({_when(days)})"
        return Styled(text, ALARM) if days < SOON and entry.safe < entry.files else text

    return [
        Column("agent", lambda entry: title_of(entry.agent)),
        Column("oldest file", lambda entry: _day(entry, now)),
        Number("kept", lambda entry: words.UNKNOWN if entry.kept_days is None else _days(entry.kept_days), drop=1),
        Column("is deleted", deleted),
    ]


def _day(entry: AgentStatus, now: datetime) -> str:
    return f"{entry.oldest.modified.astimezone(now.tzinfo):%Y-%m-%d}" if entry.oldest else words.UNKNOWN


def _days(days: float) -> str:
    return f"{days:,.{0 if days == int(days) else 1}f} days" if days != 1 else "1 day"


def _when(days: int) -> str:
    if days < 0:
        return "by its next start"
    return "today" if days == 0 else f"in {words.plural(days, 'day')}"


def _passed_over(there: Sequence[AgentStatus], title_of: TitleOf) -> Iterator[Block]:
    rows = [(title_of(entry.agent), count, reason) for entry in there for reason, count in entry.skipped.most_common()]
    columns: Columns[tuple[str, int, str]] = [
        Column("agent", lambda row: row[0]),
        Number("records", lambda row: words.count(row[1])),
        Column("why", lambda row: row[2], folds=True),
    ]
    if rows:
        yield Grid("Passed over", columns, rows)


def _problems(there: Sequence[AgentStatus], title_of: TitleOf) -> Iterator[Block]:
    rows = [
        (title_of(entry.agent), in_home(path), why)
        for entry in there
        for path, why in list(entry.problems.items())[:LISTED]
    ]
    beyond = sum(max(0, len(entry.problems) - LISTED) for entry in there)
    columns: Columns[tuple[str, str, str]] = [
        Column("agent", lambda row: row[0]),
        Column("file", lambda row: row[1], folds=True),
        Column("why", lambda row: row[2], folds=True),
    ]
    if rows:
        yield Grid("Not read, or not all of it", columns, rows, f"… and {beyond:,} more (--json)" if beyond else "")


def _safe(there: Sequence[AgentStatus], title_of: TitleOf) -> Iterator[tuple[str, str]]:
    """Say of each agent what would be lost if its files were gone now."""
    for entry in there:
        name, left = title_of(entry.agent), entry.files - entry.safe
        gone = f"what {words.plural(entry.gone, 'file')} told that {'is' if entry.gone == 1 else 'are'} gone"
        if left:
            unread = f", {words.size(entry.unread)} of them not read" if entry.unread else ""
            if entry.unread or not entry.open:
                what = "analytics-es agents"
            else:
                what = f"{words.plural(entry.open, 'call')} open, which a later look takes, or --final"
            yield f"{name}: {words.plural(left, 'file')} not wholly in the ledger{unread}: {what}", ALARM
        elif entry.files:
            also = f", and so is {gone}" if entry.gone else ""
            yield f"{name}: all that its files tell is safe in the ledger{also}", "green"
        if entry.gone and (left or not entry.files):
            yield f"{name}: {gone} is safe in the ledger", "green"
