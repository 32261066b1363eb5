"""What a row gives: an event, as arguments of `record_event`, or the reason why there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import frozen

from analytics_es.errors import AnalyticsError, BadRow
from analytics_es.events.cloudevents import moment

EXPORTED_LINE = {"position", "recordedat"}  # what an export says of an event beside what a CloudEvent is
EXPORTED_COLUMNS = {"position", "type", "source", "id", "occurred_at", "recorded_at", "data"}


@frozen(kw_only=True)
class ImportedRow:
    """One event of a row, or the reason why there is none.

    row: the number of the row, from 1.
    event: arguments of `record_event`, None where there is an error.
    error: why the row gives no event.
    raw: the text of the row; None for a line that is too long, and for a Parquet row without an error.
    exported: the row looks as one that a store has exported, which holds what that store had to say itself, too.
    """

    row: int
    event: dict[str, Any] | None
    error: AnalyticsError | None
    raw: str | None = None
    exported: bool = False


def refused(row: int, problem: str, raw: str | None) -> ImportedRow:
    """Return a row that gives no event."""
    return ImportedRow(row=row, event=None, error=BadRow(row=row, problem=problem), raw=raw)


def arguments(path: Path, event_type: Any, data: Any, when: Any, id: Any, source: Any) -> dict[str, Any]:
    """Return the arguments of `record_event`; raises as `moment` where the time is none."""
    source = source_of(path) if source is None else source
    return {"event_type": event_type, "data": data, "occurred_at": moment(when), "id": id, "source": source}


def source_of(path: Path) -> str:
    """Return who tells what is in a file that does not say so."""
    return f"import:{path.name}"
