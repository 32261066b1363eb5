"""Calls that are told in several ways, some of which add them up → those of the way that counts.

What is told is about subjects, such as a trace and a response. Of each the way with the highest rank counts, unless
what another way tells of it was certain before: then that goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import evolve

from analytics_es.ingest.sessions.facts import OTHERWISE, Call, Fact, Known, Skipped
from analytics_es.ingest.sessions.session import Session


def told(call: Call, subjects: Sequence[str], best: int, session: Session) -> Iterator[Fact]:
    """Yield a call that is told in a way of its rank, of ranks up to the best; nothing where another way counts."""
    others = [f"{subject}:{call.rank}" for subject in subjects]
    if any(session.known(key) is not None for key in others):
        yield Skipped(OTHERWISE)
        return
    yield from (Known(f"{subject}:{lesser}") for subject in subjects for lesser in range(call.rank))
    if call.rank == best:
        yield evolve(call, unless=others, final=True)
    else:  # it may be told better until its file rests
        yield evolve(call, unless=others, lane=call.id)


def certain(rank: int, subjects: Sequence[str], best: int) -> Iterator[tuple[str, str]]:
    """Yield what is to be remembered of a call that was recorded: no better way counts of its subjects."""
    yield from ((f"{subject}:{better}", "") for subject in subjects for better in range(rank + 1, best + 1))
