"""What is made once for all who ask is kept for some seconds, or longer where it took long."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from analytics_es.errors import StoreFailed
from analytics_es.web.kept import Kept
from analytics_es.web.threads import Threads


@pytest.fixture
def threads() -> Iterator[Threads]:
    threads = Threads(2, "tests")
    yield threads
    threads.pool().shutdown()


def test_what_took_long_is_kept_for_long(threads: Threads) -> None:
    now, made = 0.0, list[float]()

    def make() -> int:
        nonlocal now
        made.append(now)
        now += 1  # second that it took
        return len(made)

    kept = Kept(make, 5.0, threads, clock=lambda: now)

    assert kept.coming().result() == 1
    now = 20.9
    assert kept.coming().result() == 1
    now = 21.0
    assert kept.coming().result() == 2
    assert made == [0.0, 21.0]


def test_many_who_ask_at_once_are_one(threads: Threads) -> None:
    go, made = Event(), list[int]()
    kept = Kept(lambda: (go.wait(30), made.append(1)), 5.0, threads)
    with ThreadPoolExecutor(8) as pool:
        coming = [one.result() for one in [pool.submit(kept.coming) for _ in range(50)]]
    go.set()

    assert len({id(future) for future in coming}) == 1
    coming[0].result()
    assert made == [1]


def test_what_failed_is_kept_as_such_and_tried_again(threads: Threads) -> None:
    now, tries = 0.0, list[int]()

    def make() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise StoreFailed(problem="made up")
        return len(tries)

    kept = Kept(make, 5.0, threads, clock=lambda: now)

    assert [type(kept.coming().exception()) for _ in range(3)] == [StoreFailed] * 3
    now = 5.0
    assert kept.coming().result() == 2
