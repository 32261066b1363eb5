"""The calls of sessions as files and as telemetry tell them: which are the same, and which only one of them saw."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from attrs import Factory, define, frozen

from analytics_es.events import RecordedEvent
from analytics_es.events.codec import decode
from analytics_es.ingest.sessions.declaration import Agent
from analytics_es.ingest.sessions.reader import Progress, SessionReader
from analytics_es.ingest.sessions.state import State
from analytics_es.log import EventLog
from analytics_es.log.strict import beginning
from analytics_es.types import BatchReceipt

CALL = "provider.call.completed"
OF_TELEMETRY = (
    "service.name",
    "otel.scope.name",
)  # attributes that OpenTelemetry's events have, and those of files not
FIGURES = ("input_tokens", "output_tokens", "cache_read_tokens")
NEAR = timedelta(seconds=10)  # between the times that the two ways tell of one call, beside how long it took
LATE = timedelta(minutes=1)  # telemetry is sent every few seconds: what is not there by then does not come
SCANNED = 10_000  # events at once

Way = Literal["file", "telemetry", "unknown"]
Verdict = Literal["both", "file", "telemetry", "twice", "unknown", "recent"]


@frozen(kw_only=True)
class SeenCall:
    """A call as one way tells it.

    id, session, model, figures, at: what it says; duration: how long it took, where that is told.
    way: how it came into the store, or would; position, recorded_at: where and when, None where it is not there.
    """

    id: str
    session: str
    model: str
    figures: tuple[int, ...]
    at: datetime
    duration: timedelta
    way: Way
    position: int | None = None
    recorded_at: datetime | None = None

    @classmethod
    def of(cls, id: str, at: datetime, data: Mapping[str, Any], way: Way, **place: Any) -> SeenCall:
        """Return the call of an event's data."""
        return cls(
            id=id,
            session=str(data.get("conversation_id") or ""),
            model=str(data.get("model") or ""),
            figures=tuple(int(data.get(name) or 0) for name in FIGURES),
            at=at,
            duration=timedelta(milliseconds=float(data.get("duration_ms") or 0)),
            way=way,
            **place,
        )


@frozen(kw_only=True)
class ComparedCall:
    """A request, and who saw it.

    id: as the file tells it, else as telemetry does; other_id: as telemetry does where that is another one.
    verdict: `both` saw it; only the `file`, or only `telemetry`; it is `twice` in the store, or would be, once by each
        way; `unknown`: it is there from the file, and telemetry that came after it left no trace; `recent`: it is too
        new to say.
    positions: where it is in the store.
    """

    agent: str
    session: str
    id: str
    other_id: str | None
    at: datetime
    model: str
    input_tokens: int
    output_tokens: int
    verdict: Verdict
    positions: list[int]


@define(kw_only=True)
class ComparedSession:
    """A session as both ways tell it: how many requests by what became of each; `ways`: those that tell any of it."""

    agent: str
    session: str
    ways: list[str] = Factory(list)
    begin: datetime | None = None
    both: int = 0
    only_file: int = 0
    only_telemetry: int = 0
    twice: int = 0
    unknown: int = 0
    recent: int = 0
    calls: list[ComparedCall] = Factory(list)

    @property
    def compared(self) -> bool:
        """Whether both ways tell of it at all."""
        return len(self.ways) > 1

    @property
    def differs(self) -> bool:
        """Whether the two ways differ."""
        return bool(self.compared and (self.only_file or self.only_telemetry or self.twice))


@define(kw_only=True)
class Comparison:
    """The sessions of one agent; `files`: how many there are here; told: stored calls by the way that they came."""

    agent: str
    files: int = 0
    told: dict[str, int] = Factory(dict)
    sessions: list[ComparedSession] = Factory(list)


def compared(log: EventLog, agent: Agent, *, now: datetime, progress: Progress | None = None) -> Comparison:
    """Compare what an agent's files say now with what is stored of it; nothing is recorded.

    Files are not read where no telemetry came: there is nothing to compare.
    """
    stored = list(_stored(log, agent.name))
    comparison = Comparison(agent=agent.name)
    for call in stored:
        comparison.told[call.way] = comparison.told.get(call.way, 0) + 1
    read: list[SeenCall] = []
    if comparison.told.get("telemetry"):
        read, comparison.files = _read(log, agent, progress)
    sessions: dict[str, ComparedSession] = {}
    for compared_call in _Matching(agent=agent.name, now=now, read=read, stored=stored).calls():
        _add(sessions, compared_call)
    for way in ("file", "telemetry"):
        for name in {call.session for call in (*read, *stored) if call.way == way}:
            if name in sessions:  # a call may have come into another one by the other way
                sessions[name].ways.append(way)
    comparison.sessions = sorted(sessions.values(), key=lambda session: (str(session.begin), session.session))
    return comparison


_COUNTED = {"file": "only_file", "telemetry": "only_telemetry"}


def _add(sessions: dict[str, ComparedSession], call: ComparedCall) -> None:
    session = sessions.setdefault(call.session, ComparedSession(agent=call.agent, session=call.session))
    count = _COUNTED.get(call.verdict, call.verdict)
    setattr(session, count, getattr(session, count) + 1)
    session.begin = min(session.begin or call.at, call.at)
    if call.verdict != "both":
        session.calls.append(call)


# ── what the two ways say ───────────────────────────────────────────────────────────────────────────────────────


def _stored(log: EventLog, agent: str) -> Iterator[SeenCall]:
    """Yield the stored calls of an agent, with the way that they came."""
    after, start = 0, beginning(agent)
    while (table := log.scan(after=after, limit=SCANNED)).num_rows:
        after = table["position"][-1].as_py()
        rows = zip(*(table[name].to_pylist() for name in ("position", "type", "state")), strict=True)
        for position, event_type, state in rows:
            if event_type != CALL or not state or not state.startswith(start):
                continue
            try:
                yield _seen(decode(position, event_type, state))
            except (ValueError, TypeError, KeyError, AttributeError):  # a damaged event is told of elsewhere
                continue


def _seen(event: RecordedEvent) -> SeenCall:
    attributes = event.data.get("attributes") or {}
    way: Way = "file" if attributes else "unknown"
    if any(name in attributes for name in OF_TELEMETRY):
        way = "telemetry"
    place = {"position": event.position, "recorded_at": event.recorded_at}
    return SeenCall.of(event.id, event.occurred_at, event.data, way, **place)


def _read(log: EventLog, agent: Agent, progress: Progress | None) -> tuple[list[SeenCall], int]:
    """Read the calls of an agent's files, all of them, with nothing recorded and nothing kept."""
    calls: list[SeenCall] = []

    def take(events: Iterable[Mapping[str, Any]], **_: Any) -> BatchReceipt:
        for event in events:
            if event["event_type"] == CALL:
                calls.append(SeenCall.of(str(event["id"]), event["occurred_at"], event["data"], "file"))
        return BatchReceipt(recorded=0)

    with tempfile.TemporaryDirectory() as folder:
        state = State(Path(folder) / "state.db")
        try:
            (report,) = SessionReader(log=log, record=take, state=state).read([agent], final=True, progress=progress)
        finally:
            state.close()
    return list({call.id: call for call in calls}.values()), report.files


# ── which are the same ──────────────────────────────────────────────────────────────────────────────────────────


@define(kw_only=True)
class _Matching:
    """Finds what is the same: by id; then by session, model, figures and time, where the ways have other ids."""

    agent: str
    now: datetime
    read: list[SeenCall]
    stored: list[SeenCall]

    def calls(self) -> Iterator[ComparedCall]:
        """Yield each request once, with what became of it."""
        there = {call.id: call for call in self.stored}
        of_file = {call.id: call for call in self.read}
        of_file |= {call.id: call for call in self.stored if call.way == "file"}
        of_telemetry = [call for call in self.stored if call.way == "telemetry" and call.id not in of_file]
        told_by_both = {call.id for call in self.stored if call.way == "telemetry"}
        others = _nearest([call for call in of_file.values() if call.id not in told_by_both], of_telemetry)
        for call in sorted(of_file.values(), key=lambda call: call.at):
            stored = there.get(call.id)
            if call.id in told_by_both:
                yield self._told(call, "both", stored)
            elif other := others.get(call.id):
                yield self._told(call, "twice", stored, other)
            else:
                yield self._told(call, self._only_file(call, stored), stored)
        taken = {other.id for other in others.values()}
        for call in of_telemetry:
            if call.id not in taken:
                yield self._told(call, "telemetry" if self._settled(call) else "recent", call)

    def _only_file(self, call: SeenCall, stored: SeenCall | None) -> Verdict:
        if not self._settled(call):
            return "recent"
        if stored is None or stored.way == "unknown":
            return "file" if stored is None else "unknown"
        late = stored.recorded_at is not None and stored.recorded_at - call.at > LATE
        return "file" if late else "unknown"

    def _settled(self, call: SeenCall) -> bool:
        return self.now - call.at > LATE

    def _told(
        self, call: SeenCall, verdict: Verdict, stored: SeenCall | None, other: SeenCall | None = None
    ) -> ComparedCall:
        return ComparedCall(
            agent=self.agent,
            session=call.session,
            id=call.id,
            other_id=other.id if other else None,
            at=call.at,
            model=call.model,
            input_tokens=call.figures[0],
            output_tokens=call.figures[1],
            verdict=verdict,
            positions=[each.position for each in (stored, other) if each and each.position is not None],
        )


def _nearest(of_file: Iterable[SeenCall], of_telemetry: Iterable[SeenCall]) -> dict[str, SeenCall]:
    """Return by the id of a file's call the one of telemetry that is the same: the nearest pairs first, each once."""
    same: dict[tuple[Any, ...], list[SeenCall]] = {}
    for call in of_telemetry:
        if call.session:
            same.setdefault((call.session, call.model, call.figures), []).append(call)
    pairs = [
        (apart, call, other)
        for call in of_file
        for other in same.get((call.session, call.model, call.figures), ())
        if (apart := _apart(call, other)) <= NEAR
    ]
    matched: dict[str, SeenCall] = {}
    taken = set[str]()
    for _, call, other in sorted(pairs, key=lambda pair: (pair[0], pair[1].at, pair[2].at)):
        if call.id not in matched and other.id not in taken:
            matched[call.id] = other
            taken.add(other.id)
    return matched


def _apart(call: SeenCall, other: SeenCall) -> timedelta:
    """Return how far a time is from when telemetry says that the call went on, which it tells at its end."""
    if other.at - other.duration <= call.at <= other.at:
        return timedelta(0)
    return min(abs(call.at - other.at), abs(other.at - other.duration - call.at))
