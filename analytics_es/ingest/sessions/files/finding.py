"""Where an agent's files are: the folders of its declaration, as the environment says, and the files in them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from attrs import define, field, frozen

from analytics_es.ingest.sessions.declaration import Agent, Files, Home, Lines, Tables

LEADS_OUT = "link that leads out of the agent's folder"
NO_FILE = "no file that can be read"
ANY_FOLDERS = r"(?:[^/]+/)*"
DEEPEST = 64  # folders within folders: deeper ones are none of an agent's


@frozen(kw_only=True)
class File:
    """A file of an agent's, as it stood when it was found.

    path: where it is; `home`: the agent's folder; `files`: how it is read; `device`, `inode`, `size` in bytes and
    `modified` in Unix seconds: of it then; `changed`: when anything about it changed last, in Unix nanoseconds.
    """

    path: Path
    home: Path
    files: Files
    device: int
    inode: int
    size: int
    modified: float
    changed: int = 0


@frozen
class PassedOver:
    """A file or folder that is not read, and why."""

    path: Path
    reason: str


def homes(agent: Agent, environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Return the folders that an agent has its files in, of those that are there; each once, and files so named."""
    found: dict[Path, None] = {}
    for home in agent.homes:
        for folder in _folders(home, environment):
            try:
                if folder.is_file() if home.file else folder.is_dir():
                    found.setdefault(folder.resolve())
            except (OSError, ValueError, RuntimeError):  # a name that is none, a loop of links
                continue
    return list(found)


def places(agent: Agent, environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Return the folders where an agent's files are looked for, whether they are there or not; each once."""
    return list(dict.fromkeys(folder for home in agent.homes for folder in _folders(home, environment)))


def _folders(home: Home, environment: Mapping[str, str]) -> Iterator[Path]:
    if home.variable and (named := environment.get(home.variable, "").strip()):
        for text in named.split(","):
            if text.strip():
                yield _expanded(text.strip(), environment) / home.below
        return
    for text in home.folders:
        name = text.partition("/")[0]
        if name.startswith("$"):
            if not environment.get(name[1:]):
                continue
            text = environment[name[1:]] + text[len(name) :]
        yield _expanded(text, environment)


def _expanded(text: str, environment: Mapping[str, str]) -> Path:
    if text.partition("/")[0] == "~" and environment.get("HOME"):
        return Path(environment["HOME"] + text[1:])
    try:
        return Path(text).expanduser()
    except RuntimeError:  # nobody can tell whose home it is
        return Path(text)


def files(agent: Agent, folders: Sequence[Path]) -> Iterator[File | PassedOver]:
    """Yield the files of an agent, those that are read last, last; a file that fits two patterns once.

    What is to be read last is looked at first: what it tells again has been told in the others by then.
    """
    named = [folder for folder in folders if folder.is_file()]
    walks = [_Walk(home, [kind.pattern for kind in agent.files]) for home in folders if home not in named]
    entries: list[list[File | PassedOver]] = [list(walk.passed_over()) for walk in walks]
    seen: set[Path] = set()
    for kind in sorted(agent.files, key=lambda files: not files.last):
        meant = [(name, walk.home) for walk in walks for name in walk.fitting(kind.pattern)]
        meant += [(file.name, file.parent) for file in named if kind is agent.files[0]]
        if isinstance(kind, Lines) and kind.by_name:
            meant.sort(key=lambda place: place[0].rpartition("/")[2])
        paths = [(path, home) for name, home in meant if (path := home / name) not in seen]
        seen.update(path for path, _ in paths)
        entries.append([entry for path, home in paths if (entry := _looked_at(path, home, kind))])
    for some in reversed(entries):
        yield from some


def _looked_at(path: Path, home: Path, kind: Files) -> File | PassedOver | None:
    """Return how a file stands; None of one that went away meanwhile, as files of agents do."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return PassedOver(path, NO_FILE) if path.is_symlink() else None
    except (OSError, ValueError) as error:
        return PassedOver(path, getattr(error, "strerror", None) or NO_FILE)
    if not stat.S_ISREG(status.st_mode):
        return PassedOver(path, NO_FILE)
    size, modified, changed = status.st_size, status.st_mtime, status.st_ctime_ns
    if isinstance(kind, Tables) and (beside := _status(Path(f"{path}-wal"))):  # what is written last stands there
        size, modified = size + beside.st_size, max(modified, beside.st_mtime)
        changed = max(changed, beside.st_ctime_ns)
    return File(
        path=path,
        home=home,
        files=kind,
        device=status.st_dev,
        inode=status.st_ino,
        size=size,
        modified=modified,
        changed=changed,
    )


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, ValueError):
        return None


def opened(path: Path) -> BinaryIO:
    """Open a file to be read; raises OSError of what is none, such as a pipe, which nobody may ever write to."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, NO_FILE)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


@define
class _Walk:
    """All names below a home that a pattern may mean; each folder is gone into once, whichever links lead there."""

    home: Path
    patterns: Sequence[str]
    _names: list[str] = field(init=False, factory=list)  # below the home, with `/`
    _passed_over: dict[str, str] = field(init=False, factory=dict)
    _been: set[tuple[int, int]] = field(init=False, factory=set)

    def __attrs_post_init__(self) -> None:
        fits, may_hold = [_fits(pattern) for pattern in self.patterns], [_holds(pattern) for pattern in self.patterns]
        waiting, links = [""], list[str]()
        while waiting or links:
            below = waiting.pop() if waiting else links.pop()  # links last: a file is named by where it really is
            for name, entry in self._names_in(below):
                try:
                    is_folder, is_link = entry.is_dir(), entry.is_symlink()
                except OSError:  # a loop of links
                    is_folder, is_link = False, True
                is_meant = any(fit(name) for fit in fits)
                goes_on = is_folder and name.count("/") < DEEPEST and any(hold(name) for hold in may_hold)
                if is_link and (is_meant or goes_on) and self._leads_out(entry.path):
                    self._passed_over[entry.path] = LEADS_OUT
                elif goes_on:
                    (links if is_link else waiting).append(name)
                elif is_meant:
                    self._names.append(name)
        self._names.sort()

    def _names_in(self, below: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        folder = self.home / below
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) not in self._been:
                self._been.add((status.st_dev, status.st_ino))
                with os.scandir(folder) as entries:
                    yield from ((f"{below}/{entry.name}" if below else entry.name, entry) for entry in entries)
        except FileNotFoundError:  # it went away meanwhile
            return
        except (OSError, ValueError) as error:
            self._passed_over[str(folder)] = getattr(error, "strerror", None) or NO_FILE

    def _leads_out(self, path: str) -> bool:
        """Say whether a link leads out; what leads nowhere does not."""
        return not Path(os.path.realpath(path)).is_relative_to(self.home)

    def passed_over(self) -> Iterator[PassedOver]:
        """Yield the folders and links that were not gone into."""
        for path, reason in sorted(self._passed_over.items()):
            yield PassedOver(Path(path), reason)

    def fitting(self, pattern: str) -> list[str]:
        """Return the names below the home that a pattern means, in order."""
        fits = _fits(pattern)
        return [name for name in self._names if fits(name)]


def _fits(pattern: str) -> Callable[[str], object]:
    """Return what says whether a name below the home is meant; `**` is any folders, or none."""
    parts = [ANY_FOLDERS if part == "**" else f"{_of_name(part)}/" for part in pattern.split("/")]
    return re.compile("".join(parts).removesuffix("/") + r"\Z").match


def _holds(pattern: str) -> Callable[[str], object]:
    """Return what says whether a folder below the home may hold what is meant."""
    ways = [r"\Z"]
    for part in reversed(pattern.split("/")[:-1]):
        ways.append(ANY_FOLDERS if part == "**" else f"{_of_name(part)}(?:/{ways[-1]}|\\Z)")
    return re.compile(ways[-1]).match


def _of_name(part: str) -> str:
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(letter) or re.escape(letter) for letter in part)
