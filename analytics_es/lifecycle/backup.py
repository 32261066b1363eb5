"""A copy of the log, complete and consistent, while everybody goes on recording; read models follow from it."""

from __future__ import annotations

import os
from pathlib import Path

from analytics_es.errors import BackupFailed, StoreFailed
from analytics_es.lifecycle.copies import announce_backup
from analytics_es.lifecycle.files import appearing, free
from analytics_es.log import damaged_upto
from analytics_es.store import Store
from analytics_es.types import BackupResult, Progress


def back_up(store: Store, to: Path, progress: Progress | None = None) -> BackupResult:
    """Copy a log into a new file, which appears only when it is complete, and tell the log; `progress` is of pages.

    What is damaged in the log is so in the copy, and told. Raises FileExists, CannotWrite,
    BackupFailed, NotAFileStore; then there is no new file.
    """
    target = free(to)
    with appearing(target, store.log, told=True) as unfinished:
        try:
            head = store.log.copy(unfinished, progress or (lambda *_: None))
        except StoreFailed as error:
            raise BackupFailed(path=target, problem=error.details["problem"]) from error
        with unfinished.open("rb+") as file:
            os.fsync(file)
            size = file.seek(0, os.SEEK_END)
    result = BackupResult(path=target, last_position=head, bytes=size, damaged=damaged_upto(store.log, head))
    return announce_backup(store, result)
