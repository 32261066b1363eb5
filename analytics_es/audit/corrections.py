"""Corrections that fit no call: those of before, which count although they are not right, and those that wait."""

from __future__ import annotations

from collections.abc import Iterator

from analytics_es.events import RecordedEvent
from analytics_es.events.codec import decode
from analytics_es.events.event import CORRECTED
from analytics_es.ingest.corrections import WAITING, Calls, awaited, entry_of
from analytics_es.log import EventLog, Held
from analytics_es.types import DoubtfulCorrection, Listing, Progress

NOWHERE = b"\n"  # which no event holds: JSON escapes it
PAGE = 1000


def doubtful_corrections(log: EventLog, progress: Progress | None = None) -> Listing[DoubtfulCorrection]:
    """List, by position, corrections that are not beside a call that they fit; all of the log is looked through."""
    calls, head = Calls(log), log.head()
    listed = []
    for held in _corrections(log):
        if doubtful := _doubtful(calls, held):
            listed.append(doubtful)
        if progress:
            progress("looking at corrections", held.position, head)
    return Listing(listed, of=DoubtfulCorrection)


def _corrections(log: EventLog) -> Iterator[Held]:
    after = 0
    while page := log.search(NOWHERE, types=(CORRECTED, WAITING), after=after, limit=PAGE):
        yield from page
        after = page[-1].position


def _doubtful(calls: Calls, held: Held) -> DoubtfulCorrection | None:
    waits = held.type == WAITING
    try:
        correction = awaited(held.position, held.state) if waits else decode(held.position, CORRECTED, held.state)
        if waits and calls.log.find(entry_of(correction).key):
            return None
    except Exception as error:  # what is stored may be anything
        return _listed(held, None, f"it cannot be read: {error}".partition("\n")[0])
    problem = calls.problem(correction)
    return None if problem is None else _listed(held, correction, problem)


def _listed(held: Held, correction: RecordedEvent | None, problem: str) -> DoubtfulCorrection:
    return DoubtfulCorrection(
        position=held.position,
        source=correction.source if correction else None,
        id=correction.id if correction else None,
        counted=held.type == CORRECTED,
        problem=problem,
    )
