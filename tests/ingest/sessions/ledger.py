"""Sessions as agents write them, in a folder of a test, and the ledger that they are read into."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import define

from analytics_es import AnalyticsService
from analytics_es.events.event import RecordedEvent
from analytics_es.ingest.sessions.agents import every
from analytics_es.ingest.sessions.reader import AgentReport, SessionReader
from tests.stores import recorded

NOON = 1_777_636_800.0  # 2026-05-01 12:00 UTC, when readers look unless a test says otherwise
CALL = "provider.call.completed"

Json = dict[str, Any]


@define
class Ledger:
    """A store, and a reader of the files in a folder; what was read is kept in a file beside them.

    now: when the reader looks, in Unix seconds.
    """

    analytics: AnalyticsService
    folder: Path
    names: Sequence[str] = ()
    now: float = NOON

    @property
    def state(self) -> Path:
        """Where it is kept what was read."""
        return self.folder / "state.db"

    def reader(self) -> SessionReader:
        """Return a reader, as a program that was just started has one."""
        reader = self.analytics.reading_sessions(state=self.state, machine="laptop")
        reader.clock = lambda: self.now
        reader.user = "ada"
        return reader

    def read(self, *, final: bool = True) -> AgentReport:
        """Look at the files of the one agent once, and return what became of them."""
        (report,) = self.read_all(final=final)
        return report

    def read_all(self, *, final: bool = True) -> list[AgentReport]:
        """Look at the files of the agents once."""
        reader = self.reader()
        try:
            return self.look(reader, final=final)
        finally:
            reader.state.close()

    def look(self, reader: SessionReader, *, final: bool = False) -> list[AgentReport]:
        """Let a reader look at the files of the agents."""
        return reader.read(every(self.names), final=final)

    def lose_state(self) -> None:
        """Forget what was read."""
        for path in self.folder.glob("state.db*"):
            path.unlink()

    def events(self, *types: str) -> list[RecordedEvent]:
        """Return what was recorded, in order."""
        return recorded(self.analytics, *(types or (CALL,)))

    def calls(self) -> dict[str, dict[str, Any]]:
        """Return what the calls tell, by id; each id is there once."""
        events = self.events()
        calls = {event.id: dict(event.data) for event in events}
        assert len(calls) == len(events), "a call is there twice"
        return calls

    def call(self) -> dict[str, Any]:
        """Return what the only call tells."""
        (data,) = self.calls().values()
        return data

    def tokens(self) -> dict[str, dict[str, int]]:
        """Return the tokens of each call, by id and by short names."""
        return {id: tokens_of(data) for id, data in self.calls().items()}


def tokens_of(data: Mapping[str, Any]) -> dict[str, int]:
    """Return the counts of an event, by short names."""
    return {name.removesuffix("_tokens"): count for name, count in data.items() if name.endswith("_tokens")}


def write(path: Path, lines: Iterable[Json | str], *, spaced: bool = False) -> Path:
    """Write a file of lines; texts as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    apart = (", ", ": ") if spaced else (",", ":")
    text = "".join((line if isinstance(line, str) else json.dumps(line, separators=apart)) + "\n" for line in lines)
    path.write_text(text)
    return path


def append(path: Path, *lines: Json | str) -> None:
    """Write lines to the end of a file."""
    with path.open("a") as file:
        for line in lines:
            file.write((line if isinstance(line, str) else json.dumps(line, separators=(",", ":"))) + "\n")
