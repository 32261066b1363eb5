"""Corrections that come in: each is put beside its call, or waits for it; what can never be right is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any, NamedTuple

from attrs import evolve, frozen

from analytics_es.errors import BadCorrection, NotCorrectable, RefusedEvent
from analytics_es.events import RecordedEvent, checks
from analytics_es.events.codec import decode, encode, same_content
from analytics_es.events.event import CORRECTED, correction_id, facts, has_ended, key_of, microseconds
from analytics_es.events.fields import ENTITIES, VOCABULARY
from analytics_es.log import Entry, EventLog
from analytics_es.types.sentences import Sentence, sentence

WAITING = "analytics.correction.waiting"  # a correction whose call, or whose correction before, is not there yet
# What a correction has of its call, so that it lands in the same rows; nothing that would make it a call of its own.
COPIED = (*ENTITIES.values(), "operation", "attributes", "attempt", "batch", "service_tier", "requests")
EXACT = Context(prec=60)  # a cost has 36 digits at most
_OF_CALL = {*COPIED, "error_type", "from_zero"}
_NUMBER = re.compile(r"[0-9]+$")
_WAITS = "waiting "  # how the id begins of one that waits

Batch = Mapping[str, Entry]  # what comes in together with a correction, and before it, by key


class InForce(NamedTuple):
    """What a call costs after some corrections."""

    cost: Decimal
    number: int  # of corrections
    position: int  # of the last of them, else of the call


# ── what is right of a correction ───────────────────────────────────────────────────────────────────────────────


@frozen
class Calls:
    """The calls of a log, as corrections need them."""

    log: EventLog

    def fitted(self, entry: Entry, batch: Batch) -> Entry:
        """Return a correction as it is to be recorded: with what its call says of itself, or as one that waits.

        One that is recorded already stays: it is returned as it would be recorded, which tells whether it says
        something else. Raises NotCorrectable and BadField where it can never be right.
        """
        if entry.type != CORRECTED:
            return entry
        there = self.log.find(entry.key)
        if there is None:
            return self._fitted(entry, batch)
        if there["type"] != CORRECTED or same_content(entry.state, there["state"]):
            return entry
        try:
            again = self._fitted(entry, batch)
        except RefusedEvent:
            return entry
        return again if again.type == CORRECTED else entry

    def _fitted(self, entry: Entry, batch: Batch) -> Entry:
        correction = decode(0, entry.type, entry.state)
        for field in ("cost_change", "currency"):
            if field not in correction.data:
                raise BadCorrection(problem=f"the policy of privacy leaves nothing of its {field}")
        beside = self._beside(correction, batch)
        if beside is None:
            return _waiting(correction)
        call, before = beside
        completed = _completed(correction, call, before)
        if completed == correction.data:
            return entry
        return entry._replace(state=encode(evolve(correction, data=completed)))

    def problem(self, correction: RecordedEvent) -> str | None:
        """Say why a correction that is in the log already is not right; None where it is."""
        try:
            if self._beside(correction, {}) is None:
                return "no call with its source, id and time is in the log, or not the correction before it"
        except Exception as error:  # it may hold anything
            problem = getattr(error, "details", {}).get("problem", error)
            return problem if isinstance(problem, Sentence) else str(problem).partition("\n")[0]
        return None

    def _beside(self, correction: RecordedEvent, batch: Batch) -> tuple[RecordedEvent, InForce] | None:
        """Return the call, and what is in force of it before this correction; None where one is not there yet."""
        call = self._find(key_of(*call_of(correction), microseconds(correction.occurred_at)), batch)
        if call is None:
            return None
        check_call(call)
        _check_same(correction, call)
        before = self.in_force(call, number_of(correction) - 1, batch)
        if before is None:
            return None
        _checked(EXACT.add(before.cost, Decimal(_checked_change(correction.data["cost_change"]))))
        return call, before

    def in_force(self, call: RecordedEvent, number: int | None = None, batch: Batch | None = None) -> InForce | None:
        """Add up the corrections of a call, so many or all, which are found one by one: each is known by its number.

        None where there are fewer. Raises NotCorrectable where something else has the identity of one.
        """
        state = InForce(Decimal(_checked(call.data["cost"])), 0, call.position or 0)
        while number is None or state.number < number:
            correction = self._find(key_of_correction(call, state.number + 1), batch or {})
            if correction is None:
                return state if number is None else None
            if correction.type != CORRECTED or "cost_change" not in correction.data:
                raise taken(call, correction)
            cost = EXACT.add(state.cost, _change(correction, call))
            state = InForce(cost, state.number + 1, correction.position or 0)
        return state

    def _find(self, key: str, batch: Batch) -> RecordedEvent | None:
        row, entry = self.log.find(key), batch.get(key)
        if row is None:
            return decode(0, entry.type, entry.state) if entry else None
        try:
            return decode(**{name: row[name] for name in ("position", "state")}, event_type=row["type"])
        except Exception as error:  # what is stored may be anything
            raise NotCorrectable(event=f"at position {row['position']}", problem="it cannot be read") from error


def check_call(call: RecordedEvent) -> None:
    """Make sure that an event is a call whose reported cost can be corrected; raises NotCorrectable."""
    if call.type == CORRECTED:
        raise not_correctable(call, "it is a correction itself")
    if facts(call.type).family != "provider":
        raise not_correctable(call, f"{call.type} is no call of a provider")
    if facts(call.type).verdict == "begun":
        raise not_correctable(call, f"{call.type} says that a call began: what it cost is told when it ends")
    if "cost" not in call.data or "currency" not in call.data:
        problem = sentence("it reports none; publish a price for its model instead (`analytics-es prices import`)")
        raise not_correctable(call, problem)


def _check_same(correction: RecordedEvent, call: RecordedEvent) -> None:
    charged, currency = call.data["currency"], correction.data["currency"]
    if currency != charged:
        raise not_correctable(call, f"it is charged in {charged}, not in {currency!r:.40}")
    if correction.occurred_at != call.occurred_at:
        problem = (
            f"it occurred at {call.occurred_at.isoformat()}, its correction at {correction.occurred_at.isoformat()}"
        )
        raise not_correctable(call, problem)


def not_correctable(call: RecordedEvent, problem: str) -> NotCorrectable:
    """Return the failure of correcting a call, which may have no position yet."""
    place = f"at position {call.position}" if call.position else f"{call.id!r:.80} of {call.source!r:.80}"
    return NotCorrectable(event=place, problem=problem)


def taken(call: RecordedEvent, other: RecordedEvent | int) -> NotCorrectable:
    """Return the failure of a correction whose identity something else has."""
    position = other if isinstance(other, int) else other.position
    return not_correctable(call, f"the event at position {position} has the identity that its correction would have")


# ── what it says ────────────────────────────────────────────────────────────────────────────────────────────────


def number_of(correction: RecordedEvent) -> int:
    """Return which correction of its call one is, from 1: the door has seen to it that its id says so."""
    digits = _NUMBER.search(correction.id)
    if digits is None:
        raise ValueError("its id does not say which correction it is")
    return int(digits[0])


def call_of(correction: RecordedEvent) -> tuple[str, str]:
    """Return source and id of its call, by its own: a policy of privacy may leave others of `corrects`, or none."""
    return correction.source, correction.id.removesuffix(correction_id("", number_of(correction)))


def _change(correction: RecordedEvent, call: RecordedEvent) -> Decimal:
    """Return what a recorded correction changes: nothing where it is in another currency."""
    try:
        same = correction.data["currency"] == call.data["currency"]
        return Decimal(_checked_change(correction.data["cost_change"]) if same else 0)
    except (KeyError, RefusedEvent) as error:
        raise not_correctable(call, f"its correction at position {correction.position} cannot be read") from error


def key_of_correction(call: RecordedEvent, number: int) -> str:
    """Return the key of the first, second … correction of a call."""
    return key_of(call.source, correction_id(call.id, number), microseconds(call.occurred_at))


def copied(call: RecordedEvent) -> dict[str, Any]:
    """Return what a correction has of its call."""
    same = {name: call.data[name] for name in COPIED if name in call.data}
    failed = call.data.get("status", facts(call.type).verdict) == "error"
    return {**same, "error_type": call.data.get("error_type", "unknown")} if failed else same


def is_from_zero(call: RecordedEvent, before: InForce) -> bool:
    """Say whether the next correction is the first that is known of a cost: 0 was reported, though it used tokens."""
    used = any(call.data.get(name) for name in ("input_tokens", "output_tokens"))
    return used and has_ended(call) and before.number == 0 and before.cost == 0


def _completed(correction: RecordedEvent, call: RecordedEvent, before: InForce) -> dict[str, Any]:
    """Return the data of a correction with what its call says: whose it is, and what it is known by, is told there."""
    own = {name: value for name, value in correction.data.items() if name not in _OF_CALL}
    own["corrects"] = {"source": call.source, "id": call.id}
    return {**copied(call), **own, **({"from_zero": True} if is_from_zero(call, before) else {})}


def _checked(cost: Any) -> str:
    return str(checks.charge("cost", cost))


def _checked_change(change: Any) -> str:
    return str(VOCABULARY["cost_change"]("cost_change", change))


# ── what waits ──────────────────────────────────────────────────────────────────────────────────────────────────


def _waiting(correction: RecordedEvent) -> Entry:
    source, id = call_of(correction)
    data = {**correction.data, "corrects": {"source": source, "id": id}}
    waits = evolve(correction, id=f"{_WAITS}{correction.id}", data=data)
    return Entry(key_of(waits.source, waits.id, microseconds(waits.occurred_at)), WAITING, encode(waits))


def awaited(position: int, state: bytes) -> RecordedEvent:
    """Return the correction that waits; raises whatever it likes where what is stored is none."""
    waits = decode(position, CORRECTED, state)
    if not waits.id.startswith(_WAITS) or waits.occurred_at.utcoffset() is None:
        raise ValueError("it is no correction that waits")
    return evolve(waits, id=waits.id.removeprefix(_WAITS))


def came_in_as(waits: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the correction that waits, by those of the event that holds it; raises as `awaited`."""
    if not waits["id"].startswith(_WAITS):
        raise TypeError("it is no correction that waits")
    return {**waits, "event_type": CORRECTED, "id": waits["id"].removeprefix(_WAITS)}


def entry_of(correction: RecordedEvent) -> Entry:
    """Return a correction as it comes in."""
    key = key_of(correction.source, correction.id, microseconds(correction.occurred_at))
    return Entry(key, correction.type, encode(correction))
