"""Threads of our own: those that go round until they are stopped, and those that do one piece of work.

Neither are pools of `concurrent.futures`: these take no more work from the moment on that the main thread is done.
"""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from analytics_es.process import endings

T = TypeVar("T")


class Background(endings.Ending):
    """A thread that goes round until it is stopped. What it does looks at `stopping`, and may wait for `woken`."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        self._name, self._work = name, work
        self.stopping, self.woken = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start it, unless the process is ending."""
        self._thread = started(self._name, self._work, follows=True)
        endings.watch(self)

    def is_running(self) -> bool:
        """Say whether it was started and has not stopped."""
        return self._thread is not None and self._thread.is_alive()

    def is_this(self) -> bool:
        """Say whether it is the thread that asks."""
        return self._thread is threading.current_thread()

    def wake(self) -> None:
        """Say that there is something to do."""
        self.woken.set()

    def stop(self) -> None:
        """Tell it to stop, without waiting until it has."""
        self.stopping.set()
        self.woken.set()

    def join(self, seconds: float | None = None) -> None:
        """Wait until it has stopped, unless this is it."""
        if self._thread and not self.is_this():
            self._thread.join(seconds)

    def close(self) -> None:
        """Stop it, and wait for that."""
        self.stop()
        self.join()
        endings.let_go(self)

    def end(self) -> None:
        """Wait until it has stopped, but not for ever."""
        self.join(endings.patience())


class Helpers(Executor):
    """Does one piece of work at a time, each in a thread of its own; at once where none can be started.

    A thread is of the kind of who asks: the interpreter waits for one of its main thread, as it does for that.
    """

    def __init__(self, name: str) -> None:
        self._name, self._working = name, threading.Lock()
        self._threads: list[threading.Thread] = []

    def submit(self, work: Callable[..., T], /, *arguments: Any, **named: Any) -> Future[T]:
        """Begin a piece of work."""
        future: Future[T] = Future()

        def run() -> None:
            with self._working:
                if future.set_running_or_notify_cancel():
                    try:
                        future.set_result(work(*arguments, **named))
                    except BaseException as error:
                        future.set_exception(error)

        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = started(self._name, run)
        if thread:
            self._threads.append(thread)
        else:
            run()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for all of it."""
        while wait and self._threads:
            self._threads.pop().join()


def ahead(name: str, parts: Iterator[T]) -> Generator[T, None, None]:
    """Make the next part in a thread of its own while this one is being used; to be closed when no more are."""
    with Helpers(name) as helpers:
        coming = helpers.submit(next, parts, None)
        while (part := coming.result()) is not None:
            coming = helpers.submit(next, parts, None)
            yield part


class Aside(endings.Ending):
    """Does something in a thread that is begun without any lock, as who collects garbage may hold all of them."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        self._name, self._work, self._working = name, work, _thread.allocate_lock()
        self._working.acquire()
        endings.watch(self)
        try:
            _thread.start_new_thread(self._begin, ())
        except RuntimeError:
            if not endings.is_near():
                raise
            self._working.release()  # what is to be done is done with the process

    def _begin(self) -> None:
        """Start a thread that is known to others, which this one is not."""
        if started(self._name, self._run, follows=True) is None:
            self._working.release()

    def _run(self) -> None:
        try:
            self._work()
        finally:
            self._working.release()

    def end(self) -> None:
        """Wait until it is done, but not for ever."""
        self._working.acquire(timeout=endings.patience())


class _Thread(threading.Thread):
    is_ours = False  # it does not work for a thread of the program, but for itself


def started(name: str, work: Callable[[], object], *, follows: bool = False) -> threading.Thread | None:
    """Start a thread; None where the process is ending and none can be."""
    if endings.has_begun():
        return None
    thread = _Thread(target=work, name=name, daemon=True if follows else None)
    thread.is_ours = follows or getattr(threading.current_thread(), "is_ours", False)
    try:
        thread.start()
    except RuntimeError:
        if not endings.is_near():
            raise
        return None
    return thread
