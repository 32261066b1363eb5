"""Batches → events: the expressions of a mapping, evaluated; a batch that fails is halved down to the failing rows."""

from __future__ import annotations

import difflib
import heapq
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import UUID

from attrs import evolve

from analytics_es.events.cloudevents import moment
from analytics_es.ingest.files.batches import BATCH_ROWS, Batch
from analytics_es.ingest.files.contents import DIGEST_BYTES, Numbering
from analytics_es.ingest.files.events import EXPORTED_COLUMNS, IMPORTED, ImportedRow, refused, source_of
from analytics_es.ingest.files.expressions import Query, bind, check_times
from analytics_es.ingest.files.mapping import EACH, Mapping
from analytics_es.ingest.files.notes import Notes
from analytics_es.ingest.files.odd_rows import Ways
from analytics_es.ingest.files.problems import reading
from analytics_es.ingest.files.stretches import sizes, stretches
from analytics_es.ingest.problems import in_one_line
from analytics_es.projection import engine
from analytics_es.projection.growth import MOST_MADE

MOST_NEAR = 1000  # columns that a missing one is held against


def evaluate(
    path: Path, mapping: Mapping, batches: Iterator[Batch], notes: Notes, source: str | None = None
) -> Iterator[ImportedRow]:
    """Return what the rows of all batches give; the mapping is checked before the first row is asked for."""
    first = next(batches, None)
    if first is None:
        return iter(())
    notes.missing = {name: _near(name, first.names) for name in first.missing}
    if first.missing and first.names:
        check_times(mapping, first, path.name)
    connection = engine.connect()
    _load(path, connection, first)
    kinds = {name: kind for name, kind, *_ in connection.execute("DESCRIBE batch").fetchall()}
    kinds |= dict.fromkeys(first.empty, '"NULL"')
    queries = [bind(mapping, number, kinds, first, path.name) for number in range(len(mapping.tables)) if first.names]
    ways = [Ways.of(mapping, number, kinds) for number in range(len(queries))]
    return _imported(path, connection, queries, itertools.chain([first], batches), notes, source, ways)


def _near(name: str, names: Sequence[str]) -> str:
    """Return the name of a column that a missing one may have been meant to be, "" for none."""
    by_lower = {column.lower(): column for column in names[:MOST_NEAR]}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.7)
    return by_lower[near[0]] if near else ""


def _load(path: Path, connection: engine.Connection, batch: Batch) -> None:
    with reading(path):
        connection.register("source", batch.table)
        # The typed columns of one batch.
        connection.execute(f"CREATE OR REPLACE TEMP TABLE batch AS {batch.select}")


def _imported(
    path: Path,
    connection: engine.Connection,
    queries: list[Query],
    batches: Iterable[Batch],
    notes: Notes,
    source: str | None,
    ways: Sequence[Ways],
) -> Iterator[ImportedRow]:
    known = Numbering()
    with connection:
        for batch in batches:
            _load(path, connection, batch)
            reader = _Reader(path, connection, batch, source, known, notes, ways)
            notes.rows += len(batch.records) or batch.table.num_rows
            bad = (refused(record.row, record.problem, record.raw) for record in batch.records if record.problem)
            yield from heapq.merge(bad, *map(reader.rows, queries), key=lambda row: row.row)


class _Reader:
    """Reads what the rows of the loaded batch give, one [[event]] table at a time."""

    def __init__(
        self,
        path: Path,
        connection: engine.Connection,
        batch: Batch,
        source: str | None,
        known: Numbering,
        notes: Notes,
        ways: Sequence[Ways],
    ) -> None:
        self._path, self._connection, self._batch, self._source, self._known = path, connection, batch, source, known
        self._notes, self._ways = notes, ways
        self._raws = {record.row: record.raw for record in batch.records}
        self._fields = {record.row: record.fields for record in batch.records}
        self._exported = EXPORTED_COLUMNS.issubset(batch.names)
        self._names = _Names(batch)
        self._numbers = batch.table["__row"].to_pylist()

    def rows(self, query: Query) -> Iterator[ImportedRow]:
        """Yield the events of one [[event]] table, and the rows that an expression fails for, in the order of rows."""
        if not query.elements:
            for row, fields in _within_bounds(self._connection, query, self._numbers, sizes(self._batch)):
                yield self._row(query, row, None, fields)
            return
        yield from heapq.merge(self._no_lists(query), self._elements(query), key=lambda row: row.row)

    def _elements(self, query: Query) -> Iterator[ImportedRow]:
        self._connection.execute(query.elements)
        last = 0
        # Some elements of the batch, in their order.
        some = f"""
            SELECT __element, __row, __place, __size FROM elements{query.number}
            WHERE __element > ? AND __element <= ? ORDER BY __element
        """
        while found := self._connection.execute(some, [last, last + BATCH_ROWS]).fetchall():
            places = {element: (row, place) for element, row, place, _ in found}
            lengths = [size for *_, size in found]
            for element, fields in _within_bounds(self._connection, query, [*places], lengths):
                yield self._row(query, *places[element], fields)
            last += BATCH_ROWS

    def _no_lists(self, query: Query) -> Iterator[ImportedRow]:
        """Yield the rows that have something else where the list is."""
        rows = _evaluated(self._connection, query.no_lists, self._numbers) if self._numbers else ()
        for row, fields in rows:
            problem = in_one_line(fields) if isinstance(fields, Exception) else f"{EACH}: {fields[0]}"
            yield refused(row, problem, self._raw(row))

    def _row(self, query: Query, row: int, place: int | None, fields: list[Any] | Exception) -> ImportedRow:
        table = f":{query.number + 1}" if query.number else ""
        element = f"#{place}" if place else ""
        try:
            event, formerly, teller = _event(query, fields), None, source_of(self._path)
            known_by = event.pop("known_by")
            is_known = bool(known_by) and not event["id"]
            if is_known:
                event["id"] = self._known_as(known_by, table)
            elif not event["id"]:
                formerly, teller = f"{self._path.name}:{row}{table}{element}", IMPORTED
                event["id"] = f"{self._names.of(row)}{table}{element}"
            elif not query.id_is_whole:
                event["id"] += element
            if event["source"] is None:
                event["source"] = self._source or teller
            self._notes.no_object.update(self._ways[query.number].blocked(self._fields.get(row, {}), place))
            raw = self._raws.get(row)
            imported = ImportedRow(
                row=row, element=place, event=event, error=None, raw=raw, formerly=formerly, keyed=is_known
            )
            return evolve(imported, exported=True) if self._exported else imported
        except (ValueError, OverflowError, engine.EngineError) as error:
            problem = f"element {place}: {in_one_line(error)}" if place else in_one_line(error)
            return refused(row, problem, self._raw(row))

    def _known_as(self, text: str, table: str) -> str:
        """Return the name of what is known by a text: the second of the same in a file is known as the second."""
        digest = blake2b(f"{table} {text}".encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()
        return f"known:{digest.hex()}:{self._known.number(digest)}{table}"

    def _raw(self, row: int) -> str | None:
        return self._raws[row] if self._raws else _row_as_json(self._connection, row)


def _row_as_json(connection: engine.Connection, row: int) -> str:
    # One row of the batch, for people to read.
    return str(connection.execute("SELECT to_json(__all) FROM batch AS __all WHERE __row = ?", [row]).fetchall()[0][0])


def _within_bounds(
    connection: engine.Connection, query: Query, numbers: list[int], lengths: list[int]
) -> Iterator[tuple[int, Any]]:
    """Yield what `_evaluated` does, stretch by stretch; a row of which too much would be made has an error."""
    for stretch, may_be in stretches(numbers, lengths, query.bounds):
        if may_be or _may_be(connection, query, stretch[0]):
            yield from _evaluated(connection, query.sql, stretch)
        else:
            yield stretch[0], ValueError(f"the mapping could make more than {MOST_MADE} bytes of a row of this length")


def _may_be(connection: engine.Connection, query: Query, row: int) -> bool:
    """Say whether a row that is long as a whole may be asked for, by how long the columns are of which much is made."""
    lengths = (f"coalesce(strlen(CAST({engine.quote_name(name)} AS VARCHAR)), 0)" for name in query.columns)
    # How long the columns of one row are that the expressions read.
    lengths_of_one = f"SELECT {', '.join(lengths)} FROM {query.source} WHERE {query.numbered_by} = ?"
    sizes = connection.execute(lengths_of_one, [row]).fetchall()[0]
    return query.made(sizes) <= MOST_MADE


def _evaluated(connection: engine.Connection, sql: str, numbers: list[int]) -> Iterator[tuple[int, Any]]:
    """Yield the fields of each matching row, or the error that one of its expressions raises.

    A failing batch is halved until the failing rows stand alone. TRY() would tell neither an error from NULL nor the
    reason, and fails where the optimizer moves an expression that is used twice out of it.
    """
    if not numbers:
        return
    try:
        rows = connection.execute(sql, [numbers[0], numbers[-1]]).fetchall()
        yield from ((row, fields) for row, *fields in rows)
    except engine.EngineError as error:
        half = len(numbers) // 2
        if half == 0:
            yield numbers[0], error
        else:
            yield from _evaluated(connection, sql, numbers[:half])
            yield from _evaluated(connection, sql, numbers[half:])


class _Names:
    """Names rows that have no id by what they say, and by how many rows of the file have said the same until then."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._digests: dict[int, bytes] = {}
        self._names: dict[int, str] = {}

    def of(self, row: int) -> str:
        """Return the name of a row; rows are asked for in their order."""
        self._digests = self._digests or dict(self._batch.contents())
        if row not in self._names:
            digest = self._digests[row]
            self._names[row] = f"row:{digest.hex()}:{self._batch.numbering.number(digest)}"
        return self._names[row]


def _event(query: Query, fields: list[Any] | Exception) -> dict[str, Any]:
    """Return the arguments of `record_event`, of which id and source may be none, and what the row is known by."""
    if isinstance(fields, Exception):
        raise fields
    event_type, when, id, known_by, source, *values = fields
    if event_type is None:
        raise ValueError("its type is NULL")
    data: dict[str, Any] = {}
    for (place, is_json), value in zip(query.data, values, strict=True):
        if value is None or (is_json and value == "null"):
            continue
        try:
            plain = _plain(json.loads(value) if is_json else value)
        except ValueError as error:
            raise ValueError(f"{'.'.join(place)}: {error}") from None
        above = data if len(place) == 2 else data.setdefault(place[1], {})
        above[place[-1]] = plain
    event = {"event_type": event_type, "data": data, "occurred_at": moment(when), "id": id, "source": source}
    return {**event, "known_by": known_by}


def _plain(value: Any) -> Any:
    """Return a value of the engine as JSON can hold it, without the empty fields of a STRUCT."""
    if value is None or isinstance(value, str | int | float | Decimal):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(member) for key, member in value.items() if member is not None}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise ValueError(f"no event can hold {type(value).__name__}: cast it")
