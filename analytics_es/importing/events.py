"""What a row gives: an event, as arguments of `record_event`, or the reason why there is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import frozen

from analytics_es.errors import AnalyticsError, BadRow
from analytics_es.events import EPOCH


@frozen(kw_only=True)
class ImportedRow:
    """One event of a row, as arguments of `record_event`, or the reason why there is none.

    `raw` is the text of the row; it is None for a line that is too long, and for a Parquet row without an error.
    """

    row: int
    event: dict[str, Any] | None
    error: AnalyticsError | None
    raw: str | None = None


def refused(row: int, problem: str, raw: str | None) -> ImportedRow:
    """Return a row that gives no event."""
    return ImportedRow(row=row, event=None, error=BadRow(row=row, problem=problem), raw=raw)


def arguments(path: Path, event_type: Any, data: Any, when: Any, id: Any, source: Any) -> dict[str, Any]:
    """Return the arguments of `record_event`; raises ValueError or OverflowError where the time is none.

    A time is ISO 8601 text or Unix microseconds, and UTC where it names no zone.
    """
    source = f"import:{path.name}" if source is None else source
    return {"event_type": event_type, "data": data, "occurred_at": _moment(when), "id": id, "source": source}


def _moment(when: Any) -> datetime:
    if isinstance(when, int):
        return EPOCH + timedelta(microseconds=when)
    try:
        found = datetime.fromisoformat(when.strip().upper())
    except (AttributeError, ValueError):
        raise ValueError(f"its time is {when!r:.60}, not ISO 8601") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
