"""One at a time: who rebuilds, aggregates, seals or forgets lets nobody else do so; who comes later waits a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from analytics_es.errors import RebuildRunning

PATIENCE = 10.0  # seconds for somebody else to end, unless who comes says otherwise
FIRST_LOOK, LONGEST_LOOK = 0.01, 0.25  # seconds between two attempts


@contextmanager
def alone(taking: Callable[[], AbstractContextManager[bool]], place: object, patience: float | None) -> Iterator[None]:
    """Be the only one, as soon as what `taking` opens says so; raises RebuildRunning after so many seconds."""
    deadline, pause = time.monotonic() + (PATIENCE if patience is None else patience), FIRST_LOOK
    while True:
        with taking() as taken:
            if taken:
                yield
                return
        if time.monotonic() >= deadline:
            raise RebuildRunning(place=place)
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_LOOK)
