"""What became of agents' files in a look → tables; or, where there are none, where was looked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from analytics_es.ingest.sessions.report import THERE, AgentReport
from analytics_es.presentation import Block, Column, Columns, Grid, Line, Number, words
from analytics_es.presentation.tables.parts import ALARM

TitleOf = Callable[[str], str]
SHOWN_REASONS = 2
QUIET = frozenset({THERE})  # what was read before, by another machine or from a copy, is no news


def nowhere(looked: Mapping[str, Sequence[str]], title_of: TitleOf) -> Iterator[Block]:
    """Say where sessions were looked for on a machine that has none, and what to do next."""
    yield from (Line("No sessions of coding agents on this machine", "bold cyan"), Line())
    rows = [(title_of(name), place) for name, places in looked.items() for place in places or ["–"]]
    columns: Columns[tuple[str, str]] = [
        Column("agent", lambda row: row[0]),
        Column("looked in", lambda row: in_home(row[1]), folds=True),
    ]
    yield Grid("", columns, rows)
    yield Line("Work with one of them, and ask again; or say where its files are, as in")
    yield Line("  CLAUDE_CONFIG_DIR=/mnt/laptop/.claude analytics-es agents")
    yield Line("The ledger of another machine is shown with --db, and merged by analytics-es agents import.")


def in_home(path: str) -> str:
    """Return a path with `~` for the home of who is asking."""
    try:
        return str(Path("~") / Path(path).relative_to(Path.home()))
    except (ValueError, RuntimeError):  # elsewhere, or nobody's
        return path


def reading(reports: Sequence[AgentReport], title_of: TitleOf) -> Iterator[Block]:
    """Return a line for each agent that is there, and one that names all others."""
    if not reports:
        return
    there = [report for report in reports if report.homes or report.files]
    columns: Columns[AgentReport] = [
        Column("read", lambda report: title_of(report.agent)),
        Number("files", lambda report: words.count(report.files), drop=2),
        Number("new calls", lambda report: words.count(report.calls)),
        Number("partial", lambda report: words.count(report.partial), drop=1),
        Number("open", lambda report: words.count(report.open), drop=1),
    ]
    if any(map(_passed_over, there)):
        columns = [*columns, Column("passed over", _passed_over, folds=True)]
    others = [title_of(report.agent) for report in reports if report not in there]
    yield Grid("", columns, there, f"not on this machine: {', '.join(others)}" if others else "")
    for report in there:
        yield from _problems(report, title_of)


def _passed_over(report: AgentReport) -> str:
    """Return the most frequent reason why records were passed over, and how many more there are."""
    telling = Counter({reason: count for reason, count in report.skipped.items() if reason not in QUIET})
    shown = [f"{count:,} {reason}" for reason, count in telling.most_common(SHOWN_REASONS)]
    rest = telling.total() - sum(count for _, count in telling.most_common(SHOWN_REASONS))
    return "; ".join([*shown, *([f"{rest:,} more"] if rest else [])])


def _problems(report: AgentReport, title_of: TitleOf) -> Iterator[Block]:
    if report.problems:
        path, why = next(iter(report.problems.items()))
        more = (
            f" and {len(report.problems) - 1:,} more (analytics-es agents status)" if len(report.problems) > 1 else ""
        )
        yield Line(f"{title_of(report.agent)}: not read: {in_home(path)} ({why}){more}", ALARM)
    if report.refusals:
        refused = words.plural(report.refused, "event")
        yield Line(f"{title_of(report.agent)}: refused: {refused}, the first: {report.refusals[0].message}", ALARM)
    if report.problems or report.refusals:
        yield Line()
