"""CloudEvents as JSON Lines → events, which need no mapping."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from analytics_es.importing.events import ImportedRow, arguments, refused
from analytics_es.importing.problems import in_one_line
from analytics_es.importing.records import Record, json_records


def cloud_events(path: Path) -> Iterator[ImportedRow]:
    """Yield what each line gives; its numbers stay exact."""
    for record in json_records(path, lambda line: json.loads(line, parse_float=_decimal)):
        try:
            event = _event(path, record)
            yield ImportedRow(row=record.row, event=event, error=None, raw=record.raw)
        except ValueError as error:
            yield refused(record.row, in_one_line(error), record.raw)


def _event(path: Path, record: Record) -> dict[str, Any]:
    if record.problem:
        raise ValueError(record.problem)
    event = record.fields
    data = {} if event.get("data") is None else event["data"]
    if not isinstance(data, dict) or "data_base64" in event:
        raise ValueError("its data is not a JSON object")
    for key in ("type", "id", "time"):
        if not isinstance(event.get(key), str):
            raise ValueError(f"its {key} is missing or not a text")
    return arguments(path, event["type"], data, event["time"], event["id"], event.get("source"))


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:  # more digits of an exponent than there can be
        raise ValueError(f"{text:.60} is out of range") from None
    if abs(value.adjusted()) > 400:  # written out, its zeros alone would fill the memory
        raise ValueError(f"{text:.60} is out of range")
    return value
