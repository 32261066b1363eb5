"""What was counted of spans before others came that lie in them, or around them; and what is owed of them since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from weakref import WeakKeyDictionary

from attrs import define, field

from analytics_es.ingest.otel.place import Late, Past, Place
from analytics_es.ingest.otel.usage import (
    COST,
    KINDS,
    ROUNDING,
    TOTALS,
    UNCOSTED,
    WHOLE_OF,
    Amounts,
    fitting,
    matches,
    matching,
)


@define
class Owing:
    """Spans that are new, and all whose sums they changed, after that; in this round of new ones."""

    round: int
    fresh: Sequence[Place]
    affected: Sequence[Place]
    _new: set[int] = field(init=False)

    @_new.default
    def _ids(self) -> set[int]:
        return {id(place) for place in self.fresh}

    def settle(self) -> None:
        """Say what is counted of each span that is new, what is owed of those before, and what counts twice.

        A span that comes after one around it, which was counted, was told by that one: nothing of it is owed while that
        one is a repetition. When it turns out to be none, all is owed that it told for others.
        """
        owed = self._owed()
        paying = {id(place) for place in owed}
        late = list[Late]()
        for place in owed:
            past, own = place.past, _own(place)
            if past is None or place.usage is None:
                continue
            past.since = past.since if past.paid else self.round
            past.paid = self._paid_for(place, own, paying)
            due = _due(own, past)
            if past.given is None:
                past.begin(due, self.round, is_call=place.calls, whole=place.own is None and not past.paid)
            elif due:
                past.number += 1
                late.append(Late(past, due, past.number))
                past.given = {kind: past.given.get(kind, 0) + due.get(kind, 0) for kind in {**past.given, **due}}
            elif any(own.get(kind, 0) > past.given.get(kind, 0) for kind in own) and not past.number:
                late.append(Late(past, {}, 0))
        self._hand_over(late, self.fresh[-1:])
        twice = self._twice({id(place): place for place in [*self.affected, *owed]}.values())
        last_of = {_outermost(place): place for place in self.fresh} if twice else {}
        for outermost in twice:
            self._hand_over([Late(Past(), None, 1)], [last_of.get(outermost, self.fresh[-1])])

    def _owed(self) -> list[Place]:
        owed = {id(place): place for place in self.fresh if place.past and not place.past.given and place.own != {}}
        for place in self.fresh:
            if place.past and place.past.given is None and place.own == {}:
                place.past.begin({}, self.round, is_call=place.calls)
        for place in self.affected:
            past = place.past
            if past is None or past.given is None or id(place) in self._new:
                continue
            if past.pays and (not place.repeats or _tells_less(place, past)):
                owed.update((id(inner), inner) for inner in past.pays)
                past.pays = None
            if _due(_own(place), past):
                owed[id(place)] = place
        return list(owed.values())

    def _paid_for(self, place: Place, own: Amounts, paying: set[int]) -> frozenset[str]:
        """Return which totals of a span others told for it that are around it, and were counted before."""
        paid = set[str]()
        for outer in place.around() if place.usage and own else ():
            if not self._pays(outer, place, paying):
                continue
            if outer.past and outer.usage and (told := _told_for(own, outer, outer.past)):
                paid |= told | ({COST} if outer.usage.cost is not None else set())
                outer.past.pays = WeakKeyDictionary() if outer.past.pays is None else outer.past.pays
                outer.past.pays[place] = None
        return frozenset(paid)

    def _pays(self, outer: Place, place: Place, paying: set[int]) -> bool:
        """Say whether the usage that counts of a span was told, before, by one around it."""
        past = outer.past
        return (
            past is not None
            and past.given is not None
            and place.past is not None
            and past.counted_in < place.past.since
            and outer.repeats
            and outer.usage is not None
            and place.usage is not None
            and id(outer) not in self._new
            and id(outer) not in paying
            and matches(outer.usage.who, place.usage.who)
        )

    def _twice(self, places: Iterable[Place]) -> list[Place]:
        """Return the outermost spans in which more counts than should since this round: what is linked now was not."""
        more = dict[Place, Counter[str]]()
        for place in places:
            past = place.past
            if past is None or past.given is None or place.usage is None:
                continue
            over = _over(place, past)
            if over != past.over:
                change = more.setdefault(_outermost(place), Counter())
                change.update(over)
                change.subtract(past.over)
                past.over = over
        return [outermost for outermost, change in more.items() if any(count > ROUNDING for count in change.values())]

    def _hand_over(self, late: list[Late], to: Sequence[Place]) -> None:
        """Let one that is new have what is owed since it came."""
        for last in to if late else ():
            last.past = last.past or Past()
            last.past.late += late


def _own(place: Place) -> Amounts:
    if place.own is not None:
        return place.own
    return place.usage.amounts() if place.usage is not None else {}


def _due(own: Amounts, past: Past) -> Amounts:
    """Return what counts of a span, and was neither counted yet nor told for it."""
    if not past.given and not past.paid:  # of most: all of it
        due = {kind: count for kind, count in own.items() if count and kind in KINDS}
        return {**due, COST: own[COST]} if COST in own and (due or own[COST] > 0) else due
    given = past.given or {}
    due = {
        kind: count - given.get(kind, 0)
        for kind, count in own.items()
        if kind in KINDS and WHOLE_OF.get(kind, kind) not in past.paid and count > given.get(kind, 0)
    }
    due = fitting(due)
    more = 0 if past.paid else own.get(COST, 0) - given.get(COST, 0)
    if more > 0 or (due and COST in own and (COST in past.paid or not past.paid)):
        due[COST] = max(more, 0)
    return due


def _over(place: Place, past: Past) -> Amounts:
    """Return by how much more was counted of a span than should: what others told that lie in it, or around it (-)."""
    own, given = _own(place), past.given or {}
    over = {kind: more for kind in TOTALS if (more := given.get(kind, 0) - own.get(kind, 0))}
    if COST in given and (COST in own or not _without_cost(place)):
        over[f"{COST} {past.currency}"] = given[COST] - own.get(COST, 0)
    elif COST in own and COST not in given and COST in past.paid:
        over[f"{COST} {past.currency}"] = -own[COST]
    return over


def _without_cost(place: Place) -> bool:
    """Say whether what lies in a span tells its tokens, and no cost that could be taken from that of the span."""
    if place.usage is None or not place.usage.kinds:
        return False
    within = matching(place.below or {}, place.usage.who)
    costs = [name for name, cost in within.items() if name.startswith(COST) and cost]
    return within.get(UNCOSTED, 0) > 0 or costs != [f"{COST} {place.usage.currency or ''}"]


def _told_for(own: Amounts, outer: Place, past: Past) -> set[str]:
    """Return which totals of a span one around it told before: those of which more was counted of it than should."""
    over = _over(outer, past)
    told = {kind for kind in TOTALS if over.get(kind, 0) > 0} - past.paid
    return told if all(own.get(kind, 0) <= over[kind] for kind in told) else set()


def _tells_less(place: Place, past: Past) -> bool:
    """Say whether less of what was counted of a span is now for others than before."""
    over = _over(place, past)
    return any(over.get(kind, 0) < past.over.get(kind, 0) for kind in TOTALS)


def _outermost(place: Place) -> Place:
    for outer in place.around():
        place = outer
    return place
