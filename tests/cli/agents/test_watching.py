"""agents --watch and run --every: sessions that grow are followed, until it is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
from attrs import frozen

from analytics_es.cli.agents import every as every_module
from analytics_es.cli.agents import looks as looks_module
from analytics_es.cli.agents import watching
from analytics_es.cli.agents.every import Every, looking
from analytics_es.cli.agents.looks import Looks
from analytics_es.cli.agents.reading import ledger, reader_of
from analytics_es.cli.agents.watching import Watch
from analytics_es.cli.ledger.answer import Ledger
from analytics_es.cli.ledger.figures import Figures
from analytics_es.cli.store import OpenStore, Place
from analytics_es.cli.tables.agents import in_short
from analytics_es.errors import StoreBusy
from analytics_es.ingest.sessions import recording
from analytics_es.ingest.sessions.agents import every
from analytics_es.ingest.sessions.counts import calls_in
from analytics_es.ingest.sessions.places import default_store
from analytics_es.ingest.sessions.reader import SessionReader
from analytics_es.ingest.sessions.report import AgentReport
from analytics_es.types import BatchReceipt
from tests.cli.agents.conftest import Home, call
from tests.cli.conftest import Cli
from tests.cli.display.test_render import ANSI, on_a_terminal
from tests.stores import PATIENCE, eventually

PROGRAM = [sys.executable, "-W", "error", "-m", "analytics_es.cli"]


@frozen
class Running:
    """A command that goes on, and where its outputs go."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def lines(self, path: Path) -> list[str]:
        return path.read_text().splitlines()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def running(tmp_path: Path, *arguments: str) -> Iterator[Running]:
    out, err = tmp_path / "out", tmp_path / "err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen([*PROGRAM, *arguments], stdout=stdout, stderr=stderr)
    try:
        yield Running(process, out, err)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(PATIENCE)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_file_that_grows_is_followed_a_line_of_json_for_each_change(
    home: Home, tmp_path: Path, number: signal.Signals
) -> None:
    home.session("s-1", call("1", now()), rested=False)
    with running(tmp_path, "agents", "--watch", "--json") as follower:
        eventually(lambda: len(follower.lines(follower.out)) == 1)
        home.session("s-1", call("2", now()), call("3", now()), rested=False)
        eventually(lambda: len(follower.lines(follower.out)) == 2)

        code = follower.stop(number)

        assert code == 0
        told = [json.loads(line) for line in follower.lines(follower.out)]
    assert [(line["agent"], line["calls"], line["today"]["calls"]) for line in told] == [
        ("claude-code", 1, 1),
        ("claude-code", 2, 3),
    ]
    assert follower.err.read_text() == ""


def test_without_a_terminal_lines_of_a_log_tell_what_came(home: Home, tmp_path: Path) -> None:
    home.session("s-1", call("1", now()), rested=False)
    with running(tmp_path, "agents", "--watch") as follower:
        eventually(lambda: "1 call recorded" in follower.err.read_text())

        code = follower.stop()

        first, came, last = follower.lines(follower.err)
    assert code == 0
    assert f"into {default_store()}" in first
    assert came.endswith("INFO Claude Code: 1 call recorded · today 0.0303 USD, 1 call")
    assert last.endswith("INFO stopped")


def test_on_a_terminal_the_day_is_drawn(home: Home) -> None:
    home.session("s-1", call("1", now()), rested=False)

    output, code = on_a_terminal(80, "agents", "--watch", until=b"burn: ")

    text = ANSI.sub("", output)
    assert code == 0
    assert "Following · " in text
    assert "0.0303 USD · 1 call · 50.1 k tokens in (99.8 % cached) · 1.00 k out" in text


def test_watch_goes_without_options_of_one_look(cli: Cli) -> None:
    result = cli("agents", "--watch", "--no-read", "--project", "shop", "--since", "7d", "--json")

    assert (result.exit_code, "leave out --since, --project, --no-read." in result.stderr) == (2, True)


def test_a_look_that_is_to_end_does_so_with_what_it_has_recorded(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.session("s-1", *(call(f"{number}") for number in range(25)))
    stopping, batches = threading.Event(), list[int]()

    def reader(store: OpenStore) -> SessionReader:
        made = reader_of(store)
        record = made.record

        def recorded(events: list[Any], **options: Any) -> BatchReceipt:
            batches.append(len(events))
            if len(batches) == 2:
                stopping.set()
            return record(events, **options)

        made.record = recorded
        return made

    monkeypatch.setattr(recording, "BATCH", 10)
    monkeypatch.setattr(looks_module, "reader_of", reader)
    with ledger(Place(str(default_store()), "analytics")) as store:
        looks = Looks(store, every(["claude-code"]), stopping)
        first, was_cut = looks.look(), looks.is_cut
        stopping.clear()
        rest = looks.look()
        looks.close()
        counts = calls_in(store.service._parts.store.log, ["claude-code"])

    assert (first, was_cut, batches[:2]) == ([], True, [10, 10])
    assert [report.calls for report in rest] == [5]
    assert counts["claude-code"].calls == 25


def test_a_day_without_calls_is_told_as_such() -> None:
    assert in_short(Figures()) == "no calls"


# ── trouble ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_trouble_is_told_once_and_when_it_is_over(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    home.session("s-1", call("1"))
    read, failures = SessionReader.read, iter([True, True, False, False])

    def at_times(reader: SessionReader, *arguments: object, **options: object) -> list[AgentReport]:
        if next(failures):
            raise StoreBusy(seconds=30)
        return read(reader, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(SessionReader, "read", at_times)
    with ledger(Place(str(default_store()), "analytics")) as store:
        looks = Looks(store, every(["claude-code"]))
        brought = [[report.calls for report in looks.look()] for _ in range(4)]
        looks.close()

    assert brought == [[], [], [1], [0]]
    said = [record.getMessage() for record in caplog.records if record.name == "analytics_es.run"]
    assert [line.endswith(("it is tried again", "it goes on")) for line in said] == [True, True]


def test_what_was_recorded_while_nothing_could_be_asked_is_told_later(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home.session("s-1", call("1"))
    asked, failures = watching.ledger_of, iter([True, False])

    def at_times(*arguments: Any, **options: Any) -> Ledger:
        if next(failures):
            raise StoreBusy(seconds=30)
        return asked(*arguments, **options)

    monkeypatch.setattr(watching, "ledger_of", at_times)
    with ledger(Place(str(default_store()), "analytics")) as store:
        looks = Looks(store, every(["claude-code"]))
        watch = Watch(store, ["claude-code"], looks, None, True)
        watch.turn()
        first = capsys.readouterr().out
        watch.turn()
        second = capsys.readouterr().out
        looks.close()

    assert (first, json.loads(second)["calls"]) == ("", 1)


# ── run --every ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("agents 10s", Every([], 10)),
        ("agents 5m", Every([], 300)),
        ("agents codex claude-code 2h", Every(["codex", "claude-code"], 7200)),
    ],
)
def test_every_names_agents_and_an_interval(text: str, expected: Every) -> None:
    assert Every.read(text) == expected


@pytest.mark.parametrize("text", ["", "agents", "5m", "agents 9s", "agents 5", "agents 5d", "budgets 5m", "agents 0m"])
def test_every_says_how_it_is_written(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"agents 5m|at least 10s"):
        Every.read(text)


def test_run_reads_sessions_into_the_ledger_of_agents(cli: Cli, home: Home, tmp_path: Path) -> None:
    home.session("s-1", call("1", now()), rested=False)
    with running(tmp_path, "run", "--every", "agents 10s") as runner:
        eventually(lambda: "Claude Code: 1 call recorded" in runner.err.read_text())

        code = runner.stop()

        told = runner.err.read_text()
    assert code == 0
    assert f"following {default_store()} · zone Europe/Berlin" in told
    assert "stopped at position" in told
    assert json.loads(cli("agents", "--no-read", "--since", "1y", "--json").stdout)["ledger"] == str(default_store())


def test_run_reads_sessions_into_the_store_that_is_named(cli: Cli, home: Home, tmp_path: Path) -> None:
    home.session("s-1", call("1", now()), rested=False)
    with running(tmp_path, "run", "--every", "agents 10s", "--db", "own.db", "--log-format", "json") as runner:
        eventually(lambda: '"calls": 1' in runner.err.read_text())
        code = runner.stop()
        told = [json.loads(line) for line in runner.lines(runner.err)]

    assert code == 0
    assert [line["agent"] for line in told if "agent" in line] == ["claude-code"]
    assert not default_store().exists()


def test_looks_beside_come_one_after_the_other_and_end_with_the_command(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    active, most, done, enough = 0, 0, [], threading.Event()

    def look(looks: Looks) -> list[AgentReport]:
        nonlocal active, most
        active += 1
        most = max(most, active)
        done.append([agent.name for agent in looks.agents])
        active -= 1
        if len(done) >= 6:
            enough.set()
        return []

    monkeypatch.setattr(looks_module.Looks, "look", look)
    with ledger(Place(str(default_store()), "analytics")) as store:
        stopping = threading.Event()
        with looking(store, [Every(["codex"], 0), Every(["claude-code"], 0)], stopping):
            assert enough.wait(PATIENCE)

    assert most == 1
    assert {name for (name,) in done} == {"codex", "claude-code"}
    assert not [thread for thread in threading.enumerate() if thread.name == "analytics-es-agents"]


def test_the_interval_of_watch_is_two_seconds_and_the_least_of_every_is_ten() -> None:
    assert (watching.LOOK_SECONDS, every_module.LEAST) == (2.0, 10)


def test_nothing_of_the_environment_of_who_runs_the_tests_is_read(home: Home) -> None:
    assert str(default_store()).startswith(os.environ["HOME"])
