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
    BadArgument,
    BadPrice,
    BeforeHorizon,
    RefusedEvent,
    ReservedType,
)
from analytics_es.events.event import CORRECTED
from analytics_es.ingest.appending import Appending
from analytics_es.ingest.batch import Before, admitted, counted, taken_over
from analytics_es.ingest.corrections import WAITING, Batch, Calls, came_in_as
from analytics_es.ingest.door import Door
from analytics_es.ingest.in_force import PRIVACY, InForce, Telling
from analytics_es.ingest.outcomes import Outcomes
from analytics_es.ingest.rejections import kept
from analytics_es.ingest.strictness import hold_strict
from analytics_es.ingest.tally import OnDuplicate, OnRefused, TakeOver, Tally
from analytics_es.ingest.vault import is_pseudonym
from analytics_es.log import Appended, Entry, EventLog, check_horizon
from analytics_es.process import Helpers
from analytics_es.types import BatchReceipt, Progress, Receipt

BATCH = 1000

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
    in_force: InForce = field()
    outcomes: Outcomes = field(init=False, factory=Outcomes)
    own_door: Door = field(init=False)  # for what the service itself has to say; no policy of privacy is about that
    _told: bool = field(init=False, default=False)  # whether the log was told by what this process goes
    _announcing: threading.Lock = field(init=False, factory=threading.Lock)

    @in_force.default
    def _as_the_door_is(self) -> InForce:
        return InForce(log=self.log)

    @own_door.default
    def _of_no_policy(self) -> Door:
        return Door(self.door.clock, own=True)

    def with_pseudonyms_of_others(self) -> Recorder:
        """Return one that gives what has the form of a pseudonym no pseudonym of its own."""
        own = self.door.pseudonym_of

        def pseudonym_of(kind: str, text: str) -> str:
            return text if is_pseudonym(text) else own(kind, text)

        return evolve(self, door=evolve(self.door, pseudonym_of=pseudonym_of))

    def record(self, event_type: str, data: Mapping[str, Any], **arguments: Any) -> Receipt:
        """Record one event; durable when it returns."""
        with self.outcomes.noting(event_type):
            self.follow_policy()
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

    def rejection(
        self, event_type: str, data: Mapping[str, Any], *, event: Mapping[str, Any] | None = None, **arguments: Any
    ) -> Entry:
        """Return the entry that keeps what came in and gave no event, and of the event what the policy leaves."""
        return self.own_door.write(event_type, kept(data, event, self.door), **arguments)

    def reject(self, rejections: Iterable[Mapping[str, Any]]) -> list[Appended]:
        """Keep what came in and gave no event, in one commit."""
        return self.append([self.rejection(**rejection) for rejection in rejections])

    def append(self, entries: Sequence[Entry], notes: Mapping[str, str] | None = None) -> list[Appended]:
        """Append what has passed the door, in one commit with notes; durable when it returns.

        Before the first of it comes the policy it passed under, unless the last that the log was told of is the same.
        """
        self.follow_policy()  # what a buffer lets in next
        appended = self._append(entries, notes or {})
        self.outcomes.appended(entries, appended)
        return appended

    def _append(self, entries: Sequence[Entry], notes: Mapping[str, str]) -> list[Appended]:
        if not self._told and entries:
            with self._announcing:
                if not self._told:
                    return self._append_first(entries, notes)
        return self._commit(entries, notes)

    def _append_first(self, entries: Sequence[Entry], notes: Mapping[str, str]) -> list[Appended]:
        head = 0 if self.in_force.said else self.log.head()
        announced, noted = self._news(self.in_force.tellings(self.door.policy))
        result = self._commit([*announced, *entries], {**notes, **noted})
        self._told = True
        if announced and not self.in_force.said and result[0].position > head + 1:
            self._give_way(after=head, before=result[0].position)
        return result[len(announced) :]

    def _give_way(self, *, after: int, before: int) -> None:
        """Let what another process has told of in this very moment stay in force: here nobody said anything."""
        if policy := self.in_force.told_between(after, before):
            self.tell(Telling(kind=PRIVACY, configuration=policy, said=True))
            self.in_force.look_again()

    def tell(self, telling: Telling) -> None:
        """Tell the log of something that holds from here on, unless it is no news."""
        announced, noted = self._news([telling])
        if announced:
            self._commit(announced, noted)

    def _news(self, tellings: Sequence[Telling]) -> tuple[list[Entry], dict[str, str]]:
        announced, noted = list[Entry](), dict[str, str]()
        for telling in tellings:
            data, note = telling.news(self.log)
            announced += [self.own_door.write(telling.kind.event_type, data)] if data else []
            noted |= note
        return announced, noted

    def follow_policy(self) -> None:
        """Go by the policy that the log tells of by now, unless one was said here: that one is told of again."""
        if policy := self.in_force.moved(self.door.policy):
            self.door = evolve(self.door, policy=policy)
        elif self._told and self.in_force.overruled(self.door.policy):
            self._told = False

    def _commit(self, entries: Sequence[Entry], notes: Mapping[str, str] | None = None) -> list[Appended]:
        hold_strict(self.log, entries)
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
                        counted, tally, indexes, entries, progress and partial(progress, "recording", tally.index, 0)
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
        self.follow_policy()
        now, horizon, late = self.door.clock(), self.log.seals.horizon(), 0
        tally.refused_in_batch = []
        indexes, entries = list[int](), list[Entry]()
        first, quickly, before = tally.index, self.door.for_many(now), Before(entries, settle)
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

    def _of_batch(self, event: Mapping[str, Any], now: datetime, before: Before, tally: Tally) -> Entry | None:
        """Return the entry of an event that came in after these, None of what is skipped."""
        try:
            entry = admitted(self.door, now, event)
            return self.fitted(entry, before.by_key()) if entry.type == CORRECTED else entry
        except ReservedType as error:
            if tally.take_over is None:
                raise
            own = error.details["type"]
            taken = self._awaiting(event, now, before) if own == WAITING else taken_over(tally.take_over, event)
            if taken is None:
                tally.skipped[own] = tally.skipped.get(own, 0) + 1
            return taken

    def _awaiting(self, event: Mapping[str, Any], now: datetime, before: Before) -> Entry | None:
        """Return the correction that waits for its call in another store: somebody said it, and it came with the call.

        None of what is none, or is wrong: that store has told so.
        """
        try:
            return self.fitted(admitted(self.door, now, came_in_as(event)), before.by_key())
        except BeforeHorizon:
            raise
        except (RefusedEvent, TypeError, KeyError, AttributeError):
            return None
