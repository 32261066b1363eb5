"""What was counted of spans before others came that lie in them, or around them; and what is owed of them since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import define, field

from analytics_es.ingest.otel.place import Late, Past, Place
from analytics_es.ingest.otel.usage import COST, KINDS, TOTALS, WHOLE_OF, Amounts, Who, matches


@define
class Owing:
    """Spans that are new, and all whose sums they changed, after that; in this round of new ones."""

    round: int
    fresh: Sequence[Place]
    affected: Sequence[Place]
    _new: set[int] = field(init=False)
    _twice: list[Place] = field(factory=list, init=False)  # told by several that are of different models

    @_new.default
    def _ids(self) -> set[int]:
        return {id(place) for place in self.fresh}

    def settle(self) -> int:
        """Say what is counted of each span that is new, and what is owed of those before; returns how many are twice.

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
                past.begin(due, self.round, is_call=place.calls)
            elif due:
                past.number += 1
                late.append(Late(past, due, past.number))
                past.given = {kind: past.given.get(kind, 0) + due.get(kind, 0) for kind in {**past.given, **due}}
            elif any(own.get(kind, 0) > past.given.get(kind, 0) for kind in own) and not past.number:
                late.append(Late(past, {}, 0))
        twice = [place for place in self.fresh if self._is_twice(place) or place in self._twice]
        late += [Late(place.past, None, 1) for place in twice if place.past]
        self._hand_over(late)
        return len(twice)

    def _owed(self) -> list[Place]:
        owed = {id(place): place for place in self.fresh if place.past and not place.past.given and place.own != {}}
        for place in self.fresh:
            if place.past and place.past.given is None and place.own == {}:
                place.past.begin({}, self.round, is_call=place.calls)
        for place in self.affected:
            past = place.past
            if past is None or past.given is None or id(place) in self._new:
                continue
            if not place.repeats and past.pays:
                owed.update((id(inner), inner) for inner in past.pays)
                past.pays = []
            if _due(_own(place), past):
                owed[id(place)] = place
        return list(owed.values())

    def _paid_for(self, place: Place, own: Amounts, paying: set[int]) -> frozenset[str]:
        """Return which totals of a span others told for it that are around it, and were counted before."""
        paid, payers = set[str](), list[Who]()
        for outer in place.around() if place.usage and own else ():
            if place.usage is None or not self._pays(outer, place, place.usage.who, paying):
                continue
            if outer.past and outer.usage and (told := (set(outer.usage.kinds) & set(TOTALS)) - outer.past.paid):
                if not all(matches(outer.usage.who, who) for who in payers):
                    self._twice.append(place)
                payers.append(outer.usage.who)
                paid |= told
                outer.past.pays.append(place)
        return frozenset(paid)

    def _pays(self, outer: Place, place: Place, who: Who, paying: Iterable[int] = ()) -> bool:
        """Say whether the usage that counts of a span was told, before, by one around it."""
        past = outer.past
        return (
            past is not None
            and past.given is not None
            and place.past is not None
            and past.counted_in < place.past.since
            and outer.repeats
            and outer.usage is not None
            and id(outer) not in self._new
            and id(outer) not in paying
            and matches(outer.usage.who, who)
        )

    def _is_twice(self, place: Place) -> bool:
        """Say whether it links a span that was counted to one around it that was counted without knowing of it."""
        if place.past is None or not place.past.linked:
            return False
        place.past.since = self.round
        return any(self._pays(outer, place, who) for outer in place.around() for who in place.past.linked)

    def _hand_over(self, late: list[Late]) -> None:
        """Let the last one that is new have what is owed since it came."""
        if not late or not self.fresh:
            return
        last = self.fresh[-1]
        last.past = last.past or Past()
        last.past.late += late


def _own(place: Place) -> Amounts:
    if place.own is not None:
        return place.own
    return place.usage.amounts() if place.usage is not None else {}


def _due(own: Amounts, past: Past) -> Amounts:
    """Return what counts of a span, and was neither counted yet nor told for it."""
    given = past.given or {}
    due = {
        kind: count - given.get(kind, 0)
        for kind, count in own.items()
        if kind in KINDS and WHOLE_OF.get(kind, kind) not in past.paid and count > given.get(kind, 0)
    }
    if COST in own and not past.paid and own[COST] > given.get(COST, 0):
        due[COST] = own[COST] - given.get(COST, 0)
    return due
