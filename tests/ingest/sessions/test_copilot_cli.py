"""Copilot CLI's telemetry in files: of the ways in which one call is told one counts, whichever comes first."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from tests.ingest.sessions.ledger import NOON, Json, Ledger, append, tokens_of, write

pytestmark = pytest.mark.store(tags=["machine", "project"])  # as a ledger has them

Ways = tuple[str, ...]
AT = 1_777_629_600  # 2026-05-01 10:00 UTC


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere/telemetry.jsonl"


@pytest.fixture
def ledger(analytics: AnalyticsService, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setenv("COPILOT_OTEL_FILE_EXPORTER_PATH", str(file))
    return Ledger(analytics, tmp_path, ("copilot-cli",))


def usage(taken: int = 120, given: int = 30, **more: Any) -> Json:
    return {"gen_ai.usage.input_tokens": taken, "gen_ai.usage.output_tokens": given, **more}


def span(name: str, span: str, told: Json, trace: str = "t1", **changes: Any) -> Json:
    operation = name.partition(" ")[0]
    return {
        "type": "span",
        "traceId": trace,
        "spanId": span,
        "name": name,
        "startTime": [AT - 2, 0],
        "endTime": [AT, 500_000_000],
        "attributes": {"gen_ai.operation.name": operation, "gen_ai.response.model": "gpt-5.4", **told},
        **changes,
    }


def log(event: str, told: Json, trace: str = "t1", **changes: Any) -> Json:
    context = {"spanContext": {"traceId": trace, "spanId": "s1"}} if trace else {}
    return {"hrTime": [AT, 0], **context, "attributes": {"event.name": event, **told}, **changes}


def chat(response: str | None = "r1", **changes: Any) -> Json:
    told = usage(**{"gen_ai.usage.cache_read.input_tokens": 50, "gen_ai.conversation.id": "c1"})
    return span("chat gpt-5.4", "s1", told | ({"gen_ai.response.id": response} if response else {}), **changes)


def inference(response: str | None = "r1", **changes: Any) -> Json:
    told = usage() | ({"gen_ai.response.id": response} if response else {})
    return log("gen_ai.client.inference.operation.details", told, **changes)


def turn(**changes: Any) -> Json:
    return log("copilot_chat.agent.turn", usage() | {"turn.index": 0}, **changes)


def agent(**changes: Any) -> Json:
    return span("invoke_agent copilot", "s0", usage(), **changes)


WAYS = {"chat": chat(), "inference": inference(), "turn": turn(), "agent": agent()}
IDS = {"chat": "t1:s1", "inference": "inference:t1:s1", "turn": "turn:t1:s1:0", "agent": "agent:t1:s0"}
PAIRS = list(itertools.permutations(WAYS, 2))
IN_ANY_ORDER = [*((way,) for way in WAYS), *PAIRS, *itertools.permutations(WAYS)]


# ── one call, told in several ways ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order", IN_ANY_ORDER, ids="-".join)
def test_of_the_ways_in_one_trace_the_first_in_rank_counts(ledger: Ledger, file: Path, order: Ways) -> None:
    write(file, [WAYS[way] for way in order])

    ledger.read()

    assert list(ledger.calls()) == [IDS[min(order, key=list(WAYS).index)]]


@pytest.mark.parametrize("order", PAIRS, ids="-".join)
@pytest.mark.parametrize("forgets", [False, True], ids=["", "forgets"])
def test_what_was_certain_at_an_earlier_look_is_not_told_again_in_another_way(
    ledger: Ledger, file: Path, order: Ways, forgets: bool
) -> None:
    write(file, [])
    for way in order:
        append(file, WAYS[way])
        ledger.read()
        if forgets:
            ledger.lose_state()

    assert list(ledger.calls()) == [IDS[order[0]]]


@pytest.mark.parametrize("order", IN_ANY_ORDER, ids="-".join)
def test_a_lesser_way_waits_for_a_better_one_until_its_file_rests(ledger: Ledger, file: Path, order: Ways) -> None:
    write(file, [])
    for way in order:
        append(file, WAYS[way])
        os.utime(file, (NOON, NOON))
        ledger.read(final=False)
    ledger.now = NOON + 600
    ledger.read(final=False)

    assert list(ledger.calls()) == [IDS[min(order, key=list(WAYS).index)]]


@pytest.mark.parametrize("way", ["inference", "turn", "agent"])
def test_calls_of_other_traces_that_follow_make_a_lesser_way_no_more_certain(
    ledger: Ledger, file: Path, way: str
) -> None:
    write(file, [WAYS[way], *(inference(f"r{number}", trace=f"t{number}") for number in range(2, 5))])
    os.utime(file, (NOON, NOON))
    assert ledger.read(final=False).calls == 0

    append(file, chat())
    ledger.read()

    assert sorted(ledger.calls())[-1] == "t1:s1"
    assert len(ledger.calls()) == 4


def test_after_a_lesser_way_was_certain_its_trace_is_told_on_in_that_way(ledger: Ledger, file: Path) -> None:
    write(file, [inference("r1")])
    ledger.read()
    later = inference("r2", spanContext={"traceId": "t1", "spanId": "s2"}, hrTime=[AT + 9, 0])
    append(file, chat("r1"), later, chat("r2", spanId="s2"))

    ledger.read()

    assert list(ledger.calls()) == ["inference:t1:s1", "inference:t1:s2"]


def test_a_trace_is_known_by_the_id_of_its_call_where_the_policy_leaves_its_name_out(
    ledger: Ledger, file: Path
) -> None:
    """An id without a digit is no id for the policy that leaves out what people may have written."""
    trace = "a" * 32
    write(file, [agent(trace=trace)])
    ledger.read()
    ledger.lose_state()
    append(file, chat(trace=trace))

    ledger.read()

    assert list(ledger.calls()) == [f"agent:{trace}:s0"]


def test_turns_of_one_number_of_an_agent_and_its_subagent_are_two(ledger: Ledger, file: Path) -> None:
    below = turn() | {"spanContext": {"traceId": "t1", "spanId": "s7"}}
    write(file, [turn(), below, below])

    ledger.read()

    assert len(ledger.calls()) == 2


def test_one_response_in_two_traces_is_one_call(ledger: Ledger, file: Path) -> None:
    """ccusage 20.0.24 counts both."""
    write(file, [chat("r1"), chat("r1", traceId="t2", spanId="s9")])

    report = ledger.read()

    assert (list(ledger.calls()), report.calls) == (["t1:s1"], 1)


def test_calls_of_one_response_with_other_counts_are_calls_of_their_own(ledger: Ledger, file: Path) -> None:
    """VS Code has one response id for all calls of a turn."""
    other = chat("r1", spanId="s2")
    other["attributes"] |= usage(500, 5)
    write(file, [chat("r1"), other])

    ledger.read()

    assert sorted(ledger.calls()) == ["t1:s1", "t1:s2"]


def test_without_a_response_and_a_trace_each_log_record_is_a_call(ledger: Ledger, file: Path) -> None:
    write(file, [inference(None, trace=""), inference(None, trace="", hrTime=[AT + 1, 0])])

    ledger.read()

    assert len(ledger.calls()) == 2


# ── what a call tells ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_input_holds_what_was_cached(ledger: Ledger, file: Path) -> None:
    """ccusage takes what was written to the cache for tokens beside the input."""
    told = chat()
    told["attributes"] |= {"gen_ai.usage.cache_creation.input_tokens": 20, "gen_ai.usage.reasoning.output_tokens": 9}
    write(file, [told])

    ledger.read()

    tokens = {"input": 120, "output": 30, "cache_read": 50, "cache_creation": 20, "reasoning": 9}
    assert tokens_of(ledger.call()) == tokens


@pytest.mark.parametrize(
    "changes",
    [
        {"endTime": [AT, 500_000_000]},
        {"endTime": None, "startTime": [AT, 500_000_000]},
        {"endTime": None, "startTime": None, "hrTime": [AT, 500_000_000]},
        *(
            {"endTime": None, "startTime": None, "timestamp": AT * 10**scale + 5 * 10 ** (scale - 1)}
            for scale in (3, 6, 9)
        ),
        {"endTime": None, "startTime": None, "timestamp": "2026-05-01T10:00:00.500Z"},
        {"endTime": None, "startTime": None, "timeUnixNano": str(AT * 10**9 + 500_000_000)},
    ],
    ids=str,
)
def test_the_time_of_a_call_is_read_in_every_shape(ledger: Ledger, file: Path, changes: Json) -> None:
    write(file, [chat(**changes)])

    ledger.read()

    (event,) = ledger.events()
    assert event.occurred_at.isoformat() == "2026-05-01T10:00:00.500000+00:00"


def test_an_internal_name_of_a_model_is_that_of_the_model(ledger: Ledger, file: Path) -> None:
    told = chat()
    told["attributes"]["gen_ai.response.model"] = "claude-opus-4.6-1m-internal"
    write(file, [told])

    ledger.read()

    assert ledger.call()["model"] == "claude-opus-4.6"


def test_a_span_without_usage_is_no_call(ledger: Ledger, file: Path) -> None:
    """github/copilot-cli #4860: such spans are written for answers of which another tells."""
    write(file, [span("chat gpt-5.4", "s1", {})])

    ledger.read()

    assert ledger.calls() == {}


# ── where the files are ─────────────────────────────────────────────────────────────────────────────────────────


def test_both_the_file_and_the_folder_are_read(ledger: Ledger, file: Path, home: Path) -> None:
    write(file, [chat()])
    write(home / ".copilot/otel/a.jsonl", [chat("r2", traceId="t2")])

    ledger.read()

    assert sorted(ledger.calls()) == ["t1:s1", "t2:s1"]


def test_no_other_file_beside_the_one_that_is_named_is_read(ledger: Ledger, file: Path) -> None:
    write(file, [chat()])
    write(file.with_name("other.jsonl"), [chat("r2", traceId="t2")])

    assert ledger.read().files == 1


# ── the end of a session ────────────────────────────────────────────────────────────────────────────────────────


def shutdown(id: str, taken: int, given: int) -> Json:
    usage = {"inputTokens": taken, "outputTokens": given, "cacheReadTokens": 0, "cacheWriteTokens": 0}
    metrics = {"gpt-5.4": {"usage": usage, "requests": {"count": 2}}}
    at = f"2026-05-01T1{id}:00:00.000Z"
    return {"type": "session.shutdown", "id": id, "timestamp": at, "data": {"modelMetrics": metrics}}


@pytest.mark.parametrize(
    ("second", "given"),
    [((160, 70), [50, 20]), ((90, 70), [50, 70])],
    ids=["sums that go on", "sums that begin anew"],
)
def test_what_came_since_the_last_end_of_a_session_counts(
    ledger: Ledger, home: Path, second: tuple[int, int], given: list[int]
) -> None:
    write(home / ".copilot/session-state/c9/events.jsonl", [shutdown("1", 100, 50), shutdown("2", *second)])

    ledger.read()

    assert [tokens["output"] for tokens in ledger.tokens().values()] == given


def test_the_end_of_a_session_tells_nothing_that_its_calls_tell(ledger: Ledger, file: Path, home: Path) -> None:
    """ccusage takes the sums, of the day of the end, and leaves the calls out."""
    write(home / ".copilot/session-state/c1/events.jsonl", [shutdown("1", 120, 30)])
    write(file, [chat()])

    report = ledger.read()

    assert (list(ledger.calls()), report.skipped) == (["t1:s1"], {"told otherwise": 1})
