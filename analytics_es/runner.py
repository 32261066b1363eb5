"""Catch up, follow, lag: brings the read models up to the log's head, one pass for all projections at one position."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime

from analytics_es.errors import AnalyticsError, FoldFailed, NotCaughtUp
from analytics_es.fold import Fold
from analytics_es.log import SQLiteLog
from analytics_es.views import SQLiteViews

logger = logging.getLogger("analytics_es")

BATCH = 50_000
# Other processes append without telling: look this often. After a step, let this much time pass for more to come.
POLL_SECONDS = 0.1
PAUSE_SECONDS = 0.01
RETRY_SECONDS = 5.0

Progress = Callable[[int, int], None]
Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


class Runner:
    """Advances the checkpoints of all projections; any number of runners may, exactly one succeeds with each batch."""

    def __init__(
        self, log: SQLiteLog, views: SQLiteViews, fold: Fold, *, clock: Clock = _now, batch: int = BATCH
    ) -> None:
        self._log, self._views, self._fold = log, views, fold
        self._clock, self._batch = clock, batch
        self._stepping = threading.Lock()
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._moved = threading.Condition()
        self._thread: threading.Thread | None = None
        self.errors: dict[str, AnalyticsError] = {}

    def catch_up(self, progress: Progress | None = None) -> int:
        """Fold everything the log holds now, here and now; returns the position reached.

        Raises the error of a projection that cannot go on, after the others have caught up.
        """
        self.errors.clear()
        head = self._log.head()
        while self.step(head):
            if progress:
                progress(min(self._positions().values(), default=head), head)
        for error in self.errors.values():
            raise error
        return head

    def step(self, head: int | None = None) -> bool:
        """Fold one batch for the projections that are furthest behind; False where there was nothing to do."""
        with self._stepping:
            head = self._log.head() if head is None else head
            behind = defaultdict(list)
            for name, position in self._positions().items():
                if position < head and name not in self.errors:
                    behind[position].append(name)
            if not behind:
                return False
            position = min(behind)
            self._advance(behind[position], position, head)
        with self._moved:
            self._moved.notify_all()
        return True

    def _advance(self, names: list[str], position: int, head: int) -> None:
        events = self._log.scan(after=position, limit=self._batch, upto=head)
        last = events.column("position")[-1].as_py() if events.num_rows else head
        for name, folded in self._fold(events, names).items():
            try:
                if isinstance(folded, FoldFailed):
                    raise folded
                self._views.commit(name, folded, expected=position, position=last)
            except AnalyticsError as error:
                logger.error("%s", error)
                self.errors[name] = error

    def _positions(self) -> dict[str, int]:
        with self._views.read() as snapshot:
            return dict(snapshot.positions)

    # ── following ───────────────────────────────────────────────────────────────────────────────────────────────

    def follow(self) -> None:
        """Follow the log in a background thread until closed."""
        self._thread = threading.Thread(target=self._follow, name="analytics-es-follower", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that something was appended."""
        self._woken.set()

    def _follow(self) -> None:
        retry_at = 0.0
        while not self._stopping.is_set():
            self._woken.wait(POLL_SECONDS)
            self._woken.clear()
            if self.errors and time.monotonic() >= retry_at:
                self.errors.clear()
                retry_at = time.monotonic() + RETRY_SECONDS
            try:
                while not self._stopping.is_set() and self.step():
                    self._stopping.wait(PAUSE_SECONDS)
            except AnalyticsError as error:
                logger.error("%s", error)
                self._stopping.wait(RETRY_SECONDS / 10)

    def wait_until_caught_up(self, timeout: float) -> int:
        """Wait until every event recorded before this call is in the read models; returns their position.

        Raises NotCaughtUp after `timeout` seconds, or the error of a projection that cannot go on.
        """
        head = self._log.head()
        deadline = time.monotonic() + timeout
        self.wake()
        while True:
            with self._moved:
                lowest = min(self._positions().values(), default=head)
                if lowest >= head:
                    return lowest
                for error in list(self.errors.values()):
                    raise error
                if time.monotonic() >= deadline:
                    raise NotCaughtUp(lag=head - lowest, seconds=timeout)
                self._moved.wait(POLL_SECONDS)

    def lag(self, position: int) -> tuple[int, float]:
        """Return how many events the log holds beyond a position, and how many seconds the first of them has waited."""
        head = self._log.head()
        if head <= position:
            return 0, 0.0
        first = self._log.first_after(position)
        recorded = first.recorded_at if first else None
        waited = (self._clock() - recorded).total_seconds() if recorded else 0.0
        return head - position, max(waited, 0.0)

    def close(self) -> None:
        """Stop following; a batch under way is finished or was never begun."""
        self._stopping.set()
        self._woken.set()
        if self._thread:
            self._thread.join()
