"""What leaves the store, exports, backups and reports: each is told in the log, so that it can be known again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from attrs import frozen

from analytics_es.errors import AnalyticsError
from analytics_es.events.event import microseconds
from analytics_es.log import EventLog, announced
from analytics_es.log.announcements import number, text
from analytics_es.log.unfinished import tell
from analytics_es.store import Store
from analytics_es.types import BackupResult, ExportResult, HeldCopy, TimePeriod

EXPORTED = "analytics.export.completed"
BACKED_UP = "analytics.backup.completed"
REPORTED = "analytics.report.completed"


def announce_export(store: Store, result: ExportResult, period: TimePeriod) -> ExportResult:
    """Tell of a file of events, which goes again where that cannot be told."""
    start, end = (time.astimezone(UTC).isoformat() for time in (period.start, period.end))
    data = {"file": _text(result.path), "format": result.format, "start": start, "end": end, "rows": result.rows}
    data |= {"last_position": result.last_position or 0, "sha256": result.sha256}
    files = [result.path, result.manifest] if result.manifest else [result.path]
    _or_undo(store, lambda: store.recorder.announce(EXPORTED, data), *files)
    return result


def announce_backup(store: Store, result: BackupResult) -> BackupResult:
    """Tell of a copy of the log, which goes again where that cannot be told."""
    data = {"file": _text(result.path), "last_position": result.last_position, "bytes": result.bytes}
    _or_undo(store, lambda: store.recorder.announce(BACKED_UP, data), result.path)
    return result


def exported(log: EventLog) -> dict[int, str]:
    """Return the checksums of the exported files of events that a log tells of, by the position where it does."""
    return dict(announced(log, EXPORTED, lambda data: text(data, "sha256")).said)


def announce_report(store: Store, about: Report) -> int:
    """Tell of a report, and return the position where; raises AnalyticsError."""
    data = {"sha256": about.sha256, "answers": about.answers, "last_position": about.last_position}
    return store.recorder.announce(REPORTED, data).position


def reported(log: EventLog) -> dict[int, Report]:
    """Return the reports that a log tells of, by the position where it does."""
    return dict(announced(log, REPORTED, Report.of).said)


def _text(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _or_undo(store: Store, announce: Callable[[], object], *files: Path) -> None:
    try:
        announce()
    except BaseException:
        for path in files:
            path.unlink(missing_ok=True)
        raise
    finally:
        with suppress(AnalyticsError):  # it is told of twice, then
            tell(store.log, files[0])


@frozen(kw_only=True)
class Report:
    """A report that was drawn, by which it can be known again: whose it is, and where it is, is not told.

    sha256: of its file but for this checksum, which the file says at its foot.
    answers: the SHA-256 of all that it carries: its question, what it stands on, and its answers.
    last_position: of the log, as of which it answers.
    """

    sha256: str
    answers: str
    last_position: int

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Report:
        """Read what was told; raises KeyError, TypeError."""
        sha256, answers = text(data, "sha256"), text(data, "answers")
        return cls(sha256=sha256, answers=answers, last_position=number(data, "last_position"))


@frozen
class Stretch:
    """Some events near each other in time: between when they occurred, in microseconds, and their lowest position."""

    first: int
    last: int
    position: int

    @classmethod
    def of(cls, at: int, position: int, before: Stretch | None = None) -> Stretch:
        """Add an event, which comes after those before it in the log."""
        if before is None:
            return cls(at, at, position)
        return cls(min(at, before.first), max(at, before.last), before.position)


@frozen
class Copy:
    """A copy that the log tells of, and which events are in it."""

    kind: Literal["export", "backup"]
    file: str
    position: int
    start: int
    end: int
    upto: int
    sha256: str | None = None

    @classmethod
    def of(cls, position: int, event_type: str, data: Mapping[str, Any]) -> Copy:
        """Read what was told; raises KeyError, TypeError or ValueError where that was something else."""
        if event_type == BACKED_UP:
            return cls("backup", text(data, "file"), position, 0, 2**62, number(data, "last_position"))
        start, end = (microseconds(datetime.fromisoformat(text(data, name))) for name in ("start", "end"))
        upto, sha256 = number(data, "last_position"), text(data, "sha256")
        return cls("export", text(data, "file"), position, start, end, upto, sha256)

    def holds(self, events: Iterable[Stretch]) -> bool:
        """Say whether it may hold any of these events."""
        return any(self.start <= part.last and part.first < self.end and part.position <= self.upto for part in events)

    def held(self) -> HeldCopy:
        """Return what callers are told of it."""
        return HeldCopy(
            kind=self.kind,
            file=self.file,
            position=self.position,
            exists=os.path.exists(self.file),  # noqa: PTH110  # of a name that none can have, too
            sha256=self.sha256,
        )
