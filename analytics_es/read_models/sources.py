"""Where a replay reads events: a log, or a log and an archive; divided into parts that any process can read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import frozen

from analytics_es.log import EventLog
from analytics_es.projection.typed import TypedDecoding, TypedEvents

if TYPE_CHECKING:
    import pyarrow as pa

Opening = tuple[Callable[..., EventLog], tuple[Any, ...]]


@frozen
class Positions:
    """A stretch of positions: (after, upto]."""

    after: int
    upto: int


class ReplaySource(ABC):
    """Where events are read from, part by part."""

    @abstractmethod
    def parts(self, after: int, upto: int, size: int) -> Iterator[Any]:
        """Divide what lies in (after, upto] into parts of about this many events."""

    @abstractmethod
    def read(self, part: Any) -> pa.Table:
        """Return the events of a part."""

    def columns(self, part: Any, typed: TypedDecoding) -> TypedEvents | None:
        """Return the events of a part as columns where it has them, surely the same; None where it has not."""
        return None

    def close(self) -> None:  # noqa: B027  # nothing to do is an answer
        """Let go of what is open."""

    @abstractmethod
    def remote(self) -> tuple[Callable[..., ReplaySource], tuple[Any, ...]] | None:
        """Return how another process opens it, None where no other can."""


@frozen
class LogSource(ReplaySource):
    """A log that is open here, and how another process opens it."""

    log: EventLog
    opening: Opening | None = None

    def parts(self, after: int, upto: int, size: int) -> Iterator[Positions]:
        """Divide what lies in (after, upto]."""
        return (Positions(start, min(start + size, upto)) for start in range(after, upto, size))

    def read(self, part: Positions) -> pa.Table:
        """Return the events of a part, checked."""
        return self.log.scan(after=part.after, upto=part.upto, limit=part.upto - part.after, checked=True)

    def remote(self) -> tuple[Callable[..., ReplaySource], tuple[Any, ...]] | None:
        """Return how another process opens it."""
        return self.opening and (_opened, (self.opening[0], *self.opening[1]))

    def close(self) -> None:
        """Close the log."""
        self.log.close()


def _opened(opening: Callable[..., EventLog], *arguments: Any) -> ReplaySource:
    return LogSource(opening(*arguments))
