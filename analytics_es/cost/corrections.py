"""Corrections of reported cost: events of their own, each of which says what it changes of what was in force."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any

from attrs import evolve, frozen

from analytics_es.errors import BadField, BeforeHorizon, NoSuchPosition, NotCorrectable, UnreadableEvent
from analytics_es.events import RecordedEvent
from analytics_es.events.checks import MAX_TEXT
from analytics_es.events.codec import decode
from analytics_es.events.event import CORRECTED, correction_id, facts, has_ended, key_of, microseconds
from analytics_es.events.fields import ENTITIES, VOCABULARY
from analytics_es.ingest.recorder import Recorder
from analytics_es.log import Entry, EventLog, check_horizon
from analytics_es.types import CostCorrection

# What a correction has of its call, so that it lands in the same rows; nothing that would make it a call of its own.
COPIED = (*ENTITIES.values(), "operation", "attributes", "attempt", "batch", "service_tier", "requests")
_EXACT = Context(prec=60)  # a cost has 36 digits at most


@frozen
class _State:
    """What a call costs after the corrections that there are."""

    cost: Decimal
    number: int  # of corrections
    position: int  # of the last of them, else of the call


@frozen
class Corrections:
    """Corrects what calls in a log reported to have cost."""

    log: EventLog
    recorder: Recorder

    def correct(
        self, position: int, cost: Any, *, note: str, currency: str | None = None, dry_run: bool = False
    ) -> CostCorrection:
        """Record what a call cost instead, unless that is in force already; durable when it returns.

        A reported 0 of a call that used tokens is not known to be what it cost, until a first correction says so.
        Raises NotCorrectable, NoSuchPosition, BeforeHorizon, BadField, UnreadableEvent, with nothing recorded.
        """
        now = Decimal(_checked_cost(cost))
        call = self._call(position)
        charged = call.data["currency"]
        if currency not in (None, charged):
            raise NotCorrectable(position=position, problem=f"it is charged in {charged}, not in {currency!r:.40}")
        about = self._noted(note)
        while True:
            state = self._state(call, position)
            correction = _next(call, position, state, now)
            if state.cost == now and not _from_zero(call, correction):
                return evolve(correction, position=state.position, number=state.number, duplicate=True)
            entry = self._entry(call, correction, about)
            if dry_run:
                check_horizon(self.log.seals.horizon(), [entry])
                return correction
            if recorded := self._append(entry, position):
                return evolve(correction, position=recorded)
            # Somebody else has recorded a correction of this number meanwhile: begin again with what is in force now.

    def _call(self, position: int) -> RecordedEvent:
        """Return the event at a position, which must be a call that reports a cost."""
        row = self._at(position)
        try:
            call = decode(position, row["type"], row["state"])
            family = facts(call.type).family
        except Exception as error:
            raise UnreadableEvent(position=position, problem=error) from error
        if call.type == CORRECTED:
            raise NotCorrectable(position=position, problem=f"it is a correction itself{self._of(call)}")
        if family != "provider":
            raise NotCorrectable(position=position, problem=f"{call.type} is no call of a provider")
        if not has_ended(call):
            raise NotCorrectable(
                position=position, problem=f"{call.type} does not say that a call ended: it costs nothing"
            )
        if "cost" not in call.data or "currency" not in call.data:
            problem = "it reports none; publish a price for its model instead (`analytics-es prices import`)"
            raise NotCorrectable(position=position, problem=problem)
        return call

    def _at(self, position: int) -> dict[str, Any]:
        head = self.log.head()
        if type(position) is not int or not 0 < position <= head:
            raise NoSuchPosition(position=position, head=head)
        row = self.log.at(position)
        if row is None:
            raise BeforeHorizon.of(self.log.seals.horizon().until)
        return row

    def _of(self, correction: RecordedEvent) -> str:
        """Say where the call of a correction is."""
        corrects = correction.data.get("corrects", {"source": "", "id": ""})
        call = self.log.find(key_of(corrects["source"], corrects["id"], microseconds(correction.occurred_at)))
        return f"; correct the call at position {call['position']}" if call else ""

    def _state(self, call: RecordedEvent, position: int) -> _State:
        """Add up the corrections of a call, which are found one by one: each has the identity of its number."""
        state = _State(Decimal(_checked_cost(call.data["cost"])), 0, position)
        while row := self.log.find(_key(call, state.number + 1)):
            event = decode(row["position"], row["type"], row["state"])
            if event.type != CORRECTED or "cost_change" not in event.data:
                raise _taken(position, row["position"])
            change = Decimal(event.data["cost_change"] if event.data["currency"] == call.data["currency"] else 0)
            state = _State(_EXACT.add(state.cost, change), state.number + 1, row["position"])
        return state

    def _entry(self, call: RecordedEvent, correction: CostCorrection, about: Mapping[str, Any]) -> Entry:
        return self.recorder.own_door.write(
            CORRECTED,
            {
                **_copied(call),
                "corrects": {"source": call.source, "id": call.id},
                "cost_change": format(correction.change, "f"),
                "currency": correction.currency,
                **({"from_zero": True} if _from_zero(call, correction) else {}),
                **about,
            },
            source=call.source,
            id=correction_id(call.id, correction.number),
            occurred_at=call.occurred_at,
        )

    def _append(self, entry: Entry, position: int) -> int | None:
        """Record a correction; returns its position, None where the log has one of this number already."""
        (appended,) = self.recorder.append([entry])
        if not appended.duplicate:
            return appended.position
        if self.log.find(entry.key) is None:  # with strict ids, an event of another time
            raise _taken(position, appended.position)
        return None

    def _noted(self, note: str) -> dict[str, Any]:
        """Return the note as the policy of privacy leaves it; what is copied from the log has passed one."""
        if not isinstance(note, str) or not 0 < len(note) <= MAX_TEXT:
            raise BadField(field="note", problem=f"must be a text of 1 to {MAX_TEXT} characters that says why")
        return self.recorder.door.policy.apply({"note": note}, self.recorder.door.pseudonym_of)


def _key(call: RecordedEvent, number: int) -> str:
    return key_of(call.source, correction_id(call.id, number), microseconds(call.occurred_at))


def _copied(call: RecordedEvent) -> dict[str, Any]:
    copied = {name: call.data[name] for name in COPIED if name in call.data}
    failed = call.data.get("status", facts(call.type).verdict) == "error"
    return {**copied, "error_type": call.data.get("error_type", "unknown")} if failed else copied


def _from_zero(call: RecordedEvent, correction: CostCorrection) -> bool:
    """Say whether this is the first that is known of what a call cost: it reported 0, although it used tokens."""
    used = any(call.data.get(name) for name in ("input_tokens", "output_tokens"))
    return used and correction.number == 1 and correction.was == 0


def _checked_cost(cost: Any) -> str:
    return str(VOCABULARY["cost"]("cost", cost))


def _taken(position: int, other: int) -> NotCorrectable:
    problem = f"the event at position {other} has the identity that its correction would have"
    return NotCorrectable(position=position, problem=problem)


def _next(call: RecordedEvent, position: int, state: _State, now: Decimal) -> CostCorrection:
    """Return the correction after those that there are, not recorded yet."""
    return CostCorrection(
        position=None,
        corrects=position,
        number=state.number + 1,
        occurred_at=call.occurred_at,
        provider=call.data.get("provider"),
        model=call.data.get("model"),
        was=state.cost,
        now=now,
        change=_EXACT.subtract(now, state.cost),
        currency=call.data["currency"],
    )
