"""Sealed rows: what is derived of events that are gone, packed by day in the log, for read models to begin with.

A row only ever adds, so rows of sealed events and rows of the others make one read model together.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from attrs import evolve, frozen

from analytics_es.errors import DamagedSeal, SealedPeriod
from analytics_es.log import EventLog, Horizon
from analytics_es.log.seals import SealedRows
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration, Measure, defined
from analytics_es.projection.fold import Day, Folded, Row

UNREADABLE = "unreadable"
EVER = (0, 2**62)
_UNREADABLE = pa.schema([("hour", pa.int64()), ("position", pa.int64()), ("field", pa.string())])
_ZEROS: Mapping[str, Any] = {"count": 0, "histogram_count": 0, "histogram_buckets": "[[],[]]"}

Span = tuple[int, int]
Carry = Callable[[Row], Row]


# ── packing ─────────────────────────────────────────────────────────────────────────────────────────────────────


def pack(
    declaration: Declaration,
    seal: int,
    rows: Sequence[Row],
    unreadable: Sequence[Row],
    calendar: Calendar,
) -> Iterator[SealedRows]:
    """Pack rows, and what was unreadable (hour, position, field), by grain and day."""
    grain, bucket = declaration.row_key.index("grain"), declaration.row_key.index("bucket")
    parts: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in rows:
        parts[row[grain], calendar.day_start(row[bucket])].append(row)
    for each in unreadable:
        parts[UNREADABLE, calendar.day_start(each[0]) if each[0] else 0].append(each)
    for (name, day), found in sorted(parts.items()):
        content = _packed(declaration, name, sorted(found))
        digest = hashlib.sha256(content).hexdigest()
        yield SealedRows(seal, declaration.name, declaration.fingerprint, name, day, len(found), digest, content)


def _packed(declaration: Declaration, grain: str, rows: Sequence[Row]) -> bytes:
    schema = _UNREADABLE if grain == UNREADABLE else _schema(declaration)
    values = zip(*rows, strict=True) if rows else [()] * len(schema)
    columns = [pa.array(each, kind) for each, kind in zip(values, schema.types, strict=True)]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns, schema=schema), sink, compression="zstd")
    return bytes(sink.getvalue())


def _schema(declaration: Declaration) -> pa.Schema:
    keys = [(name, pa.int64() if name == "bucket" else pa.string()) for name in declaration.row_key]
    columns = [(c.name, pa.string() if c.merge == "histogram" else pa.int64()) for c in declaration.columns]
    return pa.schema(keys + columns)


def unpack(sealed: SealedRows) -> list[Row]:
    """Return the rows; raises DamagedSeal."""
    if not sealed.intact:
        raise DamagedSeal(projection=sealed.projection, seal=sealed.seal)
    table = pq.read_table(pa.BufferReader(sealed.content))
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def repack(sealed: SealedRows, declaration: Declaration, rows: Sequence[Row]) -> SealedRows:
    """Return other rows in the place of sealed ones."""
    content = _packed(declaration, sealed.grain, sorted(rows, key=lambda row: row[: len(declaration.row_key)]))
    return evolve(sealed, rows=len(rows), sha256=hashlib.sha256(content).hexdigest(), content=content)


def changed(log: EventLog, change: Callable[[Declaration, Row], Row]) -> Iterator[SealedRows]:
    """Yield the sealed rows of a log that a change of rows would change, as they would then be; raises DamagedSeal."""
    for projection in log.seals.projections():
        definitions = {each.definition: defined(each.declared) for each in log.seals.definitions(projection)}
        for sealed in log.seals.rows(projection, *EVER):
            if sealed.grain != UNREADABLE:
                declaration, rows = definitions[sealed.definition], unpack(sealed)
                others = [change(declaration, row) for row in rows]
                if others != rows:
                    yield repack(sealed, declaration, others)


# ── another definition ──────────────────────────────────────────────────────────────────────────────────────────


def carries(old: Declaration, new: Declaration) -> bool:
    """Say whether rows of one definition are rows of the other, at most with measures and entities more or less."""
    same = ("consumes", "where", "keys")
    return all(getattr(old, name) == getattr(new, name) for name in same)


def carried(old: Declaration, new: Declaration) -> Carry:
    """Return how a row of one definition is written in another: what was not measured then is at its zero."""
    if old.definition == new.definition:
        return lambda row: row
    width, columns = len(new.row_key), [column.name for column in old.columns]
    known = {each.name: each for each in old.measures}
    places: list[tuple[int | None, Any]] = []
    for measure in new.measures:
        same = _same(known.get(measure.name), measure)
        for column in measure.columns:
            places.append((width + columns.index(column.name) if same else None, _zero(measure, column.name)))
    return lambda row: (*row[:width], *(zero if place is None else row[place] for place, zero in places))


def _same(one: Measure | None, other: Measure) -> bool:
    told = ("kind", "sql", "where", "decimals")
    return one is not None and all(getattr(one, name) == getattr(other, name) for name in told)


def _zero(measure: Measure, column: str) -> Any:
    return _ZEROS.get(f"{measure.kind}{column.removeprefix(measure.name)}")


# ── seeds ───────────────────────────────────────────────────────────────────────────────────────────────────────


@frozen
class Seeds:
    """What the read models of a log begin with: the rows of its sealed events, but for the days in `without`.

    Without a log there are none.
    """

    log: EventLog | None = None
    within: Span = EVER
    without: Span = (0, 0)

    def horizon(self) -> Horizon:
        """Return up to when events are sealed."""
        return self.log.seals.horizon() if self.log else Horizon()

    def __call__(self, declaration: Declaration) -> Iterator[Folded]:
        """Yield what a read model begins with, day by day; raises DamagedSeal."""
        if self.log is None:
            return
        chosen = self._chosen(declaration)
        for sealed in self.log.seals.rows(declaration.name, *self.within):
            old = chosen.get(sealed.seal)
            if old is None or sealed.definition != old.fingerprint or self._left_out(sealed.day):
                continue
            rows = unpack(sealed)
            if sealed.grain == UNREADABLE:
                yield Folded(rows=[], unreadable=[(position, hour, field) for hour, position, field in rows])
            else:
                for part in _distinct(_of_entities(rows, old, declaration), len(old.row_key)):
                    yield Folded(rows=list(map(carried(old, declaration), part)), unreadable=[])

    def _chosen(self, declaration: Declaration) -> dict[int, Declaration]:
        """Return for each seal the definition whose rows are taken: this very one, else one that can be carried."""
        chosen: dict[int, Declaration] = {}
        for each in self.log.seals.definitions(declaration.name) if self.log else ():
            old = defined(each.declared)
            if carries(old, declaration) and (each.seal not in chosen or each.definition == declaration.fingerprint):
                chosen[each.seal] = old
        return chosen

    def days(self) -> list[Day]:
        """Return how many events of each day are sealed, and the sum of their checksums."""
        if self.log is None:
            return []
        start, end = self.within
        return [each for each in self.log.seals.days() if start <= each[0] < end and not self._left_out(each[0])]

    def _left_out(self, day: int) -> bool:
        return self.without[0] <= day < self.without[1]

    def complete(self, declaration: Declaration) -> bool:
        """Say whether a read model of this definition begins with all that sealed events add."""
        exact = {seal for seal, old in self._chosen(declaration).items() if old.fingerprint == declaration.fingerprint}
        return len(exact) == self.horizon().seal


def _of_entities(rows: list[Row], old: Declaration, new: Declaration) -> list[Row]:
    """Leave out the rows of entities that are none any more."""
    gone = set(old.entities) - set(new.entities)
    if not gone:
        return rows
    of_type = old.row_key.index(old.entity_key("type"))
    return [row for row in rows if row[of_type] not in gone]


def _distinct(rows: list[Row], width: int) -> Iterator[list[Row]]:
    """Divide rows so that none has the key of another, as some have that were masked."""
    first: dict[Row, Row] = {}
    again: list[Row] = []
    for row in rows:
        if first.setdefault(row[:width], row) is not row:
            again.append(row)
    yield list(first.values())
    if again:
        yield from _distinct(again, width)


NOTHING = Seeds()


def sealed_until(log: EventLog, calendar: Calendar) -> datetime | None:
    """Return the time before which events are gone, None where none are."""
    until = log.seals.horizon().until
    return calendar.local(until) if until else None


def check_exact(log: EventLog, start: int, upto: int, what: str) -> None:
    """Raise SealedPeriod for a question about what the log held up to a position, where some of that is gone."""
    horizon = log.seals.horizon()
    if start < horizon.until and upto < horizon.position:
        raise SealedPeriod.of(horizon.until, what)
