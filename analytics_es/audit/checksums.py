"""Checksums written later: of events that a version before has recorded, and of one that was mended by hand."""

from __future__ import annotations

from analytics_es.errors import NoSuchPosition, SealedPeriod
from analytics_es.log import Horizon
from analytics_es.store import Store
from analytics_es.types import ChecksumsWritten, Progress

PIECE = 20_000  # events of one commit


def write_checksums(store: Store, position: int | None = None, *, progress: Progress | None = None) -> ChecksumsWritten:
    """Give checksums to the events that need none yet, or to the one at a position, whatever it has.

    From the last of them to the first, piece by piece: of a run that was stopped, the next one does the rest. Raises
    RebuildRunning, BrokenEvent, DamagedSealing, NoSuchPosition, SealedPeriod.
    """
    log = store.log
    with store.read_models.rebuilding():
        events = 0 if position is None else _accept(store, position)
        without = log.unsummed()
        last = 0 if position is not None else without
        while last:
            first = max(last - PIECE, 0) + 1
            events += log.write_sums(first, last)
            last = first - 1
            if progress:
                progress("writing checksums", without - last, without)
        if position is None and (horizon := log.seals.horizon()) != Horizon():
            log.seals.advance(horizon)  # with a sum of what is kept of seals
        return ChecksumsWritten(events=events, unsummed=log.unsummed())


def _accept(store: Store, position: int) -> int:
    head = store.log.head()
    if not 0 < position <= head:
        raise NoSuchPosition(position=position, head=head)
    events = store.log.write_sums(position, position, anew=True)
    if not events and (until := store.log.seals.horizon().until):
        raise SealedPeriod.of(until, "a checksum")
    if not events:
        raise NoSuchPosition(position=position, head=head)
    return events
