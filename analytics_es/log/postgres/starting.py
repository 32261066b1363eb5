"""Waiting for a server that is starting, and a little for one that does not answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import psycopg
import tenacity
from attrs import define
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from analytics_es.errors import StoreUnavailable

logger = logging.getLogger("analytics_es")

RETRY_SECONDS = 15.0  # a restart of the server takes some
ABSENT_SECONDS = 5.0  # nobody answers: it is being restarted, or the address is wrong

T = TypeVar("T")


@define
class Patience:
    """How long to go on: where the server says that it is not ready, where nobody answers, and else not at all."""

    url: str
    describe: Callable[[Exception], str]
    _answer: Ping = Ping.OK

    def connect(self, attempt: Callable[[], T]) -> T:
        """Try to connect until that makes no sense; raises what the last attempt raised."""
        trying = tenacity.Retrying(
            retry=self._goes_on,
            wait=tenacity.wait_random_exponential(0.05, max=1),
            before_sleep=self._warn,
            reraise=True,
        )
        return trying(attempt)

    def _goes_on(self, state: tenacity.RetryCallState) -> bool:
        """Ask whether the server lets anybody in, which is told in no language; it may do so just now."""
        if not state.outcome or not isinstance(state.outcome.exception(), psycopg.OperationalError):
            return False
        before = self._answer
        self._answer = Ping(PGconn.ping(make_conninfo(self.url, connect_timeout=int(ABSENT_SECONDS)).encode()))
        if self._answer == Ping.OK:
            return state.attempt_number == 1 or before != Ping.OK
        seconds = {Ping.REJECT: RETRY_SECONDS, Ping.NO_RESPONSE: ABSENT_SECONDS}.get(self._answer, 0.0)
        return (state.seconds_since_start or 0.0) < seconds

    def _warn(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Exception) and self._answer != Ping.OK:
            logger.warning("%s Trying again.", StoreUnavailable(problem=self.describe(error)))
