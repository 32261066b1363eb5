"""Session logs of a coding agent into the log, against only parsing the same lines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import orjson

from analytics_es import AnalyticsService
from analytics_es.ingest.sessions.agents import every
from tests.benchmarks.figures import Effort, Figure, Target, pace, rates
from tests.benchmarks.store import Store, say
from tests.benchmarks.transcripts import write_transcripts

AGENT = "claude-code"


def sessions(store: Store, effort: Effort) -> Iterator[Figure]:
    """Read transcripts of Claude Code's shape for the first time, calls and tools: lines, and then only parse them."""
    part = max(1, store.size // effort.rounds)
    say(f"reading {part * effort.rounds:,} lines of sessions, and only parsing them")
    pairs, events, lines = [], 0, 0
    for number in range(effort.rounds):
        other = store.own(f"sessions-{number}")
        home = other.folder / "claude"
        written, _ = write_transcripts(home, part, seed=number)
        theirs = pace(written, lambda: _parse(home))  # noqa: B023
        with other.open() as analytics, patch.dict(os.environ, {"CLAUDE_CONFIG_DIR": str(home)}):
            ours = pace(written, lambda: _read(analytics, other.folder))  # noqa: B023
        pairs.append((ours, theirs))
        events, lines = events + other.events(), lines + written
    yield rates(
        "lines of sessions, read the first time",
        pairs,
        events=lines,
        yardstick="orjson.loads of each",
        target=Target("ratio", "≥", 1 / 3),
        more={"recorded": events},
    )


def _parse(home: Path) -> None:
    for path in home.rglob("*.jsonl"):
        with path.open("rb") as file:
            for line in file:
                orjson.loads(line)


def _read(analytics: AnalyticsService, folder: Path) -> None:
    reader = analytics.reading_sessions(state=folder / "state.db", machine="laptop")
    try:
        reader.read(every([AGENT]), final=True)
    finally:
        reader.state.close()
