"""A copy of the log, complete and consistent, while everybody goes on recording; read models follow from it."""

from __future__ import annotations

import os
from pathlib import Path

from analytics_es.errors import BackupFailed, StoreFailed
from analytics_es.lifecycle.files import appearing, free
from analytics_es.log import EventLog
from analytics_es.types import BackupResult, Progress


def back_up(log: EventLog, to: Path, progress: Progress | None = None) -> BackupResult:
    """Copy a log into a new file, which appears only when it is complete; `progress` is told the pages done and all.

    Raises FileExists, CannotWrite, BackupFailed, NotAFileStore; then there is no new file.
    """
    target = free(to)
    with appearing(target) as unfinished:
        try:
            head = log.copy(unfinished, progress or (lambda *_: None))
        except StoreFailed as error:
            raise BackupFailed(path=target, problem=error.details["problem"]) from error
        with unfinished.open("rb+") as file:
            os.fsync(file)
            size = file.seek(0, os.SEEK_END)
    return BackupResult(path=target, last_position=head, bytes=size)
