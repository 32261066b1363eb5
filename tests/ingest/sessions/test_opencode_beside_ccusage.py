"""OpenCode beside ccusage, a reader that many people trust: the same tokens by day and model, but where it errs.

What it errs in is said by each test; `ccusage.py` says where it is taken from.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from analytics_es import AnalyticsService
from tests.ingest.sessions import ccusage
from tests.ingest.sessions.databases import made
from tests.ingest.sessions.ledger import Json, Ledger

pytestmark = pytest.mark.store(tags=["machine", "project"])

BEGIN = 1_777_600_000_000
MODELS = (("anthropic", "claude-sonnet-4-5"), ("openai", "gpt-5"), ("google", "gemini-2.5-pro"))
KINDS = ("input", "output", "cache_read", "cache_creation")
Counts = Counter[tuple[str, str, str]]
TABLES = """
CREATE TABLE session (id TEXT PRIMARY KEY, directory TEXT, time_created INTEGER, time_updated INTEGER);
CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);
CREATE TABLE session_v2 (id TEXT PRIMARY KEY, directory TEXT, fork_session_id TEXT);
CREATE TABLE session_message (id TEXT PRIMARY KEY, session_id TEXT, type TEXT, seq INTEGER, time_created INTEGER,
  time_updated INTEGER, data TEXT);
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENCODE_DATA_DIR", str(tmp_path / "opencode"))
    return tmp_path / "opencode"


@pytest.fixture
def ledger(analytics: AnalyticsService, tmp_path: Path, folder: Path) -> Ledger:
    return Ledger(analytics, tmp_path, ("opencode",))


def answers(seed: int, number: int = 500) -> list[Json]:
    """Return messages of a few days: most finished, some without usage."""
    chance = random.Random(seed)
    found = []
    for index in range(number):
        provider, model = chance.choice(MODELS)
        begun = BEGIN + index * 600_000 + chance.randrange(1000)
        counts = [chance.choice((0, chance.randrange(5), chance.randrange(100_000))) for _ in range(4)]
        usage = {
            "input": counts[0],
            "output": counts[1],
            "reasoning": 0,
            "cache": {"read": counts[2], "write": counts[3]},
        }
        found.append(
            {
                "id": f"msg_{index:05}",
                "sessionID": f"ses_{chance.randrange(20)}",
                "role": "assistant",
                "providerID": provider,
                "modelID": model,
                "cost": 0,
                "tokens": usage,
                "time": {"created": begun, "completed": begun + chance.randrange(1, 60_000)},
            }
        )
    return found


def write_files(folder: Path, messages: list[Json]) -> None:
    for message in messages:
        path = folder / f"storage/message/{message['sessionID']}/{message['id']}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(message))


def write_rows(folder: Path, messages: list[Json], *, generation: int) -> None:
    with closing(sqlite3.connect(made(folder / "opencode.db", TABLES))) as connection, connection:
        for number, message in enumerate(messages):
            created = message["time"]["created"]
            data = {name: told for name, told in message.items() if name not in ("id", "sessionID")}
            own, session = message["id"], message["sessionID"]
            connection.execute("INSERT OR IGNORE INTO session VALUES (?, '/srv/shop', 1, 1)", (session,))
            if generation == 1:
                row: tuple[object, ...] = (own, session, created, created, json.dumps(data))
                connection.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?)", row)
            else:
                data["model"] = {"id": data.pop("modelID"), "providerID": data.pop("providerID")}
                connection.execute("INSERT OR IGNORE INTO session_v2 VALUES (?, '/srv/shop', NULL)", (session,))
                row = (own, session, data.pop("role"), number, created, created, json.dumps(data))
                connection.execute("INSERT INTO session_message VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def of_ccusage(folder: Path, tmp_path: Path) -> Counts:
    """Return what ccusage counts, by day, model and kind."""
    return ccusage.says("opencode", folder, tmp_path / "nobody").tokens


def of_ours(ledger: Ledger) -> Counts:
    """Return what ours counts, as ccusage says it: without thoughts."""
    counts: Counts = Counter()
    for event in ledger.events():
        tokens = {kind: event.data.get(f"{kind}_tokens", 0) for kind in KINDS}
        tokens["output"] -= event.data.get("reasoning_tokens", 0)
        day = event.occurred_at.date().isoformat()
        counts.update({(day, str(event.data["model"]), kind): count for kind, count in tokens.items()})
    return +counts


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kept", ["files", "version 1", "version 2"])
def test_both_count_the_same(ledger: Ledger, folder: Path, tmp_path: Path, seed: int, kept: str) -> None:
    messages = answers(seed)
    if kept == "files":
        write_files(folder, messages)
    else:
        write_rows(folder, messages, generation=int(kept[-1]))
    ledger.read()
    assert of_ours(ledger) == of_ccusage(folder, tmp_path)


def test_it_counts_the_calls_that_a_fork_copies_once_more(ledger: Ledger, folder: Path, tmp_path: Path) -> None:
    """Copies have new ids, by which it tells calls apart: ccusage #1780."""
    message = {**answers(1)[1], "tokens": {"input": 10, "output": 5, "reasoning": 0, "cache": {"read": 3, "write": 2}}}
    write_rows(folder, [message, {**message, "id": "msg_copy", "sessionID": "ses_fork"}], generation=2)
    ledger.read()
    ours = of_ours(ledger)
    assert {kind: count for (_, _, kind), count in ours.items()} == {
        "input": 15,
        "output": 5,
        "cache_read": 3,
        "cache_creation": 2,
    }
    assert of_ccusage(folder, tmp_path) == ours + ours


def test_it_does_not_count_what_a_compaction_used(ledger: Ledger, folder: Path, tmp_path: Path) -> None:
    """Version 2 tells it in a row of its own type."""
    message = answers(1)[1] | {"tokens": {"input": 10, "output": 5}, "time": {"created": BEGIN}, "status": "completed"}
    write_rows(folder, [{**message, "role": "compaction"}], generation=2)
    ledger.read()
    assert {kind: count for (_, _, kind), count in of_ours(ledger).items()} == {"input": 10, "output": 5}
    assert of_ccusage(folder, tmp_path) == Counter()
