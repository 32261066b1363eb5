"""The end of the process: one hook lets whatever is open come to rest."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Protocol
from weakref import WeakValueDictionary

PATIENCE = 2.0  # seconds for what does not end by itself, such as a statement that waits for somebody else's lock

logger = logging.getLogger("analytics_es")


class Ending(Protocol):
    """What must not be at work when the interpreter ends, or holds what would be lost or left behind."""

    def stop(self) -> None:
        """Be told that the end is near, without waiting for anything; by default nothing."""
        return

    def end(self) -> None:
        """Come to rest, within `patience()` and without a word; what hooks that run later record is still taken."""


# One for the process, because its end is; in the order in which they were made.
_watched: WeakValueDictionary[int, Ending] = WeakValueDictionary()
_writing: WeakValueDictionary[int, Ending] = WeakValueDictionary()
_ended_by: int | None = None  # the thread that ends the process
_deadline = 0.0
_hooked_in = 0  # the process of `multiprocessing` that runs the hook


def watch(ending: Ending, *, writes: bool = False) -> None:
    """End something with the process, as long as it is there, before what is older; and first of all what `writes`."""
    (_writing if writes else _watched)[id(ending)] = ending
    hook()


def hook() -> None:
    """See to it that a process of `multiprocessing` runs the hook, too: it may end without `atexit`."""
    global _hooked_in
    if "multiprocessing" not in sys.modules:
        return
    import multiprocessing.util  # it takes long, and who is no worker does not need it

    if multiprocessing.parent_process() is not None and _hooked_in != os.getpid():
        multiprocessing.util.Finalize(None, end_all, exitpriority=0)
        _hooked_in = os.getpid()


def let_go(ending: Ending) -> None:
    """Forget something that has ended."""
    _watched.pop(id(ending), None)
    _writing.pop(id(ending), None)


def is_near() -> bool:
    """Say whether the main thread is done: from then on, some interpreters start no thread."""
    return has_begun() or not threading.main_thread().is_alive()


def has_begun() -> bool:
    """Say whether the hook has run, or runs: what is done from now on is done by the thread that ends the process."""
    return _ended_by is not None


def is_over() -> bool:
    """Say whether the hook has run, or runs, in another thread than this, which may be cut off anywhere."""
    return _ended_by not in (None, threading.get_ident())


def wait_for_it() -> None:
    """Where it is over, keep a daemon of the program here until it is cut off: nobody could tell it anything."""
    thread = threading.current_thread()
    if is_over() and thread.daemon and not getattr(thread, "is_ours", False):
        threading.Event().wait()


def patience() -> float:
    """Return the seconds that are left for all that is to end."""
    return max(_deadline - time.monotonic(), 0.0)


def end_all() -> None:
    """Let everything come to rest."""
    global _ended_by, _deadline
    _each(_writing, lambda ending: ending.end())
    _ended_by, _deadline = threading.get_ident(), time.monotonic() + PATIENCE
    _each(_watched, lambda ending: ending.stop())
    _each(_watched, lambda ending: ending.end())


def _each(endings: WeakValueDictionary[int, Ending], tell: Callable[[Ending], None]) -> None:
    for ending in reversed(list(endings.values())):
        try:
            tell(ending)
        except Exception:  # nobody is left to be told, and the others are to end
            logger.debug("ending %r", ending, exc_info=True)


def come_first() -> None:
    """Run the hook before those that have been registered by now: what is used until the end must not end before."""
    if not is_near():  # hooks that run already are not joined by others, on some interpreters
        atexit.unregister(end_all)
        atexit.register(end_all)


# When this is imported: hooks that others register later, such as that of tracing, run before it.
atexit.register(end_all)
