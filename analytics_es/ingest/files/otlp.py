"""Files of traces in OTLP/JSON → events; a row is a span. One request a line, or one a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO

from attrs import define, field

from analytics_es.errors import CannotRead
from analytics_es.events.walking import MAX_SMALL, Malformed
from analytics_es.ingest.files.events import ImportedRow, refused
from analytics_es.ingest.files.large_traces import LargeRequest
from analytics_es.ingest.files.problems import reading
from analytics_es.ingest.files.records import MAX_LINE, json_record, lines, text_of
from analytics_es.ingest.files.unpacking import unpacked
from analytics_es.ingest.otel.otlp import ReadSpan, read_spans
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.ingest.problems import in_one_line

MOST_SPANS = 4_000_000  # of a file


def traces(path: Path) -> Iterator[ImportedRow]:
    """Yield what each span gives; spans come in any order.

    The file is read twice: first for which span lies in which, which takes about 290 bytes of memory a span; it raises
    CannotRead where there are more than MOST_SPANS of them. Of a text beyond MAX_SMALL, one span at a time is in
    memory. Spans that are none of GenAI give nothing.
    """
    reader, file, seen = Reader(at_once=True), _File(path), 0
    for row in file.spans():
        if row.span:
            reader.see([row.span])
            seen += 1
            if seen > MOST_SPANS:
                raise CannotRead(path=path, problem=f"more than {MOST_SPANS} spans: divide it, by whole traces")
    return _events(file, reader)


def _events(file: _File, reader: Reader) -> Iterator[ImportedRow]:
    for number, (span, raw, problem) in enumerate(file.spans(), 1):
        if span is None:
            yield refused(number, problem, raw)
            continue
        for event in reader.events(span):
            yield ImportedRow(row=number, event=event, error=None, raw=raw)


@define
class _File:
    """A file of traces: one request a line, or, where its first line is no JSON object, one request."""

    path: Path
    _is_one: bool | None = field(default=None, init=False)  # None until it is looked into
    _problem: str = field(default="", init=False)
    _one: LargeRequest = field(init=False)

    @_one.default
    def _as_one(self) -> LargeRequest:
        return LargeRequest(partial(_bytes, self.path))

    def spans(self) -> Iterator[ReadSpan]:
        """Yield what each span gives, or why there is none."""
        if self._is_one:
            yield from self._spans_of_one()
            return
        for index, (row, line) in enumerate(lines(self.path)):
            try:
                yield from _spans_of_line(row, line)
            except ValueError as error:
                if index == 0 and isinstance(error, Malformed) and self._found_to_be_one():
                    yield from self._spans_of_one()
                    return
                yield ReadSpan(None, None if len(line) > MAX_LINE else text_of(line), in_one_line(error))

    def _found_to_be_one(self) -> bool:
        """Say whether the file is one JSON object; it is looked through once."""
        if self._is_one is None:
            try:
                self._one.check()
                self._is_one = True
            except Malformed:
                self._is_one = False
            except ValueError as error:
                self._is_one, self._problem = True, in_one_line(error)
        return self._is_one

    def _spans_of_one(self) -> Iterator[ReadSpan]:
        if self._problem:
            return iter([ReadSpan(None, None, self._problem)])
        return self._one.spans()


@contextmanager
def _bytes(path: Path) -> Iterator[IO[bytes]]:
    with reading(path), unpacked(path) as file:
        yield file


def _spans_of_line(row: int, line: bytes) -> Iterator[ReadSpan]:
    """Return what each span of a line gives; raises Malformed where it is no JSON object, ValueError for no trace."""
    if MAX_SMALL < len(line) <= MAX_LINE:
        request = LargeRequest(partial(BytesIO, line))
        request.check()
        return request.spans()
    record = json_record(row, line)
    if record.problem:
        raise Malformed(record.problem)
    return read_spans(record.fields)
