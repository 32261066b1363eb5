"""Buffered recording: how long a call takes, and how many events a second become durable."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from threading import Thread
from typing import Any

from analytics_es.ingest.buffer import Buffer
from tests.benchmarks.figures import Effort, Figure, Target, figure, pace, percentile, rates
from tests.benchmarks.store import Store, say
from tests.benchmarks.yardsticks import RawLog

RATE = 1_000  # calls a second, of one that is idle in between
BATCH, ROUND = 1_000, 50_000
KINDS = 2_000
BACK_TO_BACK = 500  # calls, which wait in the buffer's memory

Told = tuple[str, dict[str, Any]]


def buffered(store: Store, effort: Effort) -> Iterator[Figure]:
    """Measure calls at a steady pace, then one producer and four that record as fast as they can."""
    other = store.own("buffered", min(KINDS, store.size))
    events = [(event["event_type"], event["data"]) for event in other.week()]
    yield _calls(other, events, effort)
    yield _back_to_back(other, events, effort)
    for producers in (1, 4):
        yield _sustained(other, events, effort, store.size, producers)


def _calls(store: Store, events: list[Told], effort: Effort) -> Figure:
    """Call once a millisecond, by turns into the buffer and to nothing but the door."""
    say(f"{RATE:,} calls a second for {effort.seconds:g} s")
    with store.open() as analytics, analytics.buffered() as buffer:
        calls = round(RATE * effort.seconds)
        ours, theirs = _paced(calls, events, buffer.record_event, analytics.store.recorder.door.write)
    return figure(
        "buffered call, idle",
        *([percentile(part, 0.99) for part in _parts(took, effort.rounds)] for took in (ours, theirs)),
        events=calls,
        unit="µs p99",
        yardstick="the door alone",
        target=Target("value", "≤", 15),
        more={"p50": round(percentile(ours, 0.5), 1), "yardstick_p50": round(percentile(theirs, 0.5), 1)},
    )


def _parts(took: list[float], parts: int) -> list[list[float]]:
    """Cut what was taken one after the other into rounds."""
    size = len(took) // parts
    return [took[number * size : (number + 1) * size] for number in range(parts)]


def _back_to_back(store: Store, events: list[Told], effort: Effort) -> Figure:
    """Call again and again, and as often nothing but the door; the buffer is emptied between the rounds."""
    say("calls back to back")
    batch = events[:BACK_TO_BACK]
    ours, theirs = list[float](), list[float]()
    with store.open() as analytics, analytics.buffered() as buffer:
        for _ in range(max(effort.rounds, effort.runs)):
            ours.append(_median(buffer.record_event, batch))
            buffer.flush(None).unwrap()
            theirs.append(_median(analytics.store.recorder.door.write, batch))
    return figure(
        "buffered call, back to back",
        ours,
        theirs,
        events=len(batch) * len(ours),
        unit="µs p50",
        yardstick="the door alone",
        target=Target("value", "≤", 6),
    )


def _median(work: Callable[..., Any], events: list[Told]) -> float:
    return percentile(list(_each(work, events)), 0.5)


def _each(work: Callable[..., Any], events: list[Told]) -> Iterator[float]:
    for event in events:
        start = time.perf_counter()
        work(*event)
        yield 1e6 * (time.perf_counter() - start)


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


def _sustained(store: Store, events: list[Told], effort: Effort, size: int, producers: int) -> Figure:
    """Record until all is durable, and after every 50,000 events the same rows raw."""
    what = f"buffered, {producers} producer{'s' if producers > 1 else ''}"
    say(f"{what}, and the same rows raw")
    pairs, path = [], store.folder / "raw.db"
    with store.open() as analytics, analytics.buffered() as buffer:
        raw = RawLog(path, like=store.path)
        raw.new()
        for _ in range(max(effort.rounds, size // ROUND)):
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
