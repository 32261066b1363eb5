"""Exports of a store as Parquet → events: the columns that say what was stored, to the letter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from analytics_es.errors import CannotRead
from analytics_es.ingest.files.events import EXPORTED_COLUMNS, ImportedRow, refused

ROWS = 1000  # read at once
_READ = ("source", "id", "type", "occurred_at", "data")


def exported_rows(path: Path) -> Iterator[ImportedRow]:
    """Yield what each row of an export gives; raises CannotRead where it is none."""
    try:
        with pq.ParquetFile(path) as file:
            if not set(file.schema_arrow.names) >= EXPORTED_COLUMNS:
                raise CannotRead(path=path, problem="it is no export of events")
            number = 0
            for batch in file.iter_batches(ROWS, columns=list(_READ)):
                for fields in batch.to_pylist():
                    number += 1
                    yield _row(number, fields)
    except (pa.ArrowException, OSError) as error:
        raise CannotRead(path=path, problem=str(error).partition("\n")[0].rstrip(".")) from error


def _row(number: int, fields: dict[str, Any]) -> ImportedRow:
    try:
        data = orjson.loads(fields["data"])
    except (ValueError, TypeError):
        return refused(number, "its data is no JSON", None)
    event = {
        "event_type": fields["type"],
        "data": data,
        "occurred_at": fields["occurred_at"],
        "id": fields["id"],
        "source": fields["source"],
    }
    return ImportedRow(row=number, event=event, error=None, exported=True)
