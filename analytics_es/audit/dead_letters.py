"""Dead letters: values that projections could not read, listed, explained, tried again, accepted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, ClassVar

import orjson
from attrs import frozen

from analytics_es.errors import FoldFailed, NoDeadLetter, RowsRefused, SealedPeriod
from analytics_es.events import RecordedEvent, codec
from analytics_es.events.checks import MAX_INTEGER
from analytics_es.events.event import MICRO, facts, is_type, microseconds
from analytics_es.events.fields import FIELDS, TEXT
from analytics_es.projection import expressions
from analytics_es.projection.declaration import Declaration, Measure
from analytics_es.projection.decoding import IN_MICROSECONDS
from analytics_es.projection.fold import WHOLE, Folded
from analytics_es.read_models import ReadModels
from analytics_es.store import Store
from analytics_es.types import Answer, DeadLetter, Listing, RetryResult, Rows, TimePeriod

if TYPE_CHECKING:
    import pyarrow as pa

MOST_DIGITS = 38  # of a number that is added up
SHOWN = 80  # characters of a value


@frozen(kw_only=True)
class DeadLetterCause:
    """One letter, and in words why its value could not be used."""

    letter: DeadLetter
    cause: str


@frozen(kw_only=True, repr=False)
class DeadLetterDetails(Answer):
    """What is stored at a position, as an event or, where it is none, as raw text, and what could not be read of it."""

    _TABLES: ClassVar[Mapping[str, Rows]] = {"causes": Rows("causes")}

    position: int
    type: str
    event: RecordedEvent | None
    raw: str | None
    causes: list[DeadLetterCause]


@frozen
class DeadLetters:
    """The dead letters of one store."""

    store: Store

    def listed(
        self, *, projection: str | None = None, position: int | None = None, discarded: bool = False, limit: int = 2**62
    ) -> Listing[DeadLetter]:
        """List the first letters by position; with `discarded`, also those that were accepted."""
        where = {} if position is None else {"first": position, "last": position}
        with self.store.read_models.read() as snapshot:
            accepted = snapshot.discarded()
            letters = [
                DeadLetter(
                    projection=name,
                    position=at,
                    field=field,
                    hour=self.store.calendar.local(hour) if hour else None,
                    discarded=(name, at, field) in accepted,
                )
                for name in self.store.selected(None if projection is None else [projection])
                for at, field, hour in snapshot.letters(name, **where, discarded=discarded, limit=limit)
            ]
        return Listing(sorted(letters, key=_place)[:limit], of=DeadLetter)

    def _at(self, position: int, projection: str | None = None) -> Listing[DeadLetter]:
        letters = self.listed(projection=projection, position=position, discarded=True)
        if not letters:
            raise NoDeadLetter(position=position)
        return letters

    def details(self, position: int) -> DeadLetterDetails:
        """Show what is stored, and why each letter could not be read; raises NoDeadLetter."""
        letters = self._at(position)
        (stored,) = self._read(position).to_pylist() or [None]
        if stored is None:
            raise SealedPeriod.of(self.store.log.seals.horizon().until, "what is stored at a position")
        event = decoded(**stored)
        raw = None if event else stored["state"].decode("utf-8", "replace")
        return DeadLetterDetails(
            position=position,
            type=stored["type"],
            event=event,
            raw=raw,
            causes=[
                DeadLetterCause(letter=letter, cause=self._cause(letter, event, stored["state"])) for letter in letters
            ],
        )

    def _read(self, position: int) -> pa.Table:
        """Return the event at a position, of which nothing is left where it is damaged."""
        return self.store.log.scan(after=position - 1, limit=1, upto=position, checked=True)

    def _cause(self, letter: DeadLetter, event: RecordedEvent | None, state: bytes) -> str:
        if event is None or (letter.field == WHOLE and letter.hour is None):
            return f"{letter.field}: {no_event(event, state)}"
        if letter.field == WHOLE:
            return f"{letter.field}: {self._left_out(letter)}"
        return cause(self.store.read_models.live()[letter.projection].declaration, letter.field, event)

    def _left_out(self, letter: DeadLetter) -> str:
        """Say what the event fails with now, folded alone and added to what is there."""
        declaration = self.store.read_models.live()[letter.projection].declaration
        stored = self._read(letter.position)
        result = self.store.fold.of([declaration])(stored)[letter.projection]
        if isinstance(result, FoldFailed):
            return f"it cannot be folded ({result.details['problem']})"
        if refusal := _refusal(self.store.read_models, declaration, result):
            return f"what it adds cannot be added to what is there ({refusal})"
        return "it could not be counted when it came, and can be now: retry it"

    def retry(self, *, position: int | None = None, projection: str | None = None) -> RetryResult:
        """Derive again the hours in which letters lie: an upcaster or a newer version may read them now.

        Beside nobody who rebuilds, seals or forgets: raises RebuildRunning.
        """
        with self.store.read_models.rebuilding():
            return self._retried(position, projection)

    def _retried(self, position: int | None, projection: str | None) -> RetryResult:
        letters = self.listed(projection=projection) if position is None else self._at(position, projection)
        hours = {int(letter.hour.timestamp()) for letter in letters if letter.hour}
        hours_now = ((letter, self._hour_now(letter)) for letter in letters)
        untimed = {(letter.projection, letter.position): hour for letter, hour in hours_now if hour}
        periods = list(self._periods(hours.union(untimed.values())))
        for period in periods:
            self.store.derive_alone(period)
        for name, at in untimed:
            self.store.read_models.forget_untimed(name, at)
        left = set(map(_place, self.listed(projection=projection, position=position, discarded=True)))
        remaining = sum(_place(letter) in left for letter in letters)
        return RetryResult(tried=len(letters), solved=len(letters) - remaining, remaining=remaining, derived=periods)

    def _hour_now(self, letter: DeadLetter) -> int | None:
        """Return the hour of what was no event, where it is one by now and the log finds it in that hour."""
        if letter.field != WHOLE or letter.hour:
            return None
        stored = self._read(letter.position)
        if not stored.num_rows:  # sealed by now, as it was read then
            return None
        folded = self.store.fold(stored, [letter.projection])[letter.projection]
        event = decoded(**stored.to_pylist()[0])
        if event is None or not isinstance(folded, Folded) or any(hour == 0 for _, hour, _ in folded.unreadable):
            return None
        hour = self.store.calendar.hour_start(int(event.occurred_at.timestamp() // 1))
        bounds = hour * MICRO, self.store.calendar.next_hour(hour) * MICRO
        there = self.store.log.scan_period(*bounds, after=letter.position - 1, upto=letter.position)
        return hour if any(events.num_rows for events in there) else None

    def _periods(self, hours: Iterable[int]) -> Iterator[TimePeriod]:
        """One period a day: deriving one hour of it reads the whole day anyway."""
        days: dict[int, list[int]] = {}
        for hour in sorted(hours):
            days.setdefault(self.store.calendar.day_start(hour), []).append(hour)
        for within in days.values():
            yield TimePeriod(
                self.store.calendar.local(within[0]),
                self.store.calendar.local(self.store.calendar.next_hour(within[-1])),
                "hour",
            )

    def discard(self, position: int, *, projection: str | None = None) -> Listing[DeadLetter]:
        """Accept what could not be read at a position; returns these letters. Raises NoDeadLetter."""
        letters = self._at(position, projection)
        self.store.read_models.discard([(letter.projection, letter.position, letter.field) for letter in letters])
        return self._at(position, projection)


class _Undone(Exception):
    """What was tried in a transaction went well, and is undone."""


def _refusal(read_models: ReadModels, declaration: Declaration, folded: Folded) -> str | None:
    """Say why rows cannot be merged into what is there now, None where they can; nothing is written."""
    try:
        with read_models.writing() as cursor:
            read_models.merge(cursor, declaration, folded)
            read_models.live_in(cursor)  # asks for rows: whatever was refused has been told by then
            raise _Undone
    except _Undone:
        return None
    except RowsRefused as error:
        return str(error.details["problem"])


def _place(letter: DeadLetter) -> tuple[int, str, str]:
    return letter.position, letter.projection, letter.field


def decoded(position: int, type: str, state: bytes, **_: Any) -> RecordedEvent | None:
    """Return what is stored as an event, None where it is none."""
    try:
        event = codec.decode(position, type, state)
    except Exception:  # whatever it is, it is no event
        return None
    return event if isinstance(event.occurred_at, datetime) and event.occurred_at.utcoffset() is not None else None


# ── causes in words ─────────────────────────────────────────────────────────────────────────────────────────────


def no_event(event: RecordedEvent | None, state: bytes) -> str:
    """Say why what is stored is no event."""
    if not state:
        return "what is stored is not what was recorded: its checksum is wrong"
    if event and not is_type(event.type):
        return f"{_shown(event.type)} is no event type"
    try:
        stored = orjson.loads(state)
    except orjson.JSONDecodeError as error:
        return f"what is stored is no JSON ({error})"
    if not isinstance(stored, dict):
        return "what is stored is JSON, but no event"
    return f"its time cannot be read; occurred_at = {_shown(stored.get('occurred_at'))}"


def cause(declaration: Declaration, field: str, event: RecordedEvent) -> str:
    """Say why a projection could not use an event for a measure, a key or its condition."""
    measure = next((measure for measure in declaration.measures if measure.name == field), None)
    if measure:
        return f"{field}: {_described(measure)}; {_values(event, measure.sql, measure.where, measure=measure)}"
    key = next((key.sql for key in declaration.keys if key.name == field), None)
    if key is not None:
        return f"{field}: key {key}; {_values(event, key)}"
    return f"{field}: only events with {declaration.where}; {_values(event, declaration.where)}"


def _described(measure: Measure) -> str:
    of = f" of {measure.sql}" if measure.sql else ""
    decimals = f" with {measure.decimals} decimals" if measure.decimals else ""
    return f"{measure.kind}{of}{decimals}" + (f" where {measure.where}" if measure.where else "")


def _values(event: RecordedEvent, *texts: str | None, measure: Measure | None = None) -> str:
    """Tell the values of the fields that expressions name, and what is wrong with them as far as that can be seen."""
    paths = dict.fromkeys(path for sql in texts if sql for path in expressions.references(sql))
    parts, explained = [], False
    for path in paths:
        value = _value(event, path)
        used = measure is not None and measure.sql is not None and path in expressions.references(measure.sql)
        wrong = _wrong(path, value, measure if used else None)
        explained = explained or bool(wrong)
        parts.append(f"{_stored_name(path)} = {_shown(value)}{wrong}")
    return ", ".join(parts) + ("" if explained else ": the expression fails on this")


def _wrong(path: tuple[str, ...], value: Any, measure: Measure | None) -> str:
    number = len(path) == 1 and FIELDS[path[0]] != TEXT
    if value is None or not (number or measure):
        return ""
    try:
        read = Decimal(str(value))
    except InvalidOperation:
        return " is not a number"
    if not read.is_finite():
        return " is not a number"
    if measure and measure.kind != "histogram":
        return f" does not fit {MOST_DIGITS} digits" if read.adjusted() >= MOST_DIGITS - measure.decimals else ""
    if abs(read) > Decimal(MAX_INTEGER).scaleb(-(measure.decimals if measure else 0)):
        return " does not fit 64 bits"
    return " is below 0" if measure and measure.kind == "histogram" and read < 0 else ""


def _stored_name(path: tuple[str, ...]) -> str:
    return IN_MICROSECONDS.get(path[0], ".".join(path))


def _value(event: RecordedEvent, path: tuple[str, ...]) -> Any:
    """Return what an event has where an expression looks, None where it has nothing."""
    if path[0] in ("data", "attributes") and len(path) == 2:
        outer = event.data if path[0] == "data" else event.data.get("attributes")
        return outer.get(path[1]) if isinstance(outer, dict) else None
    type_facts = facts(event.type)
    own: dict[str, Any] = {"type": event.type, "family": type_facts.family, "activity": type_facts.activity}
    own |= {"source": event.source, "occurred_at": microseconds(event.occurred_at)}
    own["outcome"] = event.data.get("status") or (None if type_facts.verdict == "begun" else type_facts.verdict)
    return event.data.get(_stored_name(path), own.get(path[0]))


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = orjson.dumps(value, default=str).decode()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
