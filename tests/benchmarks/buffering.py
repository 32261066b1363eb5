"""Buffered recording: how long a call takes, and how many events a second become durable."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from threading import Thread
from typing import Any

from analytics_es.ingest.buffer import Buffer
from tests.benchmarks.figures import Effort, Figure, Target, pace, percentile, rates
from tests.benchmarks.store import Store, say
from tests.benchmarks.yardsticks import RawLog

RATE = 1_000  # calls a second, of one that is idle in between
BATCH, ROUND = 1_000, 50_000
KINDS = 2_000

Told = tuple[str, dict[str, Any]]


def buffered(store: Store, effort: Effort) -> Iterator[Figure]:
    """Measure calls at a steady pace, then one producer and four that record as fast as they can."""
    other = Store(store.folder / "buffered", KINDS, effort.calls_per_task)
    other.folder.mkdir()
    events = [(event["event_type"], event["data"]) for event in other.week()]
    yield _calls(other, events, effort)
    for producers in (1, 4):
        yield _sustained(other, events, store.size, producers)


def _calls(store: Store, events: list[Told], effort: Effort) -> Figure:
    """Call once a millisecond, by turns into the buffer and to nothing but the door."""
    say(f"{RATE:,} calls a second for {effort.seconds:g} s")
    with store.open() as analytics, analytics.buffered() as buffer:
        calls = round(RATE * effort.seconds)
        ours, theirs = _paced(calls, events, buffer.record_event, analytics.store.recorder.door.write)
    return Figure(
        what="buffered call, idle",
        events=calls,
        value=percentile(ours, 0.99),
        unit="µs p99",
        yardstick="the door alone",
        yardstick_value=percentile(theirs, 0.99),
        ratio=percentile(ours, 0.99) / percentile(theirs, 0.99),
        target=Target("value", "≤", 15),
        more={"p50": round(percentile(ours, 0.5), 1), "yardstick_p50": round(percentile(theirs, 0.5), 1)},
    )


def _paced(calls: int, events: list[Told], *works: Callable[..., Any]) -> list[list[float]]:
    """Return the microseconds that each call took, of each kind of work."""
    took: list[list[float]] = [[] for _ in works]
    began = time.perf_counter()
    for number, (event, (work, times)) in enumerate(
        zip(islice(cycle(events), calls), cycle(zip(works, took, strict=True)), strict=False)
    ):
        time.sleep(max(0.0, began + number / RATE - time.perf_counter()))
        start = time.perf_counter()
        work(*event)
        times.append(1e6 * (time.perf_counter() - start))
    return took


def _sustained(store: Store, events: list[Told], size: int, producers: int) -> Figure:
    """Record until all is durable, and after every 50,000 events the same rows raw."""
    what = f"buffered, {producers} producer{'s' if producers > 1 else ''}"
    say(f"{what}, and the same rows raw")
    pairs, path = [], store.folder / "raw.db"
    with store.open() as analytics, analytics.buffered() as buffer:
        raw = RawLog(path, like=store.path)
        raw.new()
        for _ in range(max(1, size // ROUND)):
            each = list(islice(cycle(events), min(size, ROUND) // producers))
            ours = pace(len(each) * producers, lambda: _record(buffer, each, producers))  # noqa: B023
            rows = raw.new()
            theirs = pace(len(rows), lambda: raw.append(rows, BATCH))  # noqa: B023
            pairs.append((ours, theirs))
        raw.close()
    for left in store.folder.glob("raw.db*"):
        left.unlink()
    return rates(
        what,
        pairs,
        events=size,
        yardstick="sqlite3.executemany",
        target=Target("value", "≥", 60_000),
    )


def _record(buffer: Buffer, events: Sequence[Told], producers: int) -> None:
    threads = [Thread(target=_produce, args=(buffer, events)) for _ in range(producers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    buffer.flush(None).unwrap()


def _produce(buffer: Buffer, events: Sequence[Told]) -> None:
    for event in events:
        buffer.record_event(*event)
