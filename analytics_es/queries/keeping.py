"""The last few of what is dear to make, each by its key and had by one at a time; who has another does not wait."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeVar

from attrs import define, field

from analytics_es.errors import AskedWithinItself


class Closable(Protocol):
    """What holds memory until it is closed."""

    def close(self) -> None:
        """Let go of it."""


T = TypeVar("T", bound=Closable)


@define(eq=False)
class _Place(Generic[T]):
    """One of them, how many have it or wait for it, which thread has it, and whether it is closed."""

    content: T
    turn: threading.Lock = field(factory=threading.Lock)
    askers: int = 0
    owner: int | None = None
    closed: bool = False

    def close(self) -> None:
        self.closed = True
        self.content.close()


class Keeping:
    """Keeps so many, those that were had last, and closes the others; more only while more are had at once.

    What is kept under one key is always of one kind.
    """

    def __init__(self, size: int) -> None:
        self._size, self._lock = size, threading.Lock()
        self._places: OrderedDict[Hashable, _Place[Any]] = OrderedDict()

    @contextmanager
    def having(self, key: Hashable, make: Callable[[], T]) -> Iterator[T]:
        """Have what is kept under a key, made where nothing is; who comes meanwhile waits for that one alone.

        Raises AskedWithinItself where this thread has it already.
        """
        closed = True
        while closed:  # while one waited for it
            place = self._enter(key, make)
            try:
                if place.owner == threading.get_ident():
                    raise AskedWithinItself
                with place.turn:
                    if not (closed := place.closed):
                        place.owner = threading.get_ident()
                        try:
                            yield place.content
                        finally:
                            place.owner = None
            finally:
                self._leave(place)

    def _enter(self, key: Hashable, make: Callable[[], T]) -> _Place[T]:
        with self._lock:
            if key not in self._places:
                self._places[key] = _Place(make())
            self._places.move_to_end(key)
            self._places[key].askers += 1
            return self._places[key]

    def _leave(self, place: _Place[T]) -> None:
        with self._lock:
            place.askers -= 1
            idle = [key for key, other in self._places.items() if not other.askers]
            surplus = [self._places.pop(key) for key in idle[: max(len(self._places) - self._size, 0)]]
        for other in surplus:
            other.content.close()

    def close(self) -> None:
        """Close all of them, each when no other thread has it; what is asked for again is made again."""
        with self._lock:
            places = [*self._places.values()]
            self._places.clear()
        for place in places:
            if place.owner == threading.get_ident():  # which closes it while it has it, and would wait for itself
                place.close()
                continue
            with place.turn:
                place.close()
