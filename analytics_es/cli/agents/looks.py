"""Looks at agents' files, one after the other; trouble is told when it begins, and when it is over."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from attrs import define, field

from analytics_es.cli.agents.reading import reader_of
from analytics_es.cli.run_log import say
from analytics_es.cli.store import OpenStore
from analytics_es.errors import AnalyticsError
from analytics_es.ingest.sessions.declaration import Agent
from analytics_es.ingest.sessions.reader import SessionReader
from analytics_es.ingest.sessions.report import AgentReport
from analytics_es.presentation import words
from analytics_es.types import BatchReceipt

Done = TypeVar("Done")
TROUBLE = (AnalyticsError, OSError, sqlite3.Error)


class Stopped(Exception):
    """A look ends before its end, as it was asked to: what it has recorded stays, the rest is for the next one."""


@define
class Looks:
    """Looks at the files of agents whenever it is asked to; never twice at a time, as who asks waits.

    stopping: ends the look under way soon; what it has recorded stays. trouble: what is wrong now; "" nothing.
    is_cut: whether a look was ended so.
    """

    store: OpenStore
    agents: Sequence[Agent]
    stopping: threading.Event = field(factory=threading.Event)
    trouble: str = ""
    is_cut: bool = False
    _reader: SessionReader | None = field(init=False, default=None)

    def look(self) -> list[AgentReport]:
        """Read what is new, and return what became of it; nothing where that failed, which is tried again."""
        return self.attempt(self.read) or []

    def read(self) -> list[AgentReport]:
        """Read what is new, and return what became of it; raises what TROUBLE names, and Stopped."""
        if self._reader is None:
            self._reader = self._made()
        return self._reader.read(self.agents, progress=self.go_on)

    def _made(self) -> SessionReader:
        """Return a reader that asks before each batch whether it is to go on, and while it reads."""
        reader = reader_of(self.store)
        record = reader.record

        def asking(*arguments: Any, **options: Any) -> BatchReceipt:
            self.go_on()
            return record(*arguments, **options)

        reader.record = asking
        return reader

    def go_on(self, *_: object) -> None:
        """Raise Stopped where it is to end; told of progress, it does so soon."""
        if self.stopping.is_set():
            raise Stopped

    def attempt(self, work: Callable[[], Done]) -> Done | None:
        """Do something that a look is for, and return what that gives; None where that failed, or was to end."""
        try:
            done = work()
        except Stopped:
            self.is_cut = True
            return None
        except TROUBLE as error:
            self.close()
            self._begins(words.safe(str(error)))
            return None
        if self.trouble:
            self.trouble = ""
            say("agents: it goes on", logging.WARNING)
        return done

    def close(self) -> None:
        """Let go of what is kept between two looks."""
        if self._reader is not None:
            reader, self._reader = self._reader, None
            reader.state.close()

    def _begins(self, problem: str) -> None:
        if problem != self.trouble:
            say(f"agents: {problem}; it is tried again", logging.WARNING)
        self.trouble = problem


def in_words(report: AgentReport, title: str) -> str:
    """Return what a look brought of one agent."""
    parts = [f"{words.plural(report.calls, 'call')} recorded"]
    if report.partial:
        parts.append(f"{report.partial:,} of them partial")
    if report.open:
        parts.append(f"{report.open:,} open")
    return f"{title}: {', '.join(parts)}"
