"""The events of a batch, one by one: what came in before each, its entry, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from analytics_es.errors import AnalyticsError, BadEvent
from analytics_es.ingest.corrections import Batch
from analytics_es.ingest.door import Door
from analytics_es.ingest.problems import problem_of
from analytics_es.ingest.tally import TakeOver, Tally
from analytics_es.log import Appended, Entry


class Before:
    """What came in before an event of a batch; only corrections ask for it, and most batches have none."""

    def __init__(self, entries: Sequence[Entry], settle: Callable[[], object]) -> None:
        self._entries, self._read, self._by_key, self._settle = entries, 0, dict[str, Entry](), settle

    def by_key(self) -> Batch:
        """Return what came in until now by its keys, of those that have the same one the first.

        What came in with the batches before is in the log by then.
        """
        self._settle()
        for entry in self._entries[self._read :]:
            self._by_key.setdefault(entry.key, entry)
        self._read = len(self._entries)
        return self._by_key


def counted(
    tally: Tally,
    indexes: Sequence[int],
    entries: Sequence[Entry],
    progress: Callable[[], object] | None,
    appended: Sequence[Appended],
) -> None:
    """Count what became of the entries of a batch, and tell how far that is."""
    tally.count(indexes, entries, appended)
    if progress:
        progress()


def admitted(door: Door, now: datetime, event: Mapping[str, Any]) -> Entry:
    """Return the entry of an event that came in as arguments; raises the RefusedEvent that says why not."""
    try:
        return door.write(now=now, **event)
    except AnalyticsError:
        raise
    except Exception as error:
        raise BadEvent(problem=problem_of(event, error)) from error


def taken_over(take_over: TakeOver, event: Mapping[str, Any]) -> Entry | None:
    """Return the entry of what another store had to say itself, None of what is skipped; raises AnalyticsError."""
    try:
        return take_over(event)
    except AnalyticsError:
        raise
    except Exception as error:
        raise BadEvent(problem=problem_of(event, error)) from error
