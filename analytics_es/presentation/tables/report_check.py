"""Whether a report in a file holds, as tables and lines."""

from __future__ import annotations

from collections.abc import Iterator

from analytics_es.presentation import Block, Column, Grid, Line, words
from analytics_es.presentation.tables import parts
from analytics_es.types import ReportChange, ReportCheck
from analytics_es.types.sentences import sentence

SHOWN = 20  # changes, and lines
VERDICTS = {
    "holds": "holds",
    "changed": "does not hold: the log says something else now",
    "edited": "does not hold: it is not as it was written",
    "undrawn": "cannot be said to hold: no figure changed, but not all that it shows could be compared",
    "underivable": "cannot be derived again from this log",
}


def report_check(check: ReportCheck) -> Iterator[Block]:
    """Return what a check found: whether it holds, what differs, and what is not as it was."""
    yield Line(f"{words.safe(str(check.path))} {VERDICTS[check.verdict]}", "bold green" if check.holds else "bold red")
    when = f"{check.period.start:%Y-%m-%d %H:%M} – {check.period.end:%Y-%m-%d %H:%M} ({check.period.start.tzinfo})"
    yield Line(f"{when} · as of position {check.position:,} · analytics_es {words.safe(check.version)}", "dim")
    if check.holds:
        yield Line(_how(check))
    elif check.announced:
        yield Line(f"The log says at {check.announced:,} that this very file was written: nobody changed it since.")
    yield from _differing("Shown", "in the file", "from the log", check.lines, len(check.lines), of_lines=True)
    yield from _differing("Figures", "was", "is", check.changes, check.changed, of_lines=False)
    yield from (Line(sentence("since then: {cause}", cause=cause.text), "yellow") for cause in check.causes)
    if check.verdict == "undrawn" and not check.redrawn:
        yield Line("draw it anew from the log, to compare by eye: --redraw FILE", "dim")


def _how(check: ReportCheck) -> str:
    if check.drawn:
        return "Derived again from the log and drawn again: every figure and every byte is the same."
    told = f"the log says at {check.announced or 0:,} that this very file was written"
    return f"Derived again from the log: every figure is the same, and {told}. It was not drawn again."


def _differing(
    title: str, was: str, now: str, changes: list[ReportChange], count: int, *, of_lines: bool
) -> Iterator[Block]:
    if changes:
        figure: Column[ReportChange] = Column("figure", lambda change: change.figure, folds=True)
        columns = [
            *([] if of_lines else [figure]),
            Column[ReportChange](was, lambda change: words.UNKNOWN if change.was is None else change.was),
            Column[ReportChange](now, lambda change: words.UNKNOWN if change.now is None else change.now),
        ]
        rows, _ = parts.cut(changes, SHOWN)
        remark = parts.beyond(count - len(rows), sentence("--json has up to 1,000"))
        yield Line()
        yield Grid(title, columns, rows, remark)
