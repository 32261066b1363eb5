"""What spans and log records tell, into the log: in one commit, and what the door refuses is kept with the reason."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from attrs import Factory, evolve, frozen

from analytics_es.errors import AnalyticsError
from analytics_es.events.event import EARLIEST, LATEST, REJECTED
from analytics_es.ingest.otel.shapes import SOURCE
from analytics_es.ingest.otel.span_events import SpanEvents
from analytics_es.types import Failure, Refusal

UNREADABLE = "unreadable_span"
MAX_RAW = 96 * 1024  # bytes of what is kept of what was refused
CONTENT = {"prompt", "completion", "arguments", "result"}

Event = Mapping[str, Any]


class Records(Protocol):
    """What events are handed to: an AnalyticsService."""

    def record_events(
        self, events: Any, *, batch_size: int = ..., skip_refused: bool = ..., on_refused: Any = ...
    ) -> Any:
        """Record any number of events, one commit a batch."""

    @property
    def store(self) -> Any:
        """The parts of the open store, of which the recorder keeps what was refused."""


@frozen(kw_only=True)
class Taken:
    """What became of the events of one request or export.

    recorded: how many are new in the log.
    duplicates: how many were there before.
    differing: how many of the duplicates told something else than what is stored, which stays.
    refused: how many were refused and are kept with the reason, by its code, and its field where there is one.
    failed: how many could be neither recorded nor kept, because the store failed.
    failure: why; None where it did not.
    """

    recorded: int = 0
    duplicates: int = 0
    differing: int = 0
    refused: Counter[str] = Factory(Counter)
    failed: int = 0
    failure: Failure | None = None


def take(analytics: Records, events: Sequence[Event], rejected: Iterable[Mapping[str, Any]] = ()) -> Taken:
    """Record events, and keep what the door refuses of them and what was `rejected` before; durable when it returns."""
    rejected, told = list(rejected), events

    def refuse(refusal: Refusal) -> None:
        rejected.append(rejection(refusal.code, refusal.message, told[refusal.index], refusal.field))

    taken = Taken()
    try:
        if events:
            # One commit: who begins anew after half of the spans in one another does not know what the others told.
            result = analytics.record_events(events, batch_size=len(events), skip_refused=True, on_refused=refuse)
            if result.failure:
                return Taken(failed=len(events) + len(rejected), failure=result.failure)
            receipt = result.unwrap()
            taken = Taken(recorded=receipt.recorded, duplicates=receipt.duplicates, differing=receipt.differing)
            events = ()
        if rejected:
            analytics.store.recorder.reject(rejected)
    except AnalyticsError as error:
        return evolve(taken, failed=len(events) + len(rejected), failure=Failure(code=error.code, message=str(error)))
    return evolve(taken, refused=Counter(map(_why, rejected)))


def _why(rejected: Mapping[str, Any]) -> str:
    reason = rejected["data"]["reason"]
    return " ".join(filter(None, (reason["code"], str(reason.get("field") or "").partition(".")[0])))


def unreadable(read: Iterable[SpanEvents]) -> list[dict[str, Any]]:
    """Return what keeps the spans that could not be read, without what they hold."""
    return [
        rejection(UNREADABLE, one.problem, {"id": one.span.key, "name": one.span.name}) for one in read if one.problem
    ]


def unread(code: str, subject: str, problem: str, raw: str | None, *, content: bool) -> dict[str, Any]:
    """Return what keeps a span or a record that cannot be read; its text, what was said in it too, if `content`."""
    text = (raw or "").encode()
    kept = text[:MAX_RAW] if content else b""
    return {
        "event_type": REJECTED,
        "data": {
            "subject": subject,
            "reason": {"code": code, "problem": f"it cannot be read as a {subject}", "message": problem},
            "raw": base64.b64encode(kept).decode(),
            "size": len(text),
            "truncated": len(text) > len(kept),
        },
        "source": SOURCE,
    }


def rejection(code: str, message: str, event: Event, field: str | None = None) -> dict[str, Any]:
    """Return what keeps an event that was refused, in the shape of a bus's rejected messages, without what was said."""
    data = {name: value for name, value in event.get("data", {}).items() if name not in CONTENT}
    raw = json.dumps({**event, "data": data}, default=str).encode()
    when, source = event.get("occurred_at"), event.get("source") or SOURCE
    timed = when is not None and EARLIEST <= when < LATEST
    return {
        "event_type": REJECTED,
        "data": {
            "subject": event.get("event_type", "span"),
            "reason": {"code": code, **({"field": field} if field else {}), "message": message},
            "raw": base64.b64encode(raw[:MAX_RAW]).decode(),
            "size": len(raw),
            "truncated": len(raw) > MAX_RAW,
        },
        "occurred_at": when if timed else None,
        "id": f"rejected {event['id']}" if timed and event.get("id") else None,
        "source": source,
        "event": {
            "type": event.get("event_type"),
            "source": source,
            "id": event.get("id"),
            "occurred_at": when and when.isoformat(),
            "data": data,
        },
    }
