"""An end between any two statements: what is written by a service stops there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define

from analytics_es import AnalyticsService


class Crash(Exception):
    """The process ends here."""


@define
class Countdown:
    """Ends the process at the n-th moment between two statements, or never where there are not so many."""

    left: int
    last_will: Callable[[], object]

    def tick(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.last_will()
            raise Crash


@define
class Fragile:
    """A cursor in front of whose every statement the process may end."""

    cursor: Any
    countdown: Countdown

    def execute(self, *arguments: Any) -> Any:
        self.countdown.tick()
        return self.cursor.execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        self.countdown.tick()
        return self.cursor.executemany(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)


@contextmanager
def crashing(service: AnalyticsService, moment: int, last_will: Callable[[], object] = lambda: None) -> Iterator[None]:
    """End the process at a moment: before a statement, before a commit, or after it and before anybody is told."""
    countdown = Countdown(moment, last_will)
    databases = [service._log._database, service._views._database]  # type: ignore[attr-defined]
    for database in databases:
        database.write = _fragile(database.write, countdown)
    try:
        yield
    finally:
        for database in databases:
            del database.write


def _fragile(write: Callable[[], Any], countdown: Countdown) -> Callable[[], Any]:
    @contextmanager
    def fragile() -> Iterator[Fragile]:
        with write() as cursor:
            yield Fragile(cursor, countdown)
            countdown.tick()
        countdown.tick()

    return fragile
