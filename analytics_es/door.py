"""The door: what the arguments of `record_event` say, checked and written as it will be stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from analytics_es.codec import encode
from analytics_es.errors import AnalyticsError, FailsWhenRead
from analytics_es.events import admit, identity
from analytics_es.log import Entry
from analytics_es.privacy import PrivacyPolicy, PseudonymOf

Clock = Callable[[], datetime]
OPTIONAL = {"occurred_at", "id", "source"}


@frozen
class Door:
    """What everything that is recorded passes, whichever way it came: checked, then bared of what is not wanted."""

    clock: Clock
    policy: PrivacyPolicy = field(factory=lambda: PrivacyPolicy.of("full"))
    pseudonym_of: PseudonymOf = lambda _, text: text

    def entry(self, event_type: str, data: Mapping[str, Any], *, now: datetime | None = None, **given: Any) -> Entry:
        """Let one event in; raises the RefusedEvent that says why not."""
        return entry(self.clock() if now is None else now, event_type, data, bare=self._bared, **given)

    def _bared(self, data: dict[str, Any]) -> None:
        self.policy.apply(data, self.pseudonym_of)


def entry(
    now: datetime,
    event_type: str,
    data: Mapping[str, Any],
    *,
    bare: Callable[[dict[str, Any]], object] | None = None,
    **given: Any,
) -> Entry:
    """Check one event and write it as it will be stored; raises the RefusedEvent that says why not.

    `bare` takes from its checked data, in place, what is not to be stored.
    """
    try:
        event = admit(event_type, data, now=now, **given)
        if bare:
            bare(event.data)
        return Entry(identity(event), event.type, encode(event))
    except AnalyticsError:
        raise
    except Exception as error:  # a mapping, text or time of the caller's own class
        if given.keys() - OPTIONAL:
            raise
        raise FailsWhenRead(problem=told(error)) from error


def told(error: Exception) -> str:
    """Return what an error that is not ours says, in one short line."""
    try:
        return f"{type(error).__name__}: {error}".splitlines()[0][:120]
    except Exception:
        return type(error).__name__
