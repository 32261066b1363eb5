"""Appends, in batches and one by one, against SQLite alone with the same bytes, keys, shape and pragmas."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from tests.benchmarks.figures import Effort, Figure, Target, pace, rates
from tests.benchmarks.store import Store, say
from tests.benchmarks.yardsticks import RawLog

BATCH, ROUND = 1_000, 10_000
SINGLES = 25


def append(store: Store, effort: Effort) -> Iterator[Figure]:
    """Record the week in batches of 1,000, as prepared arguments, and after every 10,000 the same rows raw."""
    say(f"recording {store.size:,} events in batches, and the same rows raw")
    other, pairs = store.own("append"), []
    events = other.week()
    with other.open() as analytics:
        raw = RawLog(other.folder / "raw.db", like=other.path)
        while prepared := list(islice(events, ROUND)):
            ours = pace(len(prepared), lambda: analytics.record_events(prepared, batch_size=BATCH).unwrap())
            rows = raw.new()
            theirs = pace(len(rows), lambda: raw.append(rows, BATCH))  # noqa: B023
            pairs.append((ours, theirs))
        raw.close()
    yield rates(
        "append, 1,000 a commit",
        pairs,
        events=other.events(),
        yardstick="sqlite3.executemany",
        target=Target("ratio", "≥", 0.38),
        more={"megabytes": round(other.path.stat().st_size / 1e6, 1)},
    )


def single(store: Store, effort: Effort) -> Iterator[Figure]:
    """Record events one by one, each durable, and after every 25 the same rows raw."""
    say(f"recording {effort.singles:,} events one by one, and the same rows raw")
    other, pairs = store.own("single", effort.singles), []
    events = other.week()
    with other.open() as analytics:
        raw = RawLog(other.folder / "raw.db", like=other.path)
        while prepared := list(islice(events, SINGLES)):
            ours = pace(len(prepared), lambda: [analytics.record_event(**event).unwrap() for event in prepared])
            rows = raw.new()
            theirs = pace(len(rows), lambda: raw.append_singly(rows))  # noqa: B023
            pairs.append((ours, theirs))
        raw.close()
    yield rates(
        "append, one a commit",
        pairs,
        events=other.events(),
        yardstick="sqlite3, a row a commit",
        target=Target("ratio", "≥", 0.6),
    )
