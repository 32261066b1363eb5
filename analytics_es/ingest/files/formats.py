"""The formats of files, and who reads each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from attrs import evolve

from analytics_es.errors import BadMapping, CannotRead, UnknownFormat
from analytics_es.events.event import is_own, reserved
from analytics_es.ingest.files.batches import parquet_batches, text_batches
from analytics_es.ingest.files.cloudevents import cloud_events
from analytics_es.ingest.files.evaluation import evaluate
from analytics_es.ingest.files.events import ImportedRow
from analytics_es.ingest.files.mapping import Mapping
from analytics_es.ingest.files.otlp import traces
from analytics_es.ingest.files.records import csv_records, json_records
from analytics_es.types.arguments import path as read_path

FORMATS = (".csv", ".json", ".jsonl", ".ndjson", ".parquet")


OTLP = "otlp"


def rows(
    path: Path,
    mapping: Mapping | None = None,
    *,
    format: str | None = None,
    source: str | None = None,
    exported: bool = False,
) -> Iterator[ImportedRow]:
    """Return what each row of a file gives, in the file's order; without a mapping, of CloudEvents as JSON Lines.

    With the format `otlp`, a file holds traces in OTLP/JSON, which need no mapping, and each span is a row. `source` is
    who tells the rows that do not say so themselves.
    What another store had to say itself (`analytics.…`) is given as it is where the row looks as one that a store has
    exported, or all are said to be (`exported`); any other row of such a type gives no event, with the error
    ReservedType.
    Raises BadMapping where an expression does not fit the columns, CannotRead and UnknownFormat.
    """
    return _without_claims(_rows(read_path("path", path), mapping, format, source), exported)


def _without_claims(imported: Iterator[ImportedRow], exported: bool) -> Iterator[ImportedRow]:
    """Refuse rows that say what only the service itself says, unless they are of an export."""
    for row in imported:
        event_type = row.event["event_type"] if row.event else ""
        if is_own(event_type) and not (exported or row.exported):
            yield evolve(row, event=None, error=reserved(event_type))
        else:
            yield row


def _rows(path: Path, mapping: Mapping | None, format: str | None, source: str | None) -> Iterator[ImportedRow]:
    kind = Path(path.name.lower().removesuffix(".gz")).suffix
    if format not in (None, OTLP):
        raise UnknownFormat(format=format, formats=OTLP)
    if kind not in FORMATS and format is None:
        raise UnknownFormat(format=path.name, formats=", ".join(FORMATS))
    if not path.is_file():
        raise CannotRead(path=path, problem="there is no such file")
    if format == OTLP:
        return traces(path)
    whole = mapping is not None and not mapping.has_ids
    if mapping and kind == ".parquet":
        return evaluate(path, mapping, parquet_batches(path, mapping, whole=whole), source)
    if mapping:
        is_csv = kind == ".csv"
        batches = text_batches(
            partial(csv_records if is_csv else json_records, path), mapping, is_csv=is_csv, whole=whole
        )
        return evaluate(path, mapping, batches, source)
    if kind in (".csv", ".parquet"):
        raise BadMapping(path=path, problem="a mapping is needed: only CloudEvents as JSON Lines do without")
    return cloud_events(path, source)
