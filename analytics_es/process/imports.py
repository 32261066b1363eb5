"""Imports under way while the process forks: the child could never use a module that another thread was importing.

The interpreter has a lock for each module, and the child gets those that are held, but not the threads that hold them.
"""

from __future__ import annotations

import _imp
import sys
import threading
import time
from contextlib import suppress
from typing import Any

PATIENCE = 5.0  # seconds for the imports of other threads

# The locks of modules by name, weakly; an interpreter that has none has no such trouble.
_locks: dict[str, Any] = getattr(sys.modules.get("importlib._bootstrap"), "_module_locks", {})


def rest() -> None:
    """Wait until no other thread imports anything, for some seconds, and let nobody begin to."""
    until = time.monotonic() + PATIENCE
    _imp.acquire_lock()  # who begins to import takes it, for a moment
    while _elsewhere() and time.monotonic() < until:
        _imp.release_lock()
        time.sleep(0.001)
        _imp.acquire_lock()


def go_on() -> None:
    """Let all import again, in both processes."""
    with suppress(RuntimeError):  # the child may have it no more
        _imp.release_lock()


def _elsewhere() -> bool:
    held = [lock.owner for reference in list(_locks.values()) if (lock := reference()) is not None]
    return any(owner not in (None, threading.get_ident()) for owner in held)
