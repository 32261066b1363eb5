"""Few events folded in Python: planning a query takes DuckDB a tenth of a second, however few they are.

Each projection by itself: what is not surely as DuckDB would have it is left to DuckDB, and nothing else with it.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
from attrs import frozen

from analytics_es.events.event import EARLIEST, LATEST, MICRO, facts, is_type, microseconds
from analytics_es.events.fields import FAMILIES
from analytics_es.projection.bounds import bounds_of
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.certain import Unsure
from analytics_es.projection.compiled import Compiled, Event, compiled
from analytics_es.projection.declaration import Declaration, consumes
from analytics_es.projection.decoding import Needed
from analytics_es.projection.rows import Row

if TYPE_CHECKING:
    import pyarrow as pa

Day = tuple[int, int, int]  # its start, its events, the sum of their checksums

_FIRST, _END = microseconds(EARLIEST), microseconds(LATEST)
# In UTC, as we write it: whether a distance from UTC is taken off depends on who reads it.
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+]00:00)")
_KEY = re.compile(r"[0-9a-f]{20,}")
# What no text has that came in by the door, and which not all tell apart; the least number, of which there is no size.
_ODD = re.compile(rb"\\u00(00|1f)|-9223372036854775808")


@frozen
class _Type:
    """What a type says of its events, and which projections take them."""

    beginning: tuple[bool, str, str, str, str | None] | None  # of an event; None where it is no type
    consumers: tuple[str, ...]


class SmallFold:
    """Folds few events for a set of projections; may be called from several threads."""

    def __init__(self, declarations: Mapping[str, Declaration], calendar: Calendar) -> None:
        self._declarations, self._calendar = declarations, calendar
        self._type = functools.lru_cache(maxsize=4096)(self._type_of)
        self._buckets = functools.lru_cache(maxsize=4096)(self._buckets_of)
        self.compiled = dict[str, Compiled]()
        self.reasons = dict[str, str]()  # why others are not compiled, in words
        bounds = tuple(bounds_of(list(declarations.values())).items())
        clash = Needed.by(list(declarations.values())).clash
        for name, declaration in declarations.items():
            try:
                if clash:
                    raise Unsure(f"the field {clash}, which is two for the engine")
                self.compiled[name] = compiled(declaration, bounds)
            except Unsure as unsure:
                self.reasons[name] = str(unsure)
            except RecursionError:
                self.reasons[name] = "an expression that is nested too deeply"
            except Exception as error:  # a tree that is not thought of, such as that of another parser
                self.reasons[name] = f"an expression that is not understood ({error!r:.80})"

    def __call__(
        self, events: pa.Table, names: Collection[str], within: tuple[int, int] | None
    ) -> dict[str, list[Row]]:
        """Return the rows of those of the named projections whose rows are sure, with nothing that is unreadable."""
        of_projection: dict[str, list[Event]] = {name: [] for name in names}
        for event_type, state in zip(*(events.column(name).to_pylist() for name in ("type", "state")), strict=True):
            event_facts = self._type(event_type)
            consumers = [name for name in event_facts.consumers if name in of_projection]
            if not consumers:
                continue
            try:
                event = self._read(event_facts, state)
            except Unsure:
                for name in consumers:
                    del of_projection[name]
                continue
            if within is None or within[0] <= event[6] < within[1]:
                for name in consumers:
                    of_projection[name].append(event)
        return {name: rows for name, own in of_projection.items() if (rows := self._rows(name, own)) is not None}

    def _rows(self, name: str, events: Sequence[Event]) -> list[Row] | None:
        if not events:
            return []
        try:
            return self.compiled[name](events) if name in self.compiled else None
        except Unsure:
            return None

    def _read(self, event_facts: _Type, state: bytes) -> Event:
        """Read what is stored, where every reader of JSON has it alike: written as we write it."""
        try:
            stored = orjson.loads(state)
            as_written = orjson.dumps(stored) == state
        except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # or it is nested deeper than is ever written
            raise Unsure("no JSON") from None
        if event_facts.beginning is None or type(stored) is not dict or not as_written:
            raise Unsure("JSON in another notation")
        data = stored.get("data")
        if type(data) is not dict or _ODD.search(state):
            raise Unsure("data that is no mapping of plain texts")
        occurred_at = _time(stored.get("occurred_at"))
        hour, day = self._buckets(occurred_at // MICRO)
        return (*event_facts.beginning, stored.get("source"), occurred_at, hour, day, data)

    def _type_of(self, event_type: str | None) -> _Type:
        consumers = (name for name, own in self._declarations.items() if consumes(own, event_type or ""))
        if not is_type(event_type) or event_type is None:
            return _Type(None, tuple(consumers))
        type_facts = facts(event_type)
        is_open = type_facts.family not in FAMILIES
        beginning = (is_open, event_type, type_facts.family, type_facts.activity, type_facts.verdict)
        return _Type(beginning, tuple(consumers))

    def _buckets_of(self, instant: int) -> tuple[int, int]:
        return self._calendar.hour_start(instant), self._calendar.day_start(instant)

    def count_days(self, keys: Iterable[str]) -> list[Day]:
        """Count events by the days that their keys name, and add up their checksums; raises Unsure."""
        days: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
        for key in keys:
            if not _KEY.fullmatch(key):
                raise Unsure("a key that is none")
            instant = max(min(int(key[:12], 16) * 1000, _END - 1), _FIRST)
            day = days[self._buckets(instant // MICRO)[1]]
            day[0] += 1
            day[1] += int(key[12:20], 16)
        return [(start, count, checksum) for start, (count, checksum) in sorted(days.items())]


def _time(value: Any) -> int:
    """Return microseconds of what is surely read alike, in a notation of which there are no two opinions."""
    if type(value) is not str or not _TIME.fullmatch(value):
        raise Unsure("a time in another notation")
    try:
        occurred_at = microseconds(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        raise Unsure("a time that is none") from None
    if not _FIRST <= occurred_at < _END:
        raise Unsure("a time that no event can have")
    return occurred_at
