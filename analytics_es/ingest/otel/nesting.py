"""Which spans lie in which: what several tell of the same usage counts once, and calls know their tool."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from attrs import define, field

from analytics_es.ingest.otel.owed import Owing
from analytics_es.ingest.otel.place import LEVELS, Late, Past, Place
from analytics_es.ingest.otel.usage import CALLS, Amounts, Sum, Usage, Who, add, counted, left, matching, together


class Node(NamedTuple):
    """A span as far as these questions go; `parent` is "" where there is none, and so is the `tool` it is a run of.

    is_call: whether it is a call of a provider.
    usage: what it tells, and of whom; None where it tells nothing and is no call.
    ends: when it ended, where that gives an event; 0 where it gives none.
    recorded: whether it was counted before, with this usage: it is known from the log.
    """

    key: str
    parent: str
    is_call: bool = False
    usage: Usage | None = None
    tool: str = ""
    ends: int = 0
    recorded: bool = False


class Share(NamedTuple):
    """What becomes of a span's usage.

    counts: how much of it counts; None: all that it tells.
    is_call: whether the span is a call, and not a step of work around others.
    tells: whether it tells usage.
    paid: whether some of it does not count because a span around it, which was seen before, told it.
    """

    counts: Amounts | None
    is_call: bool
    tells: bool
    paid: bool = False


NOTHING = Share({}, False, False)


@define
class Nesting:
    """Remembers spans; tell it of them with `see`, then ask.

    Usage counts by the definition of the guide, whatever the order in which spans are seen before the first
    question. Spans may be seen after it as well: what counts in a span only grows, and what was counted before is known
    of the last `limit` spans, by default of all. Where all are seen `at_once`, before the first question, that takes
    less memory. Not for several threads at once.
    """

    limit: int | None = None
    at_once: bool = False
    _places: OrderedDict[str | bytes, Place] = field(factory=OrderedDict, init=False)
    _fresh: list[Place] = field(factory=list, init=False)
    _round: int = field(default=0, init=False)

    def see(self, nodes: Iterable[Node]) -> None:
        """Take spans in; one that was seen already changes nothing."""
        batch = list(nodes)
        for node in batch:
            self._see(node)
        while self.limit is not None and len(self._places) > max(self.limit, 2 * len(batch)):
            self._places.popitem(last=False)

    def share(self, key: str) -> Share:
        """Say what of the usage that this span tells counts."""
        self.settle()
        place = self._known(key)
        if place is None or (place.usage is None and not place.is_call):
            return NOTHING
        past, tells = place.past, _tells(place)
        if past is None or past.first is None:
            return Share(place.own, place.calls, tells)
        if past.whole:
            return Share(None, past.was_call, tells)
        return Share(past.first, past.was_call, tells, paid=bool(past.paid) and past.first != place.own)

    def late(self, key: str) -> list[Late]:
        """Return what counts since this span is known, of those that were seen before."""
        self.settle()
        place = self._known(key)
        return place.past.late if place is not None and place.past is not None else []

    def tool_of(self, key: str) -> str | None:
        """Return the tool whose run a span is or lies in, the innermost; None where no span around it is known for one.

        What is live is seen from the inside out: a tool that goes on is not known yet.
        """
        self.settle()
        place, passed = self._known(key), list[Place]()
        if not self.at_once:
            around = (place, *place.around()) if place is not None else ()
            return next((outer.tool for outer in around if outer.tool), None)
        while place is not None and place.tool is None:
            passed.append(place)
            place = place.parent
        tool = place.tool if place is not None else ""
        for inner in passed:  # nothing will change
            inner.tool = tool
        return tool or None

    def past(self, key: str) -> Past | None:
        """Return what was counted of a span, where more of it may have to be counted later."""
        place = self._known(key)
        return place.past if place is not None else None

    def ended(self, key: str, ends: int) -> int:
        """Return when a span ended, as the first one said that was seen of it."""
        place = self._known(key)
        return (place.ends if place is not None else 0) or ends

    # ── sums ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _see(self, node: Node) -> None:
        place = self._place(node.key)
        if place.seen:
            return
        place.seen = True
        place.parent = self._place(node.parent) if node.parent and node.parent != node.key else None
        place.usage, place.is_call, place.ends = node.usage, node.is_call, node.ends
        place.tool = node.tool or None
        if not self.at_once:
            place.past = Past.of(place.usage, recorded=node.recorded)
        self._fresh.append(place)

    def _known(self, key: str) -> Place | None:
        return self._places.get(_packed(key) if self.at_once else key)

    def _place(self, key: str) -> Place:
        place = self._known(key)
        if place is None:
            place = self._places[_packed(key) if self.at_once else key] = Place()
        elif self.limit is not None:
            self._places.move_to_end(key)
        return place

    def settle(self) -> None:
        """Make all sums right that change by what is new: those of spans first that lie in others."""
        if not self._fresh:
            return
        fresh, self._fresh = self._fresh, []
        affected = _with_those_around(fresh, 0 if self.at_once else LEVELS)
        changes: dict[int, dict[Who, Sum]] = {}
        ready = [place for place in affected if not place.waits]
        while ready:
            place = ready.pop()
            self._count(place, changes)
            place.waits, outer = None, place.parent
            if outer is not None and outer.waits is not None:
                outer.waits -= 1
                if not outer.waits:
                    ready.append(outer)
        for place in _cut([place for place in affected if place.waits is not None], changes):
            self._count(place, changes)
        if not self.at_once:
            self._round += 1
            Owing(self._round, fresh, affected).settle()
            for place in fresh:
                if place.past is not None:
                    place.past.recorded = False

    def _count(self, place: Place, changes: dict[int, dict[Who, Sum]]) -> None:
        """Say what counts of what a span tells, and add what is new of its sum to the one around it."""
        if place.up and id(place) not in changes:
            return
        before = _own_sum(place) if place.up else None
        _share_out(place)
        outer = place.parent
        if outer is None:
            return
        if outer.below is None:
            outer.below = {}
        more = changes.pop(id(place), {}) if place.up else place.below or {}
        after = _own_sum(place)
        if self.at_once and len(more) > len(outer.below):
            outer.below, more = more, outer.below
        if more or before != after:
            for sums in [outer.below, *([changes.setdefault(id(outer), {})] if outer.up else [])]:
                for who, total in more.items():
                    add(sums, who, total)
                _add_change(sums, place, before, after)
        place.up = True
        if self.at_once:
            place.below = None


def _packed(key: str) -> str | bytes:
    """Return a key of hex digits in a third of the memory."""
    try:
        return bytes.fromhex(key.replace(":", ""))
    except ValueError:
        return key


def _with_those_around(fresh: Iterable[Place], most: int) -> list[Place]:
    """Return spans and all around them, each of which waits for so many of them that lie in it.

    A span that lies in more than so many others becomes one without a parent; 0: in any number.
    """
    affected = list[Place]()
    for place in fresh:
        levels = len(affected)
        outer: Place | None = place
        while outer is not None and outer.waits is None:
            outer.waits = 0
            affected.append(outer)
            outer = outer.parent
            if most and len(affected) - levels > most:
                place.parent = outer = None
    for place in affected:
        if place.parent is not None and place.parent.waits is not None:
            place.parent.waits += 1
    return affected


def _cut(cycles: list[Place], changes: dict[int, dict[Who, Sum]]) -> list[Place]:
    """Make spans that lie in one another spans without a parent; what they told of each other is taken back."""
    taken_back = list[tuple[Place, dict[Who, Sum]]]()
    for place in cycles:
        if place.up and place.parent is not None:
            sums: dict[Who, Sum] = {}
            for who, total in (place.below or {}).items():
                add(sums, who, total)
            for who, total in changes.pop(id(place), {}).items():
                add(sums, who, total, -1)
            _add_change(sums, place, None, _own_sum(place))
            taken_back.append((place.parent, sums))
    for outer, sums in taken_back:
        for who, total in sums.items():
            add(outer.below if outer.below is not None else {}, who, total, -1)
    for place in cycles:
        place.parent, place.up, place.waits = None, False, None
    return cycles


def _share_out(place: Place) -> None:
    """Say what counts of what a span tells, by what counts of all that lie in it."""
    if place.usage is not None and place.usage.tells and place.below:
        if place.past is not None and place.past.recorded:  # it told what counts of it, and what counts in it
            place.usage, place.past.recorded = together(place.usage, matching(place.below, place.usage.who)), False
        place.own, place.repeats = left(place.usage, matching(place.below, place.usage.who))
        if place.own == place.usage.amounts():
            place.own = None
    place.calls = place.is_call and _calls(place)


def _tells(place: Place) -> bool:
    return place.usage is not None and place.usage.tells


def _calls(place: Place) -> bool:
    """Say whether a call is one, and not a step of work around others of the same model, or around nobody's."""
    if _tells(place):
        return place.own is None or bool(place.own)
    return not place.below or place.usage is None or not matching(place.below, place.usage.who).get(CALLS)


def _own_sum(place: Place) -> Sum | None:
    """Return what a span adds by itself to the sum of those around it."""
    if place.usage is None:
        return None
    if not _tells(place):
        return {CALLS: 1} if place.calls else None
    own = place.usage.amounts() if place.own is None else place.own
    return counted(place.usage, own, calls=int(place.calls))


def _add_change(sums: dict[Who, Sum], place: Place, before: Sum | None, after: Sum | None) -> None:
    if place.usage is None or before == after:
        return
    if before is not None:
        add(sums, place.usage.who, before, -1)
    if after is not None:
        add(sums, place.usage.who, after)
