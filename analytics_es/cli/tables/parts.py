"""What the tables of all answers have in common: their heading, their first rows, and what they stand on."""

from __future__ import annotations

from collections.abc import Sequence

from analytics_es.cli.display import Block, Cell, Line, Styled, words
from analytics_es.types import Completeness, TimePeriod

PERCENTILES = "percentiles within 1.1 %"
MORE = "--top {n} shows all"
NOTHING = "No events in this period: try a longer one, such as --last 4w, or --from."


def heading(what: str, period: TimePeriod, series: bool = True) -> list[Block]:
    """Return a title: what, when, in which zone, and by which buckets."""
    by = f", by the {period.granularity}" if series and period.granularity != "total" else ""
    when = f"{period.start:%Y-%m-%d %H:%M} – {period.end:%Y-%m-%d %H:%M} ({period.start.tzinfo}){by}"
    return [Line(f"{what}  {when}", "bold cyan"), Line()]


def footer(answers: Sequence[Completeness], period: TimePeriod, *notes: str) -> Line:
    """Return what answers about a period stand on."""
    still_open = any(each.open_buckets for each in answers)
    more = "still open: more may come" if still_open else "period closed"
    return stands_on(answers, more, str(period.start.tzinfo), *sealed(answers), *notes)


def stands_on(stands_on: Sequence[Completeness], *notes: str) -> Line:
    """Return what answers stand on: the lowest of their positions, the worst of everything else."""
    events, seconds = max(each.lag_events for each in stands_on), max(each.lag_seconds for each in stands_on)
    unreadable = sum(each.unreadable for each in stands_on)
    parts = [
        f"as of position {min(each.position for each in stands_on):,}",
        f"{words.plural(events, 'event')} behind ({words.duration(1_000 * seconds)})" if events else "up to date",
        f"{words.plural(unreadable, 'value')} unreadable (projections status)" if unreadable else "all readable",
        *notes,
    ]
    return Line(" · ".join(parts), "yellow" if events or unreadable else "dim")


def sealed(stands_on: Sequence[Completeness]) -> list[str]:
    """Return up to when events are gone, and from when on every measure is complete."""
    sealed = [each.sealed_until for each in stands_on if each.sealed_until]
    partial = [each.complete_from for each in stands_on if each.complete_from]
    told = [f"sealed before {max(sealed):%Y-%m-%d}"] if sealed else []
    return told + ([f"incomplete before {max(partial):%Y-%m-%d}"] if partial else [])


def cut(rows: Sequence[Sequence[Cell]], top: int, more: str = MORE) -> tuple[list[Sequence[Cell]], str]:
    """Return the first rows, and the remark that says how many there are beyond."""
    rows = list(rows)
    if len(rows) <= top:
        return rows, ""
    return rows[:top], f"… and {len(rows) - top:,} more: {more.format(n=len(rows))}"


def errors(failures: int) -> Cell:
    """Return failures, which stand out unless there are none."""
    return Styled(words.count(failures), "red") if failures else "0"
