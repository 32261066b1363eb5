"""A part of a log: what it held up to a position, or what came after one; a log like any other, but never written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from analytics_es.errors import ReadOnly
from analytics_es.log.event_log import LAST, EventLog, Held, Range
from analytics_es.process import Later
from analytics_es.types import arrays

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = Later("pyarrow")

Chooses = Callable[[str], bool]


class LogSlice(EventLog):
    """The events of a log with positions in (after, upto], or those of them whose type is chosen."""

    def __init__(self, log: EventLog, *, after: int = 0, upto: int, of_types: Chooses | None = None) -> None:
        self._log, self._after, self._upto, self._of_types = log, after, upto, of_types
        self.begins, self.place, self.of_a_server = after, log.place, log.of_a_server
        self.identity, self.poll_seconds, self.seals = log.identity, log.poll_seconds, log.seals

    def append(self, *_: object, **_options: object) -> NoReturn:
        """Refuse: raises ReadOnly."""
        raise ReadOnly

    rewrite = scrub = write_sums = hold_strict = try_to_write = append

    def note(self, name: str, text: str | None) -> None:
        """Note something of the log, which is no event."""
        self._log.note(name, text)

    def notes(self, beginning: str) -> dict[str, str]:
        """Return what is noted in the log, wherever this part ends."""
        return self._log.notes(beginning)

    def noted(self, name: str) -> str | None:
        """Return what was last noted in the log, wherever this part ends."""
        return self._log.noted(name)

    def search(
        self, text: bytes, *, types: Sequence[str], after: int, limit: int, any_case: bool = False
    ) -> list[Held]:
        """Return the first events that hold these bytes, or are of these types; fewer may not mean no more."""
        events = self._log.search(text, types=types, after=max(after, self._after), limit=limit, any_case=any_case)
        return [held for held in events if held.position <= self._upto and self._is_chosen(held.type)]

    def head(self) -> int:
        """Return the last position, whatever the whole log holds beyond it."""
        return self._upto

    def scan(self, *, after: int, limit: int, upto: int = LAST, checked: bool = False) -> pa.Table:
        """Return the events after a position; fewer than `limit` does not mean that there are no more."""
        bounds = {"after": max(after, self._after), "upto": min(upto, self._upto)}
        return self._chosen(self._log.scan(**bounds, limit=limit, checked=checked))

    def keys(self, start_us: int, end_us: int, *, upto: int) -> Iterator[list[str]]:
        """Yield the keys of the log up to a position, whatever their type and wherever this part begins."""
        return self._log.keys(start_us, end_us, upto=min(upto, self._upto))

    def latest(self, upto: int) -> dict[str, Any] | None:
        """Return the last event up to a position, whatever its type and wherever this part begins."""
        return self._log.latest(min(upto, self._upto))

    def find(self, key: str) -> dict[str, Any] | None:
        """Return the event with this key, where it is in this part and its type is chosen."""
        row = self._log.find(key)
        inside = row is not None and self._after < row["position"] <= self._upto and self._is_chosen(row["type"])
        return row if inside else None

    def occurred_in(self, milliseconds: Collection[str]) -> dict[str, Held]:
        """Return the events of some milliseconds that are in this part, by their keys."""
        events = self._log.occurred_in(milliseconds)
        return {
            key: held
            for key, held in events.items()
            if self._after < held.position <= self._upto and self._is_chosen(held.type)
        }

    def announcements(self, event_type: str, *, after: int = 0, upto: int = LAST) -> list[Held]:
        """Return what the service itself has to say of one type."""
        bounds = {"after": max(after, self._after), "upto": min(upto, self._upto)}
        return [held for held in self._log.announcements(event_type, **bounds) if self._is_chosen(held.type)]

    def _positions(self, keys: tuple[str, str], after: int, upto: int) -> Iterable[int]:
        return self._log._positions(keys, max(after, self._after), min(upto, self._upto))

    def _slots(self, after: int, upto: int) -> Iterable[str]:
        return self._log._slots(max(after, self._after), min(upto, self._upto))

    def _stretches(self, keys: tuple[str, str], after: int, upto: int, limit: int) -> Iterable[Range]:
        return self._log._stretches(keys, max(after, self._after), min(upto, self._upto), limit)

    def _scan_in_time(self, positions: Range, keys: tuple[str, str], also: str = "", checked: bool = False) -> pa.Table:
        return self._chosen(self._log._scan_in_time(positions, keys, also, checked))

    def _few_in_time(self, keys: tuple[str, str], after: int, upto: int, also: str) -> pa.Table | None:
        few = self._log._few_in_time(keys, max(after, self._after), min(upto, self._upto), also)
        return None if few is None else self._chosen(few)

    def begins_with(self, start: str) -> str:
        """Return the SQL of a type that begins like this, in the log's own words."""
        return self._log.begins_with(start)

    def contains(self, data: bytes) -> str:
        """Return the SQL of a state that holds these bytes, in the log's own words."""
        return self._log.contains(data)

    def _chosen(self, table: pa.Table) -> pa.Table:
        if self._of_types is None:
            return table
        return table.filter(arrays.make(map(self._of_types, table.column("type").to_pylist()), pa.bool_()))

    def _is_chosen(self, event_type: str) -> bool:
        return self._of_types is None or self._of_types(event_type)

    def close(self) -> None:
        """Do nothing: the log goes on."""
