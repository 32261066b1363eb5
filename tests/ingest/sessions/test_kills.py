"""The reader ends anywhere: between two statements of the log or of the state, or by a signal that nobody can catch.

Whatever was done until then, the next looks leave the true calls in the ledger, each once, with its largest figures.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.ingest.sessions import look
from tests.faults.crash import Countdown, Crash, crashing
from tests.ingest.sessions.engine import CALL, TOOL, Engine, call
from tests.stores import recorded

Log = Callable[..., Path]
MOST = 400  # moments; a look has fewer

LINES = [
    *(call(f"r{n}", output, alias=f"m{n}") for n in range(6) for output in (1, 9)),
    {"tool": "t1"},
    {"count": 3},
    call("f1", 7, final=True),
    call("side", 9, alias="m2", replay=True, lane="~"),
]
TRUE = {**{f"r{n}": 9 for n in range(6)}, "f1": 7, "later": 5}


class Dying:
    """A connection of the state before whose every statement the process may end."""

    def __init__(self, inner: Any, countdown: Countdown) -> None:
        self.inner, self.countdown = inner, countdown

    def execute(self, *arguments: Any) -> Any:
        self.countdown.tick()
        return self.inner.execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        self.countdown.tick()
        return self.inner.executemany(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def write(log: Log) -> None:
    log("logs/a.jsonl", *LINES[:9])
    log("logs/b.jsonl", *LINES[5:])
    log("documents/c.json", json.dumps({"calls": LINES[:2]}))


def check(engine: Engine, log: Log) -> None:
    """Look again, as the next program does, and hold the ledger against the true calls."""
    log("logs/b.jsonl", call("later", 5), add=True)
    engine.look()
    engine.look(final=True)
    engine.look(final=True)
    assert engine.ids() == sorted(TRUE)
    assert engine.outputs() == TRUE
    assert engine.ids(TOOL) == ["t1"]


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what was read after each piece, and make pieces small, so that there is much between two moments."""
    monkeypatch.setattr(look, "KEEP_EVERY", -1.0)
    monkeypatch.setattr("analytics_es.ingest.sessions.files.lines.PIECE", 128)


@pytest.mark.parametrize("final", [False, True])
@pytest.mark.usefixtures("often")
def test_an_end_between_any_two_statements_of_the_state_loses_nothing(engine: Engine, log: Log, final: bool) -> None:
    for moment in range(1, MOST):
        write(log)
        reader = engine.reader()
        connection = reader.state._connection
        reader.state._connection = Dying(connection, Countdown(moment, lambda: None))  # type: ignore[assignment]
        try:
            reader.read([engine.agent], final=final)
        except Crash:
            connection.close()
        else:
            connection.close()
            break
    assert 20 < moment < MOST - 1
    check(engine, log)


@pytest.mark.parametrize("moment", range(1, 60, 5))
@pytest.mark.usefixtures("often")
def test_an_end_between_any_two_statements_of_the_log_loses_nothing(engine: Engine, log: Log, moment: int) -> None:
    write(log)
    try:
        with crashing(engine.analytics, moment):
            engine.look()
    except Crash:
        pass

    check(engine, log)


@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("moment", range(11, 50, 3))
@pytest.mark.usefixtures("often")
def test_an_end_at_any_moment_of_a_first_look_loses_nothing(engine: Engine, log: Log, moment: int, final: bool) -> None:
    write(log)
    reader = engine.reader()
    connection = reader.state._connection
    reader.state._connection = Dying(connection, Countdown(moment, lambda: None))  # type: ignore[assignment]
    try:
        reader.read([engine.agent], final=final)
    except Crash:
        pass
    finally:
        connection.close()

    check(engine, log)


PROGRAM = """
import sys
from pathlib import Path
from analytics_es import AnalyticsService
from analytics_es.ingest.sessions import look, recording
from tests.ingest.sessions.engine import Engine
look.KEEP_EVERY, recording.BATCH = 0.01, 50
with AnalyticsService.open(sys.argv[1], follow=False) as analytics:
    engine = Engine(analytics, Path(sys.argv[2]))
    print("begins", flush=True)
    engine.look(final=True)
"""


def test_a_reader_that_is_killed_again_and_again_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, store, chance = tmp_path / "tester", tmp_path / "store.db", random.Random(18)
    for file in range(10):
        path = home / f"logs/{file}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [call(f"r{n}", output) for n in range(file * 50, file * 50 + 100) for output in (1, 9)]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    monkeypatch.setenv("TESTER_HOME", str(home))
    killed = 0
    for attempt in range(12):
        child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(store), str(home)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        )
        assert child.stdout and child.stdout.readline() == b"begins\n"
        if attempt < 11:
            time.sleep(chance.uniform(0, 0.25))
            os.kill(child.pid, signal.SIGKILL)
        killed += child.wait() == -signal.SIGKILL
        child.stdout.close()

    with AnalyticsService.open(store, follow=False) as analytics:
        outputs = {event.id: event.data["output_tokens"] for event in recorded(analytics, CALL)}
        count = len(recorded(analytics, CALL))
    assert killed
    assert (count, outputs) == (550, {f"r{n}": 9 for n in range(550)})
