"""What became of stored events: retention, export, backup, erasure."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from attrs import frozen

from analytics_es.types.period import TimePeriod


@frozen(kw_only=True)
class FamilyRetention:
    """What retention means for one family of events, or for all others (None): what is older than `until` goes.

    `bytes`: of what the events say; indexes come on top.
    """

    family: str | None
    until: datetime
    events: int
    bytes: int


@frozen(kw_only=True)
class RetentionResult:
    """What retention has done, or, on a dry run, would do.

    `seals` and `rows`: how often, and into how many rows, events were sealed. `hours_from`, `days_from`: buckets that
    begin earlier are no longer kept; None where all are. `bytes_before`, `bytes_after`: of the log on disk, of which
    `bytes_free` wait for later events. `refused`: how many events have come too late to be taken in, in all.
    """

    dry_run: bool
    families: list[FamilyRetention]
    events: int
    seals: int
    rows: int
    hours_from: datetime | None
    days_from: datetime | None
    bytes_before: int
    bytes_after: int
    bytes_free: int
    archive: ExportResult | None
    refused: int


@frozen(kw_only=True)
class ExportResult:
    """A finished export. Positions are of the first and last event that went into it, None where there was none.

    Events in Parquet have a manifest beside their file, which makes it part of an archive.
    """

    path: Path
    format: str
    rows: int
    bytes: int
    sha256: str
    first_position: int | None
    last_position: int | None
    manifest: Path | None = None


@frozen(kw_only=True)
class HeldCopy:
    """An export or a backup that the log tells of, at a position, and that holds events of a forgotten subject.

    The file of an export is known by its checksum wherever it was moved to.
    """

    kind: Literal["export", "backup"]
    file: str
    position: int
    exists: bool
    sha256: str | None = None


@frozen(kw_only=True)
class ForgetReceipt:
    """What became of a subject: what was destroyed and masked, and where it may still be. It does not name the subject.

    `fields` says how many events were masked in which field, `sealed_rows` in how many parts of what is sealed it was
    masked; `mentions`, in how many others its text was found and left. `derived` are the days whose read models were
    derived again, `copies` the files that hold what was masked, `remains` other places. `position` is that of the event
    that tells of it.
    """

    receipt: str
    entity: str
    vault_entries: int
    events: int
    fields: dict[str, int]
    first_position: int | None
    last_position: int | None
    sealed_rows: int
    mentions: dict[str, int]
    derived: list[TimePeriod]
    copies: list[HeldCopy]
    remains: list[str]
    position: int


@frozen(kw_only=True)
class BackupResult:
    """A finished copy of the log, up to a position."""

    path: Path
    last_position: int
    bytes: int
