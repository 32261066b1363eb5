"""One look at the files of one agent: what is new in them is read, settled and recorded, then it is kept how far."""

from __future__ import annotations

import io
import os
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

from attrs import define, evolve, field

from analytics_es.ingest.sessions.declaration import Agent, Document, Lines, Tables
from analytics_es.ingest.sessions.events import Events
from analytics_es.ingest.sessions.facts import Call, Fact, Happened, Known, Skipped
from analytics_es.ingest.sessions.files import finding
from analytics_es.ingest.sessions.files.compressed import SUFFIX, Unpacked
from analytics_es.ingest.sessions.files.documents import document
from analytics_es.ingest.sessions.files.finding import File, PassedOver
from analytics_es.ingest.sessions.files.lines import HALF, LineReader
from analytics_es.ingest.sessions.files.tables import TableReader
from analytics_es.ingest.sessions.memory import Memory
from analytics_es.ingest.sessions.recording import BATCH, ODD, Record, Recording
from analytics_es.ingest.sessions.report import THERE, AgentReport, shown
from analytics_es.ingest.sessions.session import Session
from analytics_es.ingest.sessions.settling import OpenCalls
from analytics_es.ingest.sessions.standing import continues, digest, modified, stands
from analytics_es.ingest.sessions.state import LOOKED, FileEntry, State
from analytics_es.log import EventLog

RESTS = 600  # seconds without a change after which nothing more is expected of a call
KEEP_EVERY = 5.0  # seconds
MANY_OPEN = 100_000  # calls that may be open at once: beyond, those that are followed are settled

Progress = Callable[[str, int, int], None]  # what is being done, bytes done, bytes in all


@define(kw_only=True)
class Look:
    """One look at the files of one agent."""

    agent: Agent
    log: EventLog
    record: Record
    state: State
    machine: str
    user: str
    clock: Callable[[], float]
    final: bool
    progress: Progress | None
    report: AgentReport = field(init=False)
    entries: dict[str, FileEntry] = field(init=False)
    open: OpenCalls = field(init=False)
    memory: Memory = field(init=False)
    recording: Recording = field(init=False)
    _turn: str | None = field(init=False)  # of whom it is to keep; None: of another look
    _looked_at: set[str] = field(init=False, factory=set)  # files that were found, and read as far as they go
    _read_again: set[str] = field(init=False, factory=set)
    _counts: dict[str, dict[str, int]] = field(init=False, factory=dict)  # by file, what was passed over of it
    _changed: dict[str, FileEntry] = field(init=False, factory=dict)
    _kept_at: float = field(init=False, factory=time.monotonic)

    def __attrs_post_init__(self) -> None:
        self.report = AgentReport(agent=self.agent.name)
        self.entries, kept, self._turn = self.state.seen(self.agent.name)
        try:
            self.open = OpenCalls.of(kept)
        except ODD as error:
            raise sqlite3.DatabaseError(f"damaged: {error}") from error
        self.memory = Memory(agent=self.agent, state=self.state, log=self.log)
        self.recording = Recording(
            log=self.log,
            record=self.record,
            events=Events(agent=self.agent, machine=self.machine, user=self.user),
            memory=self.memory,
            report=self.report,
            count=self._count,
            is_read_again=self._read_again.__contains__,
        )

    def look(self) -> AgentReport:
        """Read what is new, and return what became of it."""
        homes = finding.homes(self.agent)
        self.report.homes = [shown(home) for home in homes]
        files = list(finding.files(self.agent, homes))
        if files or self.open.calls:
            self.memory.catch_up()
        done, total = 0, sum(file.size for file in files if isinstance(file, File))
        for file in files:
            if isinstance(file, PassedOver):
                self.report.problems[shown(file.path)] = file.reason
                continue
            self.report.files += 1
            for offset in self._file(file):
                if self.progress:
                    self.progress(self.agent.name, done + offset, total)
            done += file.size
        self._take_leave()
        self.recording.settle(self.open.settled(final=self.final))
        self.recording.flush()
        self._keep()
        self.report.open = len(self.open.calls)
        if self.state.problem:
            self.report.problems[shown(self.state.path)] = f"what was read is not kept: {self.state.problem}"
        return self.report

    # ── one file ────────────────────────────────────────────────────────────────────────────────────────────────

    def _file(self, file: File) -> Iterator[int]:
        """Read what is new in a file; yields how far it is, in bytes."""
        path = str(file.path)
        before = self.entries.get(path)
        is_same = before is not None and not before.problem and stands(before) == stands(file)
        since = before.since if before and is_same else self.clock()
        rests = self.final or self.clock() - min(file.modified, since) >= RESTS
        if before and is_same and (before.rested or not rests):
            self._looked_at.add(path)
            return
        try:
            with finding.opened(file.path) as opened:
                status = os.fstat(opened.fileno())
                if (status.st_dev, status.st_ino) != (file.device, file.inode):
                    return  # another one by now, whose time comes with the next look
                entry = self._begun(file, opened, before or FileEntry())
                self.report.read += not is_same
                yield from self._read(file, opened, evolve(entry, rested=rests, since=since), rests)
        except FileNotFoundError:  # it went away meanwhile
            return
        except (OSError, sqlite3.Error) as error:
            self._fail(path, before or FileEntry(), getattr(error, "strerror", None) or str(error))
            return
        self._looked_at.add(path)
        if rests:
            self.open.rested(path)
        self.recording.settle(self.open.final())

    def _begun(self, file: File, opened: BinaryIO, before: FileEntry) -> FileEntry:
        """Return where to go on in a file: at its beginning, where it is another one, or changed in what was read."""
        path, counts = str(file.path), dict(before.counts)
        goes_on = continues(opened, before, file) and file.path.suffix != SUFFIX
        if isinstance(file.files, Lines) and goes_on:
            counts.pop(HALF, None)
        else:
            if before.inode:
                self._read_again.add(path)
            counts = {THERE: before.counts[THERE]} if THERE in before.counts else {}
        entry = before if goes_on else FileEntry()
        self._counts[path] = counts
        return evolve(
            entry,
            device=file.device,
            inode=file.inode,
            size=file.size,
            modified=file.modified,
            changed=file.changed,
            notes=dict(entry.notes),
            cursors=dict(entry.cursors),
            counts=counts,
            problem="",
            gone=False,
        )

    def _read(self, file: File, opened: BinaryIO, entry: FileEntry, rests: bool) -> Iterator[int]:
        path, kind = str(file.path), file.files
        session = Session(file.path, file.home, self.memory.known, file.modified, entry.notes)
        if isinstance(kind, Lines):
            is_plain = file.path.suffix != SUFFIX  # else it is read as a whole, when it has changed
            text, end = (opened, file.size) if is_plain else (io.BufferedReader(Unpacked(opened)), sys.maxsize)
            lines = LineReader(text, entry.offset, end, kind.marks)
            for records in lines.records(rest=rests or not is_plain):
                for record in records:
                    self._take(path, kind.read, record, session)
                self._pass(path, lines.taken_skips())
                if is_plain:
                    entry = evolve(entry, offset=lines.offset, before=digest(lines.head[: lines.offset], lines.tail))
                    self._read_so_far(path, entry)
                yield min(lines.offset, file.size)
            self._pass(path, lines.taken_skips())
        elif isinstance(kind, Document):
            content = document(opened)
            if isinstance(content, Skipped):
                self._pass(path, [content])
            else:
                self._take(path, kind.read, content, session)
        elif isinstance(kind, Tables):
            table = TableReader(file.path, kind, entry.cursors, file.modified)
            for number, (query, record) in enumerate(table.rows(), 1):
                self._take(path, query.read, record, session)
                if not number % BATCH:  # cursors go on when all is read: what is read twice adds nothing
                    self.recording.settle(self.open.final())
                    self._read_so_far(path, entry)
                    yield 0  # how far it is in bytes, nothing says
            entry = evolve(entry, cursors=table.reached)
        self._changed[path] = entry
        yield file.size

    def _read_so_far(self, path: str, entry: FileEntry) -> None:
        """Keep, from time to time, how far a file is read: it is not known to stand as it does until its end."""
        self._changed[path] = evolve(entry, size=-1, rested=False)
        if len(self.open.calls) > MANY_OPEN:
            self.recording.settle(self.open.settled())
        if time.monotonic() - self._kept_at > KEEP_EVERY and len(self.open.calls) < MANY_OPEN // 10:
            self.recording.settle(self.open.final())
            self.recording.flush()
            self._keep()

    def _take(self, path: str, read: Callable[[Any, Session], Iterable[Fact]], record: Any, session: Session) -> None:
        """Take what a record says; a record that a declaration cannot read is counted, and stops nothing."""
        try:
            for fact in read(record, session):
                if isinstance(fact, Call):
                    if self.open.take(path, fact):
                        self._count(path, THERE)
                elif isinstance(fact, Happened):
                    self.recording.take(fact, path)
                elif isinstance(fact, Known):
                    self.memory.put(fact.key, fact.text)
                else:
                    self._count(path, fact.reason)
        except ODD as error:
            self.recording.unknown(path, error)

    # ── what was passed over ────────────────────────────────────────────────────────────────────────────────────

    def _pass(self, path: str, skipped: Iterable[Skipped]) -> None:
        for reason, count in Counter(fact.reason for fact in skipped).items():
            self._count(path, reason, count)

    def _count(self, path: str, reason: str, count: int = 1) -> None:
        """Count what was passed over, of the file that tells it, also one that was read in an earlier look."""
        self.report.skipped[reason] += count
        counts = self._counts.get(path)
        if counts is None:
            entry = self.entries.get(path)
            if entry is None:
                return
            counts = self._counts[path] = entry.counts
            self._changed.setdefault(path, entry)
        counts[reason] = counts.get(reason, 0) + count

    def _fail(self, path: str, entry: FileEntry, problem: str) -> None:
        self.report.problems[shown(path)] = problem
        self._changed[path] = evolve(self._changed.get(path, entry), problem=problem)

    def _take_leave(self) -> None:
        """Note which files are gone; what is open of one that cannot be read is certain when it has rested."""
        for path, entry in self.entries.items():
            if path not in self._looked_at and not entry.gone and not os.path.lexists(path):
                self._changed[path] = evolve(entry, gone=True)
        for path in self.open.files():
            if path not in self._looked_at:
                entry = self._changed.get(path) or self.entries.get(path) or FileEntry()
                if self.final or self.clock() - modified(path, entry.modified) >= RESTS:
                    self.open.rested(path)

    def _keep(self) -> None:
        """Keep how far all is read; what that stands on is durable. Not over what another look has kept meanwhile."""
        if self._turn is None:
            return
        memory, notes = self.memory.new()
        try:
            self._turn = self.state.keep(
                self.agent.name,
                files=self._changed,
                open_calls=self.open.kept(),
                memory=memory,
                notes={**notes, f"{LOOKED}{self.agent.name}": str(self.clock())},
                turn=self._turn,
            )
        except sqlite3.Error as error:
            self.report.problems[shown(self.state.path)] = f"what was read is not kept: {error}"
        else:
            if self._turn is not None:
                self.memory.kept()
                self.entries.update(self._changed)
                self._changed = {}
        self._kept_at = time.monotonic()
