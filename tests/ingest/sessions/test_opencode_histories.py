"""However OpenCode writes and somebody looks, the ledger has each finished call once, with its last figures."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es import AnalyticsService
from tests.ingest.sessions.databases import made
from tests.ingest.sessions.ledger import Ledger
from tests.ingest.sessions.test_opencode import AT, COLUMNS, answer, id_of, put

SESSIONS = ("ses_1", "ses_2")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), st.sampled_from(SESSIONS)),
        st.tuples(st.just("count"), st.integers(0, 5)),
        st.tuples(st.just("finish"), st.integers(0, 5)),
        st.tuples(st.just("touch"), st.integers(0, 5)),
        st.tuples(st.just("fork"), st.sampled_from(SESSIONS)),
        st.tuples(st.sampled_from(["look", "lose", "checkpoint", "close", "delete"]), st.just("")),
    ),
    max_size=30,
)


@define
class OpenCode:
    """An agent that writes into its database, and what is true of its calls: what each was given back, by id."""

    path: Path
    connection: sqlite3.Connection = field(init=False)
    clock: int = AT
    begun: list[tuple[str, str, int, int]] = field(factory=list)  # id, session, when, tokens so far
    truth: dict[str, int] = field(factory=dict)
    finished: list[tuple[str, str, int, int]] = field(factory=list)

    @connection.default
    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        return connection

    def tick(self) -> int:
        self.clock += 1000
        return self.clock

    def begin(self, session: str) -> None:
        at = self.tick()
        self.begun.append((id_of(at), session, at, 0))
        put(self.connection, id_of(at), answer(tokens=None, time={"created": at}), at=at, session=session)

    def count(self, number: int) -> None:
        """Write how much an answer has so far."""
        if self.begun:
            index = number % len(self.begun)
            id, session, at, _ = self.begun[index]
            now = self.tick()
            message = answer(tokens={"input": 1, "output": 7}, time={"created": at})
            put(self.connection, id, message, at=now, session=session)

    def finish(self, number: int) -> None:
        if self.begun:
            id, session, at, _ = self.begun.pop(number % len(self.begun))
            now, output = self.tick(), self.clock % 97 + 10
            message = answer(tokens={"input": 1, "output": output}, time={"created": at, "completed": now})
            put(self.connection, id, message, at=now, session=session)
            self.truth[id] = output
            self.finished.append((id, session, at, now))

    def touch(self, number: int) -> None:
        """Write an answer again, as it is: a title came, or a diff."""
        if self.finished:
            id, session, at, ended = self.finished[number % len(self.finished)]
            message = answer(tokens={"input": 1, "output": self.truth[id]}, time={"created": at, "completed": ended})
            put(self.connection, id, message, at=self.tick(), session=session)

    def fork(self, session: str) -> None:
        """Copy what a session has finished into a new one."""
        self.clock += 100_000  # nobody is so quick that ids would not tell
        fork = f"ses_{self.tick()}"
        for id, of, at, ended in list(self.finished):
            if of == session:
                message = answer(
                    tokens={"input": 1, "output": self.truth[id]}, time={"created": at, "completed": ended}
                )
                put(self.connection, id_of(self.tick()), message, at=self.clock, session=fork)

    def close(self, _: str) -> None:
        """End, which takes the log away, and start again."""
        self.connection.close()
        self.connection = self._opened()

    def checkpoint(self, _: str) -> None:
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def delete(self, _: str) -> None:
        """Delete what is recorded already, as somebody does who tidies up."""
        self.connection.execute("DELETE FROM message WHERE id IN (SELECT min(id) FROM message)")


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_each_call_is_in_the_ledger_once_with_its_last_figures(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, object]]
) -> None:
    folder = tmp_path_factory.mktemp("history")
    agent = OpenCode(made(folder / "opencode/opencode.db", f"CREATE TABLE message {COLUMNS};"))
    with pytest.MonkeyPatch.context() as patch, AnalyticsService.open(folder / "ledger.db") as analytics:
        patch.setenv("OPENCODE_DATA_DIR", str(folder / "opencode"))
        ledger = Ledger(analytics, folder, ("opencode",), now=AT / 1000)
        for name, chosen in [*steps, ("look", "")]:
            if name in ("look", "delete"):  # what is deleted was read before
                ledger.read(final=False)
            if name == "lose":
                ledger.lose_state()
            elif name != "look":
                getattr(agent, name)(chosen)
        agent.connection.close()
        counted = {event.id: event.data["output_tokens"] for event in ledger.events()}
    assert counted == agent.truth
