"""Sources whose ids become strict by themselves: where one event may come again with another time than before."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path

from analytics_es.errors import BadStrictIds, NotMigrated, SharedIds
from analytics_es.log import Entry, EventLog
from analytics_es.log.strict import Strict, beginning


@cache
def agents() -> tuple[str, ...]:
    """Return the names of the coding agents whose sessions are read: a declaration each, in a file of its name."""
    folder = Path(__file__).parent / "sessions" / "agents"
    return tuple(sorted(path.stem.replace("_", "-") for path in folder.glob("[a-z]*.py")))


REMEMBERED = 1000
MOST = 50  # patterns of strict ids that senders may bring a log to: each is an index, which every event passes

# What becomes of the events of a source whose ids cannot be strict.
OF_AGENT = "what traces, logs and files tell of the same calls of %s counts each time: %s"
OF_OTHERS = "events of %s that tell no time are refused: %s"

_cannot = set[tuple[str, str]]()  # logs and sources of which that was said

logger = logging.getLogger("analytics_es")


def hold_strict(log: EventLog, entries: Iterable[Entry]) -> None:
    """Make ids of those agents strict in a log of which something is to be appended, whichever way it came.

    Where a log holds one of their ids twice, from before, or may not be changed, that is logged once, and it goes on.
    """
    if log.strict.every:
        return
    beginnings = _beginnings(log.strict.patterns)
    of_agents = tuple(beginnings)
    for start in {_start(entry.state) for entry in entries if entry.state.startswith(of_agents)}:
        _hold(log, beginnings[start])


def _start(state: bytes) -> bytes:
    """Return how an event of an agent begins: with its source, up to the end of its name, which holds no quote."""
    return state[: state.index(b'"', len(beginning("*"))) + 1]


@lru_cache(maxsize=64)
def _beginnings(held: tuple[str, ...]) -> dict[bytes, str]:
    """Return how the events of agents begin whose ids are not strict yet, beside these patterns."""
    return {beginning(name): name for name in Strict(held).more(Strict(agents()))}


def is_strict(log: EventLog, source: str) -> bool:
    """Make ids of a source strict in a log, as a sender needs who tells no time; say whether they are, from now on.

    They are not where a log holds one of them twice, from before, may not be changed, or has many such sources.
    """
    if source.endswith("*"):  # what means more than this source
        return log.strict.every
    more = log.strict.more(Strict((source,)))
    if more and len(log.strict.patterns) >= MOST:
        return False
    try:
        return not more or _hold(log, source)
    except BadStrictIds:
        return False


def _hold(log: EventLog, source: str) -> bool:
    if (log.identity, source) in _cannot:
        return False
    try:
        log.hold_strict(source)
    except (SharedIds, NotMigrated) as error:
        if len(_cannot) < REMEMBERED:
            _cannot.add((log.identity, source))
        logger.warning(OF_AGENT if source in agents() else OF_OTHERS, source, error)
        return False
    return True
