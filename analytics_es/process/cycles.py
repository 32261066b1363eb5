"""How often Python looks for cycles: seldom, while a replay or a command makes many objects, next to none in one."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = (100_000, 50, 100)

_lock = threading.Lock()
_at_work = 0
_usual = gc.get_threshold()


def relax() -> None:
    """Let Python look for cycles less often from here on, in a process that does nothing else."""
    gc.set_threshold(*SELDOM)


@contextmanager
def relaxed() -> Iterator[None]:
    """Let Python look for cycles less often for a while; of several at once the last puts back what was."""
    global _at_work, _usual
    with _lock:
        _at_work += 1
        if _at_work == 1:
            _usual = gc.get_threshold()
            relax()
    try:
        yield
    finally:
        with _lock:
            _at_work -= 1
            if not _at_work and gc.get_threshold() == SELDOM:  # else somebody has set another one meanwhile
                gc.set_threshold(*_usual)
