"""A span as it is remembered, with what counts of its usage, and what was counted before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from attrs import define, field

from analytics_es.ingest.otel.usage import Amounts, Sum, Usage, Who

LEVELS = 200  # live: so many spans around one are looked at


class Late(NamedTuple):
    """What counts of a span from now on, and how many times there was something before; None: nothing, it was counted.

    past: the span's.
    counts: what counts now, None where it is that another span was counted twice.
    number: from 1.
    """

    past: Past
    counts: Amounts | None
    number: int


@define(eq=False)
class Past:
    """What was counted of a span.

    given: by kind; None of what tells nothing, or was not settled yet. At `first`, before there was more of it, when
        it was a call or was none; `whole`: that was all that it tells.
    counted_in: the round in which it was counted first; `since`: in which began what was not counted of it until now.
    paid: totals that another span around it, which was counted before, told for it.
    pays: spans for which it did so, as long as they are remembered.
    over: by how much more of each total was counted than should, and less (-) where another span told it.
    recorded: whether its usage is what was recorded of it, without what counts in it.
    base: an event without usage, for what is to be counted later.
    number: how many events were given its usage as their own, without the one of the span.
    late: what counts of others since it came.
    """

    given: Amounts | None = None
    first: Amounts | None = None
    was_call: bool = False
    whole: bool = False
    currency: str | None = None
    counted_in: int = 0
    since: int = 0
    paid: frozenset[str] = frozenset()
    pays: WeakKeyDictionary[Place, None] | None = None
    over: Amounts = field(factory=dict)
    recorded: bool = False
    base: dict[str, Any] | None = None
    number: int = 0
    late: list[Late] = field(factory=list)

    @classmethod
    def of(cls, usage: Usage | None, *, recorded: bool) -> Past | None:
        """Return that of a span that is seen; None where there is nothing to be known of it."""
        if usage is None or not usage.tells:
            return None
        return cls(given=usage.amounts() if recorded else None, currency=usage.currency, recorded=recorded)

    def begin(self, given: Amounts, round: int, *, is_call: bool, whole: bool = False) -> None:
        """Take in what is counted of it first, and in which round."""
        self.given = self.first = given
        self.counted_in = round
        self.was_call, self.whole = is_call, whole


class Place:
    """A span, or one that others name as the one around them, and what is known of it."""

    __slots__ = (
        *("below", "calls", "ends", "is_call", "own", "parent"),
        *("past", "repeats", "seen", "tool", "up", "usage", "waits"),
        "__weakref__",
    )

    def __init__(self) -> None:
        self.parent: Place | None = None
        self.tool: str | None = None  # None: not known yet, "": none
        self.usage: Usage | None = None
        self.is_call = self.seen = False
        self.calls = False  # it is a call, and not a step of work around others
        self.repeats = self.up = False  # its usage is one of others, in part; its sum is in that of the one around it
        self.ends = 0
        self.below: dict[Who, Sum] | None = None  # what counts of all that lie in it
        self.own: Amounts | None = None  # what counts of what it tells itself; None: all
        self.waits: int | None = None  # while sums are made: for how many that lie in it
        self.past: Past | None = None  # where it matters what was counted before

    def around(self) -> Iterator[Place]:
        """Yield the spans that it lies in, the innermost first, up to LEVELS of them."""
        place = self.parent
        for _ in range(LEVELS):
            if place is None:
                return
            yield place
            place = place.parent
