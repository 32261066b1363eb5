"""Batches appended one after the other, each while the next is let in: who waits for a server can work meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from types import TracebackType

from attrs import define, field

from analytics_es.errors import Forked
from analytics_es.log import Appended
from analytics_es.process import Helpers

Append = Callable[[], Sequence[Appended]]
Count = Callable[[Sequence[Appended]], None]


@define
class Appending:
    """Appends a batch at a time, in order; of one that is under way, it is counted what became of it before the next.

    Without `helpers`, nothing is done meanwhile.
    """

    helpers: Helpers | None
    _under_way: tuple[Future[Sequence[Appended]], Count] | None = None
    _process: int = field(init=False, factory=os.getpid)

    def begin(self, append: Append, count: Count, *, last: bool) -> None:
        """Append a batch when the one before is settled; the last one at once. Raises what either does, and Forked."""
        self.settle()
        if self.helpers is None or last or self._is_forked():
            count(append())
        else:
            self._under_way = self.helpers.submit(append), count

    def wait(self) -> None:
        """Wait until what was begun can be found in the log, or has failed, which is told later."""
        if self._under_way and not self._is_forked():
            wait([self._under_way[0]])

    def settle(self) -> None:
        """Wait for what was begun, and count it; raises what kept it from being appended, and Forked."""
        if self._under_way:
            (appended, count), self._under_way = self._under_way, None
            if self._is_forked():
                raise Forked(place="the store", problem="which was recording at that moment")
            count(appended.result())

    def _is_forked(self) -> bool:
        """Say whether the iterable of events has forked the process, and this is the child: no batch ends here."""
        return os.getpid() != self._process

    def __enter__(self) -> Appending:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if not (error and self._is_forked()):  # which ends the child as it is
                self.settle()
        finally:
            if self.helpers:
                self.helpers.shutdown()
