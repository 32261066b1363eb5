"""CloudEvents as JSON Lines → events, which need no mapping."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from analytics_es.events import cloudevents
from analytics_es.ingest.files.events import EXPORTED_LINE, ImportedRow, refused, source_of
from analytics_es.ingest.files.records import json_records
from analytics_es.ingest.problems import in_one_line


def cloud_events(path: Path, source: str | None = None) -> Iterator[ImportedRow]:
    """Yield what each line gives; its numbers stay exact."""
    for record in json_records(path, cloudevents.exact):
        try:
            if record.problem:
                raise ValueError(record.problem)
            event = cloudevents.arguments(record.fields, {"source": source or source_of(path)}, required=("id", "time"))
            exported = record.fields.keys() >= EXPORTED_LINE
            yield ImportedRow(row=record.row, event=event, error=None, raw=record.raw, exported=exported)
        except ValueError as error:
            yield refused(record.row, in_one_line(error), record.raw)
