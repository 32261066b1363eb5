"""The door: what the arguments of `record_event` say, checked and written as it will be stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from attrs import field, frozen

from analytics_es.errors import AnalyticsError, FailsWhenRead
from analytics_es.events.codec import encode, written
from analytics_es.events.event import CORRECTED, admit, key_of, microseconds
from analytics_es.events.fields import FAMILIES, fields_of
from analytics_es.ingest import left_out
from analytics_es.ingest.privacy import PrivacyPolicy, PseudonymOf
from analytics_es.ingest.problems import reason
from analytics_es.ingest.shapes import Shapes
from analytics_es.ingest.unread import Watch
from analytics_es.log import Entry

_NAMES = ("event_type", "data", "occurred_at", "id", "source")
_NONE, _ALL = dict.fromkeys(_NAMES), itemgetter(*_NAMES)


def _arguments(event: object) -> tuple[Any, ...] | None:
    """Return the arguments of an event of a batch in their order; None of what has others, or is no dict."""
    if type(event) is not dict:
        return None
    try:
        if len(event) != len(_NAMES):
            event = _NONE | event
        return _ALL(event) if len(event) == len(_NAMES) else None
    except Exception:  # of keys of the caller's own class
        return None


class Admitted(NamedTuple):
    """An event that was let in. It has no key yet: making one takes a fifth of the time, and can be done later."""

    type: str
    state: bytes
    source: str
    id: str
    occurred_at: datetime

    def write(self) -> Entry:
        """Return its entry, which has the key."""
        return Entry(key_of(self.source, self.id, microseconds(self.occurred_at)), self.type, self.state)


DeclaredFields = tuple[tuple[str, ...], tuple[str, ...]]  # paths of tags, and of own fields that projections read


@frozen
class Door:
    """What everything that is recorded passes, whichever way it came: checked, then bared of what is not wanted.

    An event of a shape that comes often gets one quick look. What that is not sure of goes the long way, `_admit`,
    which says what is wrong, or finds nothing: the outcome is the same.
    """

    clock: Callable[[], datetime]
    policy: PrivacyPolicy = field(factory=lambda: PrivacyPolicy.of("full"))
    pseudonym_of: PseudonymOf = lambda _, text: text
    own: bool = False  # whether it is the service itself that comes in here
    zone: tzinfo = UTC  # where the days of the store begin: a date as a time is that
    watch: Watch | None = None  # looks for what nothing reads
    declared: DeclaredFields = ((), ())  # what is in these is kept, unless it says who somebody is
    _policies: dict[str, PrivacyPolicy] = field(init=False, eq=False, repr=False)
    _shapes: Shapes | None = field(init=False, eq=False, repr=False)

    @_policies.default
    def _by_family(self) -> dict[str, PrivacyPolicy]:
        if self.own:
            return dict.fromkeys((*FAMILIES, ""), self.policy.of_own)
        return {family: self.policy.checking(fields_of(family)).keeping(*self.declared) for family in (*FAMILIES, "")}

    @_shapes.default
    def _of_others(self) -> Shapes | None:
        return None if self.own else Shapes(self.policy_of, self.pseudonym_of, self.watch)

    def admit(
        self,
        event_type: str,
        data: Mapping[str, Any],
        *,
        now: datetime | None = None,
        occurred_at: datetime | date | str | None = None,
        id: str | int | UUID | None = None,
        source: str | None = None,
    ) -> Admitted:
        """Let one event in: its state is what may be stored; raises the RefusedEvent that says why not."""
        now = self.clock() if now is None else now
        try:
            if self._shapes and (quick := self._shapes.look(event_type, data, occurred_at, id, source, now, now)):
                return Admitted(event_type, *quick)
            return self._admit(event_type, data, now, occurred_at, id, source)
        except AnalyticsError:
            raise
        except Exception as error:  # a mapping, text or time of the caller's own class
            raise FailsWhenRead(problem=reason(error)) from error

    def _admit(
        self, event_type: str, data: Mapping[str, Any], now: datetime, occurred_at: Any, id: Any, source: Any
    ) -> Admitted:
        about: dict[str, Any] = {"occurred_at": occurred_at, "id": id, "source": source}
        event = admit(event_type, data, now=now, own=self.own, zone=self.zone, **about)
        is_partial = left_out.take_partial(event.type, event.data)
        self.policy_of(event.type).apply(event.data, self.pseudonym_of)
        if is_partial:
            left_out.tell_partial(event.data)
        if self.watch and not self.own:
            self.watch.look(event.type, event.data)
        return Admitted(event.type, encode(event), event.source, event.id, event.occurred_at)

    def policy_of(self, event_type: str) -> PrivacyPolicy:
        """Return what of the policy is about events of a type."""
        policies = self._policies
        policy = policies.get(event_type.partition(".")[0]) or policies[""]
        return policy.of_corrections if event_type == CORRECTED else policy

    def write(self, event_type: str, data: Mapping[str, Any], **arguments: Any) -> Entry:
        """Return the entry of one event, given the arguments of `admit`; raises the RefusedEvent that says why not."""
        return self.admit(event_type, data, **arguments).write()

    def for_many(self, now: datetime) -> Callable[[object], Entry | None]:
        """Return what makes the entry of an event of a batch, a mapping of arguments, where one look at it is enough.

        Of what is not sure it returns None; it raises the RefusedEvent that says why not, as `write` does.
        """
        if self._shapes is None or type(now) is not datetime or now.tzinfo is not UTC:
            return lambda _: None
        look, recorded_at = self._shapes.look, written(now)

        def quickly(event: object) -> Entry | None:
            arguments = _arguments(event)
            if arguments is None:
                return None
            try:
                event_type, data, occurred_at, id, source = arguments
                quick = look(event_type, data, occurred_at, id, source, now, recorded_at)
            except AnalyticsError:
                raise
            except Exception as error:  # of a vault
                raise FailsWhenRead(problem=reason(error)) from error
            if quick is None:
                return None
            state, source, id, occurred_at = quick
            return Entry(key_of(source, id, microseconds(occurred_at)), event_type, state)

        return quickly
