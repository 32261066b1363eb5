"""What became of spans that were read: counted by who wrote them, and by what they contradict themselves in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import Factory, define

from analytics_es.events.fields import CONTRADICTION
from analytics_es.ingest.otel.spans import Span

APART = 200  # scopes that are counted by their names; the names are the emitters', who may make up any number
LONGEST = 128  # characters of one
OTHERS = "(other scopes)"


@define
class Counts:
    """What became of spans.

    spans: how many were read.
    ignored: how many of them gave no event, by the scope that they were written under, "" where there is none.
    pending: how many besides had only begun: they gave nothing, and come again when they have ended.
    contradictions: how many events tell figures that contradict one another, by the word for it.
    """

    spans: int = 0
    ignored: Counter[str] = Factory(Counter)
    pending: int = 0
    contradictions: Counter[str] = Factory(Counter)

    def count(self, span: Span, events: Iterable[Mapping[str, Any]]) -> None:
        """Count a span by its events."""
        self.spans += 1
        ignored = True
        for event in events:
            ignored = False
            if words := event["data"]["attributes"].get(CONTRADICTION):
                self.contradictions.update(words.split())
        if ignored:
            scope = span.scope[:LONGEST]
            known = scope in self.ignored or len(self.ignored) < APART
            self.ignored[scope if known else OTHERS] += 1
