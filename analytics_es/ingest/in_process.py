"""A message bus within the process: whoever publishes calls the handlers, and has their errors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import blinker

from analytics_es.events.event import matches
from analytics_es.ingest.bus import Handler, Message, check_patterns
from analytics_es.types.arguments import called


class InProcessBus:
    """A bus for the parts of one program, which may publish and subscribe from any thread."""

    def __init__(self) -> None:
        self._signals = blinker.Namespace()  # one for each pattern

    def subscribe(self, pattern: str, handler: Handler, /) -> Callable[[], None]:
        """Call the handler with every message whose topic fits the pattern; returns what ends that."""
        called("handler", handler)
        check_patterns([pattern])
        signal = self._signals.signal(pattern)
        receiver = functools.partial(handler)  # an object of its own: blinker knows a receiver by which object it is
        signal.connect(receiver, weak=False)
        return lambda: signal.disconnect(receiver)

    def publish(
        self,
        topic: str,
        payload: Mapping[str, Any] | bytes | str,
        *,
        headers: Mapping[str, str] | None = None,
        id: str | None = None,
        source: str | None = None,
        time: datetime | None = None,
    ) -> None:
        """Call every handler, here and now; then raises what they raised, for the publisher to try again."""
        message = Message(topic=topic, payload=payload, headers=headers or {}, id=id, source=source, time=time)
        errors = []
        for pattern, signal in list(self._signals.items()):
            if matches(pattern, topic):
                errors += [error for receiver in signal.receivers_for(self) if (error := _refused(receiver, message))]
        if len(errors) > 1:
            raise ExceptionGroup(f"{len(errors)} handlers of {topic!r:.80} failed", errors)
        if errors:
            raise errors[0]


def _refused(handler: Handler, message: Message) -> Exception | None:
    """Call a handler; an error of one does not keep the message from the others."""
    try:
        handler(message)
    except Exception as error:
        return error
    return None
