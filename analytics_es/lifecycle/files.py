"""Files that appear under their name only when they are complete, and never replace another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from analytics_es.errors import CannotWrite, FileExists


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
def appearing(target: Path) -> Iterator[Path]:
    """Give a hidden, private file, which gets the target's name if all goes well and is removed if not."""
    unfinished = target.with_name(f".{uuid4().hex}.part")
    try:
        unfinished.touch(mode=0o600, exist_ok=False)
        yield unfinished
        _publish(unfinished, target)
    except FileExistsError:
        raise FileExists(path=target) from None
    except OSError as error:
        raise CannotWrite(path=target, problem=error.strerror or error) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _publish(unfinished: Path, target: Path) -> None:
    """Give a file its name unless there is one; without hard links, by reserving the name first."""
    try:
        target.hardlink_to(unfinished)
    except FileExistsError:
        raise
    except OSError:
        target.touch(mode=0o600, exist_ok=False)
        unfinished.replace(target)
