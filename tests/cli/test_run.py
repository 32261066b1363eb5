"""run --nats: a message bus into the log, until it is stopped."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from analytics_es import AnalyticsService
from analytics_es.cli.run import Flow
from analytics_es.cli.stopping import stopped
from analytics_es.ingest.in_process import InProcessBus
from analytics_es.ingest.subscription import SubscriptionStats
from analytics_es.testing import NOON
from tests.children import ran
from tests.cli.conftest import Cli
from tests.cli.display.test_render import ANSI, on_a_terminal
from tests.nats_servers import NatsServer, Published, Stream, calls, nats_server, published
from tests.stores import PATIENCE, eventually

PROGRAM = [sys.executable, "-W", "error", "-m", "analytics_es.cli"]


def consuming(stream: Stream) -> list[str]:
    return ["run", "--nats", stream.server.url, "--stream", stream.name, "--subject-prefix", stream.name]


def wait_until_acknowledged(stream: Stream) -> None:
    eventually(lambda: _waiting(stream) == (0, 0))


def _waiting(stream: Stream) -> tuple[int, int]:
    try:
        return stream.waiting()
    except Exception:  # it has not begun yet
        return (-1, -1)


def test_run_consumes_until_it_is_stopped(cli: Cli, nats: NatsServer) -> None:
    stream = nats.stream()
    stream.publish(*published(calls(20)), Published("job.completed", b"poison"))
    running = subprocess.Popen([*PROGRAM, *consuming(stream)], stdout=-1, stderr=-1, text=True)
    wait_until_acknowledged(stream)

    running.send_signal(signal.SIGTERM)
    out, err = running.communicate(timeout=PATIENCE)

    assert (running.returncode, out) == (0, "")
    *_, told, position = err.splitlines()
    assert told.endswith(" INFO 21 messages: 20 recorded, 1 rejected and kept")
    assert re.search(r" INFO stopped at position \d+$", position)
    assert '"events": 20' in cli("usage", "--from", "2026-03-01", "--to", "2026-03-08", "--json").stdout


def test_run_tells_on_a_terminal_what_comes(nats: NatsServer, tmp_path: Path) -> None:
    stream = nats.stream()
    stream.publish(*published(calls(7)))

    output, code = on_a_terminal(100, *consuming(stream), until=b"7 messages")

    assert code == 0
    assert re.search(r"7 messages: 7 recorded · [\d,]+/s", ANSI.sub("", output))


def test_run_makes_the_stream_where_that_is_asked_for_and_ends_on_ctrl_c(cli: Cli, nats: NatsServer) -> None:
    stream = Stream(nats, "CLI")

    def end() -> None:
        try:
            wait_until_acknowledged(stream)
        finally:
            os.kill(os.getpid(), signal.SIGINT)  # else nobody does

    ending = threading.Thread(target=end)
    ending.start()

    done = cli("run", "--nats", nats.url, "--stream", "CLI", "--subject-prefix", "cli", "--create-stream")

    ending.join()
    assert done.exit_code == 0
    assert "INFO 0 messages: 0 recorded" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_as_it_begins_to_wait_stops_it(number: signal.Signals) -> None:
    with stopped() as stopping:
        with stopping._cond:  # type: ignore[attr-defined]  # which this thread holds then
            signal.raise_signal(number)

        assert stopping.wait(PATIENCE)


def test_a_flow_tells_what_came_how_fast_and_what_is_wrong() -> None:
    bus = InProcessBus()
    with AnalyticsService.open(":memory:", follow=False) as analytics:
        flow = Flow(analytics.subscribe_to(bus))
        first = flow.line().plain
        for n in (1, 1, 2):
            bus.publish("job.completed", {}, id=str(n), time=NOON)
        second = flow.line().plain
        flow.subscription._intake.stats = SubscriptionStats(failures=1, trouble="disk\x1b full")
        third = flow.line().plain

    assert first == "0 messages: 0 recorded · 0/s"
    assert re.fullmatch(r"3 messages: 2 recorded, 1 there before · [1-9][\d,]*/s", second)
    assert third.endswith("/s\ndisk\\x1b full")


def test_trouble_with_the_server_is_told_and_no_end(tmp_path: Path) -> None:
    with nats_server() as server:
        stream = server.stream()
        running = subprocess.Popen([*PROGRAM, *consuming(stream)], stdout=-1, stderr=-1, text=True)
        stream.publish(Published("job.completed"))
        wait_until_acknowledged(stream)
        server.stop()
        assert running.stderr
        warning = next(line for line in running.stderr if " ERROR " in line)
        server.start()
        stream.publish(Published("job.completed"))
        wait_until_acknowledged(stream)
        running.terminate()
        _, err = running.communicate(timeout=PATIENCE)

    assert " ERROR The message bus nats://" in warning
    assert "goes on after" in err
    assert "2 messages: 2 recorded" in err
    assert running.returncode == 0


def test_a_server_that_is_not_there_is_one_line_without_a_password(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, nats: NatsServer
) -> None:
    done = cli("run", "--nats", "nats://ada:s3cret@127.0.0.1:1")
    wrong = cli("run", "--nats", nats.url, "--stream", "NOBODY")

    assert (done.exit_code, wrong.exit_code) == (1, 1)
    assert re.fullmatch(r"error: The message bus nats://\*\*\*@127.0.0.1:1 cannot be reached: .*\n", done.stderr)
    assert wrong.stderr.startswith("error: The message bus nats://***@127.0.0.1:")
    assert "has no stream NOBODY: create it" in wrong.stderr


def test_what_is_for_a_bus_alone_is_refused_without_one(cli: Cli) -> None:
    done = cli("run", "--stream", "EVENTS")

    assert done.exit_code == 2
    assert "go with --nats" in done.stderr


def test_waiting_in_groups_is_for_postgresql(cli: Cli) -> None:
    cli("record", "job.completed", "--data", "{}")

    assert "Leave durability out" in cli("run", "--durability", "group").stderr


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['nats'] = None; from analytics_es.cli import main; main()"

    done = ran([sys.executable, "-c", code, "run", "--nats", "nats://x"])

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "pip install 'analytics-es[nats]'" in done.stderr
