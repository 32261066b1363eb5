"""The door: what the arguments of `record_event` say, checked and written as it will be stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from analytics_es.codec import encode
from analytics_es.errors import FailsWhenRead, RefusedEvent
from analytics_es.events import admit, identity
from analytics_es.log import Entry

Clock = Callable[[], datetime]


@frozen
class Door:
    """What everything that is recorded passes, whichever way it came."""

    clock: Clock

    def entry(
        self,
        event_type: str,
        data: Mapping[str, Any],
        *,
        now: datetime | None = None,
        occurred_at: datetime | None = None,
        id: str | None = None,
        source: str | None = None,
    ) -> Entry:
        """Let one event in; raises the RefusedEvent that says why not."""
        now = self.clock() if now is None else now
        return entry(now, event_type, data, occurred_at=occurred_at, id=id, source=source)


def entry(
    now: datetime,
    event_type: str,
    data: Mapping[str, Any],
    *,
    occurred_at: datetime | None = None,
    id: str | None = None,
    source: str | None = None,
) -> Entry:
    """Check one event and write it as it will be stored; raises the RefusedEvent that says why not."""
    try:
        event = admit(event_type, data, now=now, occurred_at=occurred_at, id=id, source=source)
        return Entry(identity(event), event.type, encode(event))
    except RefusedEvent:
        raise
    except Exception as error:  # a mapping, text or time of the caller's own class
        raise FailsWhenRead(problem=told(error)) from error


def told(error: Exception) -> str:
    """Return what an error that is not ours says, in one short line."""
    try:
        return f"{type(error).__name__}: {error}".splitlines()[0][:120]
    except Exception:
        return type(error).__name__
