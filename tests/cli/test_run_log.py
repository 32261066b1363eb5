"""What `run` logs: its start, where it stands each minute, trouble and its end, in a terminal and outside."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from analytics_es import AnalyticsService
from analytics_es.cli.run_log import AsJson, Pulse, logged, say, say_retention
from analytics_es.errors import StoreBusy
from analytics_es.testing import job_failed
from analytics_es.types import Attempt
from tests.children import patient
from tests.cli.display.test_render import ANSI, on_a_terminal
from tests.servers import Server
from tests.stores import PATIENCE, opened

# The command, to which a moment is a while.
QUICKLY = (
    "import analytics_es.cli.run_log as log; log.STALL_SECONDS, log.MINUTE = 0.2, 0.0; "
    "from analytics_es.cli import main; main()"
)


class Running:
    """The command, in a process of its own, and what it has logged."""

    def __init__(self, *options: str) -> None:
        self.lines: list[str] = []
        command = [sys.executable, "-W", "error", "-c", QUICKLY, "run", *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def until(self, text: str) -> str:
        """Wait for a line that holds a text."""
        assert self._process.stderr
        with patient(self._process):
            for line in self._process.stderr:
                self.lines.append(line.rstrip("\n"))
                if text in line:
                    return line
        raise AssertionError("\n".join(self.lines))

    def stop(self) -> int:
        """Stop it; returns its exit code."""
        self._process.send_signal(signal.SIGTERM)
        out, err = self._process.communicate(timeout=PATIENCE)
        self.lines += err.splitlines()
        assert out == ""
        return self._process.returncode


@contextmanager
def running(*options: str) -> Iterator[Running]:
    command = Running(*options)
    try:
        yield command
    finally:
        if command._process.poll() is None:
            command._process.kill()
            command._process.communicate()


@pytest.fixture
def store(path: Path) -> Iterator[AnalyticsService]:
    with opened(path) as analytics:
        analytics.record_event(**job_failed()).unwrap()
        analytics.catch_up()
        yield analytics


# ── start, each minute, end ─────────────────────────────────────────────────────────────────────────────────────


def test_it_says_what_it_follows_where_it_stands_and_its_end(store: AnalyticsService, path: Path) -> None:
    Path("keep.toml").write_text('[retention]\nevents = "90d"\n[cost]\ntags = ["team"]')
    with running("--db", str(path), "--config", "keep.toml") as command:
        start = command.until("following")
        beat = command.until("up to date")
        code = command.stop()

    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ INFO "
    assert re.fullmatch(
        time + rf"following {re.escape(str(path))} · zone UTC · privacy pseudonymous · retention events 90d · tags team"
        r" · projections budgets, cost, performance, usage · the log is at position \d\n",
        start,
    )
    assert re.fullmatch(time + r"position \d · up to date\n", beat)
    assert code == 0
    assert re.fullmatch(time + r"stopped at position \d", command.lines[-1])


def test_json_is_one_object_a_line_with_the_figures(store: AnalyticsService, path: Path) -> None:
    with running("--db", str(path), "--log-format", "json") as command:
        command.until("up to date")
        command.stop()

    lines = [json.loads(line) for line in command.lines]
    assert [line["message"].split()[0] for line in (lines[0], lines[-1])] == ["following", "stopped"]
    assert {line["level"] for line in lines} == {"info"}
    assert (lines[0]["store"], lines[0]["zone"], lines[0]["privacy"]) == (str(path), "UTC", "pseudonymous")
    beat = next(line for line in lines if "positions" in line)
    assert (beat["lag_events"], set(beat["positions"])) == (0, {"usage", "performance", "cost", "budgets"})


@pytest.mark.parametrize("options", [["--quiet"], ["--log-level", "error"]])
def test_quiet_says_trouble_alone(store: AnalyticsService, path: Path, options: list[str]) -> None:
    store.record_event(**job_failed()).unwrap()
    with running("--db", str(path), *options) as command:
        store.wait_until_caught_up(PATIENCE)  # nobody else follows: the command has begun

        assert (command.stop(), command.lines) == (0, [])


def test_a_terminal_has_the_same_lines_above_what_is_drawn(store: AnalyticsService, path: Path) -> None:
    output, code = on_a_terminal(200, "run", "--db", str(path), until=b"Ctrl-C stops")

    lines = ANSI.sub("", output)
    assert code == 0
    assert " INFO following " in lines
    assert " INFO stopped at position 2" in lines


# ── trouble and recovery ────────────────────────────────────────────────────────────────────────────────────────


def test_a_locked_file_is_told_once_and_its_end_too(store: AnalyticsService, path: Path) -> None:
    with running("--db", str(path)) as command, closing(sqlite3.connect(path.with_name("analytics.views.db"))) as other:
        command.until("up to date")
        other.isolation_level = None
        other.execute("BEGIN IMMEDIATE")
        store.record_event(**job_failed()).unwrap()
        stalled = command.until("stand still")
        other.execute("ROLLBACK")
        again = command.until("go on after")
        command.stop()

    assert re.search(r" WARNING the read models stand still at position 2, 1 event behind: ", stalled)
    assert re.search(r" WARNING the read models go on after \d+\.\d s", again)
    assert sum("stand still" in line for line in command.lines) == 1


def test_connections_that_a_server_ends_are_told_and_nothing_is_missed(
    postgres: Server, monkeypatch: pytest.MonkeyPatch, vault_key: None
) -> None:
    url = postgres.database()
    name = urlsplit(url).path.removeprefix("/")
    with AnalyticsService.open(url, follow=False) as analytics, running("--db", url) as command:
        command.until("up to date")
        postgres.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            name,
        )
        told = command.until("WARNING")
        analytics.record_event(**job_failed()).unwrap()
        command.until("position 2 · up to date")

        assert command.stop() == 0
    assert "interrupted" in told or "again" in told


# ── with a clock of the test's ──────────────────────────────────────────────────────────────────────────────────


class Store:
    """A store of which one says how far it is."""

    def __init__(self) -> None:
        self.position = self.behind = 0
        self.failure: StoreBusy | None = None
        self.service = self

    def projections(self) -> Any:
        if self.failure:
            return Attempt.failed(self.failure)
        status = SimpleNamespace(
            name="usage", position=self.position, lag_events=self.behind, lag_seconds=1.5, error=None
        )
        return Attempt.of(lambda: [status])


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr("analytics_es.cli.run_log.say", lambda text, *_, **__: lines.append(text))
    return lines


def test_each_minute_it_says_where_it_stands(told: list[str]) -> None:
    store, now = Store(), [0.0]
    pulse = Pulse(store, lambda: {"received": 7}, lambda: now[0])  # type: ignore[arg-type]
    for second in range(0, 181, 30):
        now[0], store.position = float(second), second
        pulse.beat()

    assert told == [f"position {second} · up to date · 7 received" for second in (60, 120, 180)]


def test_standing_still_is_told_once_and_so_is_going_on(told: list[str]) -> None:
    store, now = Store(), [0.0]
    pulse = Pulse(store, clock=lambda: now[0])  # type: ignore[arg-type]
    store.position, store.behind = 5, 3
    for second in range(12):
        now[0] = float(second)
        pulse.beat()
    store.position, store.behind = 8, 0
    pulse.beat()

    assert told == [
        "the read models stand still at position 5, 3 events behind: another process may hold a lock",
        "the read models go on after 11.0 s",
    ]


def test_a_store_that_does_not_answer_stops_nothing(told: list[str]) -> None:
    store = Store()
    pulse = Pulse(store, clock=lambda: 0.0)  # type: ignore[arg-type]
    store.failure = StoreBusy(seconds=5)
    assert [pulse.beat(), pulse.beat()] == [None, None]
    store.failure = None
    pulse.beat()

    assert told == [f"the store: {StoreBusy(seconds=5)}", "the store answers again"]


def test_what_retention_did_is_said_each_night(told: list[str], store: AnalyticsService) -> None:
    say_retention(store.retain())
    say_retention(Attempt.failed(StoreBusy(seconds=5)))

    assert told == ["retention: sealed and deleted 0 events", f"retention: {StoreBusy(seconds=5)}"]


def test_lines_of_the_package_and_what_was_raised_are_written_too(capsys: pytest.CaptureFixture[str]) -> None:
    import logging

    library = logging.getLogger("analytics_es.read_models.catch_up")
    with logged("json", "info"):
        say("one", figure=1)
        try:
            raise ValueError("two")
        except ValueError:
            library.exception("failed\nbadly")
        library.debug("not this")
    say("not any more")

    one, two = map(json.loads, capsys.readouterr().err.splitlines())
    assert (one["message"], one["figure"], one["logger"]) == ("one", 1, "analytics_es.run")
    assert (two["message"], two["logger"]) == ("failed\nbadly", "analytics_es.read_models.catch_up")
    assert two["exception"].endswith("ValueError: two")
    assert isinstance(AsJson(), logging.Formatter)
