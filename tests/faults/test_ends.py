"""Whoever closes nothing ends without a word, with the status of the program; all that was acknowledged is there."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from analytics_es.ingest.in_process import InProcessBus
from tests.faults.ends import ENDS, PLACES, WAYS, Places, run
from tests.servers import Server
from tests.stores import PATIENCE, eventually, opened, recorded

# Every two of place, way and end meet; `make soak` runs all of them, again and again.
PAIRS = [(PLACES[(at + end) % len(PLACES)], way, ENDS[end]) for at, way in enumerate(WAYS) for end in range(len(ENDS))]
TOGETHER = os.cpu_count() or 2


@pytest.mark.usefixtures("vault_key")
def test_a_service_that_is_never_closed_ends_without_a_word(tmp_path: Path, postgres: Server) -> None:
    places = Places(tmp_path, postgres)
    with ThreadPoolExecutor(TOGETHER) as together:
        wrong = together.map(lambda pair: run(places.new(pair[0], pair[1]), *pair[1:]), PAIRS)

    assert {pair: problems for pair, problems in zip(PAIRS, wrong, strict=True) if problems} == {}


# ── programs that are at work when they end ─────────────────────────────────────────────────────────────────────

BEGIN = """
import atexit, os, sys, threading, time, warnings
late = []
atexit.register(lambda: [call() for call in late])  # it runs after the hook of what is imported below
from analytics_es import AnalyticsService, TimePeriod
CALL = {"event_type": "provider.call.completed", "data": {"model": "gpt-4o", "input_tokens": 3, "user_id": "ada"}}
analytics = AnalyticsService.open(sys.argv[1])
"""

PROGRAMS = {
    "a thread goes on when the main one is done": """
def work():
    threading.main_thread().join()
    analytics.record_events([CALL] * 60_000).unwrap()  # more than a batch: some of it is made ahead
    with analytics.buffered(on_sigterm=False) as buffer:
        buffer.record_event(**CALL).unwrap()
    assert analytics.wait_until_caught_up(60) >= 60_000
    analytics.rebuild(["usage"]).unwrap()
threading.Thread(target=work).start()
""",
    "daemons ask and catch up for ever": """
def ask():
    while True:
        analytics.get_cost_breakdown(TimePeriod.last(days=2))
        analytics.as_of(100).get_cost_breakdown(TimePeriod.last(days=2))
def catch_up():
    while True:
        analytics.record_events([CALL] * 500)
        analytics.catch_up()
for work in (ask, catch_up):
    threading.Thread(target=work, daemon=True).start()
analytics.record_events([CALL] * 2_000).unwrap()
""",
    "a daemon holds it": """
analytics.record_event(**CALL).unwrap()
threading.Thread(target=lambda held: threading.Event().wait(), args=(analytics,), daemon=True).start()
""",
    "services are opened by a thread, and dropped": """
def work():
    dropped = AnalyticsService.open(sys.argv[1])
    dropped.record_event(**CALL).unwrap()
for _ in range(3):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
""",
    "hooks record, buffer, ask and open": """
def hook():
    analytics.record_events([CALL] * 100).unwrap()
    buffer = analytics.buffered(on_sigterm=False)
    buffer.record_event(**CALL).unwrap()
    analytics.catch_up()
    analytics.get_cost_breakdown(TimePeriod.last(days=2)).unwrap()
    another = AnalyticsService.open(sys.argv[1])
    another.record_event(**CALL).unwrap()
    buffer.close().unwrap()
atexit.register(hook)
late += [hook, analytics.close, analytics.close]
""",
    "forks of it end": """
warnings.simplefilter("ignore", DeprecationWarning)  # of Python, about forks of processes with threads
analytics.record_events([CALL] * 2_000).unwrap()
child = os.fork()
if not child:
    analytics.record_event(**CALL).unwrap()
    another = AnalyticsService.open(sys.argv[1])
    another.record_event(**CALL).unwrap()
    sys.exit(3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
""",
    "so do workers of multiprocessing": """
warnings.simplefilter("ignore", DeprecationWarning)
import multiprocessing
def work():
    global another
    analytics.record_event(**CALL).unwrap()
    another = AnalyticsService.open(sys.argv[1])
    another.record_events([CALL] * 2_000).unwrap()
worker = multiprocessing.get_context("fork").Process(target=work)
worker.start()
worker.join()
assert worker.exitcode == 0
""",
}


def test_programs_at_work_end_without_a_word_and_leave_nothing_behind(tmp_path: Path) -> None:
    def end(name: str) -> tuple[int, str, list[str]]:
        folder = tmp_path / name.replace(" ", "-")
        folder.mkdir()
        environment = {**os.environ, "TMPDIR": str(folder)}
        command = [sys.executable, "-c", BEGIN + PROGRAMS[name], str(folder / "analytics.db")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment)
        return done.returncode, done.stderr, [path.name for path in folder.glob("analytics-es-*")]

    with ThreadPoolExecutor(TOGETHER) as together:
        ends = dict(zip(PROGRAMS, together.map(end, PROGRAMS), strict=True))

    assert {name: ended for name, ended in ends.items() if ended != (0, "", [])} == {}


FIRST_OPENED_BY_A_HOOK = """
import atexit, sys
from analytics_es import AnalyticsService
CALL = {"event_type": "tool.call.completed", "data": {"tool": "search"}}
def hook():
    global analytics, buffer
    analytics = AnalyticsService.open(sys.argv[1])
    analytics.record_event(**CALL).unwrap()
    analytics.catch_up()
    buffer = analytics.buffered(max_delay=60.0)
    buffer.record_event(**CALL).unwrap()
atexit.register(hook)
"""


def test_a_service_that_is_first_opened_by_a_hook_ends_as_others_do(path: Path) -> None:
    command = [sys.executable, "-c", FIRST_OPENED_BY_A_HOOK, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    with opened(path) as analytics:
        assert [event.type for event in recorded(analytics)] == ["tool.call.completed"] * 2


# ── services that are dropped ───────────────────────────────────────────────────────────────────────────────────


def test_a_service_that_nobody_keeps_stops_following(path: Path) -> None:
    before = set(threading.enumerate())
    opened(path, follow=True).record_event("tool.call.completed", {"tool": "search"}).unwrap()

    gc.collect()

    eventually(lambda: not set(threading.enumerate()) - before)


def test_a_service_that_a_bus_delivers_to_goes_on(path: Path) -> None:
    bus = InProcessBus()
    opened(path).subscribe_to(bus)
    gc.collect()

    bus.publish("tool.call.completed", {"tool": "search"})

    with opened(path) as analytics:
        assert [event.type for event in recorded(analytics)] == ["tool.call.completed"]


THE_HOOK_OF_THE_ENGINE = """
import atexit
register, order = atexit.register, []
def noted(hook, *arguments, **named):
    order.append(getattr(hook, "__module__", None) or "duckdb")  # those of compiled modules do not say
    return register(hook, *arguments, **named)
atexit.register = noted
from analytics_es import AnalyticsService
analytics = AnalyticsService.open(":memory:")
print([name for name in order if name.startswith(("duckdb", "analytics_es"))][-1])
"""


def test_what_is_folded_comes_to_rest_before_the_engine_interrupts_it() -> None:
    command = [sys.executable, "-c", THE_HOOK_OF_THE_ENGINE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)

    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "analytics_es.process.endings", "")
