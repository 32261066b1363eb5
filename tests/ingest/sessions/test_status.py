"""How an agent's files stand, as `agents status` shows it."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analytics_es.ingest.sessions.state import State
from analytics_es.ingest.sessions.status import AgentStatus, FileAge, status
from tests.ingest.sessions.engine import NOON, Engine, call

Log = Callable[..., Path]
DAY = 86_400.0


def told(engine: Engine) -> AgentStatus:
    state = State(engine.state_path)
    (result,) = status([engine.agent], state, {"TESTER_HOME": str(engine.home)})
    state.close()
    return result


def test_before_anything_is_read_all_of_it_is_unread(engine: Engine, log: Log) -> None:
    path = log("logs/a.jsonl", call(), age=DAY)
    size = path.stat().st_size

    (result,) = status([engine.agent], None, {"TESTER_HOME": str(engine.home)})

    at = datetime.fromtimestamp(NOON - DAY, UTC)
    age = FileAge(path=str(path), modified=at)
    assert result == AgentStatus(
        agent="tester",
        homes=[str(engine.home)],
        files=1,
        bytes=size,
        unread=size,
        oldest=age,
        newest=age,
        kept_days=30,
        deletes_at=at + timedelta(days=30),
        deletes=str(path),
    )


def test_an_agent_that_is_not_there_has_nothing(engine: Engine) -> None:
    assert told(engine) == AgentStatus(agent="tester")


def test_what_is_read_to_its_end_and_certain_is_safe(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call("r1", final=True))
    log("logs/b.jsonl", call("r2"))
    log("documents/c.json", '{"calls": []}')
    engine.look()
    log("logs/d.jsonl", call("r3"))

    result = told(engine)

    assert (result.files, result.safe, result.open, result.gone) == (4, 2, 1, 0)
    assert result.unread == (engine.home / "logs/d.jsonl").stat().st_size


def test_only_what_came_since_is_unread(engine: Engine, log: Log) -> None:
    path = log("logs/a.jsonl", call("r1", final=True))
    engine.look()
    before = path.stat().st_size
    log("logs/a.jsonl", call("r2", final=True), add=True)

    assert (told(engine).unread, told(engine).safe) == (path.stat().st_size - before, 0)


def test_what_was_passed_over_is_counted_over_all_looks_and_files_also_those_that_are_gone(
    engine: Engine, log: Log
) -> None:
    path = log("logs/a.jsonl", {"skip": "odd"}, call("r1", final=True))
    engine.look()
    log("logs/a.jsonl", {"skip": "odd"}, add=True)
    log("logs/b.jsonl", call("r1", final=True), "broken")
    engine.look()
    path.unlink()
    engine.look()

    result = told(engine)

    assert result.skipped == {"odd": 2, "there before": 1, "line that is no JSON": 1}
    assert (result.files, result.gone) == (1, 1)


def test_of_a_file_that_is_read_again_what_was_passed_over_is_counted_anew(engine: Engine, log: Log) -> None:
    for more in ([], [call("r1", final=True)]):
        log("documents/a.json", '{"calls": [{"skip": "odd"}]}' + " " * len(more))
        engine.look()

    assert told(engine).skipped == {"odd": 1}


def test_what_cannot_be_read_is_a_problem(engine: Engine) -> None:
    (engine.home / "logs").mkdir(parents=True)
    os.mkfifo(engine.home / "logs/pipe.jsonl")

    assert told(engine).problems == {str(engine.home / "logs/pipe.jsonl"): "no file that can be read"}


@pytest.mark.parametrize(
    ("settings", "days"),
    [
        ('{"days": 7}', 7),
        ('\ufeff{"days": 0.5}', 0.5),
        ('{"days": 0}', 0),
        ('{"days": "7"}', 30),
        ('{"days": true}', 30),
        ('{"days": -1}', 30),
        ("[7]", 30),
        ("{broken", 30),
        ("", 30),
    ],
)
def test_the_agents_settings_say_when_files_are_deleted(engine: Engine, log: Log, settings: str, days: float) -> None:
    path = log("logs/a.jsonl", call())
    log("logs/b.jsonl", call("r2"), age=-DAY)
    log("settings.json", settings)

    result = told(engine)

    assert result.kept_days == days
    assert result.deletes_at == datetime.fromtimestamp(NOON, UTC) + timedelta(days=days)
    assert result.deletes == str(path)


def test_files_that_are_kept_for_ages_are_never_deleted(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call())
    log("settings.json", '{"days": 99999999999}')

    assert (told(engine).deletes_at, told(engine).deletes) == (None, None)


def test_settings_that_are_a_pipe_are_not_waited_for(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call())
    os.mkfifo(engine.home / "settings.json")

    assert told(engine).kept_days == 30


def test_of_several_homes_the_next_file_to_be_deleted_is_told(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call(), age=10 * DAY)
    path = log("other/logs/b.jsonl", call("r2"), age=DAY)
    log("other/settings.json", '{"days": 2}')

    (result,) = status([engine.agent], None, {"TESTER_HOME": f"{engine.home},{engine.home}/other"})

    assert (result.deletes, result.kept_days) == (str(path), 2)
