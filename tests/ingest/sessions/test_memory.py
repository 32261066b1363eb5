"""What is remembered of all files: it comes from the log, and is back when all else is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from analytics_es import AnalyticsService
from analytics_es.ingest.sessions.memory import Memory
from analytics_es.ingest.sessions.state import State
from analytics_es.testing import provider_call
from tests.ingest.sessions.engine import AGENT, Engine, call

Log = Callable[..., Path]


def test_an_answer_is_known_under_its_other_id_at_a_later_look(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call("r1", alias="m", final=True))
    engine.look()
    log("logs/b.jsonl", call("side", alias="m", replay=True, final=True))

    report = engine.look()

    assert engine.ids() == ["r1"]
    assert report.skipped == {"told again under another id": 1}


def test_it_is_known_when_the_state_is_lost_and_the_file_deleted(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call("r1", alias="m", final=True)).rename(engine.home.parent / "gone")
    (engine.home.parent / "gone").rename(engine.home / "logs/a.jsonl")
    engine.look()
    (engine.home / "logs/a.jsonl").unlink()
    engine.lose_state()
    log("logs/b.jsonl", call("side", alias="m", replay=True, final=True))

    engine.look()

    assert engine.ids() == ["r1"]


def test_what_another_reader_recorded_is_known(engine: Engine, log: Log) -> None:
    path = log("logs/a.jsonl", call("r1", alias="m", final=True))
    engine.look(state=engine.home.parent / "other.db")
    path.unlink()
    log("logs/b.jsonl", call("side", alias="m", replay=True, final=True))

    engine.look()

    assert engine.ids() == ["r1"]


def test_what_is_told_of_one_file_is_known_in_the_next_ones_and_for_ever(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", {"count": 5})
    log("logs/b.jsonl", {"asks": "a.jsonl counts"})

    first = engine.look()
    log("logs/c.jsonl", {"asks": "a.jsonl counts"}, {"asks": "nothing"})
    second = engine.look()

    assert (first.skipped, second.skipped) == ({"knows 5": 1}, {"knows 5": 1, "knows None": 1})


def test_notes_of_a_file_are_there_with_its_next_lines(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", {"count": 5})
    engine.look()
    log("logs/a.jsonl", {"count": 2}, {"asks": "a.jsonl counts"}, add=True)

    assert engine.look().skipped == {"knows 7": 1}


def test_nothing_is_remembered_of_what_was_refused(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call("r1", -1, alias="m", final=True))
    engine.look()
    log("logs/b.jsonl", call("r2", 5, alias="m", final=True))

    engine.look()

    assert engine.ids() == ["r2"]


@pytest.mark.parametrize("key", ["\ud800", "x" * 10_000, ""])
def test_a_key_may_be_anything(analytics: AnalyticsService, tmp_path: Path, key: str) -> None:
    state = State(tmp_path / "state.db")
    memory = Memory(agent=AGENT, state=state, log=analytics._parts.store.log)
    assert memory.known(key) is None

    memory.put(key, "text")
    assert memory.known(key) == "text"
    new, notes = memory.new()
    state.keep("tester", files={}, open_calls=[], memory=new, notes=notes)
    memory.kept()

    assert (memory.known(key), memory.known_of([key, "other"])) == ("text", {key: "text"})
    state.close()


def test_events_of_others_are_passed_by(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call("r1", alias="m", final=True))
    engine.analytics.record_events([provider_call() for _ in range(5)]).unwrap()
    engine.look()
    engine.analytics.record_events([provider_call() for _ in range(5)]).unwrap()
    log("logs/b.jsonl", call("side", alias="m", replay=True, final=True))

    assert engine.look().skipped == {"told again under another id": 1}
