"""Being woken by the server: LISTEN on a connection of its own that comes back by itself."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import tenacity
from psycopg.sql import SQL, Identifier

from analytics_es.errors import AnalyticsError
from analytics_es.log.postgres.database import Database
from analytics_es.process import Background

logger = logging.getLogger("analytics_es")

LOOK_SECONDS = 0.5  # how long it takes to notice that it shall stop


class Listener(Background):
    """Wakes at every notification, and once after every time without a connection."""

    def __init__(self, database: Database, channel: str, wake: Callable[[], None]) -> None:
        super().__init__("analytics-es-listener", self._run)
        self._database, self._channel, self._wake = database, channel, wake
        self._connected = threading.Event()
        self._interrupted = False

    @property
    def connected(self) -> bool:
        """Whether notifications come."""
        return self._connected.is_set()

    def _run(self) -> None:
        """Listen until closed; whatever ends it is told, and it begins again after a pause."""
        trying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(AnalyticsError),
            wait=tenacity.wait_random_exponential(0.1, max=5),
            stop=tenacity.stop_when_event_set(self.stopping),
            sleep=tenacity.sleep_using_event(self.stopping),
            before_sleep=self._warn,
            retry_error_callback=lambda _: None,
        )
        trying(self._listen)

    def _warn(self, state: tenacity.RetryCallState) -> None:
        if self.stopping.is_set() or self._interrupted:  # told already, however long it lasts
            return
        why = state.outcome.exception() if state.outcome else ""
        logger.warning("Listening for events was interrupted; looking for them instead. %s", why)
        self._interrupted = True

    def _listen(self) -> None:
        try:
            with self._database.connect() as connection:
                connection.execute(SQL("LISTEN {}").format(Identifier(self._channel)))
                self._begin()
                while not self.stopping.is_set():
                    for _ in connection.notifies(timeout=LOOK_SECONDS, stop_after=1):
                        self._wake()
        finally:
            self._connected.clear()

    def _begin(self) -> None:
        self._connected.set()
        self._wake()
        if self._interrupted:
            logger.warning("Listening for events again.")
        self._interrupted = False
