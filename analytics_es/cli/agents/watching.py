"""agents --watch: agents' sessions followed until stopped, and what they come to today."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from typing import Any

import click
from attrs import define, field
from rich.live import Live
from rich.text import Text

from analytics_es.cli.agents.every import TOLD
from analytics_es.cli.agents.looks import Looks, in_words
from analytics_es.cli.agents.reading import ledger, title_of
from analytics_es.cli.display.render import drawn, make_console
from analytics_es.cli.ledger.answer import Ledger, ledger_of
from analytics_es.cli.run_log import TEXT, logged, say
from analytics_es.cli.stopping import stopped
from analytics_es.cli.store import OpenStore, Place
from analytics_es.cli.tables import agents as tables
from analytics_es.events.codec import to_plain
from analytics_es.ingest.sessions.agents import every
from analytics_es.ingest.sessions.report import AgentReport
from analytics_es.presentation import Block, Line
from analytics_es.types import TimePeriod

LOOK_SECONDS = 2.0
REDRAW_SECONDS = 30.0  # without anything new: a burn goes on


def follow(db: Place, names: Sequence[str], *, as_json: bool) -> None:
    """Look every two seconds until stopped; on a terminal drawn, else a line for each change."""
    console = make_console()
    draws = console.is_terminal and not as_json
    # What the package says of each try, while a database is gone, is told once here.
    with (
        logged(TEXT, "error", own="info"),
        stopped() as stopping,
        ledger(db) as store,
        closing(Looks(store, every(names), stopping)) as looks,
    ):
        with Live(console=console, auto_refresh=False, transient=True) if draws else nullcontext() as live:
            if live:
                live.update(Text("reading what is new · Ctrl-C stops"), refresh=True)
            elif not as_json:
                say(f"following {', '.join(agent.title for agent in looks.agents)} into {db}")
            watch = Watch(store, names, looks, live, as_json)
            watch.turn()
            while not stopping.wait(LOOK_SECONDS):
                watch.turn()
        if not as_json:
            say("stopped; what was recorded stays, and the rest is read the next time" if looks.is_cut else "stopped")


@define
class Watch:
    """Looks, and shows what came: drawn where there is something to draw on, else told in lines."""

    store: OpenStore
    names: Sequence[str]
    looks: Looks
    live: Live | None
    as_json: bool
    _untold: list[AgentReport] = field(init=False, factory=list)  # what was recorded while nothing could be asked
    _drawn_at: float | None = field(init=False, default=None)

    def turn(self) -> None:
        """Look once, and show what came of it; what goes wrong is told when it begins, and tried again."""
        before = self.looks.trouble
        self.looks.attempt(self._look)
        if self.live and self.looks.trouble and self.looks.trouble != before:
            self.live.update(Text(f"{self.looks.trouble}; it is tried again · Ctrl-C stops", "red"), refresh=True)
            self._drawn_at = None

    def _look(self) -> None:
        self._untold += [report for report in self.looks.read() if report.events]
        if self.live:
            self._draw(self.live)
        elif self._untold:
            self._tell(self._today())
        self._untold = []

    def _draw(self, live: Live) -> None:
        now = time.monotonic()
        if self._untold or self._drawn_at is None or now - self._drawn_at >= REDRAW_SECONDS:
            live.update(drawn(_screen(self._today()), live.console), refresh=True)
            self._drawn_at = now

    def _tell(self, today: Ledger) -> None:
        """Tell what a look brought: a line for each agent with something new."""
        for report in self._untold:
            if self.as_json:
                click.echo(json.dumps(_plain(report, today)))
            else:
                say(f"{in_words(report, title_of(report.agent))} · today {tables.in_short(today.total)}")

    def _today(self) -> Ledger:
        self.store.service.catch_up(self.looks.go_on, thresholds=False)
        now = datetime.now(UTC)
        period = TimePeriod.parse("today", self.store.reads, now=now)
        return ledger_of(self.store.service, period, now, agents=self.names, progress=self.looks.go_on)


def _screen(answer: Ledger) -> Iterator[Block]:
    day, now = answer.period.start, datetime.now(answer.period.start.tzinfo)
    yield Line(f"Following · {day:%a %Y-%m-%d} ({day.tzinfo}) · as of {now:%H:%M:%S} · Ctrl-C stops", "bold cyan")
    yield Line()
    yield from tables.today(answer, title_of)


def _plain(report: AgentReport, today: Ledger) -> dict[str, Any]:
    told = {name: getattr(report, name) for name in TOLD}
    time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"time": time, **told, "skipped": dict(report.skipped), "today": to_plain(today.total)}
