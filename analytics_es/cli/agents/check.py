"""agents check: the same sessions by file and by telemetry, and the requests that only one of them saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import click
from attrs import frozen

from analytics_es.cli.agents.reading import agent_option, ledger_option, title_of
from analytics_es.cli.display import Bar, print_answer
from analytics_es.cli.failures import Failed
from analytics_es.cli.options import json_option, tz_option
from analytics_es.cli.periods import since
from analytics_es.cli.store import Place, existing
from analytics_es.ingest.sessions.agents import every
from analytics_es.ingest.sessions.comparison import ComparedCall, ComparedSession, Comparison, compared
from analytics_es.ingest.sessions.declaration import Agent
from analytics_es.ingest.sessions.reader import Progress
from analytics_es.presentation import Block, Column, Columns, Grid, Line, Number, Styled, words
from analytics_es.presentation.asked import Asked

SHOWN = 20  # rows of a table
SAID = {
    "file": "only the file",
    "telemetry": "only telemetry",
    "twice": "twice, under other ids",
    "unknown": "not known",
    "recent": "too new",
}


@frozen(kw_only=True)
class CheckReport:
    """What files and telemetry tell, by agent; `differing`: how many of the sessions that both tell of differ."""

    agents: list[Comparison]
    differing: int


@click.command()
@click.option("--session", "sessions", multiple=True, metavar="ID", help="Only this session; may be repeated.")
@click.option(
    "--since",
    "begin",
    type=since,
    metavar="LENGTH|TIME",
    default="30d",
    show_default=True,
    help="Only sessions that began since then: 7d, 2w, 1m, 1y, or a date.",
)
@agent_option
@click.option("--all", "all_sessions", is_flag=True, help="Also those that do not differ, or that one way alone tells.")
@click.option("--strict", is_flag=True, help="End with exit code 1 if any session differs.")
@ledger_option
@tz_option
@json_option
def check(
    sessions: Sequence[str],
    begin: Asked,
    names: Sequence[str],
    all_sessions: bool,
    strict: bool,
    db: Place,
    as_json: bool,
) -> None:
    """Compare sessions as files and as telemetry tell them.

    The files of agents are read, with nothing recorded, and compared with the calls that came into the store by
    telemetry: name with --db the store that `analytics-es serve` records in. Requests are the same by their id; where
    the two ways have other ids, by session, model, tokens and time, and such a call counts twice in a store that takes
    both ways. Calls of the last minute are left out.

    \b
    Examples:
      analytics-es agents check --db analytics.db
      analytics-es agents check --agent codex --since 7d --strict
    """
    now = datetime.now(UTC)
    with existing(db) as store, Bar("reading sessions", amount=words.size) as bar:
        start = begin.period(store.reads, "total", now).start
        log = store.service._parts.store.log
        agents = [compared(log, agent, now=now, progress=_shown(bar, agent)) for agent in every(names)]
    for comparison in agents:
        comparison.sessions = [
            session
            for session in comparison.sessions
            if session.begin and session.begin >= start and (not sessions or session.session in sessions)
        ]
    differing = sum(session.differs for comparison in agents for session in comparison.sessions)
    blocks = list(_blocks(agents, names, all_sessions=all_sessions or bool(sessions)))
    print_answer(CheckReport(agents=agents, differing=differing), blocks, as_json)
    if strict and differing:
        verb = "differs" if differing == 1 else "differ"
        raise Failed(f"error: {words.plural(differing, 'session')} {verb} between files and telemetry")


def _shown(bar: Bar, agent: Agent) -> Progress:
    return lambda _, done, total: bar.at(done, total, activity=f"reading {agent.title}")


# ── what is said ────────────────────────────────────────────────────────────────────────────────────────────────


def _blocks(agents: Sequence[Comparison], names: Sequence[str], *, all_sessions: bool) -> Iterator[Block]:
    for comparison in agents:
        if comparison.told.get("telemetry") or comparison.agent in names:
            yield Line(words.safe(f"{title_of(comparison.agent)}: {_in_words(comparison)}"))
    if not any(comparison.told.get("telemetry") for comparison in agents):
        yield Line("no call came into this store by telemetry: name with --db the one that it is sent to")
        return
    every_one = [session for comparison in agents for session in comparison.sessions]
    sessions = [session for session in every_one if session.differs or all_sessions]
    yield Line()
    if not sessions:
        yield Line("nothing differs")
        return
    yield Grid("Sessions", _SESSIONS, sessions[:SHOWN], _beyond(len(sessions)))
    calls = [call for session in sessions if session.compared or all_sessions for call in session.calls]
    if calls:
        yield Line()
        yield Grid("Requests", _CALLS, calls[:SHOWN], _beyond(len(calls)))
    yield Line()
    yield from map(Line, _advice({call.verdict for session in sessions for call in session.calls}))


def _in_words(comparison: Comparison) -> str:
    if not comparison.told.get("telemetry"):
        return "no call of it came by telemetry, so there is nothing to compare"
    both = [session for session in comparison.sessions if session.compared]
    alone = [session.ways for session in comparison.sessions if not session.compared]
    differing = sum(session.differs for session in both)
    said = f"{words.plural(len(both), 'session')} by both ways, of which {differing:,} differ"
    said += f"; {alone.count(['file']):,} in files alone, {alone.count(['telemetry']):,} by telemetry alone"
    if unknown := comparison.told.get("unknown"):
        said += f"; of {words.plural(unknown, 'stored call')} nothing says how they came: no attribute is kept of them"
    return said


def _advice(verdicts: set[str]) -> Iterator[str]:
    """Say what each kind of difference comes from, and what to do."""
    if "twice" in verdicts:
        yield "twice: the ways have other ids, and this store counts both, or will: turn the agent's telemetry off, or"
        yield "  name only other agents to `agents --agent NAME`; a second store for telemetry tells the two apart, too"
    if "file" in verdicts:
        yield "only the file: telemetry was off, pointed elsewhere, or what ended had still to send it"
    if "telemetry" in verdicts:
        yield "only telemetry: the file is cut, or the agent writes no file of such calls"
    if "unknown" in verdicts:
        yield "not known: the file was read within a minute of the call, and what comes second leaves no trace"


def _beyond(count: int) -> str:
    return f"… and {count - SHOWN:,} more (--json lists them)" if count > SHOWN else ""


def _alarm(count: int) -> Styled:
    return Styled(words.count(count), "yellow" if count else "")


_SESSIONS: Columns[ComparedSession] = [
    Column("agent", lambda session: session.agent),
    Column("session", lambda session: session.session or words.UNKNOWN),
    Column("began", lambda session: f"{session.begin:%F %R}" if session.begin else "", drop=2),
    Number("both", lambda session: words.count(session.both)),
    Number("only file", lambda session: _alarm(session.only_file)),
    Number("only telemetry", lambda session: _alarm(session.only_telemetry)),
    Number("twice", lambda session: _alarm(session.twice)),
    Number("not known", lambda session: words.count(session.unknown + session.recent), drop=1),
]
_CALLS: Columns[ComparedCall] = [
    Column("seen by", lambda call: SAID[call.verdict]),
    Column("request", lambda call: call.id, folds=True),
    Column("at", lambda call: f"{call.at:%F %T}"),
    Column("model", lambda call: call.model or words.UNKNOWN, drop=2),
    Number("input", lambda call: words.count(call.input_tokens), drop=1),
    Number("output", lambda call: words.count(call.output_tokens), drop=1),
    Column("as telemetry has it", lambda call: call.other_id or "", folds=True, drop=3),
]
