"""Where an agent's files are: the folders of its declaration, as the environment says, and the files in them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import frozen

from analytics_es.ingest.sessions.declaration import Agent, Files, Home, Lines

LEADS_OUT = "link that leads out of the agent's folder"
NO_FILE = "no file that can be read"


@frozen(kw_only=True)
class File:
    """A file of an agent's, as it stood when it was found.

    path: where it is; `home`: the agent's folder; `files`: how it is read; `device`, `inode`, `size` in bytes and
    `modified` in Unix seconds: of it then.
    """

    path: Path
    home: Path
    files: Files
    device: int
    inode: int
    size: int
    modified: float


@frozen
class PassedOver:
    """A file that is not read, and why."""

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
            except OSError:
                continue
    return list(found)


def places(agent: Agent, environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Return the folders where an agent's files are looked for, whether they are there or not; each once."""
    return list(dict.fromkeys(folder for home in agent.homes for folder in _folders(home, environment)))


def _folders(home: Home, environment: Mapping[str, str]) -> Iterator[Path]:
    if home.variable and (named := environment.get(home.variable, "").strip()):
        for text in named.split(","):
            if text.strip():
                yield Path(text.strip()).expanduser() / home.below
        return
    for text in home.folders:
        name = text.partition("/")[0]
        if name.startswith("$"):
            if not environment.get(name[1:]):
                continue
            text = environment[name[1:]] + text[len(name) :]
        elif name == "~" and environment.get("HOME"):
            text = environment["HOME"] + text[1:]
        yield Path(text).expanduser()


def files(agent: Agent, folders: list[Path]) -> Iterator[File | PassedOver]:
    """Yield the files of an agent, those that are read last, last; a file that fits two patterns once.

    What is to be read last is looked at first: what it tells again has been told in the others by then.
    """
    found: list[list[File | PassedOver]] = []
    seen: set[Path] = set()
    for pattern in sorted(agent.files, key=lambda kind: not kind.last):
        entries = [entry for home in folders for entry in _of(home, pattern, pattern is agent.files[0], seen)]
        if isinstance(pattern, Lines) and pattern.by_name:
            entries.sort(key=lambda entry: entry.path.name)
        found.append(entries)
    for entries in reversed(found):
        yield from entries


def _of(home: Path, kind: Files, first: bool, seen: set[Path]) -> Iterator[File | PassedOver]:
    if home.is_file():
        paths, home = [home] if first else [], home.parent
    else:
        paths = sorted(home.glob(kind.pattern))
    for path in paths:
        if path in seen:
            continue
        seen.add(path)
        try:
            told = path.stat()
            if not stat.S_ISREG(told.st_mode):
                continue
            if not path.resolve().is_relative_to(home):
                yield PassedOver(path, LEADS_OUT)
                continue
        except OSError:
            yield PassedOver(path, NO_FILE)
            continue
        yield File(
            path=path,
            home=home,
            files=kind,
            device=told.st_dev,
            inode=told.st_ino,
            size=told.st_size,
            modified=told.st_mtime,
        )
