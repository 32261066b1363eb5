"""What is certain → the log: what is known already is left out, the rest recorded in batches; all of it is counted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

import orjson
from attrs import define, field

from analytics_es.ingest.sessions.events import PARTIAL, Events
from analytics_es.ingest.sessions.facts import Call, Happened
from analytics_es.ingest.sessions.figures import differing
from analytics_es.ingest.sessions.memory import Memory
from analytics_es.ingest.sessions.report import (
    AGAIN,
    DIFFERS,
    OTHERWISE,
    REFUSED,
    THERE,
    TOLD,
    UNKNOWN,
    UNTIMED,
    AgentReport,
    shown,
)
from analytics_es.ingest.sessions.settling import Open
from analytics_es.ingest.strictness import is_strict
from analytics_es.log import EventLog
from analytics_es.types import BatchReceipt, Duplicate, Refusal

BATCH = 5000  # events a commit: an index of ids, which are in no order, is written once for so many

Record = Callable[..., BatchReceipt]
Count = Callable[[str, str], None]  # a file, and why something that it tells of was passed over

# What a declaration may raise at a record that is not as it should be.
ODD = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)


class _Certain(NamedTuple):
    """An event that is to be recorded, what it was made of, and the file that tells it."""

    event: Mapping[str, Any]
    fact: Call | Happened
    file: str


@define(kw_only=True)
class Recording:
    """Records the facts of one agent.

    count: takes what was passed over; is_read_again: says of a file whether it was read before, from its beginning.
    """

    log: EventLog
    record: Record
    events: Events
    memory: Memory
    report: AgentReport
    count: Count
    is_read_again: Callable[[str], bool]
    _waiting: list[_Certain] = field(init=False, factory=list)

    def settle(self, calls: Iterable[Open]) -> None:
        """Take calls that are certain; one that is known under another id is left out."""
        certain = list(calls)
        keys = {key for entry in certain for key in (entry.call.alias, *entry.call.unless) if key}
        known = self.memory.known_of(keys)
        for entry in certain:
            call = entry.call
            if call.alias and known.get(call.alias, call.id) != call.id:
                self.count(entry.file, AGAIN)
            elif any(key in known or self.memory.is_new(key) for key in call.unless):
                self.count(entry.file, OTHERWISE)
            else:
                self.take(call, entry.file)

    def take(self, fact: Call | Happened, file: str) -> None:
        """Take what is certain."""
        try:
            event = self.events.of(fact)
        except ODD as error:
            self.unknown(file, error)
            return
        if event is None:
            self.count(file, UNTIMED)
            return
        self._waiting.append(_Certain(event, fact, file))
        self.memory.remember(event)
        if len(self._waiting) >= BATCH:
            self.flush()

    def unknown(self, file: str, error: Exception) -> None:
        """Count a record that cannot be read; of the first, tell what was wrong."""
        self.count(file, UNKNOWN)
        if len(self.report.unknown) < TOLD:
            self.report.unknown.setdefault(shown(file), f"{type(error).__name__}: {error}"[:200])

    def flush(self) -> None:
        """Record what was taken, durably."""
        certain, self._waiting = self._waiting, []
        if not certain:
            return
        agent = self.report.agent
        if not is_strict(self.log, agent):
            self.report.problems[agent] = "an id may be there twice: the store cannot know this agent's events by it"
        there: dict[int, Duplicate] = {}
        refused: dict[int, Refusal] = {}
        receipt = self.record(
            [entry.event for entry in certain],
            batch=BATCH,
            skip_refused=True,
            on_duplicate=lambda duplicate: there.__setitem__(duplicate.index, duplicate),
            on_refused=lambda refusal: refused.__setitem__(refusal.index, refusal),
        )
        self.memory.recorded(receipt.recorded)
        stored = self._stored({duplicate.position for duplicate in there.values() if duplicate.differs})
        for index, entry in enumerate(certain):
            if index in refused:
                self._refused(entry, refused[index])
            elif index in there:
                self._was_there(entry, stored.get(there[index].position))
            else:
                self.report.events += 1
                if isinstance(entry.fact, Call):
                    self.report.calls += 1
                    self.report.partial += bool(entry.event["data"]["attributes"].get(PARTIAL))

    def _refused(self, entry: _Certain, refusal: Refusal) -> None:
        self.memory.forget(entry.event)
        self.count(entry.file, f"{REFUSED}: {refusal.code}")
        if len(self.report.refusals) < TOLD:
            self.report.refusals.append(refusal)

    def _was_there(self, entry: _Certain, stored: Mapping[str, Any] | None) -> None:
        """Count what was there; not what the file that is read again told before itself, which is as it should be.

        stored: the data of what was there, where that says something else.
        """
        if stored is not None and differing(stored, entry.event["data"]):
            self.count(entry.file, DIFFERS)
        elif not self.is_read_again(entry.file):
            self.count(entry.file, THERE)

    def _stored(self, positions: Collection[int]) -> dict[int, Mapping[str, Any]]:
        """Return the data of events, by position; near ones are read together."""
        stored: dict[int, Mapping[str, Any]] = {}
        wanted = sorted(positions)
        while wanted:
            table = self.log.scan(after=wanted[0] - 1, upto=wanted[-1], limit=BATCH)
            there = table["position"].to_pylist()
            for position, state in zip(there, table["state"].to_pylist(), strict=True):
                if position in positions:
                    stored[position] = _data(state)
            wanted = [position for position in wanted if there and position > there[-1]]
        return stored


def _data(state: bytes | None) -> Mapping[str, Any]:
    """Return the data of a stored event; of a damaged one, which is told of elsewhere, nothing."""
    try:
        data = orjson.loads(state or b"{}").get("data")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
