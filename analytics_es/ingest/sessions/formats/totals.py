"""Totals of a whole conversation, which only grow → what came since they were looked at last, as one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from analytics_es.ingest.sessions.facts import Call, Fact, Moment, Skipped
from analytics_es.ingest.sessions.session import Session

PARTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens")
BELOW = "total below what was recorded of it"


def grown(
    conversation: str,
    totals: Mapping[str, int],
    session: Session,
    *,
    at: Moment,
    model: str | None,
    fields: Mapping[str, Any],
    attributes: Mapping[str, Any],
) -> Iterator[Fact]:
    """Yield what totals have grown by, if they have.

    Its id is the totals: what was recorded before is known from the ids in the log, however often it is lost.
    conversation: what tells it from all others of the agent, on any machine.
    """
    counts = [totals.get(name) or 0 for name in PARTS]
    known = session.known(_key(conversation))
    before = [int(count) for count in known.split(":")] if known else [0] * len(PARTS)
    if counts == before or not any(counts):
        return
    if any(count < recorded for count, recorded in zip(counts, before, strict=True)):
        yield Skipped(BELOW)
        return
    yield Call(
        id=":".join((conversation, *map(str, counts))),
        at=at,
        model=model,
        tokens={
            name: count - recorded
            for name, count, recorded in zip(PARTS, counts, before, strict=True)
            if name in totals
        },
        fields=fields,
        attributes={**attributes, "session_total": True},
        final=True,
    )


def remember(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Remember how far the totals of a conversation are recorded: by the id, which a policy never leaves out."""
    conversation, *counts = str(event["id"]).rsplit(":", len(PARTS))
    if len(counts) == len(PARTS) and all(count.isdecimal() for count in counts):
        yield _key(conversation), ":".join(counts)


def _key(conversation: str) -> str:
    return f"totals:{conversation}"
