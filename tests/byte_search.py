"""Every byte of a store: which files, cells and catalogues hold a text, in whatever form it is written.

`holders(folder, needles)` reads every file of a folder, to any depth: as it is, and what is packed in it (gzip, zlib,
zstd, Parquet, SQLite's cells, and any of these within one another). `holders(Tables(url), needles)` reads every cell of
every table of a PostgreSQL database, whole, and what its catalogues say: names, comments, definitions, statistics.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import urllib.parse
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from attrs import field, frozen
from psycopg.sql import SQL, Identifier

from tests.stores import forms

Part = tuple[str, bytes]  # where in the store, and what is there

WIDEST = 8  # bytes by which needles are looked for before they are compared
PIECE = 2**20  # bytes looked at in one go
ODD, BITS = numpy.uint64(0x9E3779B97F4A7C15), 22  # a hash of so many bits
DEEPEST = 8  # containers within one another

# What a schema says besides its cells: names, comments, definitions, and what the planner has noted of values.
CATALOGUES = {
    "names": (
        "SELECT nspname || ' ' || relname || ' ' || coalesce(string_agg(attname, ' '), '') FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = relnamespace LEFT JOIN pg_attribute a ON attrelid = c.oid "
        "WHERE nspname = ANY(%s) GROUP BY nspname, relname"
    ),
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = ANY(%s)",
    "views": "SELECT viewname || ' ' || definition FROM pg_views WHERE schemaname = ANY(%s)",
    "functions": (
        "SELECT proname || ' ' || prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace "
        "WHERE nspname = ANY(%s)"
    ),
    "comments": (
        "SELECT description FROM pg_description d JOIN pg_class c ON c.oid = objoid "
        "JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = ANY(%s)"
    ),
    "statistics": (
        "SELECT concat_ws(' ', tablename, attname, most_common_vals, histogram_bounds) "
        "FROM pg_stats WHERE schemaname = ANY(%s)"
    ),
}

# The schemas that are not the server's own.
SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1"

# What has rows of its own.
WITH_ROWS = (
    "SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
    "WHERE relkind IN ('r', 'm') AND nspname = ANY(%s) ORDER BY 1, 2"
)


@frozen
class Tables:
    """The tables of a PostgreSQL database: of all schemas that are not the server's own, or of one."""

    url: str
    schema: str | None = None


Place = Path | Tables


def holders(place: Place | Sequence[Place], needles: Iterable[str] | Patterns) -> dict[str, list[str]]:
    """Say of each needle that is there where it is: `analytics.db`, `analytics.db!stored_events.state`, `e.csv` …"""
    patterns = needles if isinstance(needles, Patterns) else Patterns.of(needles)
    places = place if isinstance(place, Sequence) else [place]
    found: dict[str, set[str]] = defaultdict(set)
    for each in places:
        for name, content in parts(each):
            for needle in patterns.within(content):
                found[needle].add(name)
    return {needle: sorted(names) for needle, names in sorted(found.items())}


def parts(place: Place) -> Iterator[Part]:
    """Yield everything there is, once as it lies there and once for each way in which it is packed."""
    if isinstance(place, Tables):
        for name, content in _of_tables(place):
            yield from _opened(name, content)
        return
    for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
        name = str(path.relative_to(place)) if path != place else path.name
        yield f"{name}!name", name.encode("utf-8", "surrogateescape")
        with suppress(FileNotFoundError):  # temporary, and gone meanwhile
            if path.is_file():
                yield from _of_file(path, name)


def _of_file(path: Path, name: str) -> Iterator[Part]:
    content = path.read_bytes()
    if not content.startswith(b"SQLite format 3\0"):
        yield from _opened(name, content)
        return
    yield name, content
    for cell, inner in _cells(path):  # with what is in its write-ahead log
        yield from _opened(f"{name}!{cell}", inner, 1)


# ── what is looked for ──────────────────────────────────────────────────────────────────────────────────────────


def written(needle: str) -> set[bytes]:
    """Return the ways in which a text may be written: encodings, escapes of JSON, URLs, CSV and SQL, base64, hex."""
    escaped = [json.dumps(needle, ensure_ascii=ascii)[1:-1] for ascii in (True, False)]
    texts = {
        needle,
        *escaped,
        *(json.dumps(text)[1:-1] for text in escaped),  # JSON in JSON
        *(urllib.parse.quote(needle, safe=safe) for safe in ("", "/:@")),
        urllib.parse.quote_plus(needle),
        needle.replace('"', '""'),
        needle.replace("'", "''"),
    }
    least = min(8, len(needle.encode()))  # what is left of a short one in base64 is anywhere
    packed = [form for form in forms(needle) if len(form) >= least]
    return {*(text.encode() for text in texts), *packed, needle.encode().hex().encode()}


@frozen
class Patterns:
    """All ways of writing all needles, looked for at once: by a few bytes of each, then by all."""

    width: int
    by_end: dict[int, list[tuple[bytes, str]]] = field(repr=False)
    flags: Any = field(repr=False)  # by the hash of an end, whether there is any

    @classmethod
    def of(cls, needles: Iterable[str]) -> Patterns:
        """Prepare to look for needles; an empty one is nowhere."""
        patterns = [(form, needle) for needle in {*needles} - {""} for form in written(needle)]
        width = min([WIDEST, *(len(form) for form, _ in patterns)])
        by_end: dict[int, list[tuple[bytes, str]]] = defaultdict(list)
        for form, needle in patterns:
            by_end[int.from_bytes(form[-width:], "little")].append((form, needle))
        flags = numpy.zeros(2**BITS, dtype=bool)
        flags[_hashed(numpy.fromiter(by_end, dtype=numpy.uint64, count=len(by_end)))] = True
        return cls(width, dict(by_end), flags)

    def within(self, content: bytes) -> set[str]:
        """Return the needles that a content holds."""
        found: set[str] = set()
        for start in range(0, max(len(content) - self.width + 1, 0), PIECE):
            ends = _numbers(content[start : start + PIECE + self.width - 1], self.width)
            for place in numpy.flatnonzero(self.flags[_hashed(ends)]):
                end = start + int(place) + self.width
                for form, needle in self.by_end.get(int(ends[place]), ()):
                    if needle not in found and content.endswith(form, 0, end):
                        found.add(needle)
        return found


def _numbers(content: bytes, width: int) -> Any:
    """Return, for each place, the number that so many bytes from there on are."""
    octets = numpy.frombuffer(content, dtype=numpy.uint8)
    places = len(octets) - width + 1
    numbers = numpy.zeros(places, dtype=numpy.uint64)
    for n in range(width):
        numbers |= octets[n : n + places].astype(numpy.uint64) << numpy.uint64(8 * n)
    return numbers


def _hashed(numbers: Any) -> Any:
    with numpy.errstate(over="ignore"):
        return (numbers * ODD) >> numpy.uint64(64 - BITS)


# ── what is packed ──────────────────────────────────────────────────────────────────────────────────────────────


def _opened(name: str, content: bytes, depth: int = 0) -> Iterator[Part]:
    """Yield a content, and what is packed in it."""
    yield name, content
    if depth < DEEPEST and (found := CONTAINER.match(content)):
        for kind, inner in UNPACK[found[0]](content):
            yield from _opened(f"{name}!{kind}", inner, depth + 1)


def _inflated(content: bytes) -> Iterator[Part]:
    """Unpack what can be of gzip or zlib: the file of a killed process ends anywhere, and members may follow."""
    unpacked = []
    with suppress(zlib.error):
        while content:
            member = zlib.decompressobj(47)  # of either kind
            unpacked.append(member.decompress(content))
            content = member.unused_data
    yield "unpacked", b"".join(unpacked)


def _zstandard(content: bytes) -> Iterator[Part]:
    with suppress(OSError):
        yield "unpacked", pa.input_stream(pa.BufferReader(content), compression="zstd").read()


def _database(content: bytes) -> Iterator[Part]:
    with TemporaryDirectory() as folder:
        path = Path(folder, "cells.db")
        path.write_bytes(content)
        yield from _cells(path)


def _columns(content: bytes) -> Iterator[Part]:
    """Yield the columns of a Parquet file; one without its end cannot be decoded: its pages are, as raw bytes, all."""
    try:
        parquet = pq.ParquetFile(pa.BufferReader(content))
    except pa.ArrowException:
        return
    yield "(schema)", f"{parquet.schema_arrow.to_string(show_schema_metadata=True)} {parquet.metadata}".encode()
    for group in range(parquet.num_row_groups):
        noted = parquet.metadata.row_group(group)
        yield "(statistics)", "\n".join(str(noted.column(n)) for n in range(noted.num_columns)).encode()
        for name in parquet.schema_arrow.names:
            yield from _values(name, parquet.read_row_group(group, columns=[name]).column(0).to_pylist())


def _values(name: str, values: Iterable[Any]) -> Iterator[Part]:
    """Yield the values of a column: many together, but each by itself in which something is packed."""
    plain = []
    for value in filter(None, values):
        content = bytes(value) if isinstance(value, bytes | bytearray | memoryview) else _text(value)
        if CONTAINER.match(content):
            yield name, content
        else:
            plain.append(content)
    yield name, b"\n".join(plain)


def _text(value: Any) -> bytes:
    text = json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return text.encode("utf-8", "surrogatepass")


UNPACK = {
    b"PAR1": _columns,
    b"\x1f\x8b": _inflated,
    **dict.fromkeys((b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"), _inflated),
    b"\x28\xb5\x2f\xfd": _zstandard,
    b"SQLite format 3\0": _database,
}
CONTAINER = re.compile(b"|".join(map(re.escape, UNPACK)))


# ── databases ───────────────────────────────────────────────────────────────────────────────────────────────────


def _cells(path: Path) -> Iterator[Part]:
    """Yield the cells of a SQLite file, whole: on its pages a long one is in pieces. Its copy is read, not the file."""
    with TemporaryDirectory() as folder:
        for suffix in ("", "-wal"):
            if (beside := path.with_name(path.name + suffix)).exists():
                shutil.copyfile(beside, Path(folder, f"copy.db{suffix}"))
        # What is damaged cannot be decoded; as it lies there it has been searched.
        with closing(sqlite3.connect(Path(folder, "copy.db"))) as connection, suppress(sqlite3.DatabaseError):
            connection.text_factory = bytes
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                cursor = connection.execute(f'SELECT * FROM "{table.decode()}"')
                yield from _rows(table.decode(), cursor)


def _rows(table: str, cursor: Any) -> Iterator[Part]:
    names = [column[0] for column in cursor.description]
    for column, values in zip(names, zip(*cursor.fetchall(), strict=True), strict=False):
        yield from _values(f"{table}.{column}", values)


def _of_tables(tables: Tables) -> Iterator[Part]:
    with psycopg.connect(tables.url, autocommit=True) as connection:
        schemas = [tables.schema] if tables.schema else [name for (name,) in connection.execute(SCHEMAS)]
        for kind, statement in CATALOGUES.items():
            rows = connection.execute(statement.encode(), [schemas])
            yield f"({kind})", "\n".join(str(text) for (text,) in rows).encode()
        for schema, table in connection.execute(WITH_ROWS.encode(), [schemas]).fetchall():
            yield from _rows(table, connection.execute(SQL("SELECT * FROM {}").format(Identifier(schema, table))))
