"""Corrections of reported cost: events of their own, each of which says what it changes of what was in force."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from attrs import evolve, frozen

from analytics_es.errors import BadField, BeforeHorizon, NoSuchPosition, UnreadableEvent
from analytics_es.events import RecordedEvent, checks
from analytics_es.events.checks import MAX_TEXT
from analytics_es.events.codec import decode
from analytics_es.events.event import CORRECTED, correction_id, facts, key_of, microseconds
from analytics_es.ingest.corrections import (
    EXACT,
    Calls,
    InForce,
    check_call,
    copied,
    is_from_zero,
    not_correctable,
    taken,
)
from analytics_es.ingest.recorder import Recorder
from analytics_es.log import Entry, EventLog, check_horizon
from analytics_es.types import CostCorrection


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
            raise not_correctable(call, f"it is charged in {charged}, not in {currency!r:.40}")
        about = self._noted(note)
        while True:
            state = Calls(self.log).in_force(call)
            assert state  # noqa: S101  # of all there are, none is missing
            correction = _next(call, position, state, now)
            if state.cost == now and not is_from_zero(call, state):
                return evolve(correction, position=state.position, number=state.number, duplicate=True)
            entry = self._entry(call, state, correction, about)
            if dry_run:
                check_horizon(self.log.seals.horizon(), [entry])
                return correction
            if recorded := self._append(entry, call):
                return evolve(correction, position=recorded)
            # Somebody else has recorded a correction of this number meanwhile: begin again with what is in force now.

    def _call(self, position: int) -> RecordedEvent:
        """Return the event at a position, which must be a call that reports a cost."""
        row = self._at(position)
        try:
            call = decode(position, row["type"], row["state"])
            facts(call.type)
        except Exception as error:
            raise UnreadableEvent(position=position, problem=error) from error
        if call.type == CORRECTED:
            raise not_correctable(call, f"it is a correction itself{self._of(call)}")
        check_call(call)
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

    def _entry(
        self, call: RecordedEvent, state: InForce, correction: CostCorrection, about: Mapping[str, Any]
    ) -> Entry:
        return self.recorder.own_door.write(
            CORRECTED,
            {
                **copied(call),
                "corrects": {"source": call.source, "id": call.id},
                "cost_change": format(correction.change, "f"),
                "currency": correction.currency,
                **({"from_zero": True} if is_from_zero(call, state) else {}),
                **about,
            },
            source=call.source,
            id=correction_id(call.id, correction.number),
            occurred_at=call.occurred_at,
        )

    def _append(self, entry: Entry, call: RecordedEvent) -> int | None:
        """Record a correction; returns its position, None where the log has one of this number already."""
        (appended,) = self.recorder.append([entry])
        if not appended.duplicate:
            return appended.position
        if self.log.find(entry.key) is None:  # with strict ids, an event of another time
            raise taken(call, appended.position)
        return None

    def _noted(self, note: str) -> dict[str, Any]:
        """Return the note as the policy of privacy leaves it; what is copied from the log has passed one."""
        if not isinstance(note, str) or not 0 < len(note) <= MAX_TEXT:
            raise BadField(field="note", problem=f"must be a text of 1 to {MAX_TEXT} characters that says why")
        return self.recorder.door.policy_of(CORRECTED).apply({"note": note}, self.recorder.door.pseudonym_of)


def _checked_cost(cost: Any) -> str:
    return str(checks.charge("cost", cost))


def _next(call: RecordedEvent, position: int, state: InForce, now: Decimal) -> CostCorrection:
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
        change=EXACT.subtract(now, state.cost),
        currency=call.data["currency"],
    )
