"""PostgreSQL: appends, rebuild, follower and freshness, against the library and COPY on the same server."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

from analytics_es import AnalyticsService
from analytics_es.log import Entry
from tests.benchmarks import stock_postgres as stock
from tests.benchmarks.figures import Effort, Figure, Pace, Target, pace, rates
from tests.benchmarks.freshness import measure
from tests.benchmarks.store import Store, say
from tests.benchmarks.workload import START
from tests.servers import Server, server
from tests.stores import entry

BATCH, ROUND = 1_000, 10_000
SMALL = 100
PATIENCE = 600.0  # seconds, until a writer that does not come is told
STOCK = 2_000
RATE = 100  # events a second, each durable by itself


def postgres(store: Store, effort: Effort) -> Iterator[Figure]:
    """Start a server, and measure everything on it."""
    with server() as running:
        url, schema = running.url, running.schema()
        yield from _append(store, url, schema)
        yield from _together(store, running, effort)
        yield from _rebuild(store, running, schema, effort)
        yield from _fresh(store, running, schema, effort)


def entries(store: Store) -> Iterator[Entry]:
    """Generate the week as it is stored."""
    return (entry(START, **event) for event in store.week())


def _append(store: Store, url: str, schema: str) -> Iterator[Figure]:
    """Append the week to our log, through the door and past it; and the same rows by the library, and by COPY."""
    say("recording on PostgreSQL, and the same rows by the library and by COPY")
    recorder, copy = stock.recorder(url, f"{schema}_library"), stock.Copy(url, f"{schema}_copy")
    library, copied, door = [], [], []
    week, prepared = entries(store), store.week()
    with (
        AnalyticsService.open(url, schema=schema, follow=False, privacy="full") as analytics,
        AnalyticsService.open(url, schema=f"{schema}_door", follow=False, privacy="full") as through,
    ):
        seen: set[str] = set()  # the library and COPY refuse a batch with an event that is there
        while drawn := list(islice(week, ROUND)):
            rows = [each for each in {each.key: each for each in drawn}.values() if each.key not in seen]
            seen.update(each.key for each in rows)
            fresh = [rows[first : first + BATCH] for first in range(0, len(rows), BATCH)]
            arguments = list(islice(prepared, ROUND))
            ours = pace(len(rows), lambda: [analytics.store.log.append(batch) for batch in fresh])  # noqa: B023
            stored = [stock.stored(batch) for batch in fresh]
            theirs = pace(len(rows), lambda: [recorder.insert_events(batch) for batch in stored])  # noqa: B023
            bare = pace(len(rows), lambda: [copy.append(batch) for batch in fresh])  # noqa: B023
            full = pace(len(rows), lambda: through.record_events(arguments, batch_size=BATCH).unwrap())  # noqa: B023
            library.append((ours, theirs))
            copied.append((ours, bare))
            door.append((full, theirs))
        events = analytics.store.log.head()
    recorder.datastore.close()
    copy.close()
    what = "PostgreSQL append, 1,000 a commit"
    yield rates(what, library, events=events, yardstick="library's insert_events", target=Target("ratio", "≥", 2.5))
    yield rates(what, copied, events=events, yardstick="COPY, same lock", target=Target("ratio", "≥", 0.5))
    yield rates(
        "PostgreSQL record_events, 1,000 a commit",
        door,
        events=events,
        yardstick="library's insert_events",
        target=Target("ratio", "≥", 1.5),
    )


def _together(store: Store, running: Server, effort: Effort) -> Iterator[Figure]:
    """Let processes append small batches at the same time: ours, then the library's."""
    writers = effort.writers
    say(f"{writers} processes, {SMALL} events a commit")
    pairs, groups = [], []
    for _ in range(effort.rebuilds):
        ours, group, theirs = (
            _race(kind, running.url, running.schema(), effort) for kind in ("ours", "group", "library")
        )
        pairs.append((ours, theirs))
        groups.append((group, ours))
    what, events = f"PostgreSQL append, many writers, {SMALL} a commit", writers * SMALL * effort.batches
    yield rates(what, pairs, events=events, yardstick="library's insert_events", target=Target("ratio", "≥", 3))
    what, alone = f'{what}, durability="group"', "each waits for the disk by itself"
    yield rates(what, groups, events=events, yardstick=alone, target=Target("ratio", "≥", 1.1))


def _race(kind: str, url: str, schema: str, effort: Effort) -> Pace:
    writers, batches = effort.writers, effort.batches
    if kind == "library":
        stock.recorder(url, schema).datastore.close()
    else:
        AnalyticsService.open(url, schema=schema, follow=False, privacy="full").close()
    spawn = multiprocessing.get_context("spawn")
    start, done = spawn.Barrier(writers + 1), spawn.Barrier(writers + 1)
    processes = [
        spawn.Process(target=_write, args=(kind, url, schema, number, batches, start, done))
        for number in range(writers)
    ]
    for process in processes:
        process.start()
    start.wait(PATIENCE)
    took = pace(writers * SMALL * batches, lambda: done.wait(PATIENCE))
    for process in processes:
        process.join()
    return took


def _write(kind: str, url: str, schema: str, number: int, count: int, start: Any, done: Any) -> None:
    from analytics_es.testing import tool_call

    events = ({**tool_call(), "id": f"{number}-{n}"} for n in range(SMALL * count))
    rows = [entry(START, **event) for event in events]
    batches = [rows[first : first + SMALL] for first in range(0, len(rows), SMALL)]
    if kind != "library":
        durability = "group" if kind == "group" else "commit"
        with AnalyticsService.open(
            url, schema=schema, follow=False, privacy="full", durability=durability
        ) as analytics:
            start.wait(PATIENCE)
            for batch in batches:
                analytics.store.log.append(batch)
            done.wait(PATIENCE)
        return
    recorder = stock.PostgresApplicationRecorder(stock.datastore(url, schema))
    recorder.datastore.register_type_adapters()
    stored = [stock.stored(batch) for batch in batches]
    start.wait(PATIENCE)
    for ready in stored:
        recorder.insert_events(ready)
    done.wait(PATIENCE)
    recorder.datastore.close()


def _rebuild(store: Store, running: Server, schema: str, effort: Effort) -> Iterator[Figure]:
    """Derive all read models from nothing, and then again by a follower that was just started; and the stock way."""
    stocks, follows = [], []
    recorder = stock.recorder(running.url, f"{schema}_library")
    for number in range(effort.rebuilds):
        say(f"rebuilding on PostgreSQL, round {number + 1} of {effort.rebuilds}")
        with AnalyticsService.open(running.url, schema=schema, follow=False, privacy="full") as analytics:
            analytics.store.read_models.restart_beyond(lambda: -1)
            events = analytics.store.log.head()
            ours = pace(events, analytics.catch_up)
            analytics.store.read_models.restart_beyond(lambda: -1)
        few = min(STOCK, events)
        theirs = pace(few, lambda: stock.project(running.url, recorder, running.schema(), few))  # noqa: B023
        with AnalyticsService.open(running.url, schema=schema, follow=True, privacy="full") as analytics:
            followed = pace(events, lambda: analytics.wait_until_caught_up(3_600))
        stocks.append((ours, theirs))
        follows.append((followed, theirs))
    recorder.datastore.close()
    yield rates(
        "PostgreSQL rebuild", stocks, events=events, yardstick="stock projection", target=Target("ratio", "≥", 40)
    )
    yield rates(
        "PostgreSQL follower",
        follows,
        events=events,
        yardstick="stock projection",
        target=Target("value", "≥", 100_000),
    )


def _fresh(store: Store, running: Server, schema: str, effort: Effort) -> Iterator[Figure]:
    """Measure from the return of `record_event` until a query counts the event."""
    with AnalyticsService.open(running.url, schema=schema, privacy="full") as analytics:
        analytics.wait_until_caught_up(600)
        time.sleep(1)
        yield measure(f"PostgreSQL freshness, {RATE} events/s", analytics, store, effort, rate=RATE, most=60)
