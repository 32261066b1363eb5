"""What was read already, in a file that may be lost, damaged, shared, or impossible to write."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analytics_es.ingest.sessions.state import FileEntry, State
from tests.ingest.sessions.engine import Engine, call

ENTRY = FileEntry(device=1, inode=2, size=3, offset=3, notes={"n": 1}, counts={"odd": 2})
Log = Callable[..., Path]


def keep(state: State, turn: str = "", **changes: Any) -> str | None:
    kept: dict[str, Any] = {"files": {"/a": ENTRY}, "open_calls": [], "memory": {"k": "text"}, "notes": {"head": "7"}}
    return state.keep("tester", turn=turn, **{**kept, **changes})


def test_what_is_kept_is_there_for_the_next_one(tmp_path: Path) -> None:
    state = State(tmp_path / "deep/state.db")
    turn = keep(state)
    state.close()

    state = State(tmp_path / "deep/state.db")

    assert state.seen("tester") == ({"/a": ENTRY}, [], turn)
    assert (state.remembered("tester", ["k", "l"]), state.note("head")) == ({"k": "text"}, "7")
    assert state.seen("other") == ({}, [], "")
    assert (state.remembers("tester"), state.remembers("other")) == (True, False)
    state.close()


@pytest.mark.parametrize("path", ["/caf\udce9", "/ünï", "/a\nb"])
def test_a_path_may_be_no_text(tmp_path: Path, path: str) -> None:
    state = State(tmp_path / "state.db")

    turn = keep(state, files={path: ENTRY}, open_calls=[{"followed": {path: True}}])

    assert state.seen("tester") == ({path: ENTRY}, [{"followed": {path: True}}], turn)
    state.close()


def test_notes_may_hold_what_a_record_did(tmp_path: Path) -> None:
    state = State(tmp_path / "state.db")
    notes = {"large": 2**70, "odd": "\ud800"}

    keep(state, files={"/a": FileEntry(notes=notes)})

    assert state.files("tester")["/a"].notes == notes
    state.close()


def test_who_was_not_the_last_to_keep_keeps_nothing(tmp_path: Path) -> None:
    one, other = State(tmp_path / "state.db"), State(tmp_path / "state.db")
    turn = keep(one)

    assert keep(other, files={"/b": ENTRY}) is None
    assert list(other.files("tester")) == ["/a"]
    assert keep(other, turn=turn or "", files={"/b": ENTRY})
    assert list(one.files("tester")) == ["/a", "/b"]
    one.close()
    other.close()


def test_turns_of_another_agent_are_its_own(tmp_path: Path) -> None:
    state = State(tmp_path / "state.db")
    keep(state)

    assert state.keep("other", files={}, open_calls=[], memory={}, notes={})
    state.close()


@pytest.mark.parametrize("damage", [b"garbage" * 1000, b"", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_none_is_begun_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "state.db").write_bytes(damage)

    state = State(tmp_path / "state.db")

    assert (state.seen("tester"), state.problem) == (({}, [], ""), "")
    assert keep(state)
    state.close()


def test_one_of_another_version_is_begun_anew(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("CREATE TABLE notes (of INT, another INT, shape INT)")
    connection.close()

    state = State(tmp_path / "state.db")

    assert keep(state)
    state.close()


@pytest.mark.parametrize("content", ["x", "[]", "{", '{"unknown": 1}'])
def test_what_cannot_be_read_of_it_is_damage(tmp_path: Path, content: str) -> None:
    state = State(tmp_path / "state.db")
    keep(state)
    state._connection.execute("UPDATE files SET entry = ?", (content,))

    with pytest.raises(sqlite3.DatabaseError):
        state.seen("tester")
    state.begin_anew()
    assert state.seen("tester") == ({}, [], "")
    state.close()


def test_where_nothing_can_be_written_nothing_is_kept_and_why_is_known(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")

    state = State(tmp_path / "file/deep/state.db")

    assert state.problem == "Not a directory"
    assert keep(state)
    state.close()


# ── as the engine meets it ──────────────────────────────────────────────────────────────────────────────────────


def test_without_a_place_for_it_all_is_read_each_time_and_that_is_told(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call("r1", final=True))
    engine.home.parent.joinpath("file").write_text("no folder")
    nowhere = engine.home.parent / "file/deep/state.db"

    reports = [engine.look(state=nowhere) for _ in range(2)]

    assert [report.problems for report in reports] == [{str(nowhere): "what was read is not kept: Not a directory"}] * 2
    assert [(report.events, report.skipped["there before"]) for report in reports] == [(1, 0), (0, 1)]


def test_a_full_disk_is_told_and_nothing_is_lost(engine: Engine, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log("logs/a.jsonl", call("r1", final=True), call("r2"))

    def full(*_: Any, **__: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(State, "keep", full)
        report = engine.look()

    assert report.problems == {str(engine.state_path): "what was read is not kept: database or disk is full"}
    assert engine.ids() == ["r1"]
    engine.look(final=True)
    assert engine.ids() == ["r1", "r2"]


@pytest.mark.parametrize("table", ["files SET entry", "open_calls SET calls"])
@pytest.mark.parametrize("content", ["x", '[{"a": 1}]', "{}", "7"])
def test_a_damaged_state_is_begun_anew(engine: Engine, log: Log, table: str, content: str) -> None:
    log("logs/a.jsonl", call("r1", final=True), call("r2"))
    engine.look()
    with sqlite3.connect(engine.state_path) as connection:
        connection.execute(f"UPDATE {table} = ?", (content,))
    connection.close()
    log("logs/a.jsonl", call("r3"), add=True)

    engine.look(final=True)

    assert engine.ids() == ["r1", "r2", "r3"]


def test_damaged_pages_are_begun_anew(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", *(call(f"r{n:03}", alias=f"m{n}", final=True) for n in range(300)), call("last"))
    engine.look()
    content = bytearray(engine.state_path.read_bytes())
    content[8192:] = os.urandom(len(content) - 8192)
    engine.state_path.write_bytes(content)
    log("logs/a.jsonl", call("r300", alias="m300", final=True), add=True)

    engine.look(final=True)

    assert len(engine.ids()) == 302


def test_the_state_of_one_store_is_none_of_another(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call("r1", final=True))
    engine.look()
    with sqlite3.connect(engine.state_path) as connection:
        connection.execute("UPDATE notes SET text = 'another' WHERE name = 'log'")
    connection.close()

    assert engine.look().skipped["there before"] == 1
