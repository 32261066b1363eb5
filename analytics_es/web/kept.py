"""What is made in a thread beside, once for all who ask within some seconds, and waited for no longer than that."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Generic, TypeVar

from attrs import define, field

from analytics_es.web.threads import Threads

SHARE = 20  # it is kept for so many times what it took, so that who asks all the time takes a twentieth of a processor

T = TypeVar("T")


@define
class Kept(Generic[T]):
    """Something that is made again when it is older than so many seconds, by one thread at a time.

    What went wrong is kept just so.
    """

    make: Callable[[], T]
    seconds: float
    threads: Threads
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(factory=threading.Lock, init=False)
    _making: Future[T] | None = field(default=None, init=False)
    _process: int = field(default=0, init=False)  # a fork has no thread that makes it
    _good_until: float = field(default=0.0, init=False)

    def coming(self) -> Future[T]:
        """Return what will be there, or is, and see to it that it comes."""
        with self._lock:
            making = self._making if self._process == os.getpid() else None
            if making is None or (making.done() and self.clock() >= self._good_until):
                self._process = os.getpid()
                making = self._making = self.threads.pool().submit(self._made)
            return making

    def _made(self) -> T:
        began = self.clock()
        try:
            return self.make()
        finally:
            now = self.clock()
            self._good_until = now + max(self.seconds, SHARE * (now - began))


async def come(future: Future[T], until: float) -> bool:
    """Wait for something until then, by the clock of the loop, and say whether it is there; others may wait as well."""
    loop, there = asyncio.get_running_loop(), asyncio.Event()

    def tell(_: Future[T]) -> None:
        with suppress(RuntimeError):  # nobody waits any more, nor could
            loop.call_soon_threadsafe(there.set)

    if not future.done():
        future.add_done_callback(tell)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await there.wait()
    return future.done()
