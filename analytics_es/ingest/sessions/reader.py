"""The engine: finds the files of agents, reads what is new in them, settles their calls, and records each once."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence

from attrs import define

from analytics_es.ingest.sessions.declaration import Agent
from analytics_es.ingest.sessions.look import Look, Progress
from analytics_es.ingest.sessions.memory import forget_another
from analytics_es.ingest.sessions.recording import Record
from analytics_es.ingest.sessions.report import THERE, AgentReport
from analytics_es.ingest.sessions.state import State
from analytics_es.log import EventLog

__all__ = ["THERE", "AgentReport", "Progress", "SessionReader"]


@define(kw_only=True)
class SessionReader:
    """Reads agents' session logs into a log; what it has read it knows as long as its state is kept.

    record: records events, as `AnalyticsService.record_events` does, and returns what became of them.
    machine, user: told in each event, "" not at all. clock: Unix seconds.
    """

    log: EventLog
    record: Record
    state: State
    machine: str = ""
    user: str = ""
    clock: Callable[[], float] = time.time

    def read(
        self, agents: Sequence[Agent], *, final: bool = False, progress: Progress | None = None
    ) -> list[AgentReport]:
        """Read what is new of these agents; with `final`, take every call for certain.

        Each event is durable before the state says that it was read.
        """
        return [self._look(agent, final, progress) for agent in agents]

    def _look(self, agent: Agent, final: bool, progress: Progress | None) -> AgentReport:
        """Look at one agent's files; where what was kept is damaged, it is read again, which adds nothing."""
        try:
            return self._looked(agent, final, progress)
        except sqlite3.DatabaseError:
            self.state.begin_anew()
            return self._looked(agent, final, progress)

    def _looked(self, agent: Agent, final: bool, progress: Progress | None) -> AgentReport:
        forget_another(self.state, self.log)
        return Look(
            agent=agent,
            log=self.log,
            record=self.record,
            state=self.state,
            machine=self.machine,
            user=self.user,
            clock=self.clock,
            final=final,
            progress=progress,
        ).look()
