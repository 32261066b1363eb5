"""agents check: which requests files and telemetry both saw, and which only one of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_es.ingest.sessions.agents import declared
from analytics_es.ingest.sessions.comparison import compared
from tests.cli.conftest import Cli
from tests.ingest.sessions import rollouts
from tests.ingest.sessions.ledger import write
from tests.stores import opened

START = datetime(2026, 5, 1, 10, tzinfo=UTC)
DB = "store.db"
SINCE = ("--since", "2026-01-01")


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "GEMINI_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def at(number: int, **more: float) -> str:
    return (START + timedelta(minutes=number, **more)).isoformat().replace("+00:00", "Z")


# ── Claude Code, whose two ways have one id ─────────────────────────────────────────────────────────────────────


def claude_file(home: Path, *numbers: int, session: str = "s1") -> None:
    lines = [
        {
            "type": "assistant",
            "timestamp": at(number),
            "sessionId": session,
            "requestId": f"req_{number}",
            "message": {
                "id": f"msg_{number}",
                "model": "claude-sonnet-4-5",
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 3, "output_tokens": number, "cache_read_input_tokens": 100},
            },
        }
        for number in numbers
    ]
    write(home / ".claude" / "projects" / "p" / f"{session}.jsonl", lines)


def record(attributes: dict[str, Any]) -> dict[str, Any]:
    told = [
        {"key": name, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for name, value in attributes.items()
    ]
    return {"timeUnixNano": "1795168800123000456", "attributes": told}


def telemetry(cli: Cli, service: str, *records: dict[str, Any]) -> None:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    logs = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [*map(record, records)]}]}]}
    Path("logs.json").write_text(json.dumps(logs))
    done = cli("import", "logs.json", "--format", "otlp", "--db", DB, "--strict")
    assert done.exit_code == 0, done.output


def claude_record(number: int, session: str = "s1") -> dict[str, Any]:
    return {
        "event.name": "claude_code.api_request",
        "event.timestamp": at(number, seconds=2),
        "session.id": session,
        "request_id": f"req_{number}",
        "model": "claude-sonnet-4-5",
        "input_tokens": 3,
        "output_tokens": number,
        "cache_read_tokens": 100,
        "cache_creation_tokens": 0,
        "duration_ms": 1500,
    }


def check(cli: Cli, *words: str, code: int = 0) -> dict[str, Any]:
    done = cli("agents", "check", "--db", DB, *SINCE, *words, "--json")
    assert done.exit_code == code, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def session_of(answer: dict[str, Any], agent: str = "claude-code", name: str = "s1") -> dict[str, Any]:
    (comparison,) = [comparison for comparison in answer["agents"] if comparison["agent"] == agent]
    (session,) = [session for session in comparison["sessions"] if session["session"] == name]
    return dict(session)


def seen(session: dict[str, Any]) -> dict[str, str]:
    return {call["id"]: call["verdict"] for call in session["calls"]}


def test_what_both_ways_saw_differs_in_nothing(cli: Cli, home: Path) -> None:
    claude_file(home, 1, 2)
    telemetry(cli, "claude-code", claude_record(1), claude_record(2))

    answer = check(cli, "--strict")

    session = session_of(answer)
    assert (answer["differing"], session["both"], session["calls"]) == (0, 2, [])
    assert "nothing differs" in cli("agents", "check", "--db", DB, *SINCE).stdout


def test_the_requests_that_only_one_way_saw_are_named(cli: Cli, home: Path) -> None:
    claude_file(home, 1, 2)
    telemetry(cli, "claude-code", claude_record(2), claude_record(3))

    session = session_of(check(cli, "--strict", code=1))

    assert (session["both"], session["only_file"], session["only_telemetry"]) == (1, 1, 1)
    assert seen(session) == {"req_1": "file", "req_3": "telemetry"}
    shown = cli("agents", "check", "--db", DB, *SINCE).stdout
    assert "only the file   req_1" in shown and "only telemetry  req_3" in shown


def test_nothing_is_recorded(cli: Cli, home: Path) -> None:
    claude_file(home, 1, 2)
    telemetry(cli, "claude-code", claude_record(2))
    with opened(DB) as service:
        before = service.store.log.head()

    check(cli)

    with opened(DB) as service:
        assert service.store.log.head() == before


@pytest.mark.parametrize(("order", "verdicts"), [("file", {"req_1": "file"}), ("telemetry", {"req_1": "file"})])
def test_in_a_store_that_takes_both_ways_too(cli: Cli, home: Path, order: str, verdicts: dict[str, str]) -> None:
    claude_file(home, 1, 2)
    ways = [lambda: telemetry(cli, "claude-code", claude_record(2)), lambda: cli("agents", "--db", DB, "--final")]
    for way in ways if order == "telemetry" else [ways[0], ways[1]]:
        way()

    assert seen(session_of(check(cli))) == verdicts


def test_what_was_read_at_once_and_would_come_second_by_telemetry_is_not_known(home: Path) -> None:
    claude_file(home, 1, 2)
    now = START + timedelta(hours=1)
    with opened(DB, privacy="full", clock=lambda: START + timedelta(minutes=1, seconds=20)) as service:
        attributes = {"service.name": "claude-code"}
        told = {"conversation_id": "s1", "agent_id": "claude-code", "provider": "anthropic"}
        for id, more in (("req_1", {"agent_version": "2"}), ("req_2", attributes)):
            data = {**told, "model": "claude-sonnet-4-5", "input_tokens": 103, "attributes": more}
            service.record_event(
                "provider.call.completed", data, id=id, source="claude-code", occurred_at=at(1)
            ).unwrap()

        (session,) = compared(service.store.log, declared("claude-code"), now=now).sessions

    assert (session.both, session.unknown, session.differs) == (1, 1, False)


def test_what_is_of_the_last_minute_is_not_judged(cli: Cli, home: Path) -> None:
    claude_file(home, 1, 2)
    telemetry(cli, "claude-code", claude_record(1))
    with opened(DB) as service:
        now = START + timedelta(minutes=2, seconds=30)
        (session,) = compared(service.store.log, declared("claude-code"), now=now).sessions

    assert (session.both, session.recent, session.differs) == (1, 1, False)


def test_sessions_that_one_way_alone_tells_are_counted_and_no_difference(cli: Cli, home: Path) -> None:
    claude_file(home, 1, session="here")
    telemetry(cli, "claude-code", claude_record(2, "elsewhere"))

    shown = cli("agents", "check", "--db", DB, *SINCE, "--strict")
    everything = cli("agents", "check", "--db", DB, *SINCE, "--all").stdout

    assert shown.exit_code == 0
    assert "1 in files alone, 1 by telemetry alone" in shown.stdout
    assert "here" in everything and "elsewhere" in everything


def test_a_store_without_telemetry_says_so(cli: Cli, home: Path) -> None:
    claude_file(home, 1)
    cli("agents", "--db", DB, "--final")

    shown = cli("agents", "check", "--db", DB, *SINCE, "--agent", "claude-code", "--strict")

    assert shown.exit_code == 0
    assert "Claude Code: no call of it came by telemetry, so there is nothing to compare" in shown.stdout
    assert "no call came into this store by telemetry" in shown.stdout


def test_a_policy_that_keeps_no_attributes_leaves_the_way_unknown(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claude_file(home, 1)
    Path("own.toml").write_text('[privacy]\npreset = "pseudonymous"\n[privacy.rules]\n"attributes.*" = "drop"\n')
    monkeypatch.setenv("ANALYTICS_ES_CONFIG", "own.toml")
    telemetry(cli, "claude-code", claude_record(1))

    (comparison,) = [entry for entry in check(cli)["agents"] if entry["agent"] == "claude-code"]

    assert comparison["told"] == {"unknown": 1}


def test_only_the_named_sessions_and_those_since_then_are_compared(cli: Cli, home: Path) -> None:
    claude_file(home, 1)
    claude_file(home, 61, session="s2")
    telemetry(cli, "claude-code", claude_record(2), claude_record(62, "s2"))

    def names(*words: str) -> list[str]:
        done = cli("agents", "check", "--db", DB, *words, "--json")
        return [session["session"] for entry in json.loads(done.stdout)["agents"] for session in entry["sessions"]]

    assert names(*SINCE) == ["s1", "s2"]
    assert names(*SINCE, "--session", "s2") == ["s2"]
    assert names("--since", "2026-05-01T10:30", "--tz", "UTC") == ["s2"]


# ── Gemini CLI, whose two ways have different ids ───────────────────────────────────────────────────────────────


def gemini_file(home: Path, *numbers: int) -> None:
    messages = [
        {
            "id": f"m{number}",
            "timestamp": at(number),
            "type": "gemini",
            "model": "gemini-2.5-pro",
            "tokens": {
                "input": 1000,
                "output": number,
                "cached": 400,
                "thoughts": 50,
                "tool": 0,
                "total": 1050 + number,
            },
        }
        for number in numbers
    ]
    path = home / ".gemini" / "tmp" / "hash" / "chats" / "session-1.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"sessionId": "s1", "messages": messages}))


def gemini_record(number: int, seconds: float = 3) -> dict[str, Any]:
    return {
        "event.name": "gemini_cli.api_response",
        "event.timestamp": at(number, seconds=seconds),
        "session.id": "s1",
        "prompt_id": f"p{number}",
        "model": "gemini-2.5-pro",
        "input_token_count": 1000,
        "output_token_count": number,
        "cached_content_token_count": 400,
        "thoughts_token_count": 50,
        "total_token_count": 1050 + number,
        "duration_ms": 2000,
        "auth_type": "gemini-api-key",
    }


@pytest.mark.parametrize("is_read", [False, True])
def test_one_call_under_two_ids_is_named_as_counted_twice(cli: Cli, home: Path, is_read: bool) -> None:
    gemini_file(home, 1, 2)
    telemetry(cli, "gemini-cli", gemini_record(1), gemini_record(2))
    if is_read:
        cli("agents", "--db", DB, "--final")

    session = session_of(check(cli, "--strict", code=1), "gemini-cli")

    assert (session["twice"], session["only_file"], session["only_telemetry"]) == (2, 0, 0)
    call = session["calls"][0]
    assert (call["id"].endswith("m1"), call["other_id"].startswith("s1:p1:")) == (True, True)
    assert len(call["positions"]) == 1 + is_read
    assert "turn the agent's telemetry off" in cli("agents", "check", "--db", DB, *SINCE).stdout


@pytest.mark.parametrize(
    ("change", "same"),
    [({}, True), ({"seconds": 11.9}, True), ({"seconds": 13}, False), ({"tokens": 7}, False)],
)
def test_what_is_far_in_time_or_says_other_figures_is_another_call(
    cli: Cli, home: Path, change: dict[str, float], same: bool
) -> None:
    gemini_file(home, 1)
    record = gemini_record(1, change.get("seconds", 3))
    record["output_token_count"] = int(change.get("tokens", 1))
    record["total_token_count"] = 1050 + record["output_token_count"]
    telemetry(cli, "gemini-cli", record)

    session = session_of(check(cli), "gemini-cli")

    assert (session["twice"], session["only_file"], session["only_telemetry"]) == ((1, 0, 0) if same else (0, 1, 1))


# ── Codex ───────────────────────────────────────────────────────────────────────────────────────────────────────

THREAD = "0196a000-0000-7000-8000-000000000001"
USED = (1000, 400, 50, 20)


def codex_record(counts: rollouts.Usage, second: float) -> dict[str, Any]:
    names = ("input_token_count", "cached_token_count", "output_token_count", "reasoning_token_count")
    return {
        "event.name": "codex.sse_event",
        "event.kind": "response.completed",
        "event.timestamp": at(0, seconds=second),
        "conversation.id": THREAD,
        "model": "gpt-5",
        "tool_token_count": counts[0] + counts[2],
        **dict(zip(names, counts, strict=True)),
    }


@pytest.mark.parametrize("recorded", [False, True], ids=["counter", "records"])
def test_codex_counts_twice_in_a_store_that_takes_both_ways(cli: Cli, home: Path, recorded: bool) -> None:
    more = (2000, 900, 70, 10)
    lines = [rollouts.meta(THREAD), rollouts.turn(1)]
    if recorded:
        lines += [rollouts.record("resp_1", THREAD, USED, 5), rollouts.record("resp_2", THREAD, more, 20)]
    else:
        lines += [rollouts.count(USED, USED, 5), rollouts.count(rollouts.added(USED, more), more, 20)]
    write(home / ".codex" / "sessions" / "2026" / "05" / "01" / "rollout-a.jsonl", lines)
    telemetry(cli, "codex_cli_rs", codex_record(USED, 4.7), codex_record((5, 0, 1, 0), 50))

    session = session_of(check(cli), "codex", THREAD)

    assert [call["verdict"] for call in session["calls"]] == ["twice", "file", "telemetry"]
    assert session["calls"][0]["other_id"].startswith(f"{THREAD}:2026-05-01T10:00:04")


def test_calls_that_say_the_same_are_matched_one_to_one_by_time(cli: Cli, home: Path) -> None:
    totals = [rollouts.added(*[USED] * number) for number in (1, 2, 3)]
    counts = [rollouts.count(total, USED, 5 + 3 * number) for number, total in enumerate(totals)]
    write(home / ".codex" / "sessions" / "rollout-a.jsonl", [rollouts.meta(THREAD), rollouts.turn(1), *counts])
    telemetry(cli, "codex_cli_rs", codex_record(USED, 5.1), codex_record(USED, 11.1))

    session = session_of(check(cli), "codex", THREAD)

    assert [(call["verdict"], call["at"][17:19]) for call in session["calls"]] == [
        ("twice", "05"),
        ("file", "08"),
        ("twice", "11"),
    ]
