"""Sealed rows: rows of read models packed by day for the log to keep, and what they are in another definition."""

from __future__ import annotations

import functools
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from attrs import evolve

from analytics_es.errors import DamagedSeal
from analytics_es.log import EventLog
from analytics_es.log.seals import Definition, SealedRows
from analytics_es.process import Later
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration, Measure, defined
from analytics_es.projection.rows import Row, integers

UNREADABLE = "unreadable"
EVER = (0, 2**62)
_ZEROS: Mapping[str, Any] = {"count": 0, "histogram_count": 0, "histogram_buckets": "[[],[]]"}

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq
else:
    pa, pq = Later("pyarrow"), Later("pyarrow.parquet")

Carry = Callable[[Row], Row]
Change = Callable[[SealedRows, Declaration, Sequence[Row]], Sequence[Row]]


# ── packing ─────────────────────────────────────────────────────────────────────────────────────────────────────


def pack(
    declaration: Declaration, seal: int, rows: Sequence[Row], unreadable: Sequence[Row], calendar: Calendar
) -> Iterator[SealedRows]:
    """Pack rows, and what was unreadable (hour, position, field), by grain and day."""
    grain, bucket = declaration.row_key.index("grain"), declaration.row_key.index("bucket")
    parts: dict[tuple[str, int], list[Row]] = defaultdict(list)
    day_of = functools.cache(calendar.day_start)  # many rows are of one bucket
    for row in rows:
        parts[row[grain], day_of(row[bucket])].append(row)
    for hour, position, field in unreadable:
        parts[UNREADABLE, day_of(hour) if hour else 0].append((hour, position, field))
    for (name, day), part in sorted(parts.items()):
        content = _packed(declaration, name, sorted(part))
        digest = hashlib.sha256(content).hexdigest()
        yield SealedRows(seal, declaration.name, declaration.fingerprint, name, day, len(part), digest, content)


def _packed(declaration: Declaration, grain: str, rows: Sequence[Row]) -> bytes:
    schema = _unreadable() if grain == UNREADABLE else _schema(declaration)
    values = zip(*rows, strict=True) if rows else [()] * len(schema)
    columns = [_column(column, kind) for column, kind in zip(values, schema.types, strict=True)]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns, names=schema.names), sink, compression="zstd")
    return bytes(sink.getvalue())


def _unreadable() -> pa.Schema:
    return pa.schema([("hour", pa.int64()), ("position", pa.int64()), ("field", pa.string())])


def _schema(declaration: Declaration) -> pa.Schema:
    keys = [(name, pa.int64() if name == "bucket" else pa.string()) for name in declaration.row_key]
    columns = [(c.name, pa.string() if c.merge == "histogram" else pa.int64()) for c in declaration.columns]
    return pa.schema(keys + columns)


def _column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return a column of a kind; one with a number that does not fit 64 bits is of decimals without decimals."""
    try:
        return pa.array(values, kind)
    except OverflowError:
        return pa.array([None if value is None else Decimal(value) for value in values], pa.decimal256(76, 0))


def unpack(sealed: SealedRows) -> list[Row]:
    """Return the rows; raises DamagedSeal."""
    if hashlib.sha256(sealed.content).hexdigest() != sealed.sha256:
        raise DamagedSeal(projection=sealed.projection, seal=sealed.seal)
    table = pq.read_table(pa.BufferReader(sealed.content))
    return list(zip(*map(integers, table.columns), strict=True))


def sealed_as(seal: Definition) -> Declaration:
    """Return the definition of the rows that a seal holds; raises DamagedSeal where it is not what was sealed."""
    if hashlib.blake2b(seal.declared.encode(), digest_size=8).hexdigest() != seal.definition:
        raise DamagedSeal(projection=seal.projection, seal=seal.seal)
    return defined(seal.declared)


def repack(sealed: SealedRows, declaration: Declaration, rows: Sequence[Row]) -> SealedRows:
    """Return other rows in the place of sealed ones."""
    content = _packed(declaration, sealed.grain, sorted(rows, key=lambda row: row[: len(declaration.row_key)]))
    return evolve(sealed, rows=len(rows), sha256=hashlib.sha256(content).hexdigest(), content=content)


def changed_rows(log: EventLog, change: Change) -> Iterator[SealedRows]:
    """Yield the sealed rows of a log that a change of rows would change, as they would then be; raises DamagedSeal."""
    for projection in log.seals.projections():
        definitions = {text.definition: sealed_as(text) for text in log.seals.definitions(projection)}
        for sealed in log.seals.rows(projection, *EVER):
            if sealed.grain != UNREADABLE:
                declaration, rows = definitions[sealed.definition], unpack(sealed)
                new = change(sealed, declaration, rows)
                if new != rows:
                    yield repack(sealed, declaration, new)


# ── another definition ──────────────────────────────────────────────────────────────────────────────────────────


def carries(old: Declaration, new: Declaration) -> bool:
    """Say whether rows of one definition are rows of the other, at most with measures and entities more or less."""
    same = ("consumes", "where", "keys")
    return _declared(old, new) or all(getattr(old, name) == getattr(new, name) for name in same)


def _declared(old: Declaration, new: Declaration) -> bool:
    """Say whether one says of the other that its rows are rows of it; never of one that tells them further apart."""
    return old.version in new.carries and {key.name for key in new.keys} <= {key.name for key in old.keys}


def carries_all(old: Declaration, new: Declaration) -> bool:
    """Say whether rows of one definition are all that the other has of their events."""
    same = evolve(old, outcomes=new.outcomes).fingerprint == new.fingerprint  # what was sealed keeps what it was then
    return same or (_declared(old, new) and {*new.entities} <= {*old.entities})


def carried(old: Declaration, new: Declaration) -> Carry:
    """Return how a row of one definition is written in another: what was not measured then is at its zero."""
    if old.definition == new.definition:
        return lambda row: row
    before = [*old.row_key, *(column.name for column in old.columns)]
    keys: list[tuple[int | None, Any, int]] = [(before.index(name), None, 1) for name in new.row_key]
    measures = {measure.name: measure for measure in old.measures}
    carry = _by_name if _declared(old, new) else _same
    parts = [part for measure in new.measures for part in _parts(before, carry(measures.get(measure.name), measure))]
    places = [*keys, *parts]
    return lambda row: tuple(_value(row, *place) for place in places)


def _value(row: Row, place: int | None, zero: Any, factor: int) -> Any:
    stored = zero if place is None else row[place]
    return stored if factor == 1 or stored is None else stored * factor


def _parts(before: Sequence[str], carried: tuple[Measure, int | None]) -> Iterator[tuple[int | None, Any, int]]:
    """Yield, of each column of a measure, where it was, what it is without, and what it was less by."""
    measure, factor = carried
    for column in measure.columns:
        place = before.index(column.name) if factor else None
        yield place, _zero(measure, column.name), (factor or 1) if column.wide else 1


def _same(old: Measure | None, new: Measure) -> tuple[Measure, int | None]:
    """Take over what is measured alike."""
    of_values = ("kind", "sql", "where", "decimals")
    return new, 1 if old and all(getattr(old, name) == getattr(new, name) for name in of_values) else None


def _by_name(old: Measure | None, new: Measure) -> tuple[Measure, int | None]:
    """Take over what has the name, of which fewer decimals may have been kept."""
    if old is None or old.kind != new.kind or old.decimals > new.decimals:
        return new, None
    if new.kind == "histogram" and old.decimals != new.decimals:  # whose buckets cannot be told apart any finer
        return new, None
    return new, 10 ** (new.decimals - old.decimals)


def _zero(measure: Measure, column: str) -> Any:
    return _ZEROS.get(f"{measure.kind}{column.removeprefix(measure.name)}")
