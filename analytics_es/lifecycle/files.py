"""Files that appear under their name only when they are complete, and never replace another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analytics_es.errors import CannotWrite, FileExists
from analytics_es.log import EventLog
from analytics_es.log.unfinished import unfinished


def free(path: Path) -> Path:
    """Return a path as absolute, where a file can appear; raises FileExists, CannotWrite."""
    target = path.absolute()
    try:
        if target.is_dir():
            raise CannotWrite(path=target, problem="it is a directory: name a file in it")
        if not target.parent.is_dir():
            raise CannotWrite(path=target, problem=f"there is no directory {target.parent}: create it first")
        if target.is_symlink() or target.exists():
            raise FileExists(path=target)
    except OSError as error:  # no permission to look, a name too long
        raise CannotWrite(path=target, problem=error.strerror) from error
    return target


@contextmanager
def appearing(target: Path, log: EventLog, *, told: bool = False) -> Iterator[Path]:
    """Give a hidden, private file, which gets the target's name if all goes well and is removed if not.

    The log knows of it as long as it is there: what is left by a process that is killed goes at the next start. And of
    the target, where it is to be `told` of that: until it is.
    """
    try:
        with unfinished(target, log, told=told) as file:
            yield file
            _publish(file, target)
    except FileExistsError:
        raise FileExists(path=target) from None
    except OSError as error:
        raise CannotWrite(path=target, problem=error.strerror or error) from error


def _publish(file: Path, target: Path) -> None:
    """Give a file its name unless there is one; without hard links, by reserving the name first."""
    try:
        target.hardlink_to(file)
    except FileExistsError:
        raise
    except OSError:
        target.touch(mode=0o600, exist_ok=False)
        file.replace(target)


def put(path: Path, content: bytes, log: EventLog, *, replace: bool = False) -> Path:
    """Write a file that appears whole, and return its absolute path; raises FileExists, CannotWrite.

    One of that name is only replaced where that is asked for.
    """
    if not replace or not path.exists():
        target = free(path)
        with appearing(target, log) as file:
            _fill(file, content)
        return target
    target = path.absolute()
    try:
        if target.is_dir():
            raise CannotWrite(path=target, problem="it is a directory: name a file in it")
        if not target.is_file():  # a device or a pipe, which a file would take the place of
            raise CannotWrite(path=target, problem="it is no file that can be replaced")
        with unfinished(target, log) as file:
            _fill(file, content)
            file.replace(target)
    except OSError as error:
        raise CannotWrite(path=target, problem=error.strerror or error) from error
    return target


def _fill(file: Path, content: bytes) -> None:
    with file.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
