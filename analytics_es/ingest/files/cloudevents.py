"""CloudEvents in JSON → events, which need no mapping."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from analytics_es.events import cloudevents
from analytics_es.ingest.files.documents import json_rows
from analytics_es.ingest.files.events import EXPORTED_LINE, ImportedRow, refused, source_of
from analytics_es.ingest.files.notes import Notes
from analytics_es.ingest.files.paths import Steps
from analytics_es.ingest.problems import in_one_line


def cloud_events(path: Path, source: str | None, steps: Steps, notes: Notes) -> Iterator[ImportedRow]:
    """Yield what each row gives; its numbers stay exact."""
    for record in json_rows(path, steps, notes, cloudevents.exact):
        notes.rows += 1
        try:
            if record.problem:
                raise ValueError(record.problem)
            event = cloudevents.arguments(record.fields, {"source": source or source_of(path)}, required=("id", "time"))
            exported = record.fields.keys() >= EXPORTED_LINE
            yield ImportedRow(row=record.row, event=event, error=None, raw=record.raw, exported=exported)
        except ValueError as error:
            yield refused(record.row, in_one_line(error), record.raw)
