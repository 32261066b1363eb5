"""From arguments to the log: one event durably, or any number in batches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from attrs import define, evolve, field

from analytics_es.errors import (
    AnalyticsError,
    BadArgument,
    BadEvent,
    BadPrice,
    BeforeHorizon,
    RefusedEvent,
    ReservedType,
)
from analytics_es.events.event import CORRECTED
from analytics_es.ingest.appending import Appending
from analytics_es.ingest.corrections import WAITING, Batch, Calls, came_in_as
from analytics_es.ingest.door import Door
from analytics_es.ingest.outcomes import Outcomes
from analytics_es.ingest.problems import problem_of
from analytics_es.ingest.tally import OnDuplicate, OnRefused, TakeOver, Tally
from analytics_es.log import Appended, Entry, EventLog, check_horizon
from analytics_es.process import Helpers
from analytics_es.types import BatchReceipt, Progress, Receipt

BATCH = 1000
POLICY = "privacy"  # noted in the log: the fingerprint of the policy in force
CONFIGURED = "analytics.privacy.configured"

Recognise = Callable[[Sequence[tuple[int, Entry]]], Mapping[int, Appended]]


def receipt(appended: Appended, *, waiting: bool = False) -> Receipt:
    """Say what became of one event."""
    return Receipt(position=appended.position, duplicate=appended.duplicate, differs=appended.differs, waiting=waiting)


@define
class Recorder:
    """Appends to the log what passes the door, and says so afterwards."""

    log: EventLog
    door: Door
    on_append: Callable[[], None]
    outcomes: Outcomes = field(init=False, factory=Outcomes)
    own_door: Door = field(init=False)  # for what the service itself has to say; no policy of privacy is about that
    _in_force: str | None = field(init=False, default=None)  # the policy that the log was told of, here
    _announcing: threading.Lock = field(init=False, factory=threading.Lock)

    @own_door.default
    def _of_no_policy(self) -> Door:
        return Door(self.door.clock, own=True)

    def record(self, event_type: str, data: Mapping[str, Any], **arguments: Any) -> Receipt:
        """Record one event; durable when it returns."""
        with self.outcomes.noting(event_type):
            entry = self._fitted(self.door.write(event_type, data, **arguments), {})
            return receipt(self.append([entry])[0], waiting=entry.type == WAITING)

    def fitted(self, entry: Entry, batch: Batch) -> Entry:
        """Return what may be recorded of what passed the door: a correction beside its call, or as one that waits.

        `batch` is what comes in with it, and before it, by key. Raises NotCorrectable, BadField, BeforeHorizon.
        """
        if entry.type != CORRECTED:
            return entry
        check_horizon(self.log.seals.horizon(), [entry])
        return Calls(self.log).fitted(entry, batch)

    def _fitted(self, entry: Entry, batch: Batch) -> Entry:
        try:
            return self.fitted(entry, batch)
        except BeforeHorizon:
            self.log.seals.count_refused(1)
            raise

    def take(self, entries: Sequence[Entry]) -> list[Appended]:
        """Append what has passed the door a while ago, in one commit; raises as `fitted` does."""
        batch: dict[str, Entry] = {}
        taken = []
        for entry in entries:
            taken.append(self._fitted(entry, batch))
            batch.setdefault(taken[-1].key, taken[-1])
        return self.append(taken)

    def announce(self, event_type: str, data: Mapping[str, Any], **arguments: Any) -> Receipt:
        """Record what the service itself has to say, an `analytics.…` event."""
        return receipt(self.announce_all([self.own_door.write(event_type, data, **arguments)])[0])

    def announce_all(self, entries: Sequence[Entry]) -> list[Appended]:
        """Record several such events, in one commit."""
        return self._commit(entries)

    def rejection(self, event_type: str, data: Mapping[str, Any], **arguments: Any) -> Entry:
        """Return the entry that keeps what came in and gave no event: the policy of privacy is about that, too."""
        return evolve(self.door, own=True).write(event_type, data, **arguments)

    def reject(self, rejections: Iterable[Mapping[str, Any]]) -> list[Appended]:
        """Keep what came in and gave no event, in one commit."""
        return self.append([self.rejection(**rejection) for rejection in rejections])

    def append(self, entries: Sequence[Entry], notes: Mapping[str, str] | None = None) -> list[Appended]:
        """Append what has passed the door, in one commit with notes; durable when it returns.

        Before the first of it comes the policy it passed under, unless the last that the log was told of is the same.
        """
        appended = self._append(entries, notes or {})
        self.outcomes.appended(entries, appended)
        return appended

    def _append(self, entries: Sequence[Entry], notes: Mapping[str, str]) -> list[Appended]:
        if self._in_force is None and entries:
            with self._announcing:
                if self._in_force is None:
                    return self._append_first(entries, notes)
        return self._commit(entries, notes)

    def _append_first(self, entries: Sequence[Entry], notes: Mapping[str, str]) -> list[Appended]:
        policy = self.door.policy
        changed = (self.log.noted(POLICY) or "") != policy.fingerprint  # of old, everything was kept
        configured = [self.own_door.write(CONFIGURED, policy.to_dict())] if changed else []
        result = self._commit([*configured, *entries], {**notes, POLICY: policy.fingerprint} if changed else notes)
        self._in_force = policy.fingerprint
        return result[len(configured) :]

    def _commit(self, entries: Sequence[Entry], notes: Mapping[str, str] | None = None) -> list[Appended]:
        try:
            result = self.log.append(entries, notes=notes)
        except BeforeHorizon:
            self.log.seals.count_refused(1)
            raise
        self.on_append()
        return result

    def record_all(
        self,
        events: Iterable[Mapping[str, Any]],
        *,
        batch: int = BATCH,
        skip_refused: bool = False,
        on_refused: OnRefused | None = None,
        on_duplicate: OnDuplicate | None = None,
        take_over: TakeOver | None = None,
        progress: Progress | None = None,
        recognise: Recognise | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> BatchReceipt:
        """Record events given as arguments of `record`, in constant memory, one commit a batch.

        A batch with a refused event is not recorded at all and ends the work with RefusedBatch, which names each;
        with `skip_refused` the rest of it is recorded. `on_refused` is told of each, `on_duplicate` of what was there.
        With `take_over`, what only the service says is not refused: what that makes no entry of is skipped and counted.
        `recognise` finds what is there under another identity. Where a server keeps the log, a batch is appended while
        the next one is let in, unless somebody is told of events, or asked about them, one by one.
        """
        if batch < 1:
            raise BadArgument(name="batch_size", expected="a whole number from 1", value=batch)
        tally = Tally(on_refused, on_duplicate, take_over, self.outcomes)
        source = iter(events)
        apart = any((on_refused, on_duplicate, take_over, recognise, not self.log.of_a_server))
        with Appending(None if apart else Helpers("analytics-es-appending")) as appending:
            while chunk := list(islice(source, batch)):
                indexes, entries = self._admitted(chunk, tally, appending.wait)
                if tally.refused_in_batch and not skip_refused:
                    appending.settle()
                    with self.outcomes.noting():
                        tally.refuse_batch(len(chunk))
                appending.begin(
                    partial(self._appended, indexes, entries, recognise, notes),
                    partial(
                        _counted, tally, indexes, entries, progress and partial(progress, "recording", tally.index, 0)
                    ),
                    last=len(chunk) < batch,
                )
        return tally.receipt()

    def _appended(
        self,
        indexes: Sequence[int],
        entries: Sequence[Entry],
        recognise: Recognise | None,
        notes: Mapping[str, str] | None,
    ) -> list[Appended]:
        """Append what is not recognised as being there, and say where each is."""
        with self.outcomes.noting():
            there = recognise(list(zip(indexes, entries, strict=True))) if recognise else {}
            if not there:
                return self.append(entries, notes)
            self.outcomes.recognised(len(there))
            new = [entry for index, entry in zip(indexes, entries, strict=True) if index not in there]
            appended = iter(self.append(new, notes))
        return [there[index] if index in there else next(appended) for index in indexes]

    def _admitted(
        self, chunk: list[Mapping[str, Any]], tally: Tally, settle: Callable[[], object]
    ) -> tuple[list[int], list[Entry]]:
        """Let the events of a batch in; returns their indexes, and their entries. `settle` what came in before it."""
        now, horizon, late = self.door.clock(), self.log.seals.horizon(), 0
        tally.refused_in_batch = []
        indexes, entries = list[int](), list[Entry]()
        first, quickly, before = tally.index, self.door.for_many(now), _Before(entries, settle)
        for index, event in enumerate(chunk, first):
            try:
                if entry := quickly(event) or self._of_batch(event, now, before, tally):
                    if horizon.refused:
                        check_horizon(horizon, [entry])
                    indexes.append(index)
                    entries.append(entry)
            except (RefusedEvent, BadPrice) as error:
                tally.index = index
                tally.refuse(error, event)
                late += isinstance(error, BeforeHorizon)
        tally.index = first + len(chunk)
        if late:
            self.log.seals.count_refused(late)
        return indexes, entries

    def _of_batch(self, event: Mapping[str, Any], now: datetime, before: _Before, tally: Tally) -> Entry | None:
        """Return the entry of an event that came in after these, None of what is skipped."""
        try:
            entry = _entry(self.door, now, event)
            return self.fitted(entry, before.by_key()) if entry.type == CORRECTED else entry
        except ReservedType as error:
            if tally.take_over is None:
                raise
            own = error.details["type"]
            taken = self._awaiting(event, now, before) if own == WAITING else _taken_over(tally.take_over, event)
            if taken is None:
                tally.skipped[own] = tally.skipped.get(own, 0) + 1
            return taken

    def _awaiting(self, event: Mapping[str, Any], now: datetime, before: _Before) -> Entry | None:
        """Return the correction that waits for its call in another store: somebody said it, and it came with the call.

        None of what is none, or is wrong: that store has told so.
        """
        try:
            return self.fitted(_entry(self.door, now, came_in_as(event)), before.by_key())
        except BeforeHorizon:
            raise
        except (RefusedEvent, TypeError, KeyError, AttributeError):
            return None


class _Before:
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


def _counted(
    tally: Tally,
    indexes: Sequence[int],
    entries: Sequence[Entry],
    progress: Callable[[], object] | None,
    appended: Sequence[Appended],
) -> None:
    tally.count(indexes, entries, appended)
    if progress:
        progress()


def _entry(door: Door, now: datetime, event: Mapping[str, Any]) -> Entry:
    try:
        return door.write(now=now, **event)
    except AnalyticsError:
        raise
    except Exception as error:
        raise BadEvent(problem=problem_of(event, error)) from error


def _taken_over(take_over: TakeOver, event: Mapping[str, Any]) -> Entry | None:
    try:
        return take_over(event)
    except AnalyticsError:
        raise
    except Exception as error:
        raise BadEvent(problem=problem_of(event, error)) from error
