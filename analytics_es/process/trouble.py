"""Trouble of what goes on by itself: logged when it begins and when it is over, not each time something is tried."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable


class Trouble:
    """What keeps one thing from going on. `begins` may be told any number of times; another failure is told, too."""

    def __init__(self, logger: logging.Logger, doing: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger, self._doing, self._clock = logger, doing, clock
        self._kind: str | None = None  # None where there is no trouble
        self._since = 0.0

    def begins(self, error: Exception | str) -> None:
        """Log what is wrong, unless that is known. The text of a failure may change, its kind is what counts."""
        kind = str(getattr(error, "code", error))
        if kind == self._kind:
            return
        if self._kind is None:
            self._since = self._clock()
        self._kind = kind
        said = getattr(error, "for_logs", error.__str__)()
        self._logger.error("%s: %s It is tried again.", self._doing, said)

    def over(self) -> None:
        """Log that it goes on, and how long it did not."""
        if self._kind is not None:
            self._kind = None
            self._logger.warning("%s: goes on after %.1f s.", self._doing, self._clock() - self._since)
