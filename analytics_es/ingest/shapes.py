"""Shapes of events, and what is known of each: most events have the fields of one before, and need one quick look."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from attrs import define, field, frozen

from analytics_es.events import checks
from analytics_es.events.codec import encoded
from analytics_es.events.compiled import QuickCheck, compiled, is_small
from analytics_es.events.event import facts, is_type, usual_identity
from analytics_es.events.fields import fields_of
from analytics_es.events.free import ONLY_TEXTS
from analytics_es.ingest.privacy import PSEUDONYMISE, PrivacyPolicy, PseudonymOf
from analytics_es.ingest.unread import Watch

OFTEN = 20  # so often a shape is seen before it is compiled, which takes as long as some fifty looks save
MOST = 1000  # shapes that are known, and that are counted: a producer may make up any number

Quick = tuple[bytes, str, str, datetime]  # the state of an event, and its source, id and time
Name = tuple[str, ...]  # of a shape: a type, and the names of the fields in their order


@frozen
class Shape:
    """What is known of a shape: how its data are checked, and what is to be done with what was right.

    pseudonyms: fields that get a pseudonym, each with its kind, where that is all that the policy does.
    policy: the policy of privacy where it has to look at all of it.
    watch: whether there may be something in it that nothing reads.
    """

    check: QuickCheck
    pseudonyms: tuple[tuple[str, str], ...] = ()
    policy: PrivacyPolicy | None = None
    watch: bool = False

    more: bool = field(init=False)  # whether there is any of these

    @more.default
    def _any(self) -> bool:
        return bool(self.pseudonyms) or self.policy is not None or self.watch


@define
class Shapes:
    """The shapes that come to one door, each compiled when it comes often."""

    policy_of: Callable[[str], PrivacyPolicy]  # a type
    pseudonym_of: PseudonymOf
    watch: Watch | None
    _known: dict[Name, Shape] = field(init=False, factory=dict)
    _seen: dict[Name, int] = field(init=False, factory=dict)

    def look(
        self, event_type: Any, data: Any, occurred_at: Any, id: Any, source: Any, now: datetime, recorded_at: Any
    ) -> Quick | None:
        """Return what is to be stored of an event where one look at it is enough; None where it is not.

        Raises what the door raises of an event that is checked: of what nothing reads, and of what JSON cannot hold.
        """
        try:
            if type(data) is not dict or type(event_type) is not str:
                return None
            stored = data.copy()  # the caller's may change at any time
            name = (event_type, *stored)
            shape = self._known.get(name) or self._meet(name)
            if shape is None or not shape.check(stored):
                return None
            identity = usual_identity(now, occurred_at, id, source)
            if identity is None:
                return None
            if not shape.more:
                return encoded(*identity, recorded_at, stored), *identity
            if not ONLY_TEXTS.issuperset(map(type, stored)):  # what else is equal to one, JSON refuses
                return None
        except Exception:  # whatever it is, there is a longer way to say it
            return None
        self._bare(shape, event_type, stored)
        return encoded(*identity, recorded_at, stored), *identity

    def _bare(self, shape: Shape, event_type: str, data: dict[str, Any]) -> None:
        """Leave of checked data what may be stored, in place, and look for what nothing reads; raises NotRead."""
        for name, kind in shape.pseudonyms:
            data[name] = self.pseudonym_of(kind, data[name])
        if shape.policy:
            shape.policy.apply(data, self.pseudonym_of)
        if shape.watch and self.watch:
            self.watch.look(event_type, data)

    def _meet(self, name: Name) -> Shape | None:
        """Count a shape that is not known, and get to know it when it comes often."""
        times = self._seen.get(name, 0) + 1
        if times == 1:
            # Names that only pass for texts are made texts the long way, before anybody else sees them.
            if not (ONLY_TEXTS.issuperset(map(type, name)) and is_type(name[0]) and is_small(name[1:])):
                return None
            _make_room(self._seen)
        self._seen[name] = times
        if times < OFTEN:
            return None
        _make_room(self._known)
        self._seen.pop(name, None)
        shape = self._known[name] = self._learnt(*name)
        return shape

    def _learnt(self, event_type: str, *names: str) -> Shape:
        check = compiled(event_type, names)
        if check is None:
            return Shape(_never)
        policy = self.policy_of(event_type)
        fields, treated = fields_of(facts(event_type).family), policy.treated(names)
        texts = all(action is PSEUDONYMISE and fields.get(name) is checks.text for name, action, _ in treated)
        whole = not texts or bool(policy.rules and "attributes" in names)
        return Shape(
            check,
            () if whole else tuple((name, kind) for name, _, kind in treated),
            policy if whole else None,
            self.watch is not None and self.watch.may_tell(event_type, names),
        )


def _never(_: dict[str, Any]) -> bool:
    return False


def _make_room(shapes: dict[Name, Any]) -> None:
    if len(shapes) >= MOST:
        shapes.clear()
