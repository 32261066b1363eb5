"""Backfill: what a follower rebuilds by itself: changed definitions, and new projections of long logs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from analytics_es.errors import AnalyticsError, FoldFailed, RebuildRunning, RowsRefused
from analytics_es.log import EventLog
from analytics_es.process import Background, Trouble
from analytics_es.read_models.catch_up import RETRY_SECONDS, Runner
from analytics_es.read_models.rebuild import owed
from analytics_es.read_models.store import ReadModels
from analytics_es.types import Progress, RebuildResult

logger = logging.getLogger(__name__)

# A new projection of a shorter log than this is filled where it is, batch by batch.
LEAST = 200_000

Rebuild = Callable[[Sequence[str], Progress | None], RebuildResult]


class Backfill:
    """Rebuilds what is owed: now, or in a thread of its own until closed."""

    def __init__(self, log: EventLog, read_models: ReadModels, runner: Runner, rebuild: Rebuild) -> None:
        self._log, self._read_models, self._runner, self._rebuild = log, read_models, runner, rebuild
        self._trouble = Trouble(logger, "Filling read models")
        self.background = Background("analytics-es-backfill", self._follow)
        self._closing = self.background.stopping

    def now(self, progress: Progress | None = None) -> None:
        """Rebuild what is owed, unless somebody else is rebuilding."""
        names = owed(self._read_models, self._read_models.live(), self._log.head(), least=LEAST)
        if not names:
            return
        self._runner.left_out = names
        try:
            self._rebuild_each(names, progress)
        except RebuildRunning:
            return
        finally:
            self._runner.left_out = ()

    def _rebuild_each(self, names: Sequence[str], progress: Progress | None) -> None:
        """Rebuild all in one pass, or, where one of them cannot be, one by one: the others go on."""
        try:
            self._rebuild(names, progress)
        except (FoldFailed, RowsRefused) as error:
            if len(names) == 1:
                raise
            failed = [error]
            for name in names:
                try:
                    self._rebuild([name], progress)
                except (FoldFailed, RowsRefused) as other:
                    failed.append(other)
            raise failed[-1] from None

    def follow(self) -> None:
        """Do so in the background: when the store is opened, and again where that failed."""
        self.background.start()

    def _follow(self) -> None:
        while not self._closing.is_set():
            try:
                self.now(self._stop_when_closing)
                self._runner.wake()
                self._trouble.over()
            except AnalyticsError as error:
                if not self._closing.is_set():
                    self._trouble.begins(error)
            except _Closing:
                return
            self._closing.wait(RETRY_SECONDS)

    def _stop_when_closing(self, _activity: str, _done: int, _total: int) -> None:
        if self._closing.is_set():
            raise _Closing

    def close(self) -> None:
        """Stop; what is being filled is cleared away, and begun again by the next start."""
        self.background.close()


class _Closing(Exception):
    """The service is being closed."""
