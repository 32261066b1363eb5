"""Files that are being written from a log: noted in it, so that what a killed process leaves is known and removed."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from analytics_es.errors import AnalyticsError
from analytics_es.log.event_log import EventLog
from analytics_es.process import owned

NOTED = "unfinished "  # begins the names of notes
BESIDE = ("", "-journal", "-wal", "-shm")  # the file, and what SQLite makes beside it
OF_BEFORE = re.compile(r"\.[0-9a-f]{32}\.part")  # what versions before left, which noted nothing


class Unfinished(NamedTuple):
    """A file that is being written, what it will be called, on which host that is, and from which log."""

    file: Path
    target: Path
    host: str
    log: str  # its place: a copy of the log has the note, too

    @classmethod
    def read(cls, noted: str) -> Unfinished | None:
        """Read what was noted, None where that says something else."""
        try:
            file, target, host, log = json.loads(noted)
            return cls(Path(file), Path(target), host, log)
        except (ValueError, TypeError):
            return None

    def write(self) -> str:
        """Return what is noted, of any name that a file can have."""
        return json.dumps([str(self.file), str(self.target), self.host, self.log])


@contextmanager
def unfinished(target: Path, log: EventLog, *, told: bool = False) -> Iterator[Path]:
    """Give a hidden, private, empty file beside a target, which is gone at the end, or at the next start.

    Of one that is `told` the log knows until `tell` is called, if all goes well. Raises FileExistsError, OSError.
    """
    token = uuid4().hex
    new, file = (target.with_name(f".analytics-es-{token}{end}") for end in (".new", ".part"))
    complete = False
    try:
        with owned.beginning(target.parent):  # else who sweeps takes it for one that was left
            log.note(f"{NOTED}{token}", Unfinished(file, target, platform.node(), log.place).write())
            new.touch(mode=0o600, exist_ok=False)
            owned.own(new, file)
        yield file
        complete = True
    finally:
        for path in (new, *_parts(file)):
            path.unlink(missing_ok=True)
        owned.disown(file)
        if not (complete and told):
            with suppress(AnalyticsError):  # the next one to start does
                log.note(f"{NOTED}{token}", None)


def tell(log: EventLog, target: Path) -> None:
    """Note no longer what is complete and told of, or gone again."""
    for name, noted in _noted(log).items():
        if noted and noted.target == target and not noted.file.exists():
            log.note(name, None)


def untold(log: EventLog, folder: Path) -> list[Path]:
    """Return the files in a folder that were complete when their process was killed, before the log was told."""
    ours = [noted for noted in _noted(log).values() if noted and noted.log == log.place]
    complete = [noted.target for noted in ours if noted.target.exists() and not noted.file.exists()]
    return [target for target in complete if target.parent == folder]


def sweep(log: EventLog, *, again: bool = False) -> list[str]:
    """Remove what killed processes have left; says in words what is still there, and why.

    In the temporary directory this is done once by a process, unless `again`.
    """
    owned.sweep(again=again)
    here, left = platform.node(), []
    for name, noted in _noted(log).items():
        with _beginning(noted):
            if name not in log.notes(name):  # it was told of meanwhile
                continue
            ours = noted and noted.log == log.place
            problem = _problem(noted, log.of_a_server and noted.host != here) if noted and ours else None
            if problem:
                left.append(problem)
                continue
            with suppress(AnalyticsError):  # the next one to start does
                log.note(name, None)
    return left


@contextmanager
def _beginning(noted: Unfinished | None) -> Iterator[None]:
    """Let nobody begin a file beside one that was noted; where there is no such folder, nobody does."""
    with ExitStack() as stack:
        with suppress(OSError):
            if noted:
                stack.enter_context(owned.beginning(noted.file.parent))
        yield


def of_before(folders: Iterable[Path]) -> Iterator[Path]:
    """Yield the unfinished files in folders that versions before have left: nobody can tell whose they are."""
    for folder in dict.fromkeys(folders):
        with suppress(OSError):  # it is gone, or nobody may look
            yield from sorted(path for path in folder.iterdir() if OF_BEFORE.fullmatch(path.name))


def _noted(log: EventLog) -> Mapping[str, Unfinished | None]:
    return {name: Unfinished.read(text) for name, text in log.notes(NOTED).items()}


def _parts(file: Path) -> list[Path]:
    return [file.with_name(f"{file.name}{end}") for end in BESIDE]


def _problem(noted: Unfinished, elsewhere: bool) -> str | None:
    """Remove a file where nobody writes it any more; says why something is still there, None where nothing is."""
    file, target, host, _ = noted
    try:
        if not owned.remove_orphan(file):
            return f"{file}, which is being written: it will be {target}"
        for path in (*_parts(file), file.with_suffix(".new")):
            path.unlink(missing_ok=True)
        if target.exists():
            return f"{target}, which was complete when its process was killed, before the log was told of it"
    except OSError as error:
        return f"{file}, which is unfinished, and cannot be removed: {error.strerror}"
    return f"{file} on {host}, which was unfinished; nobody has opened the store there since" if elsewhere else None
