"""Corrections that came before their calls: recorded as soon as they are right, and counted from then on only."""

from __future__ import annotations

import logging
import threading
import time

from analytics_es.errors import AnalyticsError, RefusedEvent
from analytics_es.events import RecordedEvent
from analytics_es.events.event import CORRECTED, admit
from analytics_es.ingest.bus import Message
from analytics_es.ingest.corrections import WAITING, Calls, awaited, entry_of
from analytics_es.ingest.messages import rejection
from analytics_es.ingest.recorder import Recorder
from analytics_es.ingest.rejections import EVENT
from analytics_es.log.announcements import content_of
from analytics_es.process import Background, Trouble
from analytics_es.types import UnreadAnnouncement

logger = logging.getLogger(__name__)

REST = 9  # so many times as long as a look took, until the next one


class WaitingCorrections:
    """Looks for calls that corrections wait for: now, or in a thread of its own whenever read models have moved."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder, self._log, self._calls = recorder, recorder.log, Calls(recorder.log)
        self._waiting: list[int] = []  # positions: what is stored there may be masked at any time
        self._read = 0
        self._looking = threading.Lock()
        self._trouble = Trouble(logger, "Corrections that wait for their calls")
        self.background = Background("analytics-es-corrections", self._follow)

    def settle(self) -> int:
        """Record what is right by now; returns of how many corrections it is decided what becomes of them."""
        with self._looking:
            self._read_on()
            decided = 0
            while self._waiting and (left := [at for at in self._waiting if not self._decide(at)]) != self._waiting:
                decided += len(self._waiting) - len(left)
                self._waiting = left  # the next of a chain may be right now
            return decided

    def _read_on(self) -> None:
        positions = [held.position for held in self._log.announcements(WAITING, after=self._read)]
        self._waiting += positions
        self._read = max([self._read, *positions])

    def _decide(self, position: int) -> bool:
        """Record the correction that waits at a position, or keep it as rejected; False where it is to wait longer."""
        correction = waiting_at(self._recorder, position)
        if correction is None:
            return True
        entry = entry_of(correction)
        if self._log.find(entry.key):
            return True
        try:
            fitted = self._calls.fitted(entry, {})
            if fitted.type == WAITING:
                return False
            self._recorder.announce_all([fitted])
        except RefusedEvent as reason:
            self._reject(correction, entry.state, reason)
        return True

    def _reject(self, correction: RecordedEvent, state: bytes, reason: RefusedEvent) -> None:
        """Keep with the reason what turned out to be wrong, once."""
        message = Message(
            topic=CORRECTED,
            payload=state,
            id=correction.id,
            source=correction.source,
            time=correction.occurred_at,
        )
        # The policy has left it so when it came in.
        event = {"type": CORRECTED, "source": correction.source, "id": correction.id, "data": correction.data}
        event["occurred_at"] = correction.occurred_at.isoformat()
        kept = rejection(message, reason)
        rejected = self._recorder.rejection(**{**kept, "data": {**kept["data"], EVENT: event}})
        if not self._log.find(rejected.key):
            self._recorder.announce_all([rejected])

    # ── in the background ───────────────────────────────────────────────────────────────────────────────────────

    def follow(self) -> None:
        """Look whenever read models have moved, in a thread of its own until closed."""
        self.background.start()

    def wake(self) -> None:
        """Say that read models have moved."""
        self.background.wake()

    def _follow(self) -> None:
        stopping, woken = self.background.stopping, self.background.woken
        while not stopping.is_set():
            woken.wait()
            woken.clear()
            if stopping.is_set():
                return
            began = time.monotonic()
            try:
                self.settle()
                self._trouble.over()
            except AnalyticsError as error:
                if not stopping.is_set():
                    self._trouble.begins(error)
            stopping.wait((time.monotonic() - began) * REST)

    def close(self) -> None:
        """Stop; what waits is found by the next who looks."""
        self.background.close()


def waiting_at(recorder: Recorder, position: int) -> RecordedEvent | None:
    """Return the correction that waits at a position, None where what is stored there is none."""
    row = recorder.log.at(position)
    if row is None:
        return None

    def read(_: object) -> RecordedEvent:
        waits = awaited(position, row["state"])
        return admit(
            CORRECTED,
            waits.data,
            now=waits.recorded_at or recorder.door.clock(),
            occurred_at=waits.occurred_at,
            id=waits.id,
            source=waits.source,
        )

    correction = content_of(recorder.log, position, WAITING, row["state"], read)
    return None if isinstance(correction, UnreadAnnouncement) else correction
