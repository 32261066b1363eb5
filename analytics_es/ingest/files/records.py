"""Text files as records: JSON Lines and CSV, with their row numbers and raw text."""

from __future__ import annotations

import codecs
import csv
import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from analytics_es.errors import CannotRead
from analytics_es.events.walking import MAX_SMALL, MOST_PASSED, check_size
from analytics_es.ingest.files.columns import unique
from analytics_es.ingest.files.problems import reading
from analytics_es.ingest.files.unpacking import unpacked
from analytics_es.ingest.problems import in_one_line

MAX_LINE = 16 * 2**20
MOST_COLUMNS = 100_000
BOM = codecs.BOM_UTF8


class Record(NamedTuple):
    """One row of a text file: its fields, or the problem that refuses it. Row 0 is the header of a CSV file."""

    row: int
    fields: dict[str, Any]
    raw: str | None
    problem: str


def loaded(line: bytes) -> Any:
    """Return what a row of JSON says."""
    document = orjson.loads(line)
    if line.count(b"{") + line.count(b"[") > 250:
        orjson.dumps(document)  # which allows fewer levels; the engine gets the fields in use as JSON
    return document


def json_record(row: int, line: bytes, loads: Callable[[bytes], Any] = loaded) -> Record:
    """Return what a line says."""
    fields: Any = {}
    try:
        if len(line) <= MAX_LINE:
            check_size(line)
            fields = loads(line)
        problem = "" if fields and isinstance(fields, dict) else "not a JSON object with fields"
    except (TypeError, ValueError, RecursionError) as error:
        fields, problem = {}, f"not valid JSON: {in_one_line(error)}"
    return _record(row, line, fields, problem)


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file that are not empty, with their numbers; one beyond MAX_LINE is cut above it."""
    return ((row, line) for row, line in enumerate(_lines(path), 1) if line.strip())


def csv_records(path: Path) -> Iterator[Record]:
    """Yield the header, whose fields are all None, and each row; an empty cell is None."""
    names: list[str] = []
    for row, (raw, cells, problem) in enumerate(_cells(path)):
        if row and not problem and len(cells) != len(names):
            problem = f"{len(cells)} fields, but the header has {len(names)}"
        names = names or unique(cells)
        values = [(row and cell) or None for cell in cells]
        record = _record(row, raw, dict(zip(names, values, strict=False)), problem)
        if not row and record.problem:
            raise CannotRead(path=path, problem=f"bad header: {record.problem}")
        yield record


def _record(row: int, raw: bytes, fields: dict[str, Any], problem: str) -> Record:
    if len(raw) > MAX_LINE:
        return Record(row, {}, None, f"longer than {MAX_LINE} bytes")
    text = text_of(raw)
    if not problem and text.encode() != raw.rstrip(b"\r\n"):
        problem = "not UTF-8"
    return Record(row, {} if problem else fields, text, problem)


def text_of(raw: bytes) -> str:
    """Return a line as people read it."""
    return raw.decode("utf-8", "backslashreplace").rstrip("\r\n")


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, unpacked; one beyond MAX_LINE is cut to a byte above it."""
    with reading(path), unpacked(path) as file:
        for number in itertools.count():
            line = rest = file.readline(MAX_LINE + 1)
            while len(rest) > MAX_LINE and not rest.endswith(b"\n"):
                rest = file.readline(MAX_LINE + 1)
            if not line:
                return
            yield line if number else line.removeprefix(BOM)


def _cells(path: Path) -> Iterator[tuple[bytes, list[str], str]]:
    """Yield text, cells and problem of each record. With Python's reader a bad line costs its row, not the file."""
    lines = _lines(path)
    first = next(lines, b"")
    unquoted = re.sub(rb'"[^"]*"', b"", first[:MAX_SMALL]).decode("utf-8", "replace")
    delimiter = max(",;\t|", key=unquoted.count)
    record = _CsvRecord(path, itertools.chain([first], lines), delimiter.encode())
    reader = csv.reader(record, delimiter=delimiter, strict=True)
    while True:
        record.begin()
        try:
            if (cells := next(reader)) or record.problem:
                yield b"".join(record.lines), cells, record.problem
        except csv.Error as error:
            yield b"".join(record.lines), [], f"not valid CSV: {error}"
        except StopIteration:
            return


class _CsvRecord:
    """The lines of one record after another, as the reader of CSV takes them; a line that is too much is left out."""

    def __init__(self, path: Path, source: Iterator[bytes], delimiter: bytes) -> None:
        self._path, self._source, self._delimiter = path, source, delimiter
        self.begin()

    def begin(self) -> None:
        """Begin a record."""
        self.lines, self.problem = list[bytes](), ""
        self._size = self._cells = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._source)
        self._size += len(line)
        self._cells += line.count(self._delimiter)
        if self.lines and (self._size > MAX_LINE or self._cells > MOST_PASSED):
            problem = f"a row over several lines is longer than {MAX_LINE} bytes, or of more than {MOST_PASSED} cells"
            raise CannotRead(path=self._path, problem=f"{problem}: is a quote not closed?")
        self.lines.append(line)
        if self._cells > MOST_COLUMNS and self._unquoted(line) > MOST_COLUMNS:
            self.problem = f"more than {MOST_COLUMNS} fields"
        if len(line) > MAX_LINE:
            self.problem = f"longer than {MAX_LINE} bytes"
        if self.problem:
            return ""  # an empty record, of which is told what it was
        return line.decode("utf-8", "backslashreplace")

    def _unquoted(self, line: bytes) -> int:
        return re.sub(rb'"[^"]*"', b"", line).count(self._delimiter)
