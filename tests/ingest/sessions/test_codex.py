"""Codex's sessions: when its counter tells of a call, what a fork repeats, records beside the counter, tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from analytics_es import AnalyticsService
from analytics_es.events.event import RecordedEvent
from analytics_es.ingest.sessions.agents import codex
from analytics_es.ingest.sessions.declaration import Lines
from tests.ingest.sessions.ledger import Json, Ledger, append, write
from tests.ingest.sessions.rollouts import Usage, added, count, item, line, meta, record, spawned, turn, usage, uuid7

pytestmark = pytest.mark.store(tags=["machine", "project"])  # as a ledger has them

FIXTURES = Path(__file__).parent / "fixtures/codex"
ONE: Usage = (1000, 200, 100, 50)
TWO: Usage = (2000, 1000, 200, 80)
THREE: Usage = (500, 0, 50, 0)
AGAIN = "counter that is written again"
STALE = "counter below what it was before"
REPEATED = "repeated from the conversation that it was forked from"
UNTOLD = "taken for repeated: at the begin of a fork whose parent is not there"


@pytest.fixture
def ledger(analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    return Ledger(analytics, tmp_path, ("codex",))


@pytest.fixture
def day(tmp_path: Path) -> Path:
    return tmp_path / "codex/sessions/2026/05/01"


def calls(ledger: Ledger) -> list[RecordedEvent]:
    """Return the calls in the order of their times."""
    return sorted(ledger.events(), key=lambda event: event.occurred_at)


def sums(ledger: Ledger) -> list[tuple[str, int]]:
    """Return what conversations used, of which call each, in the order of times."""
    return [
        (event.data["conversation_id"], event.data["input_tokens"] + event.data["output_tokens"])
        for event in calls(ledger)
    ]


def compress(path: Path) -> Path:
    """Put a compressed file in the place of one, as Codex does when it has rested for a week."""
    packed = path.with_name(f"{path.name}.zst")
    packed.write_bytes(pa.compress(path.read_bytes(), codec="zstd", asbytes=True))
    path.unlink()
    return packed


def parent(thread: str = "a", at: float = 0, **changes: Any) -> list[Json]:
    return [meta(thread, at, **changes), turn(at), count(ONE, ONE, at + 1), count(added(ONE, TWO), TWO, at + 60)]


def fork(child: str, at: float, *own: Json, of: str = "a", **changes: Any) -> list[Json]:
    """Return a fork of the parent: its history is repeated at the second of the fork."""
    lines = [meta(of, at), turn(at + 0.1), count(ONE, ONE, at + 0.2), count(added(ONE, TWO), TWO, at + 0.3)]
    return [meta(child, at, forked_from_id=of, **changes), *lines, *own]


# ── figures by hand ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("case", json.loads((FIXTURES / "expected.json").read_text()).items(), ids=lambda case: case[0])
def test_files_of_the_fixtures_give_these_figures(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, case: tuple[str, Json]
) -> None:
    name, expected = case
    monkeypatch.setenv("CODEX_HOME", str(FIXTURES / name))

    report = ledger.read(final=False)

    figures: dict[str, dict[str, int]] = {}
    for event in ledger.events():
        figure = figures.setdefault(event.occurred_at.date().isoformat(), {"calls": 0})
        figure["calls"] += 1
        for token, counted in event.data.items():
            if token.endswith("_tokens"):
                figure[token] = figure.get(token, 0) + counted
    assert {"days": figures, "skipped": dict(report.skipped)} == expected
    assert report.open == 0


# ── one call of the counter ─────────────────────────────────────────────────────────────────────────────────────


def test_a_counter_that_has_grown_is_a_call_with_all_that_is_told(ledger: Ledger, day: Path) -> None:
    write(day / "rollout-a.jsonl", [meta("a"), turn(turn_id="t1"), count(ONE, ONE, 1)])

    ledger.read(final=False)

    (event,) = ledger.events()
    assert (event.source, event.id, event.occurred_at.isoformat()) == (
        "codex",
        "a:0:1000:200:100:50",
        "2026-05-01T10:00:01+00:00",
    )
    assert dict(event.data) == {
        "agent_id": "codex",
        "user_id": event.data["user_id"],
        "conversation_id": "a",
        "task_id": "t1",
        "provider": "openai",
        "model": "gpt-5",
        "operation": "chat",
        "input_tokens": 1000,
        "cache_read_tokens": 200,
        "output_tokens": 100,
        "reasoning_tokens": 50,
        "attributes": {
            "project": "shop",
            "machine": "laptop",
            "git_branch": "main",
            "agent_version": "0.131.0",
            "tier": "unknown",
        },
    }


def test_a_counter_that_is_written_again_and_again_is_one_call(ledger: Ledger, day: Path) -> None:
    counts = [count(ONE, ONE, second) for second in (1, 2, 5)]
    write(day / "rollout-a.jsonl", [meta("a"), turn(), *counts, count(added(ONE, TWO), TWO, 60)])

    report = ledger.read()

    assert sums(ledger) == [("a", 1100), ("a", 2200)]
    assert report.skipped == {AGAIN: 2}


def test_limits_without_a_counter_are_no_call(ledger: Ledger, day: Path) -> None:
    beat = line("event_msg", {"type": "token_count", "info": None, "rate_limits": {"primary": {"used_percent": 7}}})
    write(day / "rollout-a.jsonl", [meta("a"), beat, turn(), count(ONE, ONE, 1), beat])

    report = ledger.read()

    assert (sums(ledger), report.skipped) == ([("a", 1100)], {})


@pytest.mark.parametrize("empty", [None, {}, {"total_tokens": 0}], ids=["null", "empty", "no counts"])
def test_a_last_usage_that_tells_nothing_is_not_zero(ledger: Ledger, day: Path, empty: Json | None) -> None:
    write(day / "rollout-a.jsonl", [meta("a"), turn(), count(ONE, empty, 1), count(added(ONE, TWO), empty, 2)])

    ledger.read()

    assert sums(ledger) == [("a", 1100), ("a", 2200)]


def test_of_the_first_line_the_last_usage_counts_and_not_what_came_before(ledger: Ledger, day: Path) -> None:
    write(day / "rollout-a.jsonl", [meta("a"), turn(), count(added(ONE, TWO), TWO, 1)])

    ledger.read()

    assert sums(ledger) == [("a", 2200)]


def test_what_a_lost_line_told_of_is_in_the_next_one(ledger: Ledger, day: Path) -> None:
    write(day / "rollout-a.jsonl", [meta("a"), turn(), count(ONE, ONE, 1), count(added(ONE, TWO, THREE), THREE, 2)])

    ledger.read()

    assert sums(ledger) == [("a", 1100), ("a", 2750)]


def test_without_a_total_each_last_usage_is_a_call_and_counted_on(ledger: Ledger, day: Path) -> None:
    lines = [count(None, ONE, 1), count(None, TWO, 2), count(added(ONE, TWO, THREE), THREE, 3)]
    write(day / "rollout-a.jsonl", [meta("a"), turn(), *lines])

    ledger.read()

    assert sums(ledger) == [("a", 1100), ("a", 2200), ("a", 550)]


@pytest.mark.parametrize(
    ("total", "last", "reason"),
    [(ONE, ONE, AGAIN), (ONE, TWO, AGAIN), ((2000, 700, 200, 90), (1000, 500, 100, 40), STALE), (ONE, None, AGAIN)],
    ids=["the first again", "the first with another usage", "between two", "without a usage"],
)
def test_a_counter_below_what_it_was_is_late_and_the_mark_stays(
    ledger: Ledger, day: Path, total: Usage, last: Usage | None, reason: str
) -> None:
    lines = [count(ONE, ONE, 1), count(added(ONE, TWO), TWO, 2), count(total, last, 3)]
    write(day / "rollout-a.jsonl", [meta("a"), turn(), *lines, count(added(ONE, TWO, THREE), THREE, 4)])

    report = ledger.read()

    assert sums(ledger) == [("a", 1100), ("a", 2200), ("a", 550)]
    assert report.skipped == {reason: 1}


@pytest.mark.parametrize("first", [(900, 0, 50, 0), (9000, 0, 500, 0)], ids=["below", "above"])
def test_a_total_that_is_the_last_usage_is_of_a_new_counter(ledger: Ledger, day: Path, first: Usage) -> None:
    lines = [count(ONE, ONE, 1), count(added(ONE, TWO), TWO, 2), count(first, first, 3)]
    write(day / "rollout-a.jsonl", [meta("a"), turn(), *lines, count(added(first, THREE), THREE, 4)])

    ledger.read()

    assert [n for _, n in sums(ledger)] == [1100, 2200, first[0] + first[2], 550]
    assert [event.id.split(":")[1] for event in calls(ledger)] == ["0", "0", "1", "1"]


def test_two_counters_of_one_conversation_may_take_turns(ledger: Ledger, day: Path) -> None:
    other: Usage = (900, 0, 50, 0)
    lines = [count(added(ONE, TWO), TWO, 1), count(other, other, 2), count(added(ONE, TWO, THREE), THREE, 3)]
    write(day / "rollout-a.jsonl", [meta("a"), turn(), *lines, count(added(other, ONE), ONE, 4)])

    ledger.read()

    assert [n for _, n in sums(ledger)] == [2200, 950, 550, 1100]


def test_a_window_that_is_full_begins_a_new_counter_and_is_no_call(ledger: Ledger, day: Path) -> None:
    full = usage((0, 0, 0, 0), total_tokens=272_000)
    after = count(usage(THREE, total_tokens=272_550), THREE, 3)
    write(day / "rollout-a.jsonl", [meta("a"), turn(), count(ONE, ONE, 1), count(full, full, 2), after])

    report = ledger.read()

    assert (sums(ledger), report.skipped) == ([("a", 1100), ("a", 550)], {"no tokens": 1})


def test_what_is_written_to_the_cache_is_a_part_of_the_input(ledger: Ledger, day: Path) -> None:
    lines = [count(usage(ONE, cache_write_input_tokens=300), usage(ONE, cache_write_input_tokens=300), 1)]
    write(day / "rollout-a.jsonl", [meta("a"), turn(), *lines])

    ledger.read()

    assert ledger.tokens() == {
        "a:0:1000:200:100:50": {"input": 1000, "cache_read": 200, "output": 100, "reasoning": 50, "cache_creation": 300}
    }


@pytest.mark.parametrize("odd", ["100", 1.5, True, [1]])
def test_counts_that_are_none_are_told_of_and_stop_nothing(ledger: Ledger, day: Path, odd: Any) -> None:
    broken = count(usage(ONE, input_tokens=odd), ONE, 1)
    write(day / "rollout-a.jsonl", [meta("a"), turn(), broken, count(added(ONE, TWO), TWO, 2)])

    report = ledger.read()

    assert (sums(ledger), report.skipped) == ([("a", 2200)], {"record of an unknown shape": 1})


# ── model, tier, provider, project ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("told", "lines", "model"),
    [
        ({"model": "gpt-5.1"}, [turn(model="gpt-5")], "gpt-5.1"),
        ({}, [turn(model="gpt-5"), turn(model="gpt-5.4-codex")], "gpt-5.4-codex"),
        ({}, [turn(model="codex-auto-review")], "codex-auto-review"),
        ({}, [], None),
    ],
    ids=["of the count", "of the last turn", "an alias stays", "none: before September 2025"],
)
def test_the_model_is_that_of_the_count_else_of_the_turn_else_unknown(
    ledger: Ledger, day: Path, told: Json, lines: list[Json], model: str | None
) -> None:
    write(day / "rollout-a.jsonl", [meta("a"), *lines, count(ONE, ONE, 1, **told)])

    ledger.read()

    assert ledger.call().get("model") == model


@pytest.mark.parametrize(("told", "tier"), [("fast", "priority"), ("flex", "flex"), ("default", "standard")])
def test_a_tier_that_is_told_is_that_of_the_turns_after_it(ledger: Ledger, day: Path, told: str, tier: str) -> None:
    settings = line("event_msg", {"type": "thread_settings_applied", "thread_settings": {"service_tier": told}}, 1)
    lines = [turn(), count(ONE, ONE, 1), settings, count(added(ONE, TWO), TWO, 2)]
    write(day / "rollout-a.jsonl", [meta("a"), *lines, turn(3), count(added(ONE, TWO, THREE), THREE, 4)])

    ledger.read()

    told_of = [event.data for event in calls(ledger)]
    assert [data.get("service_tier") for data in told_of] == [None, None, tier]
    assert [data["attributes"].get("tier") for data in told_of] == ["unknown", "unknown", None]


def test_who_serves_the_model_is_told_by_the_conversation_else_by_its_name(ledger: Ledger, day: Path) -> None:
    write(day / "rollout-a.jsonl", [meta("a", model_provider="azure"), turn(), count(ONE, ONE, 1)])
    write(day / "rollout-b.jsonl", [meta("b", model_provider=None), turn(), count(ONE, ONE, 2)])
    write(day / "rollout-c.jsonl", [meta("c", model_provider=None), turn(model="gpt-oss:20b"), count(ONE, ONE, 3)])

    ledger.read()

    providers = {call["conversation_id"]: call.get("provider") for call in ledger.calls().values()}
    assert providers == {"a": "azure", "b": "openai", "c": "ollama"}


def test_the_project_is_that_of_the_turn(ledger: Ledger, day: Path) -> None:
    write(day / "rollout-a.jsonl", [meta("a"), turn(cwd="/srv/secret-customer/till"), count(ONE, ONE, 1)])

    ledger.read()

    assert ledger.call()["attributes"]["project"] == "till"


# ── the same file twice, and its name ───────────────────────────────────────────────────────────────────────────


def test_a_file_that_is_archived_too_adds_nothing(ledger: Ledger, tmp_path: Path, day: Path) -> None:
    lines = [meta("a"), turn(), count(ONE, ONE, 1), count(added(ONE, TWO), TWO, 2)]
    write(day / "rollout-a.jsonl", lines)
    write(tmp_path / "codex/archived_sessions/rollout-a.jsonl", lines)

    ledger.read()

    assert sums(ledger) == [("a", 1100), ("a", 2200)]


def test_a_conversation_that_goes_on_in_another_file_goes_on(ledger: Ledger, day: Path) -> None:
    write(day / "rollout-1.jsonl", [meta("a"), turn(), count(ONE, ONE, 1)])
    write(day / "rollout-2.jsonl", [meta("a", 5), turn(5), count(ONE, ONE, 5), count(added(ONE, TWO), TWO, 6)])

    ledger.read()

    assert sums(ledger) == [("a", 1100), ("a", 2200)]


def test_a_counter_that_goes_on_in_another_file_is_no_call_where_a_record_told_of_it(ledger: Ledger, day: Path) -> None:
    write(day / "rollout-1.jsonl", [meta("a"), turn(), record("resp_1", "a", ONE, 1), count(ONE, ONE, 1.01)])
    more = [record("resp_2", "a", TWO, 66), count(added(ONE, TWO), TWO, 66.01)]
    write(day / "rollout-2.jsonl", [meta("a", 65), turn(65), count(ONE, ONE, 65), *more])

    report = ledger.read()

    assert list(ledger.calls()) == ["resp_1", "resp_2"]
    assert report.skipped == {AGAIN: 1}


@pytest.mark.parametrize(
    ("changes", "thread"),
    [({"session_id": "parent"}, "a"), ({"id": None, "session_id": "s"}, "s"), ({"id": None}, uuid7(0))],
    ids=["its own before that of its parent", "of old", "of the file"],
)
def test_whose_a_file_is(ledger: Ledger, day: Path, changes: Json, thread: str) -> None:
    write(day / f"rollout-2026-05-01T10-00-00-{uuid7(0)}.jsonl", [meta("a", **changes), turn(), count(ONE, ONE, 1)])

    ledger.read()

    assert list(ledger.calls()) == [f"{thread}:0:1000:200:100:50"]


def test_several_homes_are_read_each_file_once(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for home, thread in (("one", "a"), ("two", "b")):
        write(tmp_path / home / "sessions/rollout-1.jsonl", [meta(thread), turn(), count(ONE, ONE, 1)])
    monkeypatch.setenv("CODEX_HOME", f"{tmp_path}/one,{tmp_path}/two")

    ledger.read()

    assert sorted(sums(ledger)) == [("a", 1100), ("b", 1100)]


def test_without_a_variable_the_home_is_dot_codex(ledger: Ledger, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CODEX_HOME")
    write(home / ".codex/sessions/2026/05/01/rollout-a.jsonl", [meta("a"), turn(), count(ONE, ONE, 1)])

    ledger.read()

    assert sums(ledger) == [("a", 1100)]


@pytest.mark.parametrize(
    "told",
    [
        {"type": "turn.completed", "usage": {"input_tokens": 10, "cached_input_tokens": 0, "output_tokens": 1}},
        {"type": "done", "result": {"usage": {"prompt_tokens": 10, "completion_tokens": 1}}},
        {"type": "done", "response": {"usage": {"prompt_tokens": 10, "completion_tokens": 1}}},
    ],
)
def test_what_codex_exec_prints_of_a_turn_is_no_call(ledger: Ledger, day: Path, told: Json) -> None:
    write(day / "run.jsonl", [{"type": "thread.started", "thread_id": "a"}, {"type": "turn.started"}, told])

    report = ledger.read()

    assert ledger.events() == []
    assert report.skipped == {"no call: the sum of a turn, as `codex exec --json` tells it": 1}


def test_what_was_imported_from_another_agent_is_not_codexs(ledger: Ledger, day: Path) -> None:
    imported = [turn(turn_id="external-import-turn-1"), count(ONE, ONE, 1)]
    write(day / "rollout-a.jsonl", [meta("a"), *imported, turn(2, turn_id="t2"), count(added(ONE, TWO), TWO, 3)])

    report = ledger.read()

    assert (sums(ledger), report.skipped) == ([("a", 2200)], {"imported from another agent": 1})


def test_a_file_that_was_compressed_tells_what_it_told_before(ledger: Ledger, day: Path, tmp_path: Path) -> None:
    path = write(day / "rollout-1.jsonl", parent())
    packed = compress(write(tmp_path / "codex/archived_sessions/rollout-0.jsonl", parent("z")))
    write(day / "rollout-2.jsonl", fork("b", 900, count(added(ONE, TWO, THREE), THREE, 900.5), of="z"))
    ledger.read()
    compress(path)

    report = ledger.read()

    assert sorted(sums(ledger)) == [("a", 1100), ("a", 2200), ("b", 550), ("z", 1100), ("z", 2200)]
    assert (report.events, report.problems, packed.suffix) == (0, {}, ".zst")


@pytest.mark.parametrize("cut", [0, 10, -5])
def test_a_compressed_file_that_is_damaged_is_told_of(ledger: Ledger, day: Path, cut: int) -> None:
    packed = compress(write(day / "rollout-1.jsonl", parent()))
    packed.write_bytes(packed.read_bytes()[:cut] or b"no such format")

    report = ledger.read()

    assert list(report.problems) == [str(packed)]
    assert ledger.events() == []


# ── records of calls ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_record_is_a_call_under_the_id_of_its_answer(ledger: Ledger, day: Path) -> None:
    told = record("resp_1", "a", ONE, 1, root_turn_id="t0", usage=usage(ONE, cache_write_input_tokens=300))
    write(day / "rollout-a.jsonl", [meta("a"), turn(), told, told, count(ONE, ONE, 1.01)])

    report = ledger.read(final=False)

    assert ledger.tokens() == {
        "resp_1": {"input": 1000, "cache_read": 200, "output": 100, "reasoning": 50, "cache_creation": 300}
    }
    assert (ledger.call()["task_id"], report.open) == ("t0", 0)


def test_a_record_alone_as_of_compaction_is_a_call(ledger: Ledger, day: Path) -> None:
    lines = [record("resp_1", "a", ONE, 1), count(ONE, ONE, 1.01), record("resp_2", "a", TWO, 2), count(ONE, ONE, 2.01)]
    write(day / "rollout-a.jsonl", [meta("a"), turn(), *lines])

    ledger.read()

    assert sums(ledger) == [("a", 1100), ("a", 2200)]


@pytest.mark.parametrize("after", [True, False], ids=["the counter after its record", "the counter before its record"])
def test_a_file_that_has_records_from_the_middle_on_counts_each_call_once(
    ledger: Ledger, day: Path, after: bool
) -> None:
    pairs = [
        [record("resp_2", "a", TWO, 60), count(added(ONE, TWO), TWO, 60.01 if after else 59.99)],
        [record("resp_3", "a", THREE, 90), count(added(ONE, TWO, THREE), THREE, 90.01 if after else 89.99)],
    ]
    lines = [line for pair in pairs for line in (pair if after else reversed(pair))]
    write(day / "rollout-a.jsonl", [meta("a"), turn(), count(ONE, ONE, 1), *lines])

    report = ledger.read()

    assert sums(ledger) == [("a", 1100), ("a", 2200), ("a", 550)]
    assert report.skipped == ({} if after else {"told by the counter just before": 1})


def test_records_may_come_after_all_that_the_counter_told_of_them(ledger: Ledger, day: Path) -> None:
    counts = [count(ONE, ONE, 1), count(added(ONE, TWO), TWO, 1.5)]
    records = [record("resp_1", "a", ONE, 1.6), record("resp_2", "a", TWO, 1.7), record("resp_3", "a", TWO, 30)]
    write(day / "rollout-a.jsonl", [meta("a"), turn(), *counts, *records])

    ledger.read()

    assert [n for _, n in sums(ledger)] == [1100, 2200, 2200]


def test_a_record_that_tells_the_counter_is_known_by_it_however_late(ledger: Ledger, day: Path) -> None:
    lines = [count(ONE, ONE, 1), record("resp_1", "a", ONE, 30, thread_token_usage=usage(ONE))]
    write(day / "rollout-a.jsonl", [meta("a"), turn(), *lines])

    ledger.read()

    assert list(ledger.calls()) == ["a:0:1000:200:100:50"]


def test_a_record_that_is_there_twice_is_one_call_where_the_counter_told_of_it_first(ledger: Ledger, day: Path) -> None:
    lines = [count(ONE, ONE, 1), *[record("resp_1", "a", ONE, 1.01)] * 2, record("resp_2", "a", TWO, 2)]
    write(day / "rollout-a.jsonl", [meta("a"), turn(), *lines])

    report = ledger.read()

    assert sums(ledger) == [("a", 1100), ("a", 2200)]
    assert report.skipped == {"told by the counter just before": 2}


def test_a_call_with_the_same_counts_later_is_another_call(ledger: Ledger, day: Path) -> None:
    write(day / "rollout-a.jsonl", [meta("a"), turn(), count(ONE, ONE, 1), record("resp_2", "a", ONE, 30)])

    ledger.read()

    assert [n for _, n in sums(ledger)] == [1100, 1100]


def test_a_record_of_another_conversation_is_not_this_ones(ledger: Ledger, day: Path) -> None:
    lines = [record("resp_1", "a", ONE, 1), record("resp_2", "b", TWO, 2)]
    write(day / "rollout-b.jsonl", [meta("b", forked_from_id="a"), turn(), *lines])

    report = ledger.read()

    assert (sums(ledger), report.skipped) == ([("b", 2200)], {"another conversation's call": 1})


# ── forks and subagents ─────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_fork_repeats_of_its_parent_is_not_its_own(ledger: Ledger, day: Path) -> None:
    write(day / "rollout-1.jsonl", parent())
    write(day / "rollout-2.jsonl", fork("b", 900, count(added(ONE, TWO, THREE), THREE, 1000)))

    report = ledger.read()

    assert sums(ledger) == [("a", 1100), ("a", 2200), ("b", 550)]
    assert report.skipped == {REPEATED: 2}


def test_a_fork_may_repeat_a_part_of_its_parent(ledger: Ledger, day: Path) -> None:
    write(day / "rollout-1.jsonl", parent())
    lines = [meta("b", 900, forked_from_id="a"), meta("a", 900), turn(900), count(ONE, ONE, 900)]
    write(day / "rollout-2.jsonl", [*lines, count(added(ONE, THREE), THREE, 900.5)])

    ledger.read()

    assert sums(ledger) == [("a", 1100), ("a", 2200), ("b", 550)]


def test_a_fork_of_a_fork_repeats_both(ledger: Ledger, day: Path) -> None:
    forked, mine = count(added(ONE, TWO, THREE), THREE, 1000), count(added(ONE, TWO, THREE, ONE), ONE, 2001)
    write(day / "rollout-1.jsonl", parent())
    write(day / "rollout-2.jsonl", fork("b", 900, forked))
    write(day / "rollout-3.jsonl", [meta("c", 2000, forked_from_id="b"), *fork("b", 2000, forked)[:-1], forked, mine])

    ledger.read()

    assert sums(ledger) == [("a", 1100), ("a", 2200), ("b", 550), ("c", 1100)]


@pytest.mark.parametrize("folder", ["sessions/2026/05/02", "archived_sessions"])
def test_a_parent_is_read_before_its_fork_in_whatever_folder(ledger: Ledger, tmp_path: Path, folder: str) -> None:
    other = "archived_sessions" if folder != "archived_sessions" else "sessions/2026/05/01"
    write(tmp_path / "codex" / folder / "rollout-2026-05-01-a.jsonl", parent())
    own = count(added(ONE, TWO, THREE), THREE, 900.5)  # within the second of the fork
    write(tmp_path / "codex" / other / "rollout-2026-05-02-b.jsonl", fork("b", 900, own))

    ledger.read()

    assert sums(ledger) == [("a", 1100), ("a", 2200), ("b", 550)]


def test_a_subagent_that_repeats_nothing_loses_nothing_within_a_second(ledger: Ledger, day: Path) -> None:
    write(day / "rollout-1.jsonl", parent())
    own = [count(THREE, THREE, 900.1), count(added(THREE, ONE), ONE, 900.9)]
    write(day / "rollout-2.jsonl", [spawned("c", "a", 900), meta("a", 900), turn(900), *own])

    ledger.read()

    assert sums(ledger) == [("a", 1100), ("a", 2200), ("c", 550), ("c", 1100)]
    assert [event.data["attributes"].get("sidechain") for event in calls(ledger)] == [None, None, True, True]


def test_a_subagent_whose_counter_goes_on_from_its_parents_counts_its_own(ledger: Ledger, day: Path) -> None:
    write(day / "rollout-1.jsonl", parent())
    lines = [count(added(ONE, TWO), TWO, 900), count(added(ONE, TWO, THREE), THREE, 960)]
    write(day / "rollout-2.jsonl", [spawned("c", "a", 900), turn(900), *lines])

    ledger.read()

    assert sums(ledger) == [("a", 1100), ("a", 2200), ("c", 550)]


def test_a_subagent_that_has_nothing_of_its_parents_loses_nothing_without_it(ledger: Ledger, day: Path) -> None:
    own = [count(THREE, THREE, 900.1), count(added(THREE, ONE), ONE, 900.9)]
    write(day / "rollout-2.jsonl", [spawned("c", "a", 900), turn(900), *own])

    ledger.read()

    assert sums(ledger) == [("c", 550), ("c", 1100)]


def test_a_subagent_that_has_its_parents_first_line_loses_nothing_without_it(ledger: Ledger, day: Path) -> None:
    own = [count(THREE, THREE, 900.1), count(added(THREE, ONE), ONE, 900.9)]
    write(day / "rollout-2.jsonl", [spawned("c", "a", 900), meta("a", 900), turn(900), *own])

    ledger.read()

    assert sums(ledger) == [("c", 550), ("c", 1100)]


@pytest.mark.parametrize("is_fork", [True, False], ids=["fork", "subagent"])
def test_an_own_call_as_large_as_the_parents_next_one_is_known_by_when_its_turn_began(
    ledger: Ledger, day: Path, is_fork: bool
) -> None:
    a, b, old, new = uuid7(0), uuid7(900), uuid7(0, 1), uuid7(900, 1)
    told = [count(ONE, ONE, 1), count(added(ONE, TWO), TWO, 950)]
    write(day / "rollout-1.jsonl", [meta(a), turn(turn_id=old), *told])
    if is_fork:
        lines = [meta(b, 900, forked_from_id=a), meta(a, 900), turn(900, turn_id=old), count(ONE, ONE, 900)]
        own = [count(added(ONE, TWO), TWO, 910)]
    else:
        lines = [spawned(b, a, 900), meta(a, 900)]
        own = [count(ONE, ONE, 910)]
    write(day / "rollout-2.jsonl", [*lines, turn(901, turn_id=new), *own])

    ledger.read()

    assert sums(ledger) == [(a, 1100), (b, 2200 if is_fork else 1100), (a, 2200)]


def test_what_a_fork_repeats_at_once_is_its_parents_though_its_own_turn_stands_before_it(
    ledger: Ledger, day: Path
) -> None:
    a, b = uuid7(0), uuid7(900)
    write(day / "rollout-1.jsonl", parent(a))
    _, other, _, *repeated = fork(b, 900, count(added(ONE, TWO, THREE), THREE, 910), of=a)
    first = meta(b, 900, forked_from_id=a)
    write(day / "rollout-2.jsonl", [first, other, turn(900, turn_id=uuid7(900, 1)), *repeated])

    ledger.read()

    assert sums(ledger) == [(a, 1100), (a, 2200), (b, 550)]


def test_of_a_fork_of_a_fork_that_is_gone_what_came_at_once_is_repeated_though_its_origin_is_there(
    ledger: Ledger, day: Path
) -> None:
    of_fork, own = count(added(ONE, TWO, THREE), THREE, 900.4), count(added(ONE, TWO, THREE, ONE), ONE, 990)
    _, *repeated = fork("b", 900)
    write(day / "rollout-1.jsonl", parent())
    write(day / "rollout-3.jsonl", [meta("c", 900, forked_from_id="b"), meta("b", 900), *repeated, of_fork, own])

    report = ledger.read()

    assert sums(ledger) == [("a", 1100), ("a", 2200), ("c", 1100)]
    assert report.skipped == {REPEATED: 2, UNTOLD: 1}


@pytest.mark.parametrize("is_there", [True, False], ids=["parent is there", "parent is gone"])
def test_the_line_from_which_on_a_file_is_its_own_may_be_told(ledger: Ledger, day: Path, is_there: bool) -> None:
    if is_there:
        write(day / "rollout-1.jsonl", parent())
    first = spawned("c", "a", 900, subagent_history_start_ordinal=4)
    own = [turn(900), count(THREE, THREE, 900.5)]
    lines = [first, meta("a", 900), turn(900), count((7, 0, 7, 0), (7, 0, 7, 0), 900), *own]
    write(day / "rollout-2.jsonl", [{**line, "ordinal": number} for number, line in enumerate(lines)])

    ledger.read()

    assert sums(ledger)[-1:] == [("c", 550)]
    assert len(sums(ledger)) == (3 if is_there else 1)


def test_of_a_fork_whose_parent_is_gone_ids_tell_when_it_began(ledger: Ledger, day: Path) -> None:
    old, new = uuid7(1), uuid7(900)
    lines = [turn(900, turn_id=old), count(ONE, ONE, 900), count(added(ONE, TWO), TWO, 950)]
    own = [turn(900, turn_id=new), count(added(ONE, TWO, THREE), THREE, 900.1)]
    write(day / "rollout-2.jsonl", [meta(uuid7(899.999), 900, forked_from_id="a"), *lines, *own])

    report = ledger.read()

    assert [n for _, n in sums(ledger)] == [550]
    assert report.skipped == {REPEATED: 2}


def test_of_a_fork_whose_parent_is_gone_and_whose_ids_tell_nothing_what_came_at_once_is_repeated(
    ledger: Ledger, day: Path
) -> None:
    write(day / "rollout-2.jsonl", fork("b", 900, count(added(ONE, TWO, THREE), THREE, 1000)))

    report = ledger.read()
    write(day / "rollout-1.jsonl", parent())
    ledger.read()

    assert sums(ledger) == [("a", 1100), ("a", 2200), ("b", 550)]
    assert report.skipped == {UNTOLD: 2}


def test_a_fork_is_known_when_its_parents_file_and_all_that_was_read_are_lost(ledger: Ledger, day: Path) -> None:
    write(day / "rollout-1.jsonl", parent())
    ledger.read()
    (day / "rollout-1.jsonl").unlink()
    ledger.lose_state()
    slow = fork("b", 900, count(added(ONE, TWO, THREE), THREE, 905))
    slow[3]["timestamp"] = "2026-05-01T10:15:03.000Z"  # nothing but what the log remembers tells that it is repeated
    write(day / "rollout-2.jsonl", slow)

    report = ledger.read()

    assert sums(ledger) == [("a", 1100), ("a", 2200), ("b", 550)]
    assert report.skipped == {REPEATED: 2}


# ── lines that are looked at ────────────────────────────────────────────────────────────────────────────────────


def test_each_kind_of_line_that_is_read_has_a_mark() -> None:
    kind = codex.AGENT.files[0]
    assert isinstance(kind, Lines)

    marked = [name for name in codex._KINDS if any(mark in f'"{name}"'.encode() for mark in kind.marks)]

    assert set(codex._KINDS) - set(marked) == {"error"}  # by what it is about


# ── tools, and what failed ──────────────────────────────────────────────────────────────────────────────────────


def tools(ledger: Ledger) -> dict[str, tuple[str, str | None]]:
    events = ledger.events("tool.call.completed", "tool.call.failed")
    return {event.id: (event.type.rpartition(".")[2], event.data.get("tool")) for event in events}


@pytest.mark.parametrize(
    ("output", "became"),
    [
        ("Exit code: 0\nWall time: 0.1 seconds\nOutput:\nExit code: 1\n", "completed"),
        ("Exit code: 2\nWall time: 0.1 seconds\nOutput:\n", "failed"),
        ("Chunk ID: 1f\nWall time: 0.1 seconds\nProcess exited with code 1\nOutput:\n", "failed"),
        ("Wall time: 10.0 seconds\nProcess running with session ID 7\nOutput:\n", "completed"),
        ('{"output":"…","metadata":{"exit_code":0,"duration_seconds":0.1}}', "completed"),
        ('{"output":"…","metadata":{"exit_code":127,"duration_seconds":0.1}}', "failed"),
        ({"content": "…", "success": False}, "failed"),
        ({"content": "…", "success": None}, "completed"),
        ("{ no JSON", "completed"),
        ([{"type": "input_text", "text": "…"}], "completed"),
        (None, "completed"),
    ],
)
def test_a_tool_failed_where_the_log_tells_it(ledger: Ledger, day: Path, output: Any, became: str) -> None:
    lines = [item("function_call", 1, call_id="call_1", name="shell", arguments="{}")]
    lines += [item("function_call_output", 2, call_id="call_1", output=output)]
    write(day / "rollout-a.jsonl", [meta("a"), turn(turn_id="t1"), *lines])

    ledger.read()

    assert tools(ledger) == {"a:call_1": (became, "shell")}
    assert "…" not in str(ledger.events(f"tool.call.{became}"))


@pytest.mark.parametrize(
    ("told", "became"),
    [
        ({"type": "mcp_tool_call_end", "result": {"Err": "no"}}, "failed"),
        ({"type": "mcp_tool_call_end", "result": {"Ok": {"content": [], "is_error": True}}}, "failed"),
        ({"type": "mcp_tool_call_end", "result": {"Ok": {"content": []}}}, "completed"),
        ({"type": "patch_apply_end", "success": False}, "failed"),
        ({"type": "patch_apply_end", "success": True}, "completed"),
        ({"type": "exec_command_end", "exit_code": 1}, "failed"),
    ],
)
def test_how_a_tool_ended_may_be_told_before_its_output(ledger: Ledger, day: Path, told: Json, became: str) -> None:
    lines = [item("custom_tool_call", 1, call_id="call_1", name="apply_patch", input="…")]
    lines += [line("event_msg", {**told, "call_id": "call_1"}, 2)]
    write(day / "rollout-a.jsonl", [meta("a"), *lines, item("custom_tool_call_output", 3, call_id="call_1")])

    ledger.read()

    assert tools(ledger) == {"a:call_1": (became, "apply_patch")}


def test_tools_of_other_kinds_have_names_too(ledger: Ledger, day: Path) -> None:
    lines = [item("local_shell_call", 1, call_id="call_1", action={}), item("web_search_call", 2, id="ws_1")]
    write(day / "rollout-a.jsonl", [meta("a"), *lines, item("function_call_output", 3, call_id="call_1")])

    ledger.read()

    assert tools(ledger) == {"a:ws_1": ("completed", "web_search"), "a:call_1": ("completed", "local_shell")}


def test_an_output_that_is_written_twice_is_one(ledger: Ledger, day: Path) -> None:
    used = item("function_call", 1, call_id="call_1", name="shell")
    outputs = [item("function_call_output", at, call_id="call_1", output="Exit code: 0\n") for at in (2, 3)]
    write(day / "rollout-a.jsonl", [meta("a"), used, used, *outputs])

    report = ledger.read()

    assert tools(ledger) == {"a:call_1": ("completed", "shell")}
    assert report.skipped == {}


def test_a_tool_may_end_at_another_look(ledger: Ledger, day: Path) -> None:
    path = write(day / "rollout-a.jsonl", [meta("a"), item("function_call", 1, call_id="call_1", name="shell")])
    ledger.read()
    append(path, item("function_call_output", 2, call_id="call_1", output="Exit code: 0\n"))

    ledger.read()

    assert tools(ledger) == {"a:call_1": ("completed", "shell")}


@pytest.mark.parametrize("is_there", [True, False], ids=["parent is there", "parent is gone"])
def test_tools_that_a_fork_repeats_are_its_parents(ledger: Ledger, day: Path, is_there: bool) -> None:
    def ran(call: str, at: float) -> list[Json]:
        use = item("function_call", at, call_id=call, name="shell")
        return [use, item("function_call_output", at, call_id=call, output="Exit code: 0\n")]

    if is_there:
        write(day / "rollout-1.jsonl", [*parent(), *ran("call_1", 70)])
    own = [count(added(ONE, TWO, THREE), THREE, 1000), *ran("call_2", 1001)]
    write(day / "rollout-2.jsonl", fork("b", 900, *ran("call_1", 900.4), *own))

    ledger.read()

    assert set(tools(ledger)) == {"b:call_2", *(["a:call_1"] if is_there else [])}


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ("usage_limit_exceeded", "usage_limit_exceeded"),
        ({"response_stream_disconnected": {"http_status_code": 502}}, "response_stream_disconnected"),
        ("sandbox_error", None),
        (None, None),
    ],
)
def test_an_error_of_the_provider_is_a_call_that_failed(
    ledger: Ledger, day: Path, told: Any, error: str | None
) -> None:
    failed = line("event_msg", {"type": "error", "message": "…", "codex_error_info": told}, 1)
    aborted = line("event_msg", {"type": "turn_aborted", "reason": "interrupted"}, 2)
    write(day / "rollout-a.jsonl", [meta("a"), turn(), failed, aborted])

    ledger.read()

    events = ledger.events("provider.call.failed")
    assert [(event.id, event.data["error_type"]) for event in events] == (
        [("a:2026-05-01T10:00:01.000Z:failed", error)] if error else []
    )


def test_nothing_of_what_was_said_or_done_is_stored(ledger: Ledger, day: Path) -> None:
    said = [
        item("message", 1, role="user", content=[{"type": "input_text", "text": "a secret"}]),
        item("function_call", 1, call_id="call_1", name="shell", arguments='{"command":"a secret"}'),
        item("function_call_output", 2, call_id="call_1", output="Exit code: 1\na secret"),
        line("event_msg", {"type": "error", "message": "a secret", "codex_error_info": "bad_request"}, 3),
    ]
    write(day / "rollout-a.jsonl", [meta("a"), turn(), count(ONE, ONE, 1), *said])

    ledger.read()

    told = str(ledger.events("provider.call.completed", "provider.call.failed", "tool.call.failed"))
    assert "a secret" not in told
    assert "secret-customer" not in told
