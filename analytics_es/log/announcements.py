"""What the service itself has said, read with a check: a log may hold anything under the type of an announcement."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

import orjson
from attrs import frozen

from analytics_es.log.event_log import LAST, EventLog
from analytics_es.types import UnreadAnnouncement

logger = logging.getLogger("analytics_es")

SHOWN = 200  # characters of a problem
REMEMBERED = 10_000  # announcements that were warned of

T = TypeVar("T")
Read = Callable[[Mapping[str, Any]], T]  # raises whatever it likes where that is not what the service says

_warned: set[tuple[str, int]] = set()


@frozen
class Announcements(Generic[T]):
    """What was said of one type, by position: what could be read, and what is to be ignored."""

    said: list[tuple[int, T]]
    unread: list[UnreadAnnouncement]


def announced(log: EventLog, event_type: str, read: Read[T], *, after: int = 0, upto: int = LAST) -> Announcements[T]:
    """Return what the service has said of one type; what cannot be read of it is warned of, once."""
    result: Announcements[T] = Announcements([], [])
    for position, state in _states(log, event_type, after, upto):
        content = content_of(log, position, event_type, state, read)
        if isinstance(content, UnreadAnnouncement):
            result.unread.append(content)
        else:
            result.said.append((position, content))
    return result


def last_announced(log: EventLog, event_type: str, read: Read[T], *, upto: int = LAST) -> T | None:
    """Return what the service has said last of one type, None where it never did."""
    for position, state in reversed(list(_states(log, event_type, 0, upto))):
        content = content_of(log, position, event_type, state, read)
        if not isinstance(content, UnreadAnnouncement):
            return content
    return None


def content_of(log: EventLog, position: int, event_type: str, state: bytes, read: Read[T]) -> T | UnreadAnnouncement:
    """Return what one announcement says, or why it cannot be read."""
    try:
        return read(_data(state))
    except Exception as error:  # whatever it holds, nobody's question fails because of it
        problem = _problem(error)
    unread = UnreadAnnouncement(position=position, type=event_type, problem=problem)
    _warn(log.identity, unread)
    return unread


def _problem(error: Exception) -> str:
    """Return what is wrong with it, for people: a missing field by its name."""
    text = f"it has no {error}" if isinstance(error, KeyError) else str(error)
    return next(iter(text.splitlines()), type(error).__name__)[:SHOWN]


def _states(log: EventLog, event_type: str, after: int, upto: int) -> Iterator[tuple[int, bytes]]:
    for held in log.announcements(event_type, after=after, upto=upto):
        yield held.position, held.state


def _data(state: bytes) -> Mapping[str, Any]:
    event = orjson.loads(state)
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        raise TypeError("it is no event with data")
    data: dict[str, Any] = event["data"]
    return data


def _warn(log: str, unread: UnreadAnnouncement) -> None:
    if (log, unread.position) not in _warned and len(_warned) < REMEMBERED:
        _warned.add((log, unread.position))
        logger.warning(
            "%s at position %d is not what the service says, and is ignored: %s",
            unread.type,
            unread.position,
            unread.problem,
        )


# ── what is expected of it ──────────────────────────────────────────────────────────────────────────────────────


def text(data: Mapping[str, Any], name: str) -> str:
    """Return a text; raises KeyError, TypeError."""
    if not isinstance(data[name], str):
        raise TypeError(f"{name} is no text")
    return str(data[name])


def number(data: Mapping[str, Any], name: str) -> int:
    """Return a whole number; raises KeyError, TypeError."""
    if type(data[name]) is not int:
        raise TypeError(f"{name} is no whole number")
    return int(data[name])


def numbers(data: Mapping[str, Any], name: str) -> list[int]:
    """Return a list of whole numbers; raises KeyError, TypeError."""
    if not isinstance(data[name], list) or not all(type(one) is int for one in data[name]):
        raise TypeError(f"{name} is no list of whole numbers")
    return list(data[name])


def texts(data: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of texts; raises KeyError, TypeError."""
    if not isinstance(data[name], list) or not all(isinstance(one, str) for one in data[name]):
        raise TypeError(f"{name} is no list of texts")
    return list(data[name])
