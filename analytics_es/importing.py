"""Files → events, by a mapping."""

from __future__ import annotations

import codecs
import csv
import functools
import gzip
import itertools
import json
import re
import tomllib
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from attrs import frozen

from analytics_es import engine
from analytics_es.errors import AnalyticsError, BadMapping, BadRow, CannotRead, UnknownFormat
from analytics_es.events import EPOCH

MAX_LINE, BATCH_ROWS, BATCH_BYTES = 16 * 2**20, 4096, 16 * 2**20
FORMATS = (".csv", ".json", ".jsonl", ".ndjson", ".parquet")

Place = tuple[str, ...]


@frozen(kw_only=True)
class ImportedRow:
    """One event of a row, as arguments of `record_event`, or the reason why there is none.

    `raw` is the text of the row; it is None for a line that is too long, and for a Parquet row without an error.
    """

    row: int
    event: dict[str, Any] | None
    error: AnalyticsError | None
    raw: str | None = None


@frozen(kw_only=True)
class Mapping:
    """The SQL expressions of each [[event]] table by place, such as ("data", "cost"), and the names they use."""

    path: Path
    tables: tuple[dict[Place, str], ...]
    names: frozenset[str]


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file (docs/mapping.md); raises BadMapping for anything in it that is not understood."""
    try:
        settings = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise CannotRead(path=path, problem=error.strerror) from error
    except (ValueError, RecursionError) as error:
        raise BadMapping(path=path, problem=f"not valid TOML: {_line(error)}") from error
    tables = settings.pop("event", None)
    if settings:
        raise BadMapping(path=path, problem=f"unknown key {min(settings)!r}: only [[event]] tables are known")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise BadMapping(path=path, problem="no [[event]] table")
    flat = tuple(dict(_flatten(table)) for table in tables)
    names = {name for number, table in enumerate(flat, 1) for name in _names(path, number, table)}
    return Mapping(path=path, tables=flat, names=frozenset(names))


def rows(path: Path, mapping: Mapping | None = None) -> Iterator[ImportedRow]:
    """Return what each row of a file gives, in the file's order; without a mapping, of CloudEvents as JSON Lines.

    Raises BadMapping where an expression does not fit the columns, CannotRead and UnknownFormat.
    """
    kind = Path(path.name.lower().removesuffix(".gz")).suffix
    if kind not in FORMATS:
        raise UnknownFormat(format=path.name, formats=", ".join(FORMATS))
    if not path.is_file():
        raise CannotRead(path=path, problem="there is no such file")
    if mapping:
        batches = _parquet(path, mapping) if kind == ".parquet" else _text(path, mapping, is_csv=kind == ".csv")
        return _mapped(path, mapping, batches)
    if kind in (".csv", ".parquet"):
        raise BadMapping(path=path, problem="a mapping is needed: only CloudEvents as JSON Lines do without")
    return _cloud_events(path)


# ── what a mapping may say ──────────────────────────────────────────────────────────────────────────────────────

_KEYS = ("where", "type", "occurred_at", "id", "source")
_TABLES = (("data",), ("data", "attributes"))


def _flatten(table: dict[str, Any], above: Place = ()) -> Iterator[tuple[Place, Any]]:
    for key, value in table.items():
        if isinstance(value, dict) and (*above, key) in _TABLES:
            yield from _flatten(value, (*above, key))
        else:
            yield (*above, key), value


def _names(path: Path, number: int, table: dict[Place, Any]) -> Iterator[str]:
    """Yield the names that one [[event]] table uses; only single, pure expressions pass."""
    for key in ("type", "occurred_at"):
        if (key,) not in table:
            raise _bad(path, number, (key,), "is missing")
    for place, expression in table.items():
        if place not in {(key,) for key in _KEYS} and place[:-1] not in _TABLES:
            raise _bad(path, number, place, f"is not known: use {', '.join(_KEYS)} or the table [event.data]")
        if not isinstance(expression, str):
            raise _bad(path, number, place, f"must be a text that holds an SQL expression, not {expression!r:.60}")
        try:
            yield from (name.lower() for reference in engine.references(expression) for name in reference)
        except (ValueError, RecursionError, engine.EngineError) as error:
            raise _bad(path, number, place, _line(error)) from error


def _bad(path: Path, number: int, place: Place, problem: str) -> BadMapping:
    return BadMapping(path=path, problem=f"[[event]] {number}, {'.'.join(place)}: {problem}")


def _line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:300]


# ── text files as records ───────────────────────────────────────────────────────────────────────────────────────


class _Record(NamedTuple):
    """One row of a text file: its fields, or the problem that refuses it. Row 0 is the header of a CSV file."""

    row: int
    fields: dict[str, Any]
    raw: str | None
    problem: str


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error, pa.ArrowException, engine.EngineError) as error:
        raise CannotRead(path=path, problem=_line(error)) from error


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, unpacked; one beyond MAX_LINE is cut to a byte above it."""
    opened: Any = gzip.open if path.name.lower().endswith(".gz") else open
    with _reading(path), opened(path, "rb") as file:
        for number in itertools.count():
            line = rest = file.readline(MAX_LINE + 1)
            while len(rest) > MAX_LINE and not rest.endswith(b"\n"):
                rest = file.readline(MAX_LINE + 1)
            if not line:
                return
            yield line if number else line.removeprefix(codecs.BOM_UTF8)


def _record(row: int, raw: bytes, fields: dict[str, Any], problem: str) -> _Record:
    if len(raw) > MAX_LINE:
        return _Record(row, {}, None, f"longer than {MAX_LINE} bytes")
    text = raw.decode("utf-8", "backslashreplace").rstrip("\r\n")
    if not problem and text.encode() != raw.rstrip(b"\r\n"):
        problem = "not UTF-8"
    return _Record(row, {} if problem else fields, text, problem)


def _loads(line: bytes) -> Any:
    found = orjson.loads(line)
    if line.count(b"{") + line.count(b"[") > 250:
        orjson.dumps(found)  # which allows fewer levels; the engine gets the fields in use as JSON
    return found


def _json_records(path: Path, loads: Callable[[bytes], Any]) -> Iterator[_Record]:
    for row, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            fields = loads(line)
            problem = "" if fields and isinstance(fields, dict) else "not a JSON object with fields"
        except (TypeError, ValueError, RecursionError) as error:
            fields, problem = {}, f"not valid JSON: {_line(error)}"
        yield _record(row, line, fields, problem)


def _csv_records(path: Path) -> Iterator[_Record]:
    names: list[str] = []
    for row, (raw, cells, problem) in enumerate(_cells(path)):
        if row and not problem and len(cells) != len(names):
            problem = f"{len(cells)} fields, but the header has {len(names)}"
        names = names or _unique(cells)
        values = [(row and cell) or None for cell in cells]
        record = _record(row, raw, dict(zip(names, values, strict=False)), problem)
        if not row and record.problem:
            raise CannotRead(path=path, problem=f"bad header: {record.problem}")
        yield record


def _cells(path: Path) -> Iterator[tuple[bytes, list[str], str]]:
    """Yield text, cells and problem of each record. With Python's reader a bad line costs its row, not the file."""
    lines, taken = _lines(path), list[bytes]()
    first = next(lines, b"")

    def texts() -> Iterator[str]:
        for line in itertools.chain([first], lines):
            taken.append(line)
            yield line.decode("utf-8", "backslashreplace")

    unquoted = re.sub(rb'"[^"]*"', b"", first).decode("utf-8", "replace")
    reader = csv.reader(texts(), delimiter=max(",;\t|", key=unquoted.count), strict=True)
    while True:
        taken.clear()
        try:
            if cells := next(reader):
                yield b"".join(taken), cells, ""
        except csv.Error as error:
            yield b"".join(taken), [], f"not valid CSV: {error}"
        except StopIteration:
            return


def _unique(names: Iterable[str]) -> list[str]:
    """Return names that differ in more than case: a, A, a and an empty one become a, A_1, a_2 and column3."""
    unique, taken = list[str](), {"__row"}
    for number, name in enumerate(names):
        base = name.strip() or f"column{number}"
        candidates = itertools.chain([base], (f"{base}_{i}" for i in itertools.count(1)))
        unique.append(next(candidate for candidate in candidates if candidate.lower() not in taken))
        taken.add(unique[-1].lower())
    return unique


# ── the types of their columns ──────────────────────────────────────────────────────────────────────────────────

# A number is what Python and the engine read without loss, written as numbers are: 007 is a text, and so is a time.
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})", re.ASCII)
_REAL = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d+)?([eE][-+]?\d{1,3})?", re.ASCII)
_SCALARS = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR"}
_NUMBERS = ("BIGINT", "HUGEINT", "DOUBLE")


def _guess(cell: str | None) -> bool | int | float | str | None:
    """Return any value of the type that a CSV cell is written in."""
    if cell is None or len(cell) > 40:
        return cell
    if _INTEGER.fullmatch(cell):
        return 0
    return 0.5 if _REAL.fullmatch(cell) else cell.lower() in ("true", "false") or cell


def _shapes(records: Iterable[_Record], mapping: Mapping, guess: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the shape of each column that may be in use, None for the others and for those without any value."""
    used = {"", *mapping.names, *(re.sub(r"_\d+$", "", name) for name in mapping.names)}
    shapes: dict[str, Any] = {}
    for record in records:
        for key, value in record.fields.items():
            known = shapes.setdefault(key, None)
            if value is not None and not (known == "VARCHAR" and type(value) is str) and key.strip().lower() in used:
                shapes[key] = _widen(known, guess(value))
    return shapes


def _widen(shape: Any, value: Any, depth: int = 0) -> Any:
    """Return the shape that also holds this value: the name of a type, {key: shape} or [shape]."""
    if value is None or shape == "JSON":
        return shape
    if not isinstance(value, dict | list):
        return _wider(shape, value)
    if depth > 16 or not isinstance(shape, type(value) | None):
        return "JSON"
    if isinstance(value, list):
        return [
            functools.reduce(lambda inner, item: _widen(inner, item, depth + 1), value, shape[0] if shape else None)
        ]
    shape = {} if shape is None else shape
    for key, item in value.items():
        shape[key] = _widen(shape.get(key), item, depth + 1)
    return shape if len(shape) <= 1000 else "JSON"


def _wider(shape: Any, value: Any) -> str:
    kind = _SCALARS[type(value)]
    if kind == "BIGINT" and not -(2**63) <= value < 2**63:
        kind = "HUGEINT"
    if shape is None or shape == kind:
        return kind
    if not isinstance(shape, str):
        return "JSON"
    return max(shape, kind, key=_NUMBERS.index) if {shape, kind} <= {*_NUMBERS} else "VARCHAR"


def _structure(shape: Any) -> Any:
    """Return a shape as json_transform takes it; an object whose keys a STRUCT cannot tell apart stays JSON."""
    if isinstance(shape, list):
        return [_structure(shape[0])]
    if not isinstance(shape, dict):
        return shape or "VARCHAR"
    keys = {key.lower() for key in shape if key and "\0" not in key}
    return {key: _structure(item) for key, item in shape.items()} if 0 < len(keys) == len(shape) else "JSON"


# ── files as batches ────────────────────────────────────────────────────────────────────────────────────────────


class _Batch(NamedTuple):
    """Some rows of a file: the names of all its columns, and the columns in use, by `select` from `table`.

    `empty` columns hold no value in the whole file; they stay NULL of any type. `records` are the rows of a text file.
    """

    names: list[str]
    table: pa.Table
    select: str = "SELECT * FROM source"
    empty: tuple[str, ...] = ()
    records: tuple[_Record, ...] = ()


def _parquet(path: Path, mapping: Mapping) -> Iterator[_Batch]:
    first = 1
    with _reading(path), pq.ParquetFile(path) as file:
        keys = file.schema_arrow.names
        if len(set(keys)) < len(keys):
            raise CannotRead(path=path, problem="two columns have the same name")
        names = _unique(keys)
        used = {name: key for name, key in zip(names, keys, strict=True) if name.lower() in mapping.names}
        for batch in file.iter_batches(BATCH_ROWS, columns=list(used.values())):
            numbers = pa.array(range(first, first + batch.num_rows), pa.int64())
            table = pa.table({"__row": numbers, **{name: batch.column(key) for name, key in used.items()}})
            first += batch.num_rows
            yield _Batch(names, table)


def _text(path: Path, mapping: Mapping, *, is_csv: bool) -> Iterator[_Batch]:
    """Read a file twice: for the types of the columns in use, then for its rows, which reach the engine as JSON."""
    records = _csv_records if is_csv else functools.partial(_json_records, loads=_loads)
    shapes = _shapes(records(path), mapping, _guess if is_csv else lambda value: value)
    names = _unique(shapes)
    used = {key: name for key, name in zip(shapes, names, strict=True) if name.lower() in mapping.names}
    keys = {str(place): key for place, key in enumerate(used) if shapes[key] is not None}
    empty = tuple(name for key, name in used.items() if shapes[key] is None)
    structure = orjson.dumps({place: _structure(shapes[key]) for place, key in keys.items()}).decode()
    columns = "".join(f', record."{place}" AS {engine.quote_name(used[key])}' for place, key in keys.items())
    typed = f", json_transform(record, {engine.quote(structure)}) AS record" if keys else ""
    select = f"SELECT __row{columns} FROM (SELECT __row{typed} FROM source)"
    for chunk in _chunks(record for record in records(path) if record.row):
        good = [record for record in chunk if not record.problem]
        numbers = pa.array([record.row for record in good], pa.int64())
        texts = [orjson.dumps({p: record.fields.get(key) for p, key in keys.items()}) for record in good]
        table = pa.table({"__row": numbers, "record": pa.array([text.decode() for text in texts], pa.string())})
        yield _Batch(names, table, select, empty, tuple(chunk))


def _chunks(records: Iterable[_Record]) -> Iterator[list[_Record]]:
    chunk, size = list[_Record](), 0
    for record in records:
        chunk.append(record)
        size += len(record.raw or "")
        if len(chunk) == BATCH_ROWS or size > BATCH_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


# ── batches → events ────────────────────────────────────────────────────────────────────────────────────────────


class _Query(NamedTuple):
    """One [[event]] table, bound to the columns of a file; `data` tells for each value its place and if it is JSON."""

    number: int
    sql: str
    data: list[tuple[Place, bool]]


def _mapped(path: Path, mapping: Mapping, batches: Iterator[_Batch]) -> Iterator[ImportedRow]:
    first = next(batches, None)
    if first is None:
        return iter(())
    connection = engine.connect()
    _load(path, connection, first)
    kinds = {name: kind for name, kind, *_ in connection.execute("DESCRIBE batch").fetchall()}
    kinds |= dict.fromkeys(first.empty, '"NULL"')
    queries = [_bind(path, mapping, number, kinds, first) for number in range(len(mapping.tables)) if first.names]
    return _imported(path, connection, queries, itertools.chain([first], batches))


def _load(path: Path, connection: engine.Connection, batch: _Batch) -> None:
    with _reading(path):
        connection.register("source", batch.table)
        # The typed columns of one batch.
        connection.execute(f"CREATE OR REPLACE TEMP TABLE batch AS {batch.select}")


def _bind(path: Path, mapping: Mapping, number: int, kinds: dict[str, str], batch: _Batch) -> _Query:
    table = mapping.tables[number]

    def bound(place: Place, write: Callable[[str, str], str]) -> str:
        expression = f"(\n{table.get(place, 'NULL')}\n)"
        try:
            return write(expression, engine.type_of(expression, kinds))
        except ValueError as error:
            problem = f"{_line(error)} (the columns of {path.name} are: {', '.join(batch.names)})"
            raise _bad(mapping.path, number + 1, place, problem) from error

    common = {"type": _as_text, "occurred_at": _as_time, "id": _as_text, "source": _as_text}
    data = {place: bound(place, _as_value) for place in table if place[0] == "data"}
    fields = [*(bound((key,), write) for key, write in common.items()), *data.values()]
    where = bound(("where",), lambda sql, _: f"CAST({sql} AS BOOLEAN)") if ("where",) in table else "TRUE"
    empty = "".join(f", NULL AS {engine.quote_name(name)}" for name in batch.empty)
    # The fields of the events that one [[event]] table makes of some rows; CASE keeps it from looking at other rows.
    sql = f"""
        SELECT __row, {", ".join(fields)} FROM (SELECT *{empty} FROM batch)
        WHERE CASE WHEN __row BETWEEN ? AND ? THEN {where} END ORDER BY __row
    """
    return _Query(number, sql, [(place, value.startswith("to_json")) for place, value in data.items()])


def _as_text(sql: str, kind: str) -> str:
    return f"json_extract_string({sql}, '$')" if kind == "JSON" else f"CAST({sql} AS VARCHAR)"


def _as_time(sql: str, kind: str) -> str:
    """Return a time as text or Unix microseconds; epoch_us would round nanoseconds up."""
    if kind in ("VARCHAR", '"NULL"'):
        return sql
    if not kind.startswith(("TIMESTAMP", "DATE")):
        raise ValueError(f"is {kind}, not a time: use a TIMESTAMP or ISO 8601 text, for example to_timestamp(seconds)")
    return f"epoch_ns({sql}) // 1000" if kind.endswith("_NS") else f"epoch_us({sql})"


_ZONED = re.compile("TIMESTAMP WITH TIME ZONE|TIMESTAMPTZ_NS")


def _as_value(sql: str, kind: str) -> str:
    """Return a value as the engine's client can hand it over: not JSON, nor, without pytz, times with a zone."""
    if "JSON" in kind:
        return f"to_json({sql})"
    if _ZONED.fullmatch(kind):
        return f"strftime({sql}, '%Y-%m-%dT%H:%M:%S.%fZ')"
    return f"CAST({sql} AS {_ZONED.sub('VARCHAR', kind)})" if _ZONED.search(kind) else sql


def _imported(
    path: Path, connection: engine.Connection, queries: list[_Query], batches: Iterable[_Batch]
) -> Iterator[ImportedRow]:
    with connection:
        for batch in batches:
            _load(path, connection, batch)
            raws = {record.row: record.raw for record in batch.records}
            found = [_refused(record.row, record.problem, record.raw) for record in batch.records if record.problem]
            numbers = batch.table["__row"].to_pylist()
            for query in queries:
                for row, fields in _evaluated(connection, query, numbers):
                    try:
                        event = _event(path, query, row, fields)
                        found.append(ImportedRow(row=row, event=event, error=None, raw=raws.get(row)))
                    except (ValueError, OverflowError, engine.EngineError) as error:
                        raw = raws[row] if raws else _row_as_json(connection, row)
                        found.append(_refused(row, _line(error), raw))
            yield from sorted(found, key=lambda imported: imported.row)


def _refused(row: int, problem: str, raw: str | None) -> ImportedRow:
    return ImportedRow(row=row, event=None, error=BadRow(row=row, problem=problem), raw=raw)


def _row_as_json(connection: engine.Connection, row: int) -> str:
    # One row of the batch, for people to read.
    return str(connection.execute("SELECT to_json(batch) FROM batch WHERE __row = ?", [row]).fetchall()[0][0])


def _evaluated(connection: engine.Connection, query: _Query, numbers: list[int]) -> Iterator[tuple[int, Any]]:
    """Yield the fields of each matching row, or the error that one of its expressions raises.

    A failing batch is halved until the failing rows stand alone. TRY() would tell neither an error from NULL nor the
    reason, and fails where the optimizer moves an expression that is used twice out of it.
    """
    if not numbers:
        return
    try:
        found = connection.execute(query.sql, [numbers[0], numbers[-1]]).fetchall()
        yield from ((row, fields) for row, *fields in found)
    except engine.EngineError as error:
        half = len(numbers) // 2
        if half == 0:
            yield numbers[0], error
        else:
            yield from _evaluated(connection, query, numbers[:half])
            yield from _evaluated(connection, query, numbers[half:])


def _event(path: Path, query: _Query, row: int, fields: list[Any] | Exception) -> dict[str, Any]:
    if isinstance(fields, Exception):
        raise fields
    event_type, when, id, source, *values = fields
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
    table = f":{query.number + 1}" if query.number else ""
    return _arguments(path, event_type, data, when, id or f"{path.name}:{row}{table}", source)


def _arguments(path: Path, event_type: Any, data: Any, when: Any, id: Any, source: Any) -> dict[str, Any]:
    source = f"import:{path.name}" if source is None else source
    return {"event_type": event_type, "data": data, "occurred_at": _moment(when), "id": id, "source": source}


def _moment(when: Any) -> datetime:
    if isinstance(when, int):
        return EPOCH + timedelta(microseconds=when)
    try:
        found = datetime.fromisoformat(when.strip().upper())
    except (AttributeError, ValueError):
        raise ValueError(f"its time is {when!r:.60}, not ISO 8601") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _plain(value: Any) -> Any:
    """Return a value of the engine as JSON can hold it, without the empty fields of a STRUCT."""
    if value is None or isinstance(value, str | int | float | Decimal):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise ValueError(f"no event can hold {type(value).__name__}: cast it")


# ── CloudEvents ─────────────────────────────────────────────────────────────────────────────────────────────────


def _cloud_events(path: Path) -> Iterator[ImportedRow]:
    for record in _json_records(path, lambda line: json.loads(line, parse_float=_decimal)):
        try:
            event = _cloud_event(path, record)
            yield ImportedRow(row=record.row, event=event, error=None, raw=record.raw)
        except ValueError as error:
            yield _refused(record.row, _line(error), record.raw)


def _cloud_event(path: Path, record: _Record) -> dict[str, Any]:
    if record.problem:
        raise ValueError(record.problem)
    event = record.fields
    data = {} if event.get("data") is None else event["data"]
    if not isinstance(data, dict) or "data_base64" in event:
        raise ValueError("its data is not a JSON object")
    for key in ("type", "id", "time"):
        if not isinstance(event.get(key), str):
            raise ValueError(f"its {key} is missing or not a text")
    return _arguments(path, event["type"], data, event["time"], event["id"], event.get("source"))


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if abs(value.adjusted()) > 400:  # written out, its zeros alone would fill the memory
        raise ValueError(f"{text:.60} is out of range")
    return value
