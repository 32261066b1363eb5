"""Sources whose ids are always strict: one call of a coding agent is told by several ways, at times that differ."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from analytics_es.errors import NotMigrated, SharedIds
from analytics_es.log import EventLog

AGENTS = frozenset({"claude-code", "codex", "gemini-cli"})

_cannot = set[tuple[str, str]]()  # logs and sources of which that was said

logger = logging.getLogger("analytics_es")


def hold_strict(log: EventLog, sources: Iterable[str | None]) -> None:
    """Make ids of those of these sources strict in a log that are agents; what is held already takes no time.

    Where a log holds one of their ids twice, from before, or may not be changed, that is logged once.
    """
    for source in sorted(AGENTS.intersection(filter(None, sources))):
        if (log.identity, source) in _cannot:
            continue
        try:
            log.hold_strict(source)
        except (SharedIds, NotMigrated) as error:
            _cannot.add((log.identity, source))
            logger.warning(
                "what traces, logs and files tell of the same calls of %s counts each time: %s", source, error
            )
