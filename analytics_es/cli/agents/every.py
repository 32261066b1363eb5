"""run --every "agents 5m": looks at agents' files while something else goes on, in a thread of their own."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click
from attrs import define, field, frozen

from analytics_es.cli.agents.looks import Looks, in_words
from analytics_es.cli.agents.reading import title_of
from analytics_es.cli.run_log import say
from analytics_es.cli.store import OpenStore
from analytics_es.ingest.sessions.agents import declared, every

LEAST = 10  # seconds
UNITS = {"s": 1, "m": 60, "h": 3600}
_INTERVAL = re.compile(r"([1-9][0-9]{0,5})([smh])", re.ASCII)
TOLD = ("agent", "events", "calls", "partial", "open")  # of a look, in JSON
WRITE = 'write "agents 5m", or with names of agents: "agents codex 30s"'


@frozen
class Every:
    """Which agents are looked at, none: all; and every how many seconds."""

    names: Sequence[str]
    seconds: int

    @classmethod
    def read(cls, text: str) -> Every:
        """Read what --every says."""
        task, *names, interval = text.split() if len(text.split()) > 1 else ["", ""]
        match = _INTERVAL.fullmatch(interval)
        if task != "agents" or not match:
            raise click.BadParameter(f"{text!r} says no task with its interval: {WRITE}.", param_hint="--every")
        if (seconds := int(match[1]) * UNITS[match[2]]) < LEAST:
            raise click.BadParameter(f"{interval} is too short: at least {LEAST}s.", param_hint="--every")
        return cls([declared(name).name for name in names], seconds)


@define
class _Due:
    """When the next look of one --every is due, by a clock that is never set; the first one at once."""

    looks: Looks
    seconds: int
    at: float = field(factory=time.monotonic)


@contextmanager
def looking(store: OpenStore, asked: Sequence[Every], stopping: threading.Event) -> Iterator[None]:
    """Look at agents' files as often as is asked for, one look at a time, until it ends, with the look under way."""
    if not asked:
        yield
        return
    thread = threading.Thread(target=_look, args=(store, asked, stopping), name="analytics-es-agents")
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _look(store: OpenStore, asked: Sequence[Every], stopping: threading.Event) -> None:
    due = [_Due(Looks(store, every(entry.names), stopping), entry.seconds) for entry in asked]
    try:
        while True:
            first = min(due, key=lambda entry: entry.at)
            if stopping.wait(max(0.0, first.at - time.monotonic())):
                return
            first.at = time.monotonic() + first.seconds
            for report in first.looks.look():
                if report.events:
                    figures = {name: getattr(report, name) for name in TOLD}
                    say(in_words(report, title_of(report.agent)), **figures)
    finally:
        for entry in due:
            entry.looks.close()
