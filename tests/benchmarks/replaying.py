"""What the log is worth: rebuilds by workers, of a day, from an archive and beside live work; verify, as of, explain.

Each rebuild runs in a process of its own; its yardstick, one of the same run. Rounds are few where one takes minutes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.testing import tool_call
from tests.benchmarks.figures import Effort, Figure, Pace, Target, rates
from tests.benchmarks.rebuilding import ROOT, STOCK
from tests.benchmarks.store import EVERYTHING, Store, say
from tests.benchmarks.workload import START
from tests.benchmarks.yardsticks import project

LONG = 5_000_000  # events of a log that is rebuilt once, not in rounds
HOUR = TimePeriod(START + timedelta(days=3, hours=12), START + timedelta(days=3, hours=13))
DAY = TimePeriod(START + timedelta(days=3), START + timedelta(days=4))


def replays(store: Store, effort: Effort) -> Iterator[Figure]:
    """Measure what replays the log."""
    store.catch_up()
    events = store.events()
    rounds = 1 if events >= LONG else effort.rounds
    alone, pairs, stocks = list[Pace](), list[tuple[Pace, Pace]](), list[tuple[Pace, Pace]]()
    peaks = list[float]()
    for number in range(rounds):
        say(f"rebuilding by one process and by two, round {number + 1} of {rounds}")
        one, two = (_rebuilt(store, "--workers", workers) for workers in ("1", "2"))
        read_models = store.folder / f"stock-replay-{number}.db"
        began, cpu = time.perf_counter(), time.process_time()
        project(store.path, read_models, STOCK)
        stock = Pace(STOCK, time.perf_counter() - began, time.process_time() - cpu)
        alone.append(one[0])
        pairs.append((two[0], one[0]))
        stocks.append((two[0], stock))
        peaks += [one[1], two[1]]
    yield rates(
        "rebuild by two workers", stocks, events=events, yardstick="stock projection", target=Target("ratio", "≥", 80)
    )
    yield rates(
        "rebuild by two workers", pairs, events=events, yardstick="by one process", target=Target("ratio", "≥", 1.6)
    )
    peak = Target("value", "≤", 1_200)
    yield Figure(what="rebuild, peak memory of a process", events=events, value=max(peaks), unit="MB", target=peak)
    rebuilt = statistics.median(each.wall for each in alone)
    yield from _archive(store, events, rebuilt)
    with store.open() as analytics:
        yield from _against_rebuild(analytics, events, rebuilt)
        yield _explained(analytics, events, effort)
    yield from _live(store, events, effort)


def _rebuilt(store: Store, *options: str) -> tuple[Pace, float]:
    """Rebuild by the command, in a process of its own; it says what it took, without the interpreter's start."""
    command = [sys.executable, "-m", "analytics_es.cli", "projections", "rebuild", "--yes", "--json"]
    before = _of_children()
    done = subprocess.run(
        [*command, "--db", str(store.path), *options], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    *progress, last = map(json.loads, done.stdout.splitlines())
    result, peak = last["result"], progress[-1]["progress"]["memory_mb"]
    return Pace(result["events"], result["seconds"], _of_children() - before), peak


def _of_children() -> float:
    """Return the processor time of all processes that this one has started and waited for, and theirs."""
    times = os.times()
    return times.children_user + times.children_system


def _archive(store: Store, events: int, rebuilt: float) -> Iterator[Figure]:
    say("rebuilding from an archive")
    folder = store.folder / "archive"
    folder.mkdir()
    with store.open() as analytics:
        analytics.export_data("parquet", EVERYTHING, to=folder / "all.parquet").unwrap()
    pair = (_rebuilt(store, "--workers", "1", "--from-archive", str(folder))[0], Pace(events, rebuilt, 0.0))
    target = Target("ratio", "≥", 2.5)
    yield rates("rebuild from Parquet", [pair], events=events, yardstick="from the log", target=target)


def _against_rebuild(analytics: AnalyticsService, events: int, rebuilt: float) -> Iterator[Figure]:
    def took(what: str, work: Callable[[], Any], most: float | None, yardstick: float, name: str) -> Figure:
        say(what)
        began = time.perf_counter()
        work()
        seconds = time.perf_counter() - began
        target = Target("ratio", "≤", most) if most else None
        return Figure(
            what=what,
            events=events,
            value=seconds,
            unit="s",
            yardstick=name,
            yardstick_value=yardstick,
            ratio=seconds / yardstick,
            target=target,
        )

    whole = "a whole rebuild"
    yield took("verify", lambda: analytics.verify().unwrap(), 1.2, rebuilt, whole)
    yield took("check of the ledger", lambda: analytics.check_ledger().unwrap(), None, rebuilt, whole)
    head = analytics.catch_up()

    def as_of() -> None:
        then = analytics.as_of(head - head // 10)
        then.get_cost_breakdown(EVERYTHING).unwrap()

    yield took("as of, the whole week", as_of, 1.0, rebuilt, whole)
    share = rebuilt / 7
    yield took(
        "one day derived again", lambda: analytics.run_aggregation(DAY).unwrap(), None, share, "1/7 of a rebuild"
    )


def _explained(analytics: AnalyticsService, events: int, effort: Effort) -> Figure:
    say("explaining")
    where = {"model": "m-mid"}
    took = []
    for _ in range(effort.runs):
        began = time.perf_counter()
        analytics.explain("cost.reported_cost", HOUR, where=where).unwrap()
        took.append(1_000 * (time.perf_counter() - began))
    p95 = statistics.quantiles(took, n=20)[-1]
    return Figure(
        what="explain one hour's cell, p95", events=events, value=p95, unit="ms", target=Target("value", "≤", 100)
    )


# ── beside live work ────────────────────────────────────────────────────────────────────────────────────────────


def _live(store: Store, events: int, effort: Effort) -> Iterator[Figure]:
    """Append in batches and ask, idle and beside a rebuild in another process."""
    say("appending and asking, alone and beside a rebuild")
    with store.open() as analytics:
        idle = _worked(analytics, lambda: time.sleep(effort.seconds), "idle")
        busy = _worked(analytics, lambda: _rebuilt(store, "--workers", "1"), "busy")
    yield Figure(
        what="appends beside a rebuild",
        events=events,
        value=busy[0],
        unit="events/s",
        yardstick="idle",
        yardstick_value=idle[0],
        ratio=busy[0] / idle[0],
        target=Target("ratio", "≥", 0.7),
    )
    yield Figure(
        what="a question beside a rebuild, p95",
        events=events,
        value=busy[1],
        unit="ms",
        yardstick="idle",
        yardstick_value=idle[1],
        ratio=busy[1] / idle[1],
        target=Target("ratio", "≤", 2),
    )


def _worked(analytics: AnalyticsService, meanwhile: Callable[[], Any], name: str) -> tuple[float, float]:
    """Record batches of 100 and ask, each in a thread, for as long as something else goes on; rate and p95 in ms."""
    over, appended, took = threading.Event(), [0], list[float]()

    def append() -> None:
        while not over.is_set():
            batch = [{**tool_call(), "id": f"{name}-{appended[0]}-{n}", "source": "live"} for n in range(100)]
            appended[0] += len(batch) if analytics.record_events(batch).ok else 0

    def ask() -> None:
        while not over.is_set():
            began = time.perf_counter()
            analytics.get_cost_breakdown(DAY).unwrap()
            took.append(1_000 * (time.perf_counter() - began))
            over.wait(0.02)

    threads = [threading.Thread(target=work) for work in (append, ask)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    meanwhile()
    over.set()
    for thread in threads:
        thread.join()
    return appended[0] / (time.perf_counter() - began), statistics.quantiles(took, n=20)[-1]
