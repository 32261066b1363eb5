"""The horizon: what a log no longer takes in, and what of it is sealed, by the families of its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from attrs import asdict, field, frozen

from analytics_es.errors import DamagedSealing
from analytics_es.events.event import MICRO, OWN, key_of_time
from analytics_es.log import signed

OTHERS = ""  # every family that is not named, but for what the service says of itself, which is never sealed

Times = Mapping[str, int]  # family → seconds


@frozen(kw_only=True)
class Horizon:
    """Events that occurred before these times: `refused` are not taken in, `sealed` live on as sealed rows alone.

    `clean`: what is sealed is deleted, too. `seal` is the number of the last seal, `position` the log's head then:
    every sealed event was at or before it. `hours` and `days`: buckets that start before are no longer kept.
    """

    refused: Times = field(factory=dict)
    sealed: Times = field(factory=dict)
    clean: bool = True
    seal: int = 0
    position: int = 0
    hours: int = 0
    days: int = 0
    timezone: str = ""  # whose days the sealed rows are kept in
    telling: Mapping[str, Any] = field(factory=dict)  # what is still to be told in the log of the last seal

    @classmethod
    def read(cls, text: str | None) -> Horizon:
        """Read what `write` has written, with a sum of it or without; raises DamagedSealing."""
        if not text:
            return cls()
        try:
            return cls(**signed.read(text)[0])
        except TypeError as error:
            raise DamagedSealing(problem=f"the horizon cannot be read: {error}") from None

    def write(self) -> str:
        """Return it as text."""
        return orjson.dumps(asdict(self)).decode()

    @property
    def until(self) -> int:
        """The time (seconds) before which some event may be gone, 0 where none is."""
        return max(self.sealed.values(), default=0)

    def refuses(self, event_type: str, key: str) -> bool:
        """Say whether an event is too old to be taken in."""
        return bool(self.refused) and key[:12] < _key(self.time_of(event_type))

    def family_of(self, event_type: str) -> str | None:
        """Return the family whose time counts for a type, "" for the others, None for what is never sealed."""
        family = event_type.partition(".")[0]
        return None if event_type.startswith(OWN) else family if family in self.refused else OTHERS

    def time_of(self, event_type: str) -> int:
        """Return the time before which events of a type are not taken in."""
        family = self.family_of(event_type)
        return 0 if family is None else self.refused.get(family, 0)

    def unsealed(self) -> str:
        """Return the end of an SQL condition that leaves out what is sealed; empty where that is deleted."""
        return "" if self.clean else f" AND NOT {condition(self.sealed)}"


def _key(seconds: int) -> str:
    return key_of_time(max(seconds, 0) * MICRO)


def condition(times: Times) -> str:
    """Return the SQL of "occurred before its family's time"; false where there is no time."""
    named = {family: seconds for family, seconds in times.items() if family != OTHERS}
    parts = [f"({_of(family)} AND originator_id < '{_key(seconds)}')" for family, seconds in named.items()]
    if OTHERS in times:
        apart = " AND ".join(f"NOT {_of(family)}" for family in [*named, OWN.rstrip(".")])
        parts.append(f"({apart} AND originator_id < '{_key(times[OTHERS])}')")
    return f"({' OR '.join(parts)})" if parts else "(1 = 0)"


def _of(family: str) -> str:
    """Families are of a-z, 0-9 and _ alone."""
    return f"substr(topic, 1, {len(family) + 1}) = '{family}.'"


def later(one: Times, other: Times, families: Iterable[str]) -> dict[str, int]:
    """Return the later time of each family: a horizon never goes back."""
    return {family: max(of_family(one, family), of_family(other, family)) for family in sorted(families)}


def of_family(times: Times, family: str) -> int:
    """Return the time of a family: its own, else that of the others."""
    return times.get(family, times.get(OTHERS, 0))
