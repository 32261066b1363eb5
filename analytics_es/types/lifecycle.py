"""What became of stored events: retention, export, backup, erasure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

from attrs import Factory, field, frozen

from analytics_es.types.period import TimePeriod
from analytics_es.types.value_object import ValueObject


class ExportFormat(StrEnum):
    """The formats of a file that is exported; their texts do as well.

    CSV: RFC 4180.
    JSON: one object a line.
    PARQUET: with exact decimals.
    """

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


Format = ExportFormat | Literal["csv", "json", "parquet"]


@frozen(kw_only=True, eq=False, repr=False)
class FamilyRetention(ValueObject):
    """What retention means for one family of events: what is older goes.

    family: such as `provider`; None for all others.
    until: what occurred before goes, in the store's time zone.
    events: how many go.
    bytes: of what these events say; indexes come on top.
    """

    family: str | None
    until: datetime
    events: int
    bytes: int


@frozen(kw_only=True, eq=False, repr=False)
class StuckProjection(ValueObject):
    """A projection that could not go on when events were sealed; the others did.

    projection: its name.
    problem: what keeps it from going on.
    lost: how many of the sealed events it had not taken in and can take in no more.
    """

    projection: str
    problem: str
    lost: int


@frozen(kw_only=True, eq=False, repr=False)
class RetentionResult(ValueObject):
    """What retention has done, or, on a dry run, would do.

    dry_run: nothing was done.
    families: what it means for each family that has a rule of its own, and for the others.
    events: how many events went.
    seals: how often events were sealed.
    rows: into how many rows they were sealed.
    hours_from: hours that begin earlier are no longer kept, in the store's time zone; None where all are.
    days_from: days that begin earlier are no longer kept, in the store's time zone; None where all are.
    bytes_before: of the log on disk, before.
    bytes_after: of the log on disk, after.
    bytes_free: how many of these wait for later events.
    archive: the export that was made first; None where none was asked for.
    refused: how many events have come too late to be taken in, in all.
    stuck: projections that cannot go on; what they had taken in is sealed with the rest.
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
    stuck: list[StuckProjection] = field(factory=list)


@frozen(kw_only=True, eq=False, repr=False)
class ExportResult(ValueObject):
    """A finished export.

    path: the file.
    format: of the file: csv, json or parquet.
    rows: how many it holds.
    bytes: how large it is.
    sha256: its checksum, 64 hex digits.
    first_position: of the first event that went into it; None where there was none.
    last_position: of the last one; None where there was none.
    manifest: beside a file of events in Parquet, which makes it part of an archive; None for others.
    """

    path: Path
    format: str
    rows: int
    bytes: int
    sha256: str
    first_position: int | None
    last_position: int | None
    manifest: Path | None = None


@frozen(kw_only=True, eq=False, repr=False)
class HeldCopy(ValueObject):
    """An export or a backup that the log tells of, and that holds events of a forgotten subject.

    kind: export, or backup.
    file: where it was written.
    position: of the event in the log that tells of it.
    exists: it is still there.
    sha256: the checksum of an export, by which it is known wherever it was moved to; None for a backup.
    """

    kind: Literal["export", "backup"]
    file: str
    position: int
    exists: bool
    sha256: str | None = None


@frozen(kw_only=True, eq=False, repr=False)
class ForgetReceipt(ValueObject):
    """What became of a subject: what was destroyed and masked, and where it may still be. It does not name the subject.

    receipt: its id.
    entity: the type of the subject: user, tenant …
    vault_entries: how many keys to its pseudonyms were destroyed.
    events: how many were masked.
    fields: in which fields: number of events by field.
    first_position: of the first masked event; None where there was none.
    last_position: of the last one; None where there was none.
    sealed_rows: in how many parts of what is sealed it was masked.
    mentions: its text was found in other fields, and left: number of events by field, of rows by key of what is sealed.
    other_spellings: the same, where it is in other capitals or its letters are composed otherwise; nothing is masked.
    derived: the days whose read models were derived again.
    copies: the files that hold what was masked.
    remains: other places where it may still be.
    position: of the event that tells of it.
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
    other_spellings: dict[str, int]
    derived: list[TimePeriod]
    copies: list[HeldCopy]
    remains: list[str]
    position: int


@frozen(kw_only=True, eq=False, repr=False)
class BackupResult(ValueObject):
    """A finished copy of the log.

    path: the file.
    last_position: up to where in the log it goes.
    bytes: how large it is.
    damaged: the positions of the first 1,000 events that are not what was recorded; the copy has them as they are.
    """

    path: Path
    last_position: int
    bytes: int
    damaged: list[int] = Factory(list)
