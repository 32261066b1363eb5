"""What became of many events, counted while they are recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from attrs import define, field

from analytics_es.errors import AnalyticsError, RefusedBatch
from analytics_es.events.event import OWN
from analytics_es.ingest.corrections import WAITING
from analytics_es.ingest.outcomes import Outcomes
from analytics_es.ingest.problems import plain_name
from analytics_es.log import Appended, Entry
from analytics_es.types import BatchReceipt, Duplicate, Refusal

LISTED = 100

OnRefused = Callable[[Refusal], None]
OnDuplicate = Callable[[Duplicate], None]
TakeOver = Callable[[Mapping[str, Any]], Entry | None]  # what is to be made of what another store had to say itself


def skip_own(_: Mapping[str, Any]) -> None:
    """Make nothing of what another store had to say itself."""


@define
class Tally:
    """Counts what became of the events of many batches, and tells of those that were refused or there before."""

    on_refused: OnRefused | None
    on_duplicate: OnDuplicate | None
    take_over: TakeOver | None
    outcomes: Outcomes = field(factory=Outcomes)
    index: int = 0
    recorded: int = 0
    duplicates: int = 0
    differing: int = 0
    refused: int = 0
    waiting: int = 0
    taken_over: int = 0
    skipped: dict[str, int] = field(factory=dict)
    last_position: int | None = None
    refusals: list[Refusal] = field(factory=list)
    refused_in_batch: list[Refusal] = field(factory=list)

    def refuse(self, error: AnalyticsError, event: object) -> None:
        """Count and tell of the event that is being looked at: it was refused."""
        with suppress(Exception):  # of a mapping of the caller's own class
            self.outcomes.note(error, event.get("event_type") if isinstance(event, Mapping) else None)
        field = plain_name(error.details.get("field"))
        refusal = Refusal(index=self.index, code=error.code, message=str(error), field=field)
        self.refused += 1
        self.refused_in_batch.append(refusal)
        if len(self.refusals) < LISTED:
            self.refusals.append(refusal)
        if self.on_refused:
            self.on_refused(refusal)

    def refuse_batch(self, size: int) -> None:
        """Raise RefusedBatch, which names what was refused of a batch."""
        first = self.refused_in_batch[0]
        raise RefusedBatch(
            count=len(self.refused_in_batch),
            size=size,
            recorded=self.recorded,
            index=first.index,
            message=first.message,
            refusals=self.refused_in_batch,
        )

    def count(self, indexes: Sequence[int], entries: Sequence[Entry], appended: Sequence[Appended]) -> None:
        """Count what was admitted of a batch, by where it is now."""
        duplicates = [(index, place) for index, place in zip(indexes, appended, strict=True) if place.duplicate]
        own = [
            entry.type
            for entry, place in zip(entries, appended, strict=True)
            if entry.type.startswith(OWN) and not place.duplicate
        ]
        self.waiting += own.count(WAITING)
        self.taken_over += len(own) - own.count(WAITING)
        self.recorded += len(appended) - len(duplicates)
        self.duplicates += len(duplicates)
        for index, place in duplicates:
            self.differing += place.differs
            if self.on_duplicate:
                self.on_duplicate(Duplicate(index=index, position=place.position, differs=place.differs))
        self.last_position = max([self.last_position or 0, *(place.position for place in appended)]) or None

    def receipt(self) -> BatchReceipt:
        """Return what became of all."""
        return BatchReceipt(
            recorded=self.recorded,
            duplicates=self.duplicates,
            differing=self.differing,
            refused=self.refused,
            refusals=self.refusals,
            last_position=self.last_position,
            waiting=self.waiting,
            skipped=self.skipped,
            prices=self.taken_over,
        )
