"""How an agent's files stand: what is there, what of it is read, what was passed over and why, what is deleted when."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from typing import Any

from attrs import Factory, define, frozen

from analytics_es.ingest.sessions.declaration import Agent, Lines
from analytics_es.ingest.sessions.files import finding
from analytics_es.ingest.sessions.files.finding import File
from analytics_es.ingest.sessions.report import shown
from analytics_es.ingest.sessions.state import LOOKED, FileEntry, State

SETTINGS = 1 << 20  # bytes of a file of settings, at most


@frozen(kw_only=True)
class FileAge:
    """A file of an agent's, and when it was changed last."""

    path: str
    modified: datetime


@define(kw_only=True)
class AgentStatus:
    """How one agent's files stand.

    agent: its name; homes: its folders that are there.
    files: how many of its files are there; bytes: of them, as they are found.
    unread: bytes of them that are not read yet, or wait for the end of a line.
    safe: how many of these files are read to their end, with all that they tell in the store.
    gone: how many files that were read are there no more.
    oldest, newest: by when they were changed last; None where there is none.
    kept_days: after how many days without a change the agent deletes a file; None: it does not.
    deletes_at: when it deletes the next one, which is the oldest of a home; None: it does not.
    deletes: the file that it deletes then.
    looked_at: when its files were looked at last; None where they never were, or that is no longer known.
    open: calls that are not certain yet.
    skipped: what was passed over of all files, also of those that are gone, by reason.
    problems: files that are not, or not wholly read, and why.
    """

    agent: str
    homes: list[str] = Factory(list)
    files: int = 0
    bytes: int = 0
    unread: int = 0
    safe: int = 0
    gone: int = 0
    oldest: FileAge | None = None
    newest: FileAge | None = None
    kept_days: float | None = None
    deletes_at: datetime | None = None
    deletes: str | None = None
    looked_at: datetime | None = None
    open: int = 0
    skipped: Counter[str] = Factory(Counter)
    problems: dict[str, str] = Factory(dict)


def status(
    agents: Iterable[Agent], state: State | None, environment: Mapping[str, str] = os.environ
) -> list[AgentStatus]:
    """Return how the files of these agents stand; nothing of them is read, and nothing is changed.

    state: what was read already (`SessionReader.state`); None where nothing was.
    """
    return [_status(agent, state, environment) for agent in agents]


def _status(agent: Agent, state: State | None, environment: Mapping[str, str]) -> AgentStatus:
    result = AgentStatus(agent=agent.name)
    entries: dict[str, FileEntry] = {}
    open_in: set[str] = set()
    try:
        if state:
            entries, open_calls, _ = state.seen(agent.name)
            result.open = len(open_calls)
            looked = state.note(f"{LOOKED}{agent.name}")
            result.looked_at = _time(float(looked)) if looked else None
            open_in = {file for call in open_calls for file in call["followed"]}
    except (sqlite3.DatabaseError, KeyError, TypeError, ValueError) as error:
        result.problems[shown(state.path if state else "")] = f"what was read cannot be told: {error}"
    homes = finding.homes(agent, environment)
    result.homes = [shown(home) for home in homes]
    files = list(finding.files(agent, homes))
    result.problems |= {shown(file.path): file.reason for file in files if not isinstance(file, File)}
    there = [file for file in files if isinstance(file, File)]
    _add_files(result, there, entries, open_in)
    for path, entry in entries.items():
        result.skipped.update(entry.counts)
        result.gone += entry.gone
        if entry.problem and not entry.gone:
            result.problems.setdefault(shown(path), entry.problem)
    _add_deletion(result, agent, homes, there)
    return result


def _add_files(result: AgentStatus, files: list[File], entries: Mapping[str, FileEntry], open_in: set[str]) -> None:
    result.files, result.bytes = len(files), sum(file.size for file in files)
    for file in files:
        path = str(file.path)
        entry = entries.get(path)
        is_same = entry is not None and (entry.inode, entry.size) == (file.inode, file.size)
        if entry and is_same:
            # What is no file of lines is read whole, and has no place in it where to go on.
            unread = file.size - entry.offset if isinstance(file.files, Lines) else 0
        else:
            unread = max(0, file.size - (entry.offset if entry and entry.inode == file.inode else 0))
        result.unread += unread
        result.safe += is_same and not unread and path not in open_in
    if files:
        result.oldest = _age(min(files, key=_modified))
        result.newest = _age(max(files, key=_modified))


def _modified(file: File) -> float:
    return file.modified


def _age(file: File) -> FileAge:
    return FileAge(path=shown(file.path), modified=_time(file.modified))


def _time(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):  # what a file system tells of a damaged file
        return datetime.fromtimestamp(0, UTC)


def _add_deletion(result: AgentStatus, agent: Agent, homes: list[Path], files: list[File]) -> None:
    """Tell which file the agent deletes next, and when, as each of its homes is set."""
    for home in homes:
        days = kept_days(agent, home)
        if days is None:
            continue
        result.kept_days = days if result.kept_days is None else min(days, result.kept_days)
        of_home = [file for file in files if file.home == home]
        if of_home:
            oldest = min(of_home, key=_modified)
            at = _later(_time(oldest.modified), days)
            if at and (result.deletes_at is None or at < result.deletes_at):
                result.deletes_at, result.deletes = at, shown(oldest.path)


def _later(at: datetime, days: float) -> datetime | None:
    try:
        return at + timedelta(days=days)
    except OverflowError:  # never, in so many words
        return None


def kept_days(agent: Agent, home: Path) -> float | None:
    """Return after how many days an agent deletes its files, as its settings in a home say, or as it does by itself."""
    kept = agent.kept
    if kept.settings and kept.key:
        days = _settings(home / kept.settings).get(kept.key)
        if isinstance(days, (int, float)) and not isinstance(days, bool) and 0 <= days < inf:
            return days
    return kept.days


def _settings(path: Path) -> Mapping[str, Any]:
    """Return what a file of settings says; nothing where it is not there, or is none: it is somebody else's."""
    try:
        with finding.opened(path) as file:
            settings = json.loads(file.read(SETTINGS).decode("utf-8-sig", "replace"), strict=False)
    except (OSError, ValueError, RecursionError):
        return {}
    return settings if isinstance(settings, Mapping) else {}
