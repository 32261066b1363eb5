"""How a command that goes on is stopped: by Ctrl-C or SIGTERM, after what is under way."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stopped() -> Iterator[threading.Event]:
    """Turn Ctrl-C and SIGTERM into an event; what is being folded is finished.

    Another thread sets it: the main one, which handles signals, may be about to wait, and holds the event's lock then.
    """
    stopping = threading.Event()

    def stop(*_: object) -> None:
        _thread.start_new_thread(stopping.set, ())  # threading's own takes locks, too

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
