"""Sources whose ids become strict by themselves: where one event may come again with another time than before."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from analytics_es.errors import BadStrictIds, NotMigrated, SharedIds
from analytics_es.log import EventLog
from analytics_es.log.strict import Strict


@cache
def agents() -> tuple[str, ...]:
    """Return the names of the coding agents whose sessions are read: a declaration each, in a file of its name."""
    folder = Path(__file__).parent / "sessions" / "agents"
    return tuple(sorted(path.stem.replace("_", "-") for path in folder.glob("[a-z]*.py")))


REMEMBERED = 1000
MOST = 50  # patterns of strict ids that senders may bring a log to: each is an index, which every event passes

_cannot = set[tuple[str, str]]()  # logs and sources of which that was said

logger = logging.getLogger("analytics_es")


def hold_strict(log: EventLog, sources: Iterable[str | None]) -> None:
    """Make ids of those of these sources strict in a log that are agents; what is held already takes no time.

    Where a log holds one of their ids twice, from before, or may not be changed, that is logged once.
    """
    for source in sorted(set(agents()).intersection(filter(None, sources))):
        _hold(log, source, "what traces, logs and files tell of the same calls of %s counts each time: %s")


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
        return not more or _hold(log, source, "events of %s that tell no time are refused: %s")
    except BadStrictIds:
        return False


def _hold(log: EventLog, source: str, otherwise: str) -> bool:
    if (log.identity, source) in _cannot:
        return False
    try:
        log.hold_strict(source)
    except (SharedIds, NotMigrated) as error:
        if len(_cannot) < REMEMBERED:
            _cannot.add((log.identity, source))
        logger.warning(otherwise, source, error)
        return False
    return True
