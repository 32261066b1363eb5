"""A process that forks all the time, beside threads that record, ask and follow; its children record, too."""

from __future__ import annotations

import threading
from collections import Counter

from analytics_es import AnalyticsService
from analytics_es.ingest.buffer import Buffer
from analytics_es.testing import tool_call
from tests.children import in_a_child
from tests.faults.storm import ALWAYS, identities

THREADS, EACH = 2, 50  # threads that record, and how many events a thread records between two forks, and a child


def fork_all_the_time(url: str, forks: int) -> tuple[int, Counter[str]]:
    """Fork so often; returns how many children did not end well, and the events in the log by source, each once."""
    with AnalyticsService.open(url, privacy="full") as analytics, analytics.buffered(max_delay=0) as buffer:
        done = threading.Event()

        def ask() -> None:
            while not done.is_set():
                analytics.projections().unwrap()
                analytics.get_usage_stats("user", None, ALWAYS).unwrap()

        threads = [
            threading.Thread(target=_record, args=(buffer, f"thread {n}", forks * EACH)) for n in range(THREADS)
        ] + [threading.Thread(target=ask)]
        for thread in threads:
            thread.start()
        failed = sum(_child(buffer, f"child {n}") for n in range(forks))
        done.set()
        for thread in threads:
            thread.join()
        buffer.flush().unwrap()
        analytics.wait_until_caught_up()
        found = identities(analytics.store.log)
    assert len(found) == len(set(found))
    return failed, Counter(source.partition(" ")[0] for source, _ in found)


def _child(buffer: Buffer, name: str) -> bool:
    def work() -> None:
        _record(buffer, name, EACH)
        buffer.close().unwrap()

    return in_a_child(work) != 0


def _record(buffer: Buffer, source: str, events: int) -> None:
    for n in range(events):
        buffer.record_event(**tool_call(), source=source, id=str(n)).unwrap()
