"""Files and directories of a process that nobody needs when it is gone: the system lets go of them when it ends."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from analytics_es.process import forks

try:
    import fcntl
except ModuleNotFoundError:  # of a system without them: what is left there cannot be told from what is in use
    fcntl = None  # type: ignore[assignment]

OWNED, UNOWNED = (
    "analytics-es-owned-",
    "analytics-es-new-",
)  # begin the names of directories; versions before had others


class _Owned(forks.Forking):
    """What this process owns. A child has no part in it: what is locked would stay so as long as the child lives."""

    def __init__(self) -> None:
        self.locks: dict[str, int] = {}
        self.swept = False
        forks.register(self)

    def after_fork(self, *, child: bool) -> None:
        """Let go in the child, which does not unlock."""
        if child:
            for lock in self.locks.values():
                os.close(lock)
            self.locks.clear()


_owned = _Owned()


def _lock(path: Path) -> int | None:
    """Return a lock on what is at a path, None where somebody has one; raises OSError."""
    lock = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    try:
        if fcntl is None:
            raise BlockingIOError
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    except BaseException:
        os.close(lock)
        raise
    return lock


@contextmanager
def beginning(folder: Path) -> Iterator[None]:
    """Let nobody else begin a file in a folder meanwhile, or remove one that was begun; raises OSError."""
    if fcntl is None:
        yield
        return
    lock = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # where the file system has no locks, what is in use cannot be told either
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_UN)  # a child that was forked meanwhile has it, too
        os.close(lock)


def own(new: Path, path: Path) -> None:
    """Own what is at a path, from the moment on at which it has its name."""
    if (lock := _lock(new)) is not None:
        _owned.locks[str(path)] = lock
    new.rename(path)


def disown(path: Path) -> None:
    """Own something no longer."""
    if (lock := _owned.locks.pop(str(path), None)) is not None:
        os.close(lock)


def remove_orphan(path: Path) -> bool:
    """Remove what nobody owns any more; says whether it is gone. Raises OSError."""
    try:
        lock = _lock(path)
    except FileNotFoundError:
        return True
    if lock is None:
        return False
    try:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    finally:
        os.close(lock)
    return True


# ── in the temporary directory ──────────────────────────────────────────────────────────────────────────────────


def directory() -> Path:
    """Make a private directory."""
    new = Path(tempfile.mkdtemp(prefix=UNOWNED))
    path = new.with_name(f"{OWNED}{new.name.removeprefix(UNOWNED)}")
    own(new, path)
    return path


def remove(path: Path) -> None:
    """Remove a directory of this process."""
    shutil.rmtree(path, ignore_errors=True)
    disown(path)


def sweep(*, again: bool = False) -> None:
    """Remove the directories of processes that are gone: once in the life of this one, unless `again`."""
    if fcntl is None or (_owned.swept and not again):
        return
    _owned.swept = True
    with suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in [entry for entry in entries if entry.name.startswith(OWNED)]:
            with suppress(OSError):  # whatever is wrong with it, it is not ours to mend
                if entry.stat(follow_symlinks=False).st_uid == os.getuid():
                    remove_orphan(Path(entry.path))
