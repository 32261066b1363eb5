"""Whatever Codex does with its files, the calls that they give are those that were made, each once."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from attrs import Factory, define, field
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService
from analytics_es.ingest.sessions.agents.codex import AGENT
from analytics_es.ingest.sessions.declaration import Lines
from analytics_es.ingest.sessions.events import Events
from analytics_es.ingest.sessions.facts import Call, Known
from analytics_es.ingest.sessions.session import Session
from tests.ingest.sessions.ledger import Json, Ledger, append, write
from tests.ingest.sessions.rollouts import Usage, added, count, line, meta, record, spawned, turn, uuid7

ZERO: Usage = (0, 0, 0, 0)
BEAT = {"type": "token_count", "info": None, "rate_limits": {}}
STEPS = ("call", "call", "again", "beat", "late", "reset", "fork", "subagent", "copy", "upgrade", "turn")


@define
class Conversation:
    """What one conversation's file holds.

    total: where its counter is; rows: what the counter told, and of which call.
    """

    name: str
    lines: list[Json]
    total: Usage = ZERO
    rows: list[tuple[Usage, Usage]] = Factory(list)


@define
class World:
    """What Codex did, and the calls that it made.

    files: by name, in the order of which they are read. Of each call another power of two came out: no two sums agree.
    """

    dated: bool = True  # whether ids tell when they were made, as they do since 2025
    made: list[tuple[str, Usage]] = Factory(list)
    conversations: list[Conversation] = Factory(list)
    copies: list[list[Json]] = Factory(list)
    records: bool = False
    at: float = 0

    def begin(self, *lines: Json) -> Conversation:
        """Begin a conversation."""
        conversation = Conversation(self.next, list(lines))
        self.conversations.append(conversation)
        return conversation

    @property
    def next(self) -> str:
        """The name of the next conversation."""
        number = len(self.conversations)
        return uuid7(self.at, number) if self.dated else f"c{number}"

    def turn(self) -> Json:
        """Return the begin of a turn."""
        return turn(self.at, turn_id=uuid7(self.at)) if self.dated else turn(self.at)

    def do(self, step: str, of: Conversation, choice: int) -> None:
        """Do something in a conversation."""
        self.at += 60
        at, rows = self.at, of.rows
        if step == "call":
            self.call(of, choice)
        elif step == "again" and rows:
            of.lines.append(count(*rows[-1], at))
        elif step == "beat":
            of.lines.append(line("event_msg", BEAT, at))
        elif step == "late" and rows:
            total, last = rows[choice % len(rows)]
            of.lines.append(count(total, last if choice % 3 else rows[-1][1], at))
        elif step == "reset" and not self.records:
            of.total = ZERO
        elif step == "turn":
            of.lines.append(self.turn())
        elif step == "upgrade":
            self.records = self.records or choice % 4 == 0
        else:
            self.open(step, of, choice)

    def open(self, step: str, of: Conversation, choice: int) -> None:
        """Write another file: a copy, which may be a part of one, or that of another conversation."""
        at = self.at
        if step == "copy":
            self.copies.append(of.lines[: choice % len(of.lines) + 1])
        elif step == "fork":
            fork = self.begin(meta(self.next, at, forked_from_id=of.name))
            fork.lines += [{**copied, "timestamp": fork.lines[0]["timestamp"]} for copied in of.lines]
            fork.lines.append(self.turn())
            fork.total, fork.rows = of.total, [*of.rows]
        elif step == "subagent":
            self.begin(spawned(self.next, of.name, at), meta(of.name, at), self.turn())

    def call(self, of: Conversation, choice: int) -> None:
        """Make a call; from the upgrade on there is a record of it, before what the counter tells or after it."""
        number = len(self.made)
        counts: Usage = (1000 + choice, choice % 1000, 2**number, 2**number // 2)
        of.total = added(of.total, counts)
        of.rows.append((of.total, counts))
        self.made.append((of.name, counts))
        told = [count(of.total, counts, self.at)]
        if self.records:
            beside = record(f"resp_{number}", of.name, counts, self.at + (choice % 2 - 0.5) / 50)
            told = [beside, *told, *([beside] if choice % 5 == 0 else [])] if choice % 2 == 0 else [*told, beside]
        of.lines += told

    @property
    def files(self) -> list[list[Json]]:
        """The files, in the order of their names: copies among them."""
        return [*(conversation.lines for conversation in self.conversations), *self.copies]


@define
class Reader:
    """Reads lines as the engine does, without a store: what it remembers may be lost but for what events tell."""

    memory: dict[str, str] = Factory(dict)
    calls: dict[str, Json] = Factory(dict)
    notes: dict[int, str] = Factory(dict)
    taken: Counter[int] = Factory(Counter)
    events: Events = field(init=False, factory=lambda: Events(agent=AGENT))

    def read(self, number: int, lines: list[Json]) -> None:
        """Read what is new in a file."""
        notes: dict[str, Any] = json.loads(self.notes.get(number, "{}"))
        session = Session(Path(f"/h/sessions/{number}.jsonl"), Path("/h"), self.memory.get, notes=notes)
        kind = AGENT.files[0]
        assert isinstance(kind, Lines)
        for told in lines[self.taken[number] :]:
            for fact in kind.read(told, session):
                if isinstance(fact, Known):
                    self.memory[fact.key] = fact.text
                elif isinstance(fact, Call):
                    self.take(fact)
        self.notes[number], self.taken[number] = json.dumps(session.notes), len(lines)

    def take(self, call: Call) -> None:
        """Take a call, the first time that it is told."""
        event = self.events.of(call)
        assert event is not None
        if self.calls.setdefault(str(event["id"]), event) is event:
            self.memory.update(self.remembered(event))

    def remembered(self, event: Json) -> dict[str, str]:
        """Return what an event lets remember."""
        assert AGENT.remember
        return dict(AGENT.remember(event))

    def lose(self) -> None:
        """Lose all but the events."""
        self.memory.clear()
        self.notes.clear()
        self.taken.clear()
        for event in self.calls.values():
            self.memory.update(self.remembered(event))

    @property
    def made(self) -> list[tuple[str, Usage]]:
        """The calls that were taken."""
        names = ("input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens")
        return sorted(
            (event["data"]["conversation_id"], tuple(event["data"].get(name, 0) for name in names))
            for event in self.calls.values()
        )


steps = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 5), st.integers(0, 999)), min_size=1, max_size=30)


def done(
    steps: list[tuple[str, int, int]], reader: Reader | None = None, lose: int = 0, *, dated: bool = True
) -> World:
    """Do all of that; `reader` looks after each step, and loses what it remembers from time to time."""
    world = World(dated)
    world.begin(meta(world.next), world.turn())
    for number, (step, whose, choice) in enumerate(steps):
        world.do(step, world.conversations[whose % len(world.conversations)], choice)
        if reader:
            look(reader, world)
            if lose and number % lose == 0:
                reader.lose()
    return world


def look(reader: Reader, world: World) -> None:
    """Look at all files; copies have the last numbers."""
    for number, conversation in enumerate(world.conversations):
        reader.read(number, conversation.lines)
    for number, lines in enumerate(world.copies):
        reader.read(1000 + number, lines)


@given(steps, st.booleans())
def test_the_calls_are_those_that_were_made(steps: list[tuple[str, int, int]], dated: bool) -> None:
    world, reader = done(steps, dated=dated), Reader()

    look(reader, world)

    assert reader.made == sorted(world.made)


@given(steps, st.booleans())
def test_a_look_after_each_step_gives_what_one_look_at_the_end_gives(
    steps: list[tuple[str, int, int]], dated: bool
) -> None:
    often, once = Reader(), Reader()
    world = done(steps, often, dated=dated)

    look(once, world)

    assert often.calls == once.calls


@given(steps, st.integers(1, 5), st.booleans())
def test_who_loses_all_but_the_events_reads_again_and_adds_nothing(
    steps: list[tuple[str, int, int]], lose: int, dated: bool
) -> None:
    reader = Reader()
    world = done(steps, reader, lose, dated=dated)

    look(reader, world)

    assert reader.made == sorted(world.made)


@given(steps, st.randoms(use_true_random=False))
def test_files_may_be_read_in_any_order_where_ids_tell_when_they_were_made(
    steps: list[tuple[str, int, int]], random: Any
) -> None:
    world, reader = done(steps), Reader()
    files = list(enumerate(world.files))
    random.shuffle(files)

    for number, lines in files:
        reader.read(number, lines)

    assert reader.made == sorted(world.made)


@given(steps, st.integers(0, 5))
def test_of_a_file_that_is_gone_nothing_is_taken_for_a_forks_own(
    steps: list[tuple[str, int, int]], number: int
) -> None:
    world, reader = done([step for step in steps if step[0] != "copy"]), Reader()
    gone = world.conversations.pop(number % len(world.conversations)).name

    look(reader, world)

    assert reader.made == sorted((name, counts) for name, counts in world.made if name != gone)


@pytest.mark.store(tags=["machine", "project"])
def test_the_engine_finds_line_by_line_what_it_finds_at_once(
    analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = ["call", "again", "fork", "call", "late", "subagent", "call", "reset", "call", "copy", "fork", "upgrade"]
    steps = [(step, number % 3, 4 * number) for number, step in enumerate([*kinds, *kinds, "call", "call"])]
    world = done(steps)
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    ledger = Ledger(analytics, tmp_path, ("codex",))

    for number in range(max(map(len, world.files))):
        for name, lines in enumerate(world.files):
            if lines[number : number + 1]:
                path = tmp_path / f"codex/sessions/rollout-{name:02}.jsonl"
                append(path, lines[number]) if number else write(path, lines[:1])
        ledger.read(final=False)
        if number % 5 == 4:
            ledger.lose_state()

    made = [(data["conversation_id"], data["output_tokens"]) for data in ledger.calls().values()]
    assert sorted(made) == sorted((conversation, counts[2]) for conversation, counts in world.made)
