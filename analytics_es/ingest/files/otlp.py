"""Files of traces and logs in OTLP/JSON → events; a row is a span or a record. One request a line, or one in all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from attrs import define, field

from analytics_es.errors import CannotRead
from analytics_es.events.walking import MAX_SMALL, Malformed, Walk
from analytics_es.ingest.files.events import ImportedRow, refused
from analytics_es.ingest.files.large_traces import LargeRequest, Passed, Read
from analytics_es.ingest.files.other_spans import read_other
from analytics_es.ingest.files.problems import reading
from analytics_es.ingest.files.records import MAX_LINE, json_record, lines, text_of
from analytics_es.ingest.files.unpacking import unpacked
from analytics_es.ingest.otel.halves import loads
from analytics_es.ingest.otel.logs.reader import LogReader
from analytics_es.ingest.otel.logs.record import ReadRecord
from analytics_es.ingest.otel.otlp import Part, ReadSpan, parts_of, read_record, read_span
from analytics_es.ingest.otel.shapes import LOGS, METRICS, TOP
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.ingest.problems import in_one_line

MOST_SPANS = 4_000_000  # of a file
NO_SCOPE = "(spans without a scope)"


def traces(path: Path) -> Iterator[ImportedRow]:
    """Yield what each span and each log record gives; they come in any order. Metrics are ignored.

    The file is read twice: first for which span lies in which, which takes about 370 bytes of memory a span; it raises
    CannotRead where there are more than MOST_SPANS of them. Of a text beyond MAX_SMALL, one span at a time is in
    memory. What is none of GenAI is ignored, and named by its scope, or by the name of the record.
    """
    reader, file, seen = Reader(at_once=True), _File(path), 0
    for row in file.read():
        if isinstance(row, ReadSpan) and row.span:
            reader.see([row.span])
            seen += 1
            if seen > MOST_SPANS:
                raise CannotRead(path=path, problem=f"more than {MOST_SPANS} spans: divide it, by whole traces")
    return _rows(file, reader, LogReader())


def _rows(file: _File, reader: Reader, log_reader: LogReader) -> Iterator[ImportedRow]:
    for number, row in enumerate(file.read(), 1):
        if isinstance(row, Passed):
            yield _ignored(number, row.name)
        elif row.problem:
            yield refused(number, row.problem, row.raw)
        elif isinstance(row, ReadRecord) and row.record:
            event = log_reader.event(row.record)
            if event:
                yield ImportedRow(row=number, event=event, error=None, raw=row.raw)
            else:
                yield _ignored(number, log_reader.called(row.record))
        elif isinstance(row, ReadSpan) and row.span:
            events = reader.events(row.span)
            yield from (ImportedRow(row=number, event=event, error=None, raw=row.raw) for event in events)
            if not events:
                yield _ignored(number, row.span.scope or NO_SCOPE)


def _ignored(number: int, name: str) -> ImportedRow:
    return ImportedRow(row=number, event=None, error=None, ignored=name)


@define
class _File:
    """A file of requests: one a line, or, where its first line is no JSON object, one in all, or one after another."""

    path: Path
    _is_one: bool | None = field(default=None, init=False)  # None until it is looked into
    _problem: str = field(default="", init=False)
    _one: LargeRequest = field(init=False)

    @_one.default
    def _as_one(self) -> LargeRequest:
        return LargeRequest(partial(_bytes, self.path))

    def read(self) -> Iterator[Read]:
        """Yield what each span, log record and metric gives, or why there is none."""
        if self._is_one:
            yield from self._read_one()
            return
        for index, (row, line) in enumerate(lines(self.path)):
            try:
                yield from _of_line(row, line)
            except ValueError as error:
                if index == 0 and isinstance(error, Malformed) and self._found_to_be_one(line):
                    yield from self._read_one()
                    return
                yield ReadSpan(None, None if len(line) > MAX_LINE else text_of(line), in_one_line(error))

    def _found_to_be_one(self, line: bytes) -> bool:
        """Say whether the file is one JSON text, or several of many lines; it is looked through once."""
        if self._is_one is None:
            try:
                self._one.check()
                self._is_one = not (self._one.broken_off and _begins_with_all(line))
            except Malformed:
                self._is_one = False
            except ValueError as error:
                self._is_one, self._problem = True, in_one_line(error)
        return self._is_one

    def _read_one(self) -> Iterator[Read]:
        if self._problem:
            return iter([ReadSpan(None, None, self._problem)])
        return self._one.read()


@contextmanager
def _bytes(path: Path) -> Iterator[IO[bytes]]:
    with reading(path), unpacked(path) as file:
        yield file


def _begins_with_all(line: bytes) -> bool:
    """Say whether an object ends in the first line."""
    try:
        Walk(BytesIO(line).read).text()
    except ValueError:
        return False
    return True


def _of_line(row: int, line: bytes) -> Iterator[Read]:
    """Return what a line gives; raises Malformed where it is no JSON object, ValueError for no request."""
    if MAX_SMALL < len(line) <= MAX_LINE or (row > 1 and line.lstrip().startswith(b"[")):
        request = LargeRequest(partial(BytesIO, line))
        request.check()
        return request.read()
    record = json_record(row, line, loads)
    if record.problem:
        raise Malformed(record.problem)
    if TOP.keys().isdisjoint(record.fields):
        return iter(_other(record.fields))
    return map(_read, list(parts_of(record.fields)))


def _other(document: dict[str, Any]) -> list[Read]:
    """Return what an object that is no request gives: what another exporter writes; raises ValueError for nothing."""
    found = document.get("data")
    documents = found if isinstance(found, list) and found else [document]
    try:
        return [read for one in documents for read in read_other(one if isinstance(one, dict) else {})]
    except ValueError as error:
        raise ValueError(f"not a trace{error}") from error


def _read(part: Part) -> Read:
    if part.kind == METRICS:
        return Passed()
    return (read_record if part.kind == LOGS else read_span)(part.origin, part.document)
