"""Turns: connections go to so many at a time, in the order in which they were asked for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from analytics_es.errors import Closed, StoreUnavailable

# How long to wait for one's turn. Whoever comes before takes milliseconds: it is only this long where something hangs.
ASKING_SECONDS = 300.0
WRITING_SECONDS = 30.0  # what keeps others from committing keeps who waits, too: it is told sooner


class Turns:
    """So many places for any number of threads: who finds none waits, and whoever waits longest is next.

    Who has a turn takes no second one of the same places: eight who hold one each and wait for another wait for ever.
    """

    def __init__(self, places: int, seconds: float = ASKING_SECONDS, *, of: str = "reading") -> None:
        self._places, self._free, self._seconds, self._of = places, places, seconds, of
        self._waiting: deque[_Waiting] = deque()
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a place, and have it; raises Closed, also while waiting, and StoreUnavailable after very long."""
        self._take()
        try:
            yield
        finally:
            self._give()

    def _take(self) -> None:
        with self._lock:
            if self._closed:
                raise Closed
            if self._free:
                self._free -= 1
                return
            waiting = _Waiting()
            self._waiting.append(waiting)
        try:
            waiting.called.wait(self._seconds)
        except BaseException:
            if not self._withdrew(waiting):  # interrupted, just when it had its turn
                self._give()
            raise
        if self._withdrew(waiting):
            if self._closed:
                raise Closed
            problem = f"all {self._places} connections for {self._of} have been in use for {self._seconds:g} s"
            raise StoreUnavailable(problem=problem)

    def _withdrew(self, waiting: _Waiting) -> bool:
        """Take a thread out of the queue; False where it has its turn by now."""
        with self._lock:
            if not waiting.has_place and waiting in self._waiting:
                self._waiting.remove(waiting)
            return not waiting.has_place

    def _give(self) -> None:
        """Give the place to whoever waits longest."""
        with self._lock:
            if self._waiting:
                waiting = self._waiting.popleft()
                waiting.has_place = True
                waiting.called.set()
            else:
                self._free += 1

    def close(self) -> None:
        """Let nobody in any more; who is in goes on, who waits is told."""
        with self._lock:
            self._closed = True
            while self._waiting:
                self._waiting.popleft().called.set()


class _Waiting:
    """A thread in the queue."""

    def __init__(self) -> None:
        self.called, self.has_place = threading.Event(), False
