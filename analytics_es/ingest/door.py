"""The door: what the arguments of `record_event` say, checked and written as it will be stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from attrs import field, frozen

from analytics_es.errors import AnalyticsError, FailsWhenRead
from analytics_es.events.codec import encode
from analytics_es.events.event import admit, key_of, microseconds
from analytics_es.ingest.privacy import PrivacyPolicy, PseudonymOf
from analytics_es.log import Entry

Clock = Callable[[], datetime]


class Admitted(NamedTuple):
    """An event that was let in. It has no key yet: making one takes a fifth of the time, and can be done later."""

    type: str
    state: bytes
    source: str
    id: str
    occurred_at: datetime

    def entry(self) -> Entry:
        """Return it with its key."""
        return Entry(key_of(self.source, self.id, microseconds(self.occurred_at)), self.type, self.state)


@frozen
class Door:
    """What everything that is recorded passes, whichever way it came: checked, then bared of what is not wanted."""

    clock: Clock
    policy: PrivacyPolicy = field(factory=lambda: PrivacyPolicy.of("full"))
    pseudonym_of: PseudonymOf = lambda _, text: text

    def entry(self, event_type: str, data: Mapping[str, Any], **given: Any) -> Entry:
        """Let one event in, given the arguments of `admitted`; raises the RefusedEvent that says why not."""
        return self.admitted(event_type, data, **given).entry()

    def admitted(
        self,
        event_type: str,
        data: Mapping[str, Any],
        *,
        now: datetime | None = None,
        occurred_at: datetime | None = None,
        id: str | None = None,
        source: str | None = None,
    ) -> Admitted:
        """Let one event in; raises the RefusedEvent that says why not."""
        bare = self._bared if self.policy.rules else None
        now = self.clock() if now is None else now
        return admitted(now, event_type, data, occurred_at=occurred_at, id=id, source=source, bare=bare)

    def _bared(self, data: dict[str, Any]) -> None:
        self.policy.apply(data, self.pseudonym_of)


def entry(now: datetime, event_type: str, data: Mapping[str, Any], **given: Any) -> Entry:
    """Check one event and write it as it will be stored; raises the RefusedEvent that says why not."""
    return admitted(now, event_type, data, **given).entry()


def admitted(
    now: datetime,
    event_type: str,
    data: Mapping[str, Any],
    *,
    occurred_at: datetime | None = None,
    id: str | None = None,
    source: str | None = None,
    bare: Callable[[dict[str, Any]], object] | None = None,
) -> Admitted:
    """Check one event and write its state; raises the RefusedEvent that says why not.

    `bare` takes from its checked data, in place, what is not to be stored.
    """
    try:
        event = admit(event_type, data, now=now, occurred_at=occurred_at, id=id, source=source)
        if bare:
            bare(event.data)
        return Admitted(event.type, encode(event), event.source, event.id, event.occurred_at)
    except AnalyticsError:
        raise
    except Exception as error:  # a mapping, text or time of the caller's own class
        raise FailsWhenRead(problem=reason(error)) from error


def reason(error: Exception) -> str:
    """Return what an error that is not ours says, in one short line."""
    try:
        return f"{type(error).__name__}: {error}".splitlines()[0][:120]
    except Exception:
        return type(error).__name__
