"""Termination: what holds events is kept until it is closed, and written before SIGTERM does what it did before."""

from __future__ import annotations

import _thread
import logging
import signal
import threading
from contextlib import suppress
from types import FrameType
from typing import Any, Protocol

from analytics_es.process import endings

logger = logging.getLogger("analytics_es")


class Closing(endings.Ending, Protocol):
    """What holds something that is not stored yet."""

    def flush(self) -> Any:
        """Store it, in bounded time."""

    def close(self) -> Any:
        """Store it and take no more, in bounded time."""


# One for the process, as are its exit and its handler of a signal.
_open: list[Closing] = []
_on_sigterm: list[Closing] = []
_previous: Any = None
_writing: object | None = None


def watch(holder: Closing, *, on_sigterm: bool) -> None:
    """End something with the process, and write what it holds on SIGTERM, until it is let go."""
    _open.append(holder)
    endings.watch(holder, writes=True)
    if on_sigterm and _install():
        _on_sigterm.append(holder)


def let_go(holder: Closing) -> None:
    """Forget something that is closed; the last to go puts back the handler that was there."""
    with suppress(ValueError):
        _open.remove(holder)
    with suppress(ValueError):
        _on_sigterm.remove(holder)
        if not _on_sigterm and _in_main_thread() and signal.getsignal(signal.SIGTERM) is _terminate:
            signal.signal(signal.SIGTERM, _previous)
    endings.let_go(holder)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _install() -> bool:
    """Handle SIGTERM, unless it is handled already; False where that cannot be done."""
    global _previous
    current = signal.getsignal(signal.SIGTERM)
    if current is _terminate:
        return True
    if current is None or not _in_main_thread():  # None: by something that is not Python, and cannot be called
        logger.warning("SIGTERM is not handled: that can be asked for in the main thread only. Close what is buffered.")
        return False
    _previous = current
    signal.signal(signal.SIGTERM, _terminate)
    return True


def _terminate(number: int, frame: FrameType | None) -> None:
    """Have what is open written by another thread, which sends the signal again; do what was done before then.

    This thread may be in the middle of a transaction, which the writing would wait for. A second SIGTERM does not wait.
    """
    global _writing
    if _on_sigterm and _writing is None:
        _writing = object()
        _thread.start_new_thread(_write, (number, _writing))  # threading's own takes locks that this thread may hold
        return
    _writing = None
    if callable(_previous):
        _previous(number, frame)
    elif _previous == signal.SIG_DFL:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)


def _write(number: int, writing: object) -> None:
    try:
        for holder in list(_on_sigterm):
            if _previous == signal.SIG_DFL:  # the process ends: nothing may come in between this and that
                holder.close()
            else:
                holder.flush()
    finally:
        if _writing is writing:
            signal.pthread_kill(threading.main_thread().ident or 0, number)
