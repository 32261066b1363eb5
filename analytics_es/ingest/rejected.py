"""Messages that gave no event, and are kept: listed, and recorded after all once somebody says what is right."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

from attrs import evolve, frozen

from analytics_es.errors import BadData, FailsWhenRead, NoRejectedMessage, NothingKept
from analytics_es.events import RecordedEvent
from analytics_es.events.checks import kind_of
from analytics_es.events.codec import decode
from analytics_es.events.event import MAX_SOURCE, REJECTED, key_of, microseconds
from analytics_es.events.fields import LEFT_OUT
from analytics_es.ingest.bus import Message
from analytics_es.ingest.door import Door
from analytics_es.ingest.left_out import tell
from analytics_es.ingest.messages import event_of
from analytics_es.ingest.privacy import PrivacyPolicy
from analytics_es.ingest.problems import reason
from analytics_es.ingest.recorder import Recorder, receipt
from analytics_es.ingest.rejections import EVENT, storable
from analytics_es.ingest.vault import is_pseudonym
from analytics_es.log.announcements import content_of, text
from analytics_es.types import Receipt, RejectedMessage, UnreadAnnouncement

FULL = PrivacyPolicy.of("full")
Identity = tuple[str, str, datetime]  # source, id, time


@frozen
class RejectedMessages:
    """The rejected messages of one log."""

    recorder: Recorder

    def listed(self, limit: int, *, recorded: bool) -> list[RejectedMessage]:
        """Return the last ones, the newest first; with `recorded`, also those that were recorded since."""
        messages: list[RejectedMessage] = []
        for held in reversed(self.recorder.log.announcements(REJECTED)):
            message = self._read(held.position, held.state)
            if message and (recorded or message.recorded is None):
                messages.append(message)
            if len(messages) == limit:
                break
        return messages

    def record(
        self,
        position: int,
        changes: Mapping[str, Any],
        *,
        event_type: str | None = None,
        occurred_at: datetime | str | None = None,
        id: str | None = None,
    ) -> Receipt:
        """Record the event of the message at a position, with changed fields; a field that is None is left out.

        Of what the policy of privacy has left of it, and of the changes, the one of now leaves what is recorded. Raises
        NoRejectedMessage, NothingKept, and the RefusedEvent that says why not.
        """
        rejected = self._event(position)
        stored = rejected.data.get(EVENT)
        event = (stored if isinstance(stored, dict) else _raw_event(rejected)) or {}
        if not isinstance(event.get("data"), dict):
            raise NothingKept(position=position)
        source, own_id, when = _identity(rejected, event)
        door = self.recorder.door
        changed = _read(changes)
        said = {name: content for name, content in changed.items() if content is not None}
        left = {name: content for name, content in event["data"].items() if name not in changed}
        if stored is event:  # bare of what might not be stored then, which may be less than now
            policy = door.policy_of(str(event_type or event.get("type")))
            said, left = policy.apply(said, door.pseudonym_of), policy.apply(left, partial(_once, door))
            if lost := str(said.pop(LEFT_OUT, "")).split():
                tell(left, lost, left.get(LEFT_OUT))
            door = evolve(door, policy=FULL)
        about: dict[str, Any] = {"occurred_at": occurred_at or when, "id": id or own_id, "source": source}
        entry = door.write(event_type or event.get("type") or "", {**left, **said}, **about)
        return receipt(self.recorder.take([entry])[0])

    def _event(self, position: int) -> RecordedEvent:
        row = self.recorder.log.at(position)
        if row is None or row["type"] != REJECTED:
            raise NoRejectedMessage(position=position)
        return decode(position, row["type"], row["state"])

    def _read(self, position: int, state: bytes) -> RejectedMessage | None:
        """Return a message as it is kept, None where what is stored is none."""

        def read(_: object) -> RejectedMessage:
            rejected = decode(position, REJECTED, state)
            why = rejected.data["reason"]
            event = rejected.data.get(EVENT) or _raw_event(rejected)
            return RejectedMessage(
                position=position,
                subject=str(rejected.data.get("subject") or ""),
                occurred_at=rejected.occurred_at,
                code=text(why, "code"),
                field=why.get("field"),
                problem=why.get("message") or why.get("problem"),
                event=event,
                recorded=self._recorded(rejected, event) if event and why["code"] != "other_content" else None,
            )

        message = content_of(self.recorder.log, position, REJECTED, state, read)
        return None if isinstance(message, UnreadAnnouncement) else message

    def _recorded(self, rejected: RecordedEvent, event: Mapping[str, Any]) -> int | None:
        source, id, occurred_at = _identity(rejected, event)
        row = self.recorder.log.find(key_of(source, id, microseconds(occurred_at)))
        return int(row["position"]) if row else None


def _once(door: Door, kind: str, text: str) -> str:
    """Return what is a pseudonym already as it is."""
    return text if is_pseudonym(text) else door.pseudonym_of(kind, text)


def _identity(rejected: RecordedEvent, event: Mapping[str, Any]) -> Identity:
    """Return source, id and time of the event: its own, else those of the message, which are always the same."""
    source, id = event.get("source") or rejected.source, event.get("id")
    when = rejected.occurred_at
    with suppress(ValueError):  # what it says of its time may be none
        told = datetime.fromisoformat(str(event.get("occurred_at")))
        when = told if id and told.tzinfo else when
    return str(source)[:MAX_SOURCE], str(id or f"rejected:{rejected.position}"), when


def _raw_event(rejected: RecordedEvent) -> dict[str, Any] | None:
    """Return the event of a message whose raw bytes are kept, as it came in."""
    data = rejected.data
    if not isinstance(data.get("raw"), str) or data.get("truncated"):
        return None
    try:
        raw = base64.b64decode(data["raw"], validate=True)
    except (binascii.Error, ValueError):
        return None
    if set(held := _object(raw)) >= {"event_type", "data"}:  # of a span: the arguments that were refused
        return {"type": held["event_type"], **{name: held.get(name) for name in ("data", "id", "occurred_at")}}
    headers = data.get("headers")
    message = Message(
        topic=str(data.get("subject")),
        payload=raw,
        headers=headers if isinstance(headers, dict) else {},
        source=rejected.source,
    )
    return event_of(message)


def _read(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return changes as JSON has them; raises BadData, FailsWhenRead."""
    try:
        read = storable(changes)
    except Exception as error:  # of a class of the caller's own
        raise FailsWhenRead(problem=reason(error)) from error
    if not isinstance(read, dict):
        raise BadData(kind=kind_of(changes))
    return read


def _object(raw: bytes) -> dict[str, Any]:
    with suppress(ValueError, RecursionError):
        content = json.loads(raw)
        return content if isinstance(content, dict) else {}
    return {}
