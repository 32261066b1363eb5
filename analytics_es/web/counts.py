"""What came in over HTTP since the start, and what became of it: numbers by names, nothing of what was sent."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import define, field

from analytics_es import __version__
from analytics_es.errors import GUIDE

MOST_NAMES = 500  # that are told apart: who sends may make up any number
LONGEST = 128  # characters of a name
OTHERS = "(others)"


@define
class Counts:
    """Counts by what they are of; safe to use from several threads."""

    since: datetime = field(factory=lambda: datetime.now(UTC))
    requests: Counter[str] = field(factory=Counter)  # by status
    came: Counter[str] = field(factory=Counter)  # spans, log records, events; recorded, duplicates …
    ignored: dict[str, Counter[str]] = field(factory=dict)  # by scope, event and signal
    refused: Counter[str] = field(factory=Counter)  # by code
    _lock: threading.Lock = field(factory=threading.Lock)

    def answered(self, status: int) -> None:
        """Count a request by its answer."""
        with self._lock:
            self.requests[str(status)] += 1

    def count(self, came: Mapping[str, int], refused: Iterable[tuple[str, int]] = ()) -> None:
        """Count what came in, and what was refused of it, by code."""
        with self._lock:
            self.came.update(came)
            for code, number in refused:
                self.refused[code.partition(" ")[0]] += number

    def ignore(self, kind: str, names: Mapping[str, int]) -> None:
        """Count what is none of ours, by its name."""
        with self._lock:
            counter = self.ignored.setdefault(kind, Counter())
            for name, number in names.items():
                short = name[:LONGEST]
                counter[short if short in counter or len(counter) < MOST_NAMES else OTHERS] += number

    def requested(self) -> dict[str, int]:
        """Return how many requests there were, and what came of their events."""
        with self._lock:
            names = ("recorded", "duplicates", "refused", "ignored")
            return {"requests": self.requests.total(), **{name: self.came[name] for name in names if self.came[name]}}

    def answers(self) -> dict[str, int]:
        """Return how many requests there were, by the status of their answers."""
        with self._lock:
            return dict(self.requests)

    def document(self) -> dict[str, Any]:
        """Return all of it, in the order of what there is most of."""
        with self._lock:
            return {
                "what": "analytics_es takes events over HTTP: OTLP, CloudEvents and JSON",
                "version": __version__,
                "docs": f"{GUIDE}/http.md",
                "since": self.since.isoformat(timespec="seconds").replace("+00:00", "Z"),
                "requests": dict(sorted(self.requests.items())),
                "received": dict(self.came),
                "ignored": {kind: dict(names.most_common()) for kind, names in self.ignored.items()},
                "refused": dict(self.refused.most_common()),
            }
