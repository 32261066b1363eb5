"""Files of traces in OTLP/JSON → events; a row is a span. One request a line, or one a file."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from analytics_es.ingest.files.events import ImportedRow, refused
from analytics_es.ingest.files.problems import reading
from analytics_es.ingest.files.records import json_records
from analytics_es.ingest.otel.otlp import ReadSpan, read_spans
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.ingest.problems import in_one_line

MAX_DOCUMENT = 256 * 2**20  # bytes of a file that is one request


def traces(path: Path) -> Iterator[ImportedRow]:
    """Yield what each span gives; spans come in any order.

    The file is read twice: first for which span lies in which, which takes about 300 bytes of memory a span. Spans that
    are none of GenAI give nothing.
    """
    reader = Reader()
    for row in _spans(path):
        if row.span:
            reader.see([row.span])
    return _events(path, reader)


def _events(path: Path, reader: Reader) -> Iterator[ImportedRow]:
    for number, (span, raw, problem) in enumerate(_spans(path), 1):
        if span is None:
            yield refused(number, problem, raw)
            continue
        for event in reader.events(span):
            yield ImportedRow(row=number, event=event, error=None, raw=raw)


def _spans(path: Path) -> Iterator[ReadSpan]:
    for request, raw, problem in _requests(path):
        try:
            if problem:
                raise ValueError(problem)
            spans = read_spans(request)
        except ValueError as error:
            yield ReadSpan(None, raw, in_one_line(error))
        else:
            yield from spans


def _requests(path: Path) -> Iterator[tuple[Any, str | None, str]]:
    """Yield each request, its text, and what is wrong with it. A file whose first line is none is one request."""
    for index, record in enumerate(json_records(path)):
        if record.problem and index == 0 and (document := _document(path)) is not None:
            yield document, None, ""
            return
        yield record.fields, record.raw, record.problem


def _document(path: Path) -> Any:
    """Return a file as one JSON object, None if it is none."""
    opened: Any = gzip.open if path.name.lower().endswith(".gz") else open
    with reading(path), opened(path, "rb") as file:
        text = file.read(MAX_DOCUMENT + 1)
    if len(text) > MAX_DOCUMENT:
        return None
    try:
        document = orjson.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
