"""What became of everything that was handed in, in this process: counted, and the first of each refusal logged.

Nobody has to look at a result for that. A log is read by others than an answer: it gets names of fields, never values.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from analytics_es.errors import AnalyticsError, RefusedBatch, RefusedEvent
from analytics_es.events.event import REJECTED, is_type
from analytics_es.log import Appended, Entry

logger = logging.getLogger(__name__)

REMEMBERED = 1000  # codes and types that were told of: the types are the caller's, who may make up any number
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class Outcomes:
    """Counts of events by what became of them; safe to use from several threads."""

    def __init__(self) -> None:
        self._counting = threading.RLock()  # a signal's handler may come here out of the middle of it
        self._told: set[tuple[str, str]] = set()
        self.recorded = self.duplicates = self.differing = self.kept = 0
        self.dropped = self.lost = 0  # of buffers that are let go
        self.refused: Counter[str] = Counter()  # events, by code
        self.failed: Counter[str] = Counter()  # calls that recorded nothing because of the store, by code

    def appended(self, entries: Sequence[Entry], places: Sequence[Appended]) -> None:
        """Count what was appended; what could not be recorded and is kept with the reason is no event recorded."""
        duplicates = differing = kept = 0
        for entry, place in zip(entries, places, strict=True):
            duplicates += place.duplicate
            differing += place.differs
            kept += entry.type == REJECTED and not place.duplicate
        with self._counting:
            self.recorded += len(entries) - duplicates - kept
            self.duplicates, self.differing = self.duplicates + duplicates, self.differing + differing
            self.kept += kept

    def recognised(self, number: int) -> None:
        """Count events that are there under another identity."""
        with self._counting:
            self.duplicates += number

    @contextmanager
    def noting(self, event_type: object = None) -> Iterator[None]:
        """Note what keeps an event, or a batch, from being recorded, and let it go on."""
        try:
            yield
        except AnalyticsError as error:
            self.note(error, event_type)
            raise

    def note(self, error: AnalyticsError, event_type: object = None, *, kept: bool = False) -> None:
        """Note why something was not recorded; `kept`: it is in the log, with the reason."""
        if isinstance(error, RefusedBatch):
            number = error.details["size"] - error.details["count"]  # the refused ones are noted already
            self._note(self.refused, error, "", number, _WITH_ITS_BATCH)
        elif isinstance(error, RefusedEvent):
            self._note(self.refused, error, event_type, 1, _KEPT if kept else _REFUSED)
        else:
            self._note(self.failed, error, "", 1, _FAILED)

    def _note(self, counter: Counter[str], error: AnalyticsError, event_type: object, number: int, text: str) -> None:
        named = event_type if isinstance(event_type, str) and is_type(str.__str__(event_type)) else ""
        first = (error.code, str.__str__(named))
        with self._counting:
            counter[error.code] += number
            if first in self._told or len(self._told) >= REMEMBERED:
                return
            self._told.add(first)
        logger.warning(text, {"code": error.code, "type": f" of type {named}" if named else "", "why": why(error)})


_COUNTED = "More of this kind are only counted (stats())."
_REFUSED = f"An event%(type)s was refused and is not recorded [%(code)s]: %(why)s {_COUNTED}"
_KEPT = f"A message%(type)s could not be recorded, and is kept with the reason [%(code)s]: %(why)s {_COUNTED}"
_WITH_ITS_BATCH = (
    "Events were not recorded because others of their batch were refused [%(code)s]: pass skip_refused=True to record "
    f"the rest of it, or look at the result. {_COUNTED}"
)
_FAILED = f"Events were not recorded [%(code)s]: %(why)s {_COUNTED}"


def why(error: AnalyticsError) -> str:
    """Return the message of an error as a log may have it: fields by their first name, nothing of their values."""
    if "field" not in error.details:
        return error.for_logs()
    name, dot, _ = str(error.details["field"]).partition(".")
    return error.for_logs(field=f"{name}.…" if dot else name) if _NAME.fullmatch(name) else error.for_logs(field="…")
