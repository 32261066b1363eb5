"""One look after the other at files that grow, are rewritten, rotated, copied, truncated, and deleted."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.ingest.sessions import look
from analytics_es.ingest.sessions.declaration import Lines
from analytics_es.ingest.sessions.files import finding
from analytics_es.ingest.sessions.files.lines import HALF
from analytics_es.ingest.sessions.recording import Recording
from tests.ingest.sessions.engine import TOOL, Engine, agent, call, read

Log = Callable[..., Path]
MANY = 40


def final(*ids: str) -> list[dict[str, Any]]:
    return [call(id, final=True) for id in ids]


# ── growing ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_what_is_new_is_read(engine: Engine, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log("logs/a.jsonl", *final("r1", "r2"))
    log("logs/b.jsonl", *final("r3"))
    engine.look()
    opened: list[str] = []
    really = finding.opened
    monkeypatch.setattr(finding, "opened", lambda path: (opened.append(path.name), really(path))[1])

    unchanged = engine.look()
    log("logs/a.jsonl", *final("r4"), add=True)
    grown = engine.look()

    assert (unchanged.read, unchanged.events, grown.read, grown.events) == (0, 0, 1, 1)
    assert opened == ["a.jsonl"]
    assert grown.skipped == {}


def test_a_call_stays_open_until_another_follows(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call("r1", 1))
    assert (engine.look().open, engine.ids()) == (1, [])
    log("logs/a.jsonl", call("r1", 9), add=True)
    assert (engine.look().open, engine.ids()) == (1, [])

    log("logs/a.jsonl", call("r2"), add=True)

    assert (engine.look().open, engine.outputs()) == (1, {"r1": 9})


def test_a_call_of_a_file_that_rests_is_certain(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call("r1"), age=599)
    assert engine.look().open == 1

    engine.now += 1

    assert (engine.look().open, engine.ids()) == (0, ["r1"])


def test_a_file_whose_time_is_to_come_rests_too(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call("r1"), age=-1e7)
    assert engine.look().open == 1

    engine.now += 600

    assert (engine.look().open, engine.ids()) == (0, ["r1"])


def test_final_takes_all_for_certain(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call("r1", final=False), call("r2"))

    report = engine.look(final=True)

    assert (report.calls, report.partial, report.open) == (2, 1, 0)


def test_half_a_line_waits_for_the_other_half(engine: Engine, log: Log) -> None:
    line = json.dumps(final("r1")[0])
    path = log("logs/a.jsonl")
    for half in (line[:9], line[9:] + "\n"):
        assert engine.ids() == []
        with path.open("a") as file:
            file.write(half)
        os.utime(path, (engine.now, engine.now))
        engine.look()

    assert engine.ids() == ["r1"]


def test_half_a_line_that_stays_half_is_counted_once(engine: Engine, log: Log) -> None:
    path = log("logs/a.jsonl", *final("r1"), age=3600)
    with path.open("a") as file:
        file.write('{"call": "r2", "outp')

    reports = [engine.look(final=True) for _ in range(3)]

    assert [report.skipped[HALF] for report in reports] == [1, 0, 0]
    assert [report.problems for report in reports] == [{}] * 3


def test_a_whole_last_line_without_its_end_is_taken_once_from_a_file_that_rests(engine: Engine, log: Log) -> None:
    path = log("logs/a.jsonl")
    path.write_text(json.dumps(final("r1")[0]))
    os.utime(path, (engine.now, engine.now))
    assert engine.look().events == 0

    engine.now += 600
    assert engine.look().events == 1
    with path.open("a") as file:
        file.write("\n" + json.dumps(final("r2")[0]) + "\n")
    report = engine.look()

    assert (report.events, report.skipped, engine.ids()) == (1, {}, ["r1", "r2"])


# ── other files under the same name ─────────────────────────────────────────────────────────────────────────────


def test_a_file_that_was_replaced_is_read_from_its_beginning(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", *final("r1", "r2"))
    engine.look()
    log("logs/new", *final("r1", "r3")).rename(engine.home / "logs/a.jsonl")

    engine.look()

    assert engine.ids() == ["r1", "r2", "r3"]


@pytest.mark.parametrize("keeps_time", [True, False])
def test_a_file_rewritten_in_place_is_read_again(engine: Engine, log: Log, keeps_time: bool) -> None:
    path = log("logs/a.jsonl", *final("r1", "r2"))
    inode, size = path.stat().st_ino, path.stat().st_size
    engine.look()
    if not keeps_time:
        engine.now += 1

    log("logs/a.jsonl", *final("r1", "r3"))
    engine.look()

    assert (path.stat().st_ino, path.stat().st_size) == (inode, size)
    assert engine.ids() == ["r1", "r2", "r3"]


def test_a_file_rewritten_and_longer_is_read_again(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", *final("r1", "r2"))
    engine.look()

    log("logs/a.jsonl", *final("x1", "x2", "x3", "x4"))
    report = engine.look()

    assert (report.events, engine.ids()) == (4, ["r1", "r2", "x1", "x2", "x3", "x4"])


def test_a_file_whose_beginning_was_changed_is_read_again(engine: Engine, log: Log) -> None:
    rest = [{"skip": "x" * 900}] * 5
    log("logs/a.jsonl", *final("r1"), *rest)
    engine.look()

    log("logs/a.jsonl", *final("r2"), *rest, *final("r3"))
    engine.look()

    assert engine.ids() == ["r1", "r2", "r3"]


def test_a_truncated_file_is_read_again_and_adds_nothing(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", *final("r1", "r2", "r3"))
    engine.look()

    log("logs/a.jsonl", *final("r1"))
    report = engine.look()
    log("logs/a.jsonl", *final("r4"), add=True)
    engine.look()

    assert (report.events, report.skipped, engine.ids()) == (0, {}, ["r1", "r2", "r3", "r4"])


def test_a_file_that_was_moved_adds_nothing(engine: Engine, log: Log) -> None:
    path = log("logs/a.jsonl", *final("r1", "r2"))
    engine.look()
    (engine.home / "logs/archive").mkdir()
    path.rename(engine.home / "logs/archive/a.jsonl")

    report = engine.look()

    assert (report.files, report.events, report.skipped) == (1, 0, {"there before": 2})


def test_copies_add_nothing_and_are_counted(engine: Engine, log: Log) -> None:
    path = log("logs/a.jsonl", call("r1", 1), call("r1", 9), call("r2"))
    shutil.copy(path, engine.home / "logs/b.jsonl")

    report = engine.look(final=True)

    assert (report.calls, engine.outputs(), report.skipped) == (2, {"r1": 9, "r2": 10}, {"there before": 2})


def test_a_call_that_is_told_otherwise_later_is_counted_so(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call("r1", 1, final=True))
    engine.look()
    log("logs/b.jsonl", call("r1", 9, final=True))

    report = engine.look()

    assert (engine.outputs(), report.skipped) == ({"r1": 1}, {"there before, with other figures": 1})


def test_a_document_is_read_again_when_it_has_changed_and_its_own_calls_are_not_counted_as_copies(
    engine: Engine, log: Log
) -> None:
    log("documents/a.json", json.dumps({"calls": final("r1")}))
    engine.look()

    log("documents/a.json", json.dumps({"calls": final("r1", "r2")}))
    report = engine.look()

    assert (report.read, report.events, report.skipped) == (1, 1, {})
    assert engine.look().read == 0


# ── going away ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_call_of_a_deleted_file_is_certain_when_it_would_have_rested(engine: Engine, log: Log) -> None:
    path = log("logs/a.jsonl", call("r1"), age=300)
    engine.look()
    path.unlink()
    assert engine.look().open == 1

    engine.now += 300

    assert (engine.look().open, engine.ids()) == (0, ["r1"])


def test_a_call_of_a_home_that_is_gone_is_certain_at_last(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call("r1"))
    engine.look()
    shutil.rmtree(engine.home)

    engine.now += 600

    report = engine.look()
    assert (report.homes, report.open, engine.ids()) == ([], 0, ["r1"])


def test_a_call_in_a_copy_is_certain_when_the_other_copy_is_deleted(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call("r1", 1))
    path = log("logs/b.jsonl", call("r1", 9))
    engine.look()
    path.unlink()
    engine.now += 600
    log("logs/a.jsonl", call("r2"), add=True)

    engine.look()

    assert engine.outputs() == {"r1": 9}


def test_a_file_that_goes_away_while_it_is_read_stops_nothing(
    engine: Engine, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log("logs/a.jsonl", *final("r1"))
    log("logs/b.jsonl", *final("r2"))
    found = finding.files

    def then_deleted(*arguments: Any) -> Iterator[Any]:
        files = list(found(*arguments))
        (engine.home / "logs/a.jsonl").unlink()
        yield from files

    monkeypatch.setattr(finding, "files", then_deleted)

    assert (engine.look().problems, engine.ids()) == ({}, ["r2"])


def test_a_file_that_is_rotated_while_it_is_read_is_read_at_the_next_look(
    engine: Engine, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log("logs/a.jsonl", *final("r1"))
    new = log("new.jsonl", *final("r2"))
    found = finding.files

    def then_rotated(*arguments: Any) -> Iterator[Any]:
        files = list(found(*arguments))
        new.rename(engine.home / "logs/a.jsonl")
        yield from files

    with monkeypatch.context() as patched:
        patched.setattr(finding, "files", then_rotated)
        engine.look()
    assert engine.ids() == []

    engine.look()
    assert engine.ids() == ["r2"]


def test_a_file_that_shrinks_while_it_is_read_is_read_as_far_as_it_is(
    engine: Engine, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log("logs/a.jsonl", *final("r1", "r2", "r3"))
    found = finding.files

    def then_cut(*arguments: Any) -> Iterator[Any]:
        files = list(found(*arguments))
        log("logs/a.jsonl", *final("r1"))
        yield from files

    with monkeypatch.context() as patched:
        patched.setattr(finding, "files", then_cut)
        engine.look()
    log("logs/a.jsonl", *final("r4"), add=True)
    engine.look()

    assert engine.ids() == ["r1", "r4"]


def test_a_file_that_cannot_be_read_is_told_and_read_when_it_can(
    engine: Engine, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = log("logs/a.jsonl", *final("r1"))
    log("logs/b.jsonl", *final("r2"))

    really = finding.opened

    def refusing(wanted: Path) -> Any:
        if wanted == path:
            raise PermissionError(13, "Permission denied")
        return really(wanted)

    with monkeypatch.context() as patched:
        patched.setattr(finding, "opened", refusing)
        assert engine.look().problems == {str(path): "Permission denied"}
        assert engine.ids() == ["r2"]

    assert (engine.look().problems, engine.ids()) == ({}, ["r1", "r2"])


# ── untrusted ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pipe_is_told_and_nobody_waits_for_it(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", *final("r1"))
    os.mkfifo(engine.home / "logs/pipe.jsonl")

    report = engine.look()

    assert report.problems == {str(engine.home / "logs/pipe.jsonl"): "no file that can be read"}
    assert engine.ids() == ["r1"]


def test_what_became_a_pipe_after_it_was_found_is_not_waited_for(
    engine: Engine, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = log("logs/a.jsonl", *final("r1"))
    found = finding.files

    def then_a_pipe(*arguments: Any) -> Iterator[Any]:
        files = list(found(*arguments))
        path.unlink()
        os.mkfifo(path)
        yield from files

    monkeypatch.setattr(finding, "files", then_a_pipe)

    assert engine.look().problems == {str(path): "no file that can be read"}


def test_a_name_that_is_no_text_is_read_once_and_can_be_shown(engine: Engine, log: Log) -> None:
    name = os.fsdecode(b"logs/caf\xe9.jsonl")
    log(name, call("r1"), {"calls": 7})

    report = engine.look()
    engine.look()
    engine.now += 600
    engine.look()

    assert engine.ids() == ["r1"]
    assert list(report.unknown) == [f"{engine.home}/logs/caf\\udce9.jsonl"]


@pytest.mark.parametrize(
    "line",
    [
        {"call": "r9"},
        {"call": {"a": 1}, "output": 1},
        {"call": "r9", "output": 1, "lane": []},
        {"calls": 7},
        {"calls": [7]},
        {"call": ["r9"], "output": 1},
    ],
)
def test_a_record_of_an_unknown_shape_is_counted_and_named_and_stops_nothing(
    engine: Engine, log: Log, line: Any
) -> None:
    path = log("logs/a.jsonl", *final("r1"), line, *final("r2"))

    report = engine.look(final=True)

    assert (report.skipped, engine.ids()) == ({"record of an unknown shape": 1}, ["r1", "r2"])
    assert list(report.unknown) == [str(path)]


def test_what_is_refused_is_told_and_stops_nothing(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call("r1", -5, final=True), *final("r2"))

    report = engine.look()

    assert (report.skipped, engine.ids()) == ({"refused: bad_field": 1}, ["r2"])
    assert [refusal.field for refusal in report.refusals] == ["output_tokens"]


@pytest.mark.parametrize("at", ["", "yesterday", None, True, float("nan"), 1e30, -1e30, [], {}])
def test_a_call_without_a_time_is_counted(engine: Engine, log: Log, at: Any) -> None:
    log("logs/a.jsonl", call("r1", at=at, final=True), *final("r2"))

    report = engine.look()

    assert (report.skipped, engine.ids()) == ({"no time": 1}, ["r2"])


def test_nothing_of_an_agents_is_changed(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call("r1"), "broken")
    log("documents/a.json", json.dumps({"calls": final("r2")}))
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ctime_ns) for path in engine.home.rglob("*")}

    engine.look(final=True)

    assert {path: (path.stat().st_mtime_ns, path.stat().st_ctime_ns) for path in engine.home.rglob("*")} == before


# ── many ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_beyond_so_many_open_calls_those_that_are_followed_are_settled(
    engine: Engine, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "MANY_OPEN", 10)
    monkeypatch.setattr("analytics_es.ingest.sessions.files.lines.PIECE", 256)
    most: list[int] = []
    settle = Recording.settle
    monkeypatch.setattr(
        Recording, "settle", lambda self, calls: (most.append(len(engine_open[0].calls)), settle(self, calls))[1]
    )
    engine_open: list[Any] = []
    begin = look.Look.__attrs_post_init__
    monkeypatch.setattr(look.Look, "__attrs_post_init__", lambda self: (begin(self), engine_open.append(self.open))[0])
    log("logs/a.jsonl", *(call(f"r{n:02}") for n in range(MANY)))

    report = engine.look()

    assert (report.calls, report.open) == (MANY - 1, 1)
    assert max(most) < 20


def test_tools_are_recorded_once(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", {"tool": "t1"}, {"tool": "t2"}, {"tool": "t1"})

    report = engine.look()

    assert (report.events, report.calls, report.skipped) == (2, 0, {"there before": 1})
    assert engine.ids(TOOL) == ["t1", "t2"]


def test_what_is_read_last_may_repeat_the_others(engine: Engine, log: Log) -> None:
    log("late/a.jsonl", call("side", 10, alias="m", final=True))
    log("logs/z.jsonl", call("r1", 10, alias="m", final=True))

    engine.look()

    assert engine.ids() == ["r1"]


def test_agents_are_apart(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", *final("r1"))
    log("x/a.jsonl", call("r2"))
    other = agent(Lines(pattern="x/*.jsonl", read=read), name="other")
    reader = engine.reader()

    first = reader.read([engine.agent, other])
    second = reader.read([other], final=True)

    assert [report.calls for report in (*first, *second)] == [1, 0, 1]
    assert reader.read([engine.agent])[0].read == 0
    reader.state.close()


# ── several readers ─────────────────────────────────────────────────────────────────────────────────────────────


def test_two_states_on_one_store_record_each_call_once(engine: Engine, log: Log) -> None:
    log("logs/a.jsonl", call("r1"), call("r2"))
    other = engine.home.parent / "other.db"
    engine.look()
    engine.look(state=other)
    log("logs/a.jsonl", call("r3"), add=True)

    engine.look(final=True)
    report = engine.look(final=True, state=other)

    assert (engine.ids(), report.events) == (["r1", "r2", "r3"], 0)


def test_a_slower_look_does_not_undo_what_a_faster_one_kept(engine: Engine, log: Log) -> None:
    """The faster one knows of an open call that the slower one never saw: it must not be lost with it."""
    log("logs/a.jsonl", *final("r1"))
    engine.look()
    slow = engine.reader()
    slow_look = look.Look(
        agent=engine.agent,
        log=slow.log,
        record=slow.record,
        state=slow.state,
        machine="",
        user="",
        clock=slow.clock,
        final=False,
        progress=None,
    )
    found = list(finding.files(engine.agent, [engine.home]))
    log("logs/a.jsonl", call("open"), add=True)
    engine.look()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(finding, "files", lambda *_: found)
        slow_look.look()
    slow.state.close()
    log("logs/a.jsonl", call("r2"), add=True)
    engine.look()

    assert engine.ids() == ["open", "r1"]


def test_readers_at_the_same_time_record_each_call_once(engine: Engine, log: Log) -> None:
    ids = [f"r{n:03}" for n in range(200)]
    for number in range(0, 200, 10):
        log(f"logs/{number}.jsonl", *(call(id) for id in ids[number : number + 10]))
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(3):
                engine.look(final=True)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (errors, engine.ids()) == ([], ids)


def test_a_store_that_was_restored_gets_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTER_HOME", str(tmp_path / "tester"))
    path = tmp_path / "tester/logs/a.jsonl"
    path.parent.mkdir(parents=True)

    def looked(*ids: str) -> list[str]:
        with path.open("a") as file:
            file.write("".join(json.dumps(line) + "\n" for line in final(*ids)))
        with AnalyticsService.open(tmp_path / "store.db", follow=False) as analytics:
            engine = Engine(analytics, tmp_path / "tester")
            engine.look()
            return engine.ids()

    looked("r1")
    backup = {name: name.read_bytes() for name in tmp_path.glob("store*")}
    assert looked("r2") == ["r1", "r2"]
    for name in tmp_path.glob("store*"):
        name.unlink()
    for name, content in backup.items():
        name.write_bytes(content)

    assert looked("r3") == ["r1", "r2", "r3"]
