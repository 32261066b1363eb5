"""The formats of files, and who reads each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve

from analytics_es.errors import BadArgument, BadMapping, CannotRead, UnknownFormat
from analytics_es.events.event import is_own, reserved
from analytics_es.ingest.files.batches import parquet_batches, text_batches
from analytics_es.ingest.files.catalogue import first_of, names
from analytics_es.ingest.files.cloudevents import cloud_events
from analytics_es.ingest.files.documents import begins_as_json, is_of_lines, json_rows
from analytics_es.ingest.files.evaluation import evaluate
from analytics_es.ingest.files.events import ImportedRow
from analytics_es.ingest.files.mapping import Mapping
from analytics_es.ingest.files.notes import Notes, Rows
from analytics_es.ingest.files.odd_rows import OddRows
from analytics_es.ingest.files.outline import CLOUD_EVENT, check_rows
from analytics_es.ingest.files.paths import Steps, read_steps, written
from analytics_es.ingest.files.recognition import Recognised, check_events, look
from analytics_es.ingest.files.records import csv_records
from analytics_es.ingest.models import served
from analytics_es.process import Later
from analytics_es.types.arguments import path as read_path
from analytics_es.types.values import shown

if TYPE_CHECKING:
    from analytics_es.ingest.files import otlp
else:
    otlp = Later("analytics_es.ingest.files.otlp")  # with all that is known of emitters

FORMATS = (".csv", ".json", ".jsonl", ".ndjson", ".parquet")


OTLP = "otlp"


def rows(
    path: Path,
    mapping: Mapping | None = None,
    *,
    format: str | None = None,
    source: str | None = None,
    rows_path: str | None = None,
    exported: bool = False,
) -> Rows:
    """Return what each row of a file gives, in the file's order; without a mapping, of CloudEvents in JSON.

    A format names a mapping that comes with the package, such as `litellm`; one that is recognised needs no name, and
    the notes say what the file was read as. With the format `otlp`, a file holds traces in OTLP/JSON, and each span is
    a row. `source` is who tells the rows that do not say so themselves, or instead of a format. `rows_path` is where
    the rows of a JSON document are, such as "data.results"; it goes before what the mapping says. A list that is the
    document needs none.
    What another store had to say itself (`analytics.…`) is given as it is where the row looks as one that a store has
    exported, or all are said to be (`exported`); any other row of such a type gives no event, with the error
    ReservedType.
    Raises BadMapping where an expression does not fit the columns, CannotRead, UnknownFormat and BadArgument.
    """
    notes = Notes()
    read = _rows(read_path("path", path), mapping, format, source, _steps(mapping, rows_path), notes)
    return Rows(_without_claims(read, exported), notes)


def _steps(mapping: Mapping | None, rows_path: str | None) -> Steps | None:
    if rows_path is None:
        return mapping.rows if mapping else None
    try:
        return read_steps(rows_path)
    except ValueError as error:
        raise BadArgument(
            name="rows_path", expected=str(error).removeprefix("must be "), value=shown(rows_path)
        ) from None


def _without_claims(imported: Iterator[ImportedRow], exported: bool) -> Iterator[ImportedRow]:
    """Refuse rows that say what only the service itself says, unless they are of an export."""
    for row in imported:
        event_type = row.event["event_type"] if row.event else ""
        if is_own(event_type) and not (exported or row.exported):
            yield evolve(row, event=None, error=reserved(event_type))
        else:
            yield row


def _rows(
    path: Path, mapping: Mapping | None, format: str | None, source: str | None, steps: Steps | None, notes: Notes
) -> Iterator[ImportedRow]:
    if format not in (None, OTLP, *names()):
        raise UnknownFormat(format=format, formats=", ".join([OTLP, *names()]))
    kind = _kind(path, format)
    if format == OTLP:
        return otlp.traces(path)
    if mapping is None:
        found = _recognised(path, kind, format, steps)
        if found == OTLP:
            notes.read_as = OTLP
            return otlp.traces(path)
        if isinstance(found, Recognised):
            mapping, steps = found.shape.mapping(with_source=not source), found.steps
            notes.read_as, notes.shape = found.shape.name, found.shape
            imported = _mapped(path, kind, mapping, source, steps, notes)
            notes.missing = dict.fromkeys(found.missing, "")  # its other columns are of one shape or another
            return _with_models(imported)
    return _mapped(path, kind, mapping, source, steps or (), notes)


def _with_models(imported: Iterator[ImportedRow]) -> Iterator[ImportedRow]:
    """Name providers and models as prices know them, where it is certain whom a name means."""
    for row in imported:
        if row.event:
            data = row.event["data"]
            found = served(data.get("provider"), None, data.get("model"))
            known = {"provider": found.provider, "model": found.model}
            data.update({name: text for name, text in known.items() if text is not None})
            if found.provider is None:
                data.pop("provider", None)
        yield row


def _mapped(
    path: Path, kind: str, mapping: Mapping | None, source: str | None, steps: Steps, notes: Notes
) -> Iterator[ImportedRow]:
    if kind in (".csv", ".parquet"):
        return _of_table(path, kind, mapping, source, steps, notes)
    read = frozenset(str(steps[0]).lower() for steps in mapping.of_rows()) if mapping else CLOUD_EVENT
    check_rows(path, steps, read)
    if mapping is None:
        check_events(path, steps)
        return cloud_events(path, source, steps, notes)
    records = partial(json_rows, path, steps, notes)
    whole = not mapping.has_ids
    try:
        return evaluate(path, mapping, text_batches(records, mapping, is_csv=False, whole=whole), notes, source)
    except BadMapping:
        straight = OddRows.of(records, mapping)
        with suppress(BadMapping):
            imported = evaluate(
                path, mapping, text_batches(straight, mapping, is_csv=False, whole=whole), notes, source
            )
            if straight.are_few:
                return imported
        raise


def _kind(path: Path, format: str | None) -> str:
    """Return the ending of a file's name that says how it is read; where it says nothing, what the file begins with."""
    kind = Path(path.name.lower().removesuffix(".gz")).suffix
    if kind not in FORMATS and format is None:
        raise UnknownFormat(format=path.name, formats=", ".join(FORMATS))
    if not path.is_file():
        raise CannotRead(path=path, problem="there is no such file")
    if kind in FORMATS or format == OTLP:
        return kind
    return ".csv" if is_of_lines(path) and not begins_as_json(path) else ".json"


def _recognised(path: Path, kind: str, format: str | None, steps: Steps | None) -> Recognised | str | None:
    """Return which format a file has, None for none; raises CannotRead where that is in doubt, or not what is said."""
    seen = look(path, kind, name=format, rows_path=steps)
    if format:
        if not seen.possible and seen.empty is not None:
            return Recognised(first_of(format), seen.empty)
        if not seen.possible:
            lacking = seen.likely.get(format) or ", ".join(sorted(first_of(format).columns))
            raise CannotRead(path=path, problem=f"it is not of the format {format}: it has no {lacking}")
        return (seen.certain or seen.possible)[0]
    if seen.is_events:
        return None
    if seen.is_traces:
        return OTLP
    fitting = seen.certain or seen.possible
    if len({found.shape.name for found in fitting}) == 1 and seen.certain:
        return fitting[0]
    if fitting:
        options = " or ".join(sorted({found.shape.name for found in fitting}))
        raise CannotRead(path=path, problem=f"it may be of the format {options}: say which by --format")
    if seen.likely:
        likely = "; ".join(f"{name}, but has no {lacking}" for name, lacking in seen.likely.items())
        raise CannotRead(path=path, problem=f"it looks like {likely}: write a mapping")
    return None


def _of_table(
    path: Path, kind: str, mapping: Mapping | None, source: str | None, steps: Steps, notes: Notes
) -> Iterator[ImportedRow]:
    """Return what the rows of a file give that is a table as it is."""
    if mapping is None:
        known = ", ".join(names())
        raise BadMapping(
            path=path, problem=f"a mapping is needed: it is none of the formats that are recognised ({known})"
        )
    if steps:
        raise CannotRead(path=path, problem=f"it is a table, of which no rows are at {written(steps)}")
    whole = not mapping.has_ids
    if kind == ".parquet":
        return evaluate(path, mapping, parquet_batches(path, mapping, whole=whole), notes, source)
    batches = text_batches(partial(csv_records, path), mapping, is_csv=True, whole=whole)
    return evaluate(path, mapping, batches, notes, source)
