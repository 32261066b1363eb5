"""Where the ledger and ccusage differ: what is right and why, and that ccusage says otherwise, where it is there."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from analytics_es import AnalyticsService, TimePeriod
from tests.ingest.sessions import ccusage
from tests.ingest.sessions.ledger import Json, Ledger, tokens_of, write
from tests.ingest.sessions.rollouts import added, count, meta, record, spawned, turn
from tests.ingest.sessions.test_claude_code import line

pytestmark = pytest.mark.store(tags=["machine", "project"])  # as a ledger has them

Files = dict[str, list[Json | str]]


@frozen(kw_only=True)
class Difference:
    """A difference.

    agent: of whose sessions; files: lines by path below its home; why: why the ledger is right.
    right, theirs: tokens of the input, all with what was cached, and of the output, that the ledger and ccusage count.
    cost, their_cost: in USD, where the difference is one of cost; None is unknown.
    """

    agent: str
    files: Files
    why: str
    right: tuple[int, int]
    theirs: tuple[int, int]
    cost: str | None = ""
    their_cost: float = 0.0


def claude(*lines: Json | str, copy: tuple[Json, ...] = ()) -> Files:
    return {"projects/p/s1.jsonl": list(lines), **({"projects/p/s2.jsonl": list(copy)} if copy else {})}


def empty(**usage: Any) -> Json:
    """Return the usage of an answer that counts nothing else."""
    none = {"input_tokens": 0, "output_tokens": 0, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
    return {f"usage__{name}": told for name, told in {**none, "cache_creation": {}, **usage}.items()}


def nameless(told: Json) -> Json:
    return told | {"message": {name: part for name, part in told["message"].items() if name != "id"}}


def opencode(**changes: Any) -> Json:
    """Return a message of OpenCode's that is finished."""
    return {
        "id": "msg_1",
        "sessionID": "ses_1",
        "role": "assistant",
        "providerID": "anthropic",
        "modelID": "claude-sonnet-4-5",
        "cost": 0,
        "tokens": {"input": 100, "output": 50, "reasoning": 0, "cache": {"read": 10, "write": 20}},
        "time": {"created": 1_777_636_800_000, "completed": 1_777_636_804_000},
        **changes,
    }


A, B, C = (1000, 200, 100, 50), (2000, 1000, 200, 80), (500, 0, 50, 0)
ROLLOUT = "sessions/2026/05/01/rollout-a.jsonl"
HOUR = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 1_000_000}
BEGAN = {"type": "message", "model": "claude-fable-5", "input_tokens": 2, "output_tokens": 578}

DIFFERENCES = {
    "a copy of a line without its request": Difference(
        agent="claude-code",
        files=claude(line(), line(None)),
        why="both are one answer, by the message's id; versions and wrapped lines leave out the request's",
        right=(113, 50),
        theirs=(226, 100),
    ),
    "a fork of a session without requests": Difference(
        agent="claude-code",
        files=claude(line(None), copy=(line(None, sessionId="s2"),)),
        why="a fork copies the lines of its parent; the message was answered once",
        right=(113, 50),
        theirs=(226, 100),
    ),
    "a copy of a line without the message's id": Difference(
        agent="claude-code",
        files=claude(nameless(line()), copy=(nameless(line()),)),
        why="the request's id says that both are one answer",
        right=(113, 50),
        theirs=(226, 100),
    ),
    "an answer under two requests that is not marked": Difference(
        agent="claude-code",
        files=claude(line(), line("req_2", usage__cache_read_input_tokens=50_000, timestamp="2026-05-01T11:00:00Z")),
        why="ids of messages are never given twice: the second line tells the first answer again",
        right=(113, 50),
        theirs=(113 + 50_013, 100),
    ),
    "a space after a colon": Difference(
        agent="claude-code",
        files=claude(json.dumps(line())),
        why="it is the same JSON",
        right=(113, 50),
        theirs=(0, 0),
    ),
    "fields that are null": Difference(
        agent="claude-code",
        files=claude(line(usage__cache_read_input_tokens=None, usage__iterations=None)),
        why="what is null is not told; the rest of the line is",
        right=(13, 50),
        theirs=(0, 0),
    ),
    "a model that gave way to another midway": Difference(
        agent="claude-code",
        files=claude(line(usage__iterations=[BEGAN, {"type": "fallback_message", "input_tokens": 3}])),
        why="what it had answered is billed, and its tokens stand in no other place",
        right=(113 + 2, 50 + 578),
        theirs=(113, 50),
    ),
    "a call above the threshold of a tiered price": Difference(
        agent="claude-code",
        files=claude(line(**empty(input_tokens=300_000, output_tokens=1000))),
        why="the higher price holds for the whole request, not for what is above 200,000 alone",
        right=(300_000, 1000),
        theirs=(300_000, 1000),
        cost="1.8225",
        their_cost=1.215,
    ),
    "what is kept in the cache for an hour": Difference(
        agent="claude-code",
        files=claude(line(**empty(cache_creation_input_tokens=1_000_000, cache_creation=HOUR))),
        why="it costs twice the input's price, and above 200,000 tokens the tier's, for the whole request",
        right=(1_000_000, 0),
        theirs=(1_000_000, 0),
        cost="12",
        their_cost=10.8,
    ),
    "searches": Difference(
        agent="claude-code",
        files=claude(line(**empty(output_tokens=1000, server_tool_use={"web_search_requests": 3}))),
        why="1,000 of them cost 10 dollars, beside the tokens",
        right=(0, 1000),
        theirs=(0, 1000),
        cost="0.045",
        their_cost=0.015,
    ),
    "a model that nobody knows": Difference(
        agent="claude-code",
        files=claude(line(message__model="llama-99")),
        why="what it costs is unknown, and not nothing",
        right=(113, 50),
        theirs=(113, 50),
        cost=None,
        their_cost=0.0,
    ),
    "a total below the highest, out of order": Difference(
        agent="codex",
        files={
            ROLLOUT: [
                *(meta("a"), turn(), count(A, A, 1), count(added(A, B), B, 60)),
                *(count(A, A, 61), count(added(A, B, C), C, 120)),
            ]
        },
        why="a total only grows: a lower one that was there before was written late, and starts nothing anew",
        right=(3500, 350),
        theirs=(4500, 450),
    ),
    "two calls of a subagent within a second": Difference(
        agent="codex",
        files={
            ROLLOUT: [meta("a"), turn(), count(A, A, 1)],
            "sessions/2026/05/02/rollout-c.jsonl": [
                *(spawned("c", "a", 86_400), meta("a", 86_400), turn(86_400.1)),
                *(count((700, 0, 40, 0), (700, 0, 40, 0), 86_401.1),),
                *(count((1600, 500, 100, 0), (900, 500, 60, 0), 86_401.9),),
            ],
        },
        why="they are none of its parent's: since 0.142 nothing of it is repeated in a subagent's file",
        right=(2600, 200),
        theirs=(1000, 100),
    ),
    "records of calls alone": Difference(
        agent="codex",
        files={ROLLOUT: [meta("a"), turn(), record("resp_1", "a", A, 1), record("resp_2", "a", B, 60)]},
        why="each is a response, under its id; since September 2026 they are the source, and sometimes the only one",
        right=(3000, 300),
        theirs=(0, 0),
    ),
    "an empty last usage beside a total": Difference(
        agent="codex",
        files={ROLLOUT: [meta("a"), turn(), count(A, A, 1), count(added(A, B), {}, 60)]},
        why="the total has grown by what the call used",
        right=(3000, 300),
        theirs=(1000, 100),
    ),
    "a fork of a session": Difference(
        agent="opencode",
        files={
            "storage/message/ses_1/msg_1.json": [opencode()],
            "storage/message/ses_2/msg_2.json": [opencode(id="msg_2", sessionID="ses_2")],
        },
        why="a fork copies messages under new ids; by their times and counts they are one answer (ccusage #1780)",
        right=(130, 50),
        theirs=(260, 100),
    ),
    "what Qwen Code read from the cache": Difference(
        agent="qwen-code",
        files={
            "projects/p/chats/q1.jsonl": [
                {
                    "uuid": "x",
                    "sessionId": "q1",
                    "timestamp": "2026-05-01T10:00:00Z",
                    "type": "assistant",
                    "model": "qwen3-coder-plus",
                    "usageMetadata": {
                        "promptTokenCount": 1000,
                        "candidatesTokenCount": 100,
                        "thoughtsTokenCount": 50,
                        "cachedContentTokenCount": 400,
                        "totalTokenCount": 1150,
                    },
                }
            ]
        },
        why="it is a part of what went in, as the total says: 1,000 and 150 are 1,150",
        right=(1000, 150),
        theirs=(1400, 100),
    ),
}
EACH = pytest.mark.parametrize("difference", DIFFERENCES.values(), ids=DIFFERENCES)


@pytest.fixture
def home(difference: Difference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the agent's home, with its files."""
    home = tmp_path / "agent"
    monkeypatch.setenv(ccusage.AGENTS[difference.agent].variable, str(home))
    for path, lines in difference.files.items():
        write(home / path, lines)
    return home


@EACH
def test_the_ledger_counts_what_is_right(
    difference: Difference, home: Path, analytics: AnalyticsService, tmp_path: Path
) -> None:
    ledger = Ledger(analytics, tmp_path, (difference.agent,))

    ledger.read()

    tokens: Counter[str] = sum((Counter(tokens_of(event.data)) for event in ledger.events()), Counter())
    assert (tokens["input"], tokens["output"]) == difference.right, difference.why
    if difference.cost != "":
        analytics.catch_up()
        (row,) = analytics.get_cost_breakdown(TimePeriod.day("2026-05-01")).unwrap().rows
        assert row.cost == (Decimal(difference.cost) if difference.cost else None), difference.why


@EACH
def test_ccusage_says_otherwise(difference: Difference, home: Path, tmp_path: Path) -> None:
    said = ccusage.says(difference.agent, home, tmp_path / "nobody")

    tokens: Counter[str] = Counter()
    for (_, _, kind), number in said.tokens.items():
        tokens[kind] += number
    assert (tokens["input"], tokens["output"]) == difference.theirs
    assert difference.right != difference.theirs or round(said.cost, 6) == difference.their_cost
