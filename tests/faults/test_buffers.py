"""What ends or splits a process while events are buffered: an exit, SIGTERM, SIGKILL, a fork, a disk that is full."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.ingest.buffer import Buffer
from analytics_es.testing import tool_call
from tests.children import in_a_child, patient
from tests.faults.storm import identities
from tests.faults.test_sqlite import eventually, room
from tests.stores import PATIENCE

pytestmark = [
    pytest.mark.store("sqlite", "postgres"),
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),  # beside threads, of Python 3.12 on
]

NEVER = 3600.0
OPEN = """
import os, signal, sys, threading, time
from analytics_es import AnalyticsService
from analytics_es.testing import tool_call

def record(buffer, source, first, last):
    for n in range(first, last):
        buffer.record_event(**tool_call(), id=str(n), source=source).unwrap()

if __name__ == "__main__":
    analytics = AnalyticsService.open(sys.argv[1], follow=False, privacy="full")
    buffer = analytics.buffered(max_delay=3600)
    record(buffer, "parent", 0, 100)
"""


def started(url: object, code: str, tmp_path: Path) -> subprocess.Popen[str]:
    """Start a process that holds a hundred events of the source `parent` in a buffer, and then runs this code."""
    lines = code.strip().splitlines()
    script = tmp_path / "script.py"
    script.write_text(OPEN + "".join(f"    {line}\n" for line in lines))
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", str(script), str(url)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={
            name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"
        },  # which drivers look at
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the end of a process; returns its code and what it printed."""
    try:
        shown, problems = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # its children, too
        raise
    assert "Traceback" not in problems, problems
    return process.returncode, shown


def sources(url: object) -> Counter[str]:
    """Count the events in a log by source; each is there once."""
    with AnalyticsService.open(str(url), follow=False, privacy="full") as analytics:
        found = identities(analytics.store.log)
    assert len(found) == len(set(found))
    return Counter(source for source, _ in found)


# ── an exit ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("end", ["pass", "sys.exit(3)", "threading.Thread(target=sys.exit).start()"])
def test_a_process_that_ends_writes_what_is_buffered(path: Path, tmp_path: Path, end: str) -> None:
    code, _ = ended(started(path, end, tmp_path))

    assert code == (3 if "3" in end else 0)
    assert sources(path) == {"parent": 100}


@contextmanager
def handling(handler: Any) -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


# ── SIGTERM ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_process_that_is_told_to_terminate_writes_what_is_buffered_and_dies_of_the_signal(
    path: Path, tmp_path: Path
) -> None:
    process = started(path, "print('ready', flush=True); time.sleep(3600)", tmp_path)
    assert process.stdout
    with patient(process):
        process.stdout.readline()
    process.send_signal(signal.SIGTERM)

    assert ended(process)[0] == -signal.SIGTERM
    assert sources(path) == {"parent": 100}


def test_sigterm_in_the_middle_of_recording_loses_nothing_of_what_was_accepted(path: Path, tmp_path: Path) -> None:
    code = """
threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
for n in range(10**9):
    os.write(1, b"." if buffer.record_event(**tool_call(), id=str(n), source="more").ok else b"")
    if n % 10 == 0:
        analytics.record_event(**tool_call(), id=str(n), source="durable").unwrap()
"""
    returned, shown = ended(started(path, code, tmp_path))

    found = sources(path)
    assert returned == -signal.SIGTERM
    assert found["parent"] == 100
    assert found["more"] >= len(shown) > 0


def test_a_handler_of_the_application_is_called_each_time_when_the_events_are_written(path: Path) -> None:
    called: list[tuple[int, int]] = []

    def stop(number: int, frame: object) -> None:
        called.append((number, analytics.store.log.head()))

    with (
        handling(stop),
        AnalyticsService.open(path, follow=False, privacy="full") as analytics,
        analytics.buffered(max_delay=NEVER) as buffer,
    ):
        for times in (1, 2):
            for _ in range(50):
                buffer.record_event(**tool_call()).unwrap()
            os.kill(os.getpid(), signal.SIGTERM)
            eventually(lambda: len(called) == times)  # noqa: B023

    assert called == [(signal.SIGTERM, 50), (signal.SIGTERM, 100)]


def test_a_second_sigterm_does_not_wait_for_a_store_that_fails(path: Path, tmp_path: Path) -> None:
    process = started(path, "print('ready', flush=True); time.sleep(3600)", tmp_path)
    assert process.stdout
    with patient(process):
        process.stdout.readline()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        process.send_signal(signal.SIGTERM)
        for _ in range(1000):  # the first may not have been handled yet, and two of them at once are one
            process.send_signal(signal.SIGTERM)
            if process.poll() is not None:
                break
            threading.Event().wait(0.01)
        returned = process.poll()

    ended(process)
    assert returned == -signal.SIGTERM


def test_the_handler_is_put_back_by_the_last_buffer_and_never_touched_unless_wanted() -> None:
    def mine(number: int, frame: object) -> None: ...

    with handling(mine), AnalyticsService.open(":memory:", follow=False, privacy="full") as analytics:
        with analytics.buffered(on_sigterm=False):
            assert signal.getsignal(signal.SIGTERM) is mine
        one, other = analytics.buffered(), analytics.buffered()
        assert signal.getsignal(signal.SIGTERM) is not mine
        one.close()
        assert signal.getsignal(signal.SIGTERM) is not mine
        other.close()
        assert signal.getsignal(signal.SIGTERM) is mine


def test_a_handler_that_was_set_later_stays() -> None:
    def later(number: int, frame: object) -> None: ...

    with handling(signal.SIG_DFL), AnalyticsService.open(":memory:", follow=False, privacy="full") as analytics:
        with analytics.buffered():
            signal.signal(signal.SIGTERM, later)
        assert signal.getsignal(signal.SIGTERM) is later


def test_a_process_that_ignores_sigterm_still_writes(path: Path) -> None:
    with handling(signal.SIG_IGN), AnalyticsService.open(path, follow=False, privacy="full") as analytics:
        buffer = analytics.buffered(max_delay=NEVER)
        buffer.record_event(**tool_call()).unwrap()
        os.kill(os.getpid(), signal.SIGTERM)
        eventually(lambda: analytics.store.log.head() == 1)

        assert buffer.record_event(**tool_call()).ok


def test_outside_of_the_main_thread_sigterm_is_left_alone_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with handling(signal.SIG_DFL), AnalyticsService.open(":memory:", follow=False, privacy="full") as analytics:
        buffers: list[Buffer] = []
        thread = threading.Thread(target=lambda: buffers.append(analytics.buffered()))
        with caplog.at_level(logging.WARNING):
            thread.start()
            thread.join()

        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        assert "main thread" in caplog.text
        assert buffers[0].record_event(**tool_call()).ok


# ── SIGKILL ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_killed_process_loses_what_was_buffered_and_nothing_that_was_flushed(path: Path, tmp_path: Path) -> None:
    code = """
buffer.flush().unwrap()
record(buffer, "lost", 0, 50)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert ended(started(path, code, tmp_path))[0] == -signal.SIGKILL
    assert sources(path) == {"parent": 100}


# ── a fork ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_parent_and_child_of_a_fork_both_record_and_every_event_is_there_once(url: str, tmp_path: Path) -> None:
    code = """
analytics.record_event(**tool_call(), id="1", source="durable").unwrap()
child = os.fork()
who = "parent" if child else "child"
record(buffer, who, 100, 300)
analytics.record_event(**tool_call(), id="2", source=f"durable {who}").unwrap()
if not child:
    assert buffer.stats().accepted == 200, "the child begins with nothing"
    assert analytics.catch_up() > 1
    sys.exit()  # the buffer is not closed
_, status = os.waitpid(child, 0)
buffer.flush().unwrap()
assert analytics.catch_up() == 503
print(status)
"""
    assert ended(started(url, code, tmp_path)) == (0, "0\n")
    assert sources(url) == {"parent": 300, "child": 200, "durable": 1, "durable parent": 1, "durable child": 1}


def test_parent_and_child_never_give_two_events_the_same_id(path: Path, tmp_path: Path) -> None:
    code = """
import datetime
analytics.close()
noon = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.timezone.utc)
analytics = AnalyticsService.open(sys.argv[1], follow=False, clock=lambda: noon, privacy="full")
analytics.record_event("job.failed", {}).unwrap()
child = os.fork()
for n in range(100):
    assert not analytics.record_event("job.failed", {}).unwrap().duplicate
if not child:
    os._exit(0)
print(os.waitpid(child, 0)[1])
"""
    assert ended(started(path, code, tmp_path)) == (0, "0\n")
    assert sources(path) == {"parent": 100, "local": 201}


def test_what_a_child_records_when_the_parent_has_closed_the_store_is_in_the_log(path: Path, tmp_path: Path) -> None:
    code = """
reading, writing = os.pipe()
child = os.fork()
if not child:
    analytics.record_event(**tool_call(), id="1", source="child").unwrap()
    os.read(reading, 1)
    for n in range(2, 20):
        analytics.record_event(**tool_call(), id=str(n), source="child").unwrap()
    os._exit(0)
analytics.record_event(**tool_call(), id="1", source="durable").unwrap()
while analytics.store.log.head() < 2:
    time.sleep(0.01)
analytics.close()
os.write(writing, b".")
print(os.waitpid(child, 0)[1])
"""
    assert ended(started(path, code, tmp_path)) == (0, "0\n")
    assert sources(path) == {"parent": 100, "child": 19, "durable": 1}


def test_forks_beside_threads_that_record_and_follow_lose_and_double_nothing(path: Path, tmp_path: Path) -> None:
    code = """
analytics.close()
analytics = AnalyticsService.open(sys.argv[1], privacy="full")
buffer = analytics.buffered(max_delay=0)
threads = [threading.Thread(target=record, args=(buffer, f"thread {n}", 0, 1000)) for n in range(3)]
asking = threading.Event()
def ask():
    while not asking.is_set():
        analytics.projections().unwrap()
threads.append(threading.Thread(target=ask))
for thread in threads:
    thread.start()
children = []
for n in range(8):
    children.append(os.fork())
    if not children[-1]:
        record(buffer, f"child {n}", 0, 50)
        buffer.close().unwrap()
        os._exit(0)
print([os.waitpid(child, 0)[1] for child in children])
asking.set()
for thread in threads:
    thread.join()
buffer.flush().unwrap()
print(analytics.wait_until_caught_up())
"""
    assert ended(started(path, code, tmp_path)) == (0, f"{[0] * 8}\n{100 + 3000 + 400}\n")
    assert sources(path) == {"parent": 100} | {f"thread {n}": 1000 for n in range(3)} | {
        f"child {n}": 50 for n in range(8)
    }


def test_a_process_of_multiprocessing_writes_what_is_buffered_when_it_ends(path: Path, tmp_path: Path) -> None:
    code = """
import multiprocessing
process = multiprocessing.get_context("fork").Process(target=record, args=(buffer, "child", 0, 50))
process.start()
process.join()
print(process.exitcode)
"""
    assert ended(started(path, code, tmp_path)) == (0, "0\n")
    assert sources(path) == {"parent": 100, "child": 50}


def test_a_store_in_memory_is_not_shared_with_a_child_which_is_told() -> None:
    with AnalyticsService.open(":memory:", follow=False, privacy="full") as analytics:
        analytics.record_event(**tool_call()).unwrap()

        def use() -> None:
            failure = analytics.record_event(**tool_call()).failure
            assert failure is not None
            assert failure.code == "forked"

        assert in_a_child(use) == 0
        assert analytics.record_event(**tool_call()).unwrap().position == 2


def test_a_store_that_is_being_read_while_the_process_forks_cannot_be_used_by_the_child(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analytics_es.log.sqlite.database.LOCK_TIMEOUT", 0.05)
    with AnalyticsService.open(path, follow=False, privacy="full") as analytics:
        analytics.record_event(**tool_call()).unwrap()

        def use() -> None:
            failure = analytics.record_event(**tool_call()).failure
            assert failure is not None
            assert (failure.code, "at that moment" in failure.message) == ("forked", True)

        with analytics.store.log._database.read() as cursor:  # type: ignore[attr-defined]
            cursor.execute("SELECT 1")
            assert in_a_child(use) == 0
        assert analytics.record_event(**tool_call()).unwrap().position == 2


def test_what_a_child_throws_away_waits_for_nobody(path: Path) -> None:
    with AnalyticsService.open(path, follow=False, privacy="full") as analytics:
        pools = analytics.store.log._database._pools()  # type: ignore[attr-defined]

        def use() -> None:
            thread = threading.Thread(target=lambda: [each.close() for each in pools], daemon=True)
            thread.start()
            thread.join(PATIENCE)
            assert not thread.is_alive()

        assert in_a_child(use) == 0


# ── a full disk ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_on_a_full_disk_events_wait_and_are_recorded_once_there_is_room(path: Path) -> None:
    with (
        AnalyticsService.open(path, follow=False, privacy="full") as analytics,
        analytics.buffered(max_events=200, max_delay=0, when_full="drop") as buffer,
    ):
        with room(analytics.store.log._database, 40):  # type: ignore[attr-defined]
            accepted = offered = 0
            while not buffer.stats().failed_commits or offered < 10_000:
                accepted += buffer.record_event(**tool_call(), id=str(offered), source="test").ok
                offered += 1
                assert offered < 1_000_000
            failure = buffer.stats().last_failure
            assert failure is not None
            assert failure.message == "The database reports: database or disk is full."
            assert buffer.stats().dropped == offered - accepted > 0
        buffer.flush(60).unwrap()

        assert analytics.store.log.head() == buffer.stats().recorded == accepted
