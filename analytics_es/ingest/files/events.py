"""What a row gives: an event, as arguments of `record_event`, or the reason why there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import frozen

from analytics_es.errors import AnalyticsError, BadRow

IMPORTED = "import"  # who tells rows that say neither who nor what they are: whatever their file is called

EXPORTED_LINE = {"position", "recordedat"}  # what an export says of an event beside what a CloudEvent is
EXPORTED_COLUMNS = {"position", "type", "source", "id", "occurred_at", "recorded_at", "data"}


@frozen(kw_only=True)
class ImportedRow:
    """One event of a row, or the reason why there is none, or that it is ignored.

    row: the number of the row, from 1.
    event: arguments of `record_event`, None where there is an error, or it is ignored.
    ignored: by what name it is counted, where it gives no event because nothing reads it; "" of all others.
    formerly: where the row has no id, the one that it had until 0.1, by file and number; None where it has one.
    keyed: its id is made of what the row is about, and stored as a keyed hash, as that of a row without an id is.
    error: why the row gives no event.
    raw: the text of the row; None for a line that is too long, and for a Parquet row without an error.
    element: which element of a list of the row it is, from 1; None where it is the row.
    exported: the row looks as one that a store has exported, which holds what that store had to say itself, too.
    """

    row: int
    event: dict[str, Any] | None
    error: AnalyticsError | None
    raw: str | None = None
    element: int | None = None
    exported: bool = False
    formerly: str | None = None
    ignored: str = ""
    keyed: bool = False


def refused(row: int, problem: str, raw: str | None) -> ImportedRow:
    """Return a row that gives no event."""
    return ImportedRow(row=row, event=None, error=BadRow(row=row, problem=problem), raw=raw)


def source_of(path: Path) -> str:
    """Return who tells what is in a file that does not say so."""
    return f"import:{path.name}"
