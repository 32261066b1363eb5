"""The engine: finds the files of agents, reads what is new in them, settles their calls, and records each once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, BinaryIO

from attrs import Factory, define, evolve, field, frozen

from analytics_es.ingest.sessions import finding
from analytics_es.ingest.sessions.declaration import Agent, Document, Lines, Tables
from analytics_es.ingest.sessions.documents import document
from analytics_es.ingest.sessions.events import PARTIAL, Events
from analytics_es.ingest.sessions.facts import Call, Fact, Happened, Known, Skipped
from analytics_es.ingest.sessions.finding import File, PassedOver
from analytics_es.ingest.sessions.lines import LineReader
from analytics_es.ingest.sessions.memory import Memory, forget_another
from analytics_es.ingest.sessions.session import Session
from analytics_es.ingest.sessions.settling import OpenCalls
from analytics_es.ingest.sessions.state import FileEntry, State
from analytics_es.ingest.sessions.tables import rows
from analytics_es.ingest.strictness import is_strict
from analytics_es.log import EventLog
from analytics_es.types import BatchReceipt, Duplicate, Refusal

RESTS = 600  # seconds without a change after which nothing more is expected of a call
BATCH = 1000
KEEP_EVERY = 5.0  # seconds
MANY_OPEN = 100_000  # calls that may be open at once: beyond, those that are followed are settled
BEFORE = 256  # bytes before the offset by which a file is known again

AGAIN, UNTIMED, DIFFERS = "told again under another id", "no time", "there before, with other figures"
OTHERWISE = "told otherwise"
THERE, REFUSED = "there before", "refused"

Record = Callable[..., BatchReceipt]
Progress = Callable[[str, int, int], None]  # what is being done, bytes done, bytes in all


@define(kw_only=True)
class AgentReport:
    """What became of one agent's files in one look.

    agent: its name; files: how many there are; read: how many of them had something new; homes: its folders.
    events: what was recorded; calls: calls among them; partial: calls among these whose final usage was never written.
    open: calls that are not certain yet; skipped: what was passed over, by reason, and how many.
    problems: files that could not be read, and why.
    """

    agent: str
    homes: list[str] = Factory(list)
    files: int = 0
    read: int = 0
    events: int = 0
    calls: int = 0
    partial: int = 0
    open: int = 0
    skipped: Counter[str] = Factory(Counter)
    refusals: list[Refusal] = Factory(list)
    problems: dict[str, str] = Factory(dict)


@frozen
class _Settled:
    """An event to be recorded, of which file's counts."""

    event: Mapping[str, Any]
    fact: Call | Happened


@define(kw_only=True)
class SessionReader:
    """Reads agents' session logs into a log; what it has read it knows as long as its state is kept.

    record: records events, as `AnalyticsService.record_events` does, and returns what became of them.
    machine, user: told in each event, "" not at all. clock: Unix seconds.
    """

    log: EventLog
    record: Record
    state: State
    machine: str = ""
    user: str = ""
    clock: Callable[[], float] = time.time

    def read(
        self, agents: Sequence[Agent], *, final: bool = False, progress: Progress | None = None
    ) -> list[AgentReport]:
        """Read what is new of these agents; with `final`, take every call for certain.

        Each event is durable before the state says that it was read.
        """
        forget_another(self.state, self.log)
        return [_Look(reader=self, agent=agent, final=final, progress=progress).look() for agent in agents]


@define(kw_only=True)
class _Look:
    """One look at the files of one agent."""

    reader: SessionReader
    agent: Agent
    final: bool
    progress: Progress | None
    report: AgentReport = field(init=False)
    events: Events = field(init=False)
    entries: dict[str, FileEntry] = field(init=False)
    open: OpenCalls = field(init=False)
    memory: Memory = field(init=False)
    _counts: dict[str, int] = field(init=False, factory=dict)  # what was passed over of the file that is being read
    _changed: dict[str, FileEntry] = field(init=False, factory=dict)
    _kept_at: float = field(init=False, factory=time.monotonic)
    _waiting: list[_Settled] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        reader = self.reader
        self.report = AgentReport(agent=self.agent.name)
        self.events = Events(agent=self.agent, machine=reader.machine, user=reader.user)
        self.entries = reader.state.files(self.agent.name)
        self.open = OpenCalls.of(reader.state.open_calls(self.agent.name))
        self.memory = Memory(agent=self.agent, state=reader.state, log=reader.log)

    def look(self) -> AgentReport:
        """Read what is new, and return what became of it."""
        homes = finding.homes(self.agent)
        self.report.homes = [str(home) for home in homes]
        files = list(finding.files(self.agent, homes))
        if files or self.open.calls:
            self.memory.catch_up()
        done, total = 0, sum(file.size for file in files if isinstance(file, File))
        for file in files:
            self.report.files += 1
            if isinstance(file, PassedOver):
                self.report.problems[str(file.path)] = file.reason
                continue
            for offset in self._file(file):
                if self.progress:
                    self.progress(self.agent.name, done + offset, total)
            done += file.size
        self._settle(self.open.settled(final=self.final))
        self._record()
        self._keep()
        self.report.open = len(self.open.calls)
        return self.report

    # ── one file ────────────────────────────────────────────────────────────────────────────────────────────────

    def _file(self, file: File) -> Iterator[int]:
        """Read what is new in a file; yields how far it is, in bytes."""
        path = str(file.path)
        entry = self.entries.get(path, FileEntry())
        rests = self.final or self.reader.clock() - file.modified >= RESTS
        same = (entry.device, entry.inode, entry.size, entry.modified) == (
            file.device,
            file.inode,
            file.size,
            file.modified,
        )
        if same and (entry.rested or not rests):
            return
        try:
            with file.path.open("rb") as opened:
                entry = entry if _continues(opened, entry, file) else FileEntry()
                self.report.read += not same
                session = Session(file.path, file.home, self.memory.known, file.modified, dict(entry.notes))
                entry = evolve(
                    entry, device=file.device, inode=file.inode, size=file.size, modified=file.modified, rested=rests
                )
                self._counts = entry.counts = dict(entry.counts) if isinstance(file.files, Lines) else {}
                yield from self._read(file, opened, entry, session, rests)
        except OSError as error:
            self.report.problems[path] = error.strerror or str(error)
            return
        if rests:
            self.open.rested(path)
        self._settle(self.open.final(path))

    def _read(self, file: File, opened: BinaryIO, entry: FileEntry, session: Session, rests: bool) -> Iterator[int]:
        path, kind = str(file.path), file.files
        if isinstance(kind, Lines):
            lines = LineReader(opened, entry.offset, file.size, kind.marks)
            for records in lines.records(rest=rests):
                for record in records:
                    self._take(path, kind.read, record, session)
                self._pass(lines.taken_skips())
                entry = evolve(entry, offset=lines.offset, before=_digest(opened, lines.offset), notes=session.notes)
                self._read_so_far(path, entry)
                yield lines.offset
        elif isinstance(kind, Document):
            content = document(opened)
            if isinstance(content, Skipped):
                self._pass([content])
                self._read_so_far(path, entry)
                return
            self._take(path, kind.read, content, session)
        elif isinstance(kind, Tables):
            for query, record, cursor in rows(file.path, kind, entry.cursors):
                entry.cursors[str(kind.queries.index(query))] = cursor
                self._take(path, query.read, record, session)
        self._read_so_far(path, evolve(entry, notes=session.notes))
        yield file.size

    def _read_so_far(self, path: str, entry: FileEntry) -> None:
        self._changed[path] = entry
        if len(self.open.calls) > MANY_OPEN:
            self._settle(self.open.settled())
        if time.monotonic() - self._kept_at > KEEP_EVERY and len(self.open.calls) < MANY_OPEN // 10:
            self._settle(self.open.final(path))
            self._record()
            self._keep()

    def _take(self, path: str, read: Callable[[Any, Session], Iterable[Fact]], record: Any, session: Session) -> None:
        """Take what a record says; a record that a declaration cannot read is counted, and stops nothing."""
        if not isinstance(record, Mapping):
            return
        try:
            for fact in read(record, session):
                if isinstance(fact, Call):
                    self.open.take(path, fact)
                elif isinstance(fact, Happened):
                    self._settle([fact])
                elif isinstance(fact, Known):
                    self.memory.put(fact.key, fact.text)
                else:
                    self._pass([fact])
        except (TypeError, ValueError, KeyError, AttributeError, IndexError, ArithmeticError):
            self._pass([Skipped("record of an unknown shape")])

    def _pass(self, skipped: Iterable[Skipped]) -> None:
        reasons = Counter(fact.reason for fact in skipped)
        self.report.skipped.update(reasons)
        for reason, count in reasons.items():
            self._counts[reason] = self._counts.get(reason, 0) + count

    # ── recording ───────────────────────────────────────────────────────────────────────────────────────────────

    def _settle(self, facts: Iterable[Call | Happened]) -> None:
        for fact in facts:
            if isinstance(fact, Call) and fact.alias and self.memory.known(fact.alias) not in (None, fact.id):
                self.report.skipped[AGAIN] += 1
                continue
            if isinstance(fact, Call) and any(self.memory.known(key) is not None for key in fact.unless):
                self.report.skipped[OTHERWISE] += 1
                continue
            event = self.events.of(fact)
            if event is None:
                self.report.skipped[UNTIMED] += 1
                continue
            self._waiting.append(_Settled(event, fact))
            self.memory.remember(event)
            if len(self._waiting) >= BATCH:
                self._record()

    def _record(self) -> None:
        """Record what is settled, durably."""
        settled, self._waiting = self._waiting, []
        if not settled:
            return
        is_strict(self.reader.log, self.agent.name)
        there: dict[int, Duplicate] = {}
        refused: dict[int, Refusal] = {}
        receipt = self.reader.record(
            [entry.event for entry in settled],
            skip_refused=True,
            on_duplicate=lambda duplicate: there.__setitem__(duplicate.index, duplicate),
            on_refused=lambda refusal: refused.__setitem__(refusal.index, refusal),
        )
        self.memory.recorded(receipt.recorded)
        for index, entry in enumerate(settled):
            if index in refused:
                self.report.skipped[REFUSED] += 1
                self.report.refusals.append(refused[index])
            elif index in there:
                self.report.skipped[DIFFERS if there[index].differs else THERE] += 1
            else:
                self.report.events += 1
                if isinstance(entry.fact, Call):
                    self.report.calls += 1
                    self.report.partial += bool(entry.event["data"]["attributes"].get(PARTIAL))

    def _keep(self) -> None:
        """Keep how far all is read; what that stands on is durable."""
        memory, notes = self.memory.taken()
        self.reader.state.keep(
            self.agent.name, files=self._changed, open_calls=self.open.kept(), memory=memory, notes=notes
        )
        self.entries.update(self._changed)
        self._changed = {}
        self._kept_at = time.monotonic()


def _continues(opened: BinaryIO, entry: FileEntry, file: File) -> bool:
    """Say whether a file is the one that was read before, or a longer one."""
    if (entry.device, entry.inode) != (file.device, file.inode) or file.size < entry.offset:
        return False
    return not entry.offset or _digest(opened, entry.offset) == entry.before


def _digest(opened: BinaryIO, offset: int) -> str:
    at = opened.tell()
    opened.seek(max(0, offset - BEFORE))
    digest = blake2b(opened.read(min(BEFORE, offset)), digest_size=8).hexdigest()
    opened.seek(at)
    return digest
