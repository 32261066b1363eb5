"""An agent that nobody has, whose files say in plain words what the engine is to be told, and who reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import define, evolve, field

from analytics_es import AnalyticsService
from analytics_es.ingest.sessions.declaration import Agent, Document, Files, Home, Kept, Lines, Record
from analytics_es.ingest.sessions.facts import Call, Fact, Happened, Known, Skipped
from analytics_es.ingest.sessions.reader import AgentReport, SessionReader
from analytics_es.ingest.sessions.session import Session
from analytics_es.ingest.sessions.state import State
from tests.stores import recorded

NOON = 1_777_636_800.0  # 2026-05-01 12:00 UTC
CALL, TOOL = "provider.call.completed", "tool.call.completed"
Json = dict[str, Any]


def call(id: str = "r1", output: int = 10, **more: Any) -> Json:
    """Return a line that tells of a call; more: alias, replay, lane, final, at."""
    return {"call": id, "output": output, **more}


def read(record: Record, session: Session) -> Iterator[Fact]:
    """Say what a line tells."""
    if "call" in record:
        options = {name: record[name] for name in ("alias", "replay", "lane", "final", "rank") if name in record}
        yield Call(
            id=record["call"],
            at=record.get("at", NOON - 3600),
            tokens={"input_tokens": 1, "output_tokens": record["output"]},
            model="m",
            attributes={"alias": record.get("alias")},
            **options,
        )
    elif "tool" in record:
        yield Happened(event_type=TOOL, id=record["tool"], at=NOON, fields={"tool": "Bash"})
    elif "count" in record:
        session.notes["count"] = session.notes.get("count", 0) + record["count"]
        yield Known(f"{session.path.name} counts", str(session.notes["count"]))
    elif "skip" in record:
        yield Skipped(record["skip"])
    elif "calls" in record:
        for one in record["calls"]:
            yield from read(one, session)
    else:
        yield Skipped(f"knows {session.known(str(record['asks']))}")


def remember(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Remember the id of a call by its alias."""
    if alias := event["data"].get("attributes", {}).get("alias"):
        yield alias, event["id"]


AGENT = Agent(
    name="tester",
    title="Tester",
    source="nowhere",
    homes=(Home(variable="TESTER_HOME", folders=("~/.tester",)),),
    files=(
        Lines(pattern="logs/**/*.jsonl", read=read),
        Lines(pattern="late/*.jsonl", read=read, last=True),
        Document(pattern="documents/*.json", read=read),
    ),
    remember=remember,
    kept=Kept(days=30, settings="settings.json", key="days"),
)


def agent(*files: Files, **changes: Any) -> Agent:
    """Return the agent with other files."""
    return evolve(AGENT, files=files or AGENT.files, **changes)


@define
class Engine:
    """A store, and a reader of the files of the agent, which keeps in a file what it has read.

    now: when it looks, in Unix seconds; files are changed then, too, unless a test says otherwise.
    """

    analytics: AnalyticsService
    home: Path
    agent: Agent = AGENT
    now: float = NOON
    state_path: Path = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.state_path = self.home.parent / "state.db"

    def reader(self, state: Path | None = None) -> SessionReader:
        """Return a reader, as a program that was just started has one."""
        return SessionReader(
            log=self.analytics._parts.store.log,
            record=self.analytics._parts.store.recorder.record_all,
            state=State(state or self.state_path),
            clock=lambda: self.now,
        )

    def look(self, *, final: bool = False, state: Path | None = None) -> AgentReport:
        """Look at the files once."""
        reader = self.reader(state)
        try:
            (report,) = reader.read([self.agent], final=final)
        finally:
            reader.state.close()
        return report

    def ids(self, *types: str) -> list[str]:
        """Return the ids of what was recorded, sorted; each is there once."""
        ids = sorted(event.id for event in recorded(self.analytics, *(types or (CALL,))))
        assert len(ids) == len(set(ids)), "an event is there twice"
        return ids

    def outputs(self) -> dict[str, int]:
        """Return the output tokens of the calls, by id."""
        return {event.id: event.data.get("output_tokens", 0) for event in recorded(self.analytics, CALL)}

    def lose_state(self) -> None:
        """Forget what was read."""
        for path in self.state_path.parent.glob("state.db*"):
            path.unlink()


def text(lines: Sequence[Json | str]) -> str:
    """Return lines as a file has them."""
    return "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
