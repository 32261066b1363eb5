"""Files into a store, in batches: what the door or the reader refuses is kept apart, with its row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from attrs import define

from analytics_es.cli.progress import Bar
from analytics_es.cli.rejects import RefusedRow, Rejects
from analytics_es.cli.words import safe
from analytics_es.errors import AnalyticsError, BadRow
from analytics_es.ingest.files import ImportedRow
from analytics_es.service.service import AnalyticsService
from analytics_es.types import BatchReceipt, Refusal

BATCH = 1000


@define(kw_only=True)
class Tally:
    """What became of the rows of one file."""

    file: str
    recorded: int = 0
    duplicates: int = 0
    differing: int = 0
    refused: int = 0

    def add(self, other: Tally | BatchReceipt) -> None:
        """Add what became of others."""
        self.recorded += other.recorded
        self.duplicates += other.duplicates
        self.differing += other.differing
        self.refused += other.refused


def import_file(
    service: AnalyticsService, path: Path, rows: Iterable[ImportedRow], rejects: Rejects, tally: Tally
) -> None:
    """Record the rows of a file, in constant memory; `tally` is right whenever this ends."""
    size = None if path.name.lower().endswith((".gz", ".parquet")) else path.stat().st_size
    done = taken = 0
    with Bar(f"importing {safe(path.name)}") as bar:
        for chunk in _chunks(rows):
            _record(service, chunk, rejects, tally)
            done, taken = done + len(chunk), taken + _bytes(chunk)
            bar.at(min(taken, size) if size else done, size, counted=done)


def _chunks(rows: Iterable[ImportedRow]) -> Iterator[list[ImportedRow]]:
    source = iter(rows)
    while chunk := list(islice(source, BATCH)):
        yield chunk


def _record(service: AnalyticsService, chunk: list[ImportedRow], rejects: Rejects, tally: Tally) -> None:
    refused = {i: (row.error.code, _reason(row.error)) for i, row in enumerate(chunk) if row.error}
    good = [i for i, row in enumerate(chunk) if row.event is not None]

    def refuse(refusal: Refusal) -> None:
        refused[good[refusal.index]] = (refusal.code, refusal.message)

    events = [event for row in chunk if (event := row.event) is not None]
    receipt = service.record_events(events, batch_size=BATCH, skip_refused=True, on_refused=refuse).unwrap()
    tally.add(receipt)
    tally.refused += len(refused) - receipt.refused
    for i, (code, message) in sorted(refused.items()):
        row = chunk[i]
        raw = json.dumps(row.event, default=str) if row.raw is None else row.raw
        rejects.add(RefusedRow(file=tally.file, row=row.row, code=code, message=message), raw)


def _reason(error: AnalyticsError) -> str:
    """Return why a row was refused; which row it was is told beside it."""
    return str(error.details["problem"] if isinstance(error, BadRow) else error)


def _bytes(chunk: list[ImportedRow]) -> int:
    """Return about how much of a file rows are; several events of one row are one row."""
    return sum(len(raw) + 1 for raw in {row.row: row.raw for row in chunk}.values() if raw)
