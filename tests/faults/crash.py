"""An end between any two statements: what is written by a service stops there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define

from analytics_es import AnalyticsService


class Crash(BaseException):
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
        if self.left <= 0:  # nor does it do anything afterwards
            raise Crash


@define
class Fragile:
    """A cursor in front of whose every statement the process may end."""

    inner: Any
    countdown: Countdown

    def execute(self, *arguments: Any, **options: Any) -> Any:
        self.countdown.tick()
        return self.inner.execute(*arguments, **options)

    def executemany(self, *arguments: Any) -> Any:
        self.countdown.tick()
        return self.inner.executemany(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@contextmanager
def crashing(service: AnalyticsService, moment: int, last_will: Callable[[], object] = lambda: None) -> Iterator[None]:
    """End the process at a moment: before a statement, before a commit, or after it and before anybody is told."""
    countdown = Countdown(moment, last_will)
    log, read_models = service.store.log._database, service.store.read_models._database  # type: ignore[attr-defined]
    # On PostgreSQL, appends go another way: everything is said to the server at once.
    ways = [(read_models, "write"), (log, "connection" if hasattr(log, "connection") else "write")]
    for database, name in ways:
        setattr(database, name, _fragile(getattr(type(database), name).__get__(database), countdown))
    try:
        yield
    finally:
        for database, name in ways:
            vars(database).pop(name, None)


def _fragile(write: Callable[..., Any], countdown: Countdown) -> Callable[..., Any]:
    @contextmanager
    def fragile(**how: Any) -> Iterator[Fragile]:
        with write(**how) as cursor:
            yield Fragile(cursor, countdown)
            countdown.tick()
        countdown.tick()

    return fragile
