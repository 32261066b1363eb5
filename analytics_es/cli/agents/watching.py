"""agents --watch: agents' sessions followed until stopped, and what they come to today."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from typing import Any

import click
from rich.live import Live

from analytics_es.cli.agents.every import TOLD
from analytics_es.cli.agents.looks import Looks, in_words
from analytics_es.cli.agents.reading import ledger, title_of
from analytics_es.cli.display import Block, Line
from analytics_es.cli.display.render import drawn, make_console
from analytics_es.cli.ledger.answer import Ledger, ledger_of
from analytics_es.cli.run_log import TEXT, logged, say
from analytics_es.cli.stopping import stopped
from analytics_es.cli.store import OpenStore, Place
from analytics_es.cli.tables import agents as tables
from analytics_es.events.codec import to_plain
from analytics_es.ingest.sessions.agents import every
from analytics_es.ingest.sessions.report import AgentReport
from analytics_es.types import TimePeriod

LOOK_SECONDS = 2.0
REDRAW_SECONDS = 30.0  # without anything new: a burn goes on


def follow(db: Place, names: Sequence[str], *, as_json: bool) -> None:
    """Look every two seconds until stopped; on a terminal drawn, else a line for each change."""
    console = make_console()
    draws = console.is_terminal and not as_json
    with logged(TEXT, "info"), ledger(db) as store, stopped() as stopping, closing(Looks(store, every(names))) as looks:
        with Live(console=console, auto_refresh=False, transient=True) if draws else nullcontext() as live:
            drawn_at = -REDRAW_SECONDS
            if not draws:
                say(f"following {', '.join(agent.title for agent in looks.agents)} into {db}")
            while True:
                reports = looks.look()
                changed = [report for report in reports if report.events]
                if live is None:
                    _tell(store, names, changed, as_json=as_json)
                elif changed or time.monotonic() - drawn_at >= REDRAW_SECONDS:
                    live.update(drawn(_screen(_today(store, names), looks), console), refresh=True)
                    drawn_at = time.monotonic()
                if stopping.wait(LOOK_SECONDS):
                    break
        if not as_json:
            say("stopped")


def _today(store: OpenStore, names: Sequence[str]) -> Ledger:
    store.service.catch_up(thresholds=False)
    now = datetime.now(UTC)
    return ledger_of(store.service, TimePeriod.parse("today", store.reads, now=now), now, agents=names)


def _screen(answer: Ledger, looks: Looks) -> Iterator[Block]:
    now = datetime.now(answer.period.start.tzinfo)
    yield Line(
        f"Following · today, {answer.period.start:%a %Y-%m-%d} · as of {now:%H:%M:%S} · Ctrl-C stops", "bold cyan"
    )
    yield Line()
    yield from tables.today(answer, title_of)
    if looks.trouble:
        yield Line(looks.trouble, "red")


def _tell(store: OpenStore, names: Sequence[str], changed: Sequence[AgentReport], *, as_json: bool) -> None:
    """Tell what a look brought: a line for each agent with something new."""
    if not changed:
        return
    today = _today(store, names)
    for report in changed:
        if as_json:
            click.echo(json.dumps(_plain(report, today)))
        else:
            say(f"{in_words(report, title_of(report.agent))} · today {tables.in_short(today.total)}")


def _plain(report: AgentReport, today: Ledger) -> dict[str, Any]:
    told = {name: getattr(report, name) for name in TOLD}
    time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"time": time, **told, "skipped": dict(report.skipped), "today": to_plain(today.total)}
