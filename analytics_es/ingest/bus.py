"""The port to message buses: what a message is, what a bus does with it, and which topics are ours."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from attrs import field, frozen

from analytics_es.errors import BadPattern, OverlappingPatterns

_PATTERN = re.compile(r"(?:(?:[^\s.*>]+|\*)\.)*(?:[^\s.*>]+|\*|>)")
_FAMILY = re.compile(r"[^\s.*>]+\.\*")


@frozen(kw_only=True)
class Message:
    """What was published to a topic.

    topic: dotted, as an event's type is.
    payload: JSON as bytes or text, or a mapping.
    headers: texts by name, in whatever case.
    id, source, time: what the bus knows of it, the same at every delivery; a CloudEvent's own count for more.
    stream, sequence: its place in the bus.
    """

    topic: str
    payload: Any
    headers: Mapping[str, str] = field(factory=dict)
    id: str | None = None
    source: str | None = None
    time: datetime | None = None
    stream: str | None = None
    sequence: int | None = None


class MessageBus(Protocol):
    """Whatever has `subscribe`. Topics are dotted; in a pattern, `*` is one segment and a last `>` one or more.

    The handler is called with each message, as a Message, as (topic, payload), or in another shape of
    https://github.com/analytics-es/analytics-es/blob/main/docs/bus.md, from any thread. When it returns, the message
    is durable and so is acknowledged; when it raises, nothing of it was recorded, and the bus delivers it again or
    tells its publisher. What `subscribe` returns may end the subscription: something to call, or with a method `close`
    or `unsubscribe`.
    """

    def subscribe(self, pattern: str, handler: Callable[..., None], /) -> Any:
        """Call the handler with every message whose topic fits the pattern."""


Handler = Callable[[Message], Any]
BatchHandler = Callable[[Sequence[Message]], Collection[Message] | None]


@runtime_checkable
class BatchBus(Protocol):
    """A bus that delivers many messages at once, to be acknowledged together."""

    def subscribe_batches(self, patterns: Sequence[str], handler: BatchHandler, /) -> Any:
        """Call the handler with batches of what fits any of the patterns, which do not overlap.

        When it returns, all are acknowledged but those it returns; when it raises, none is.
        """


# ── patterns ────────────────────────────────────────────────────────────────────────────────────────────────────


def check_patterns(patterns: Iterable[str]) -> list[str]:
    """Return the patterns, each once; raises BadPattern, and OverlappingPatterns where a message would come twice."""
    distinct = list(dict.fromkeys([patterns] if isinstance(patterns, str) else patterns))
    for pattern in distinct or [""]:
        if not isinstance(pattern, str) or not _PATTERN.fullmatch(pattern):
            raise BadPattern(pattern=pattern)
    for pattern, other in itertools.combinations(map(at_all_depths, distinct), 2):
        if _overlap(pattern, other):
            raise OverlappingPatterns(one=pattern, other=other)
    return distinct


def at_all_depths(pattern: str) -> str:
    """Return what a pattern of `subscribe_to` means in NATS's words: a family, such as `job.*`, is `job.>`."""
    return f"{pattern[:-1]}>" if _FAMILY.fullmatch(pattern) else pattern


def by_depth(pattern: str) -> Sequence[str]:
    """Return the patterns that mean a family on a bus of unknown ways: `job.*`, and `job.*.>` for what is deeper.

    They do not overlap where `*` is one segment, and where it is any text, as in globs, the first alone fits all.
    """
    return (pattern, f"{pattern}.>") if _FAMILY.fullmatch(pattern) else (pattern,)


def _overlap(pattern: str, other: str) -> bool:
    """Say whether a topic may fit both."""
    parts, others = pattern.split("."), other.split(".")
    for part, other_part in zip(parts, others, strict=False):
        if ">" in (part, other_part):
            return True
        if "*" not in (part, other_part) and part != other_part:
            return False
    return len(parts) == len(others)
