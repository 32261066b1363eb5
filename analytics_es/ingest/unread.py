"""What comes in that nothing reads: counted by type and field, told once a process, refused where that is wanted."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field

from analytics_es.errors import NotRead
from analytics_es.events.suggestions import attribute_meant, field_meant, is_said
from analytics_es.projection import reading
from analytics_es.projection.declaration import Declaration
from analytics_es.types import UnreadField

logger = logging.getLogger("analytics_es")

MOST = 1000  # different fields that are counted, and told of, by name
TYPE = "type"

REST = ("…", "…")
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_.$-]{0,63}")
_WORD = re.compile(r"\W")
Seen = dict[tuple[str, str], int]
_told: set[tuple[str, str]] = set()


@define
class Watch:
    """Looks at what passes a door; `strict`: refuses what no projection reads.

    Of more than 1,000 different fields the rest is counted together, under the field "…" of the type "…".
    """

    declarations: Sequence[Declaration]
    strict: bool = False
    _seen: Seen = field(init=False, factory=dict)
    _readings: dict[str, reading.Reading] = field(init=False, factory=dict)
    _fine: set[str] = field(init=False, factory=set)  # names of attributes that are the application's own
    _counting: Any = field(init=False, factory=threading.Lock)

    def look(self, event_type: str, data: Mapping[str, Any]) -> None:
        """Count what of an event nothing reads, and tell of it; raises NotRead where that is refused."""
        read = self._readings.get(event_type) or self._learn(event_type)
        attributes = read.calls and data.get("attributes")
        if read.meant is None and read.names.issuperset(data) and (not attributes or self._fine.issuperset(attributes)):
            return
        for name, suggestion in self._unread(event_type, data, read):
            if self.strict:
                raise NotRead.of(event_type, name, suggestion)
            self._count(event_type, name, suggestion)

    def may_tell(self, event_type: str, names: Iterable[str]) -> bool:
        """Say whether `look` may have something to tell of an event with these fields."""
        read = self._readings.get(event_type) or self._learn(event_type)
        return read.meant is not None or not read.names.issuperset(names) or (read.calls and "attributes" in names)

    def _learn(self, event_type: str) -> reading.Reading:
        learnt = reading.of(self.declarations, event_type)
        if len(self._readings) < MOST:
            self._readings[event_type] = learnt
        return learnt

    def _unread(
        self, event_type: str, data: Mapping[str, Any], read: reading.Reading
    ) -> Iterator[tuple[str, str | None]]:
        if read.meant is not None:
            yield TYPE, read.meant
        if read.ours:
            yield from ((name, field_meant(name)) for name in data if name not in read.names and not is_said(name))
            if read.calls:
                yield from self._figures(data, read)

    def _figures(self, data: Mapping[str, Any], read: reading.Reading) -> Iterator[tuple[str, str | None]]:
        """Yield attributes that are figures of a call, which the call does not tell itself."""
        for name in data.get("attributes") or ():
            meant = attribute_meant(name)
            if not meant and len(self._fine) < MOST:
                self._fine.add(name)
            elif meant and name not in read.attributes and _WORD.split(meant, maxsplit=1)[0] not in data:
                yield f"attributes.{name}", f"{meant}, at the top of data"

    def _count(self, event_type: str, name: str, suggestion: str | None) -> None:
        place = (event_type, name)
        with self._counting:
            if place not in self._seen and len(self._seen) >= MOST:
                place = REST
            self._seen[place] = self._seen.get(place, 0) + 1
            if place in _told or len(_told) > MOST:
                return
            _told.add(place)
        told = name if suggestion or _NAME.fullmatch(name) else "…"  # a name may be that of a person
        logger.warning("%s", NotRead.of(event_type, told, suggestion) if place != REST else NotRead.of(*REST, None))

    def seen(self) -> Seen:
        """Return how often each was seen until now."""
        with self._counting:
            return dict(self._seen)


def listed(seen: Seen, before: Seen | None = None) -> list[UnreadField]:
    """Return what was seen since, the most frequent first."""
    counts = {place: count - (before or {}).get(place, 0) for place, count in seen.items()}
    return [
        UnreadField(type=event_type, field=name, events=count, suggestion=reading.meant(event_type, name))
        for (event_type, name), count in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
        if count
    ]
