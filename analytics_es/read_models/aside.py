"""Files of read models that are damaged, or not of this log: moved aside, never deleted, and derived again."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import TypeVar

from analytics_es.errors import (
    HERE,
    AnalyticsError,
    NewerSchema,
    NotAFile,
    NotOurs,
    NotWritable,
    OfAnotherLog,
    StoreDamaged,
)
from analytics_es.log.sqlite.file import escaped, file_at

logger = logging.getLogger("analytics_es")

T = TypeVar("T")

BESIDE = ("", "-wal", "-shm", "-journal")  # a database, and what SQLite keeps with it
# Why files are moved aside, in a word that their new place is named by.
REASONS: Mapping[type[AnalyticsError], str] = {
    StoreDamaged: "damaged",
    NotAFile: "foreign",
    NotOurs: "foreign",
    NotWritable: "unusable",
    OfAnotherLog: "foreign",
    NewerSchema: "newer",
}

# Up to which position of which log live read models hold events.
REACHED = (
    "SELECT log, max(coalesce(notification_id, 0)) FROM registry "
    "LEFT JOIN tracking ON application_name = log || ':' || read_model GROUP BY log"
)


def opened(path: Path, open_them: Callable[[], T]) -> T:
    """Open read models, or, where what is at their path cannot be opened as such, move that aside and begin anew.

    Raises what opening raises for another reason, and where nothing can be moved.
    """
    file = file_at(path)
    try:
        return open_them()
    except tuple(REASONS) as error:
        if error.details["path"] not in (path, path.absolute(), HERE) or not move_aside(path, error, file):
            raise
    return open_them()


def move_aside(path: Path, error: AnalyticsError, file: tuple[int, int] | None) -> bool:
    """Move a file, or a directory, into a new directory beside it, with what SQLite keeps with it, and tell so.

    False where it cannot be moved. Nothing is moved, and it is true, where another process has done so: `file` tells
    what was met from what is there now.
    """
    if file_at(path) != file:
        return True
    try:
        place = _new_directory(path, REASONS[type(error)])
        for end in BESIDE:
            with suppress(FileNotFoundError):
                path.with_name(f"{path.name}{end}").rename(place / f"{path.name}{end}")
    except OSError as problem:
        logger.warning("%s cannot be moved aside: %s", path, problem)
        return False
    if not any(place.iterdir()):  # another process was faster
        place.rmdir()
        return True
    logger.warning(
        "The read models cannot be used (%s) %s was moved to %s. They are derived again from the log, with the sealed "
        "rows in it; dead letters that were discarded are listed again.",
        error,
        path,
        place,
    )
    return True


def _new_directory(path: Path, reason: str) -> Path:
    for number in count(1):
        place = path.with_name(f"{path.name}.{reason}-{number}")
        with suppress(FileExistsError):
            place.mkdir(mode=0o700)
            return place
    raise AssertionError  # there is always another number


def moved_aside(path: Path) -> list[Path]:
    """Return the directories into which read models of this path were moved, for who must say where names may be."""
    reasons = {*REASONS.values()}
    pattern = f"{path.name.translate({ord(c): f'[{c}]' for c in '*?['})}.*-*"
    return sorted(
        place
        for place in path.parent.glob(pattern)
        if place.is_dir() and place.name[len(path.name) + 1 :].rpartition("-")[0] in reasons
    )


def reached(path: Path) -> dict[str, int]:
    """Return up to which position of which log the read models in a file hold events; empty where that is none."""
    if not path.is_file() or not path.stat().st_size:
        return {}
    try:
        with closing(sqlite3.connect(f"file:{escaped(path)}?mode=rw", uri=True)) as connection:
            return dict(connection.execute(REACHED).fetchall())
    except sqlite3.Error:  # what is damaged is looked at later
        return {}
