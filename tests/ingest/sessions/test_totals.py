"""Agents that tell totals of sessions, not calls: at each look what they grew by is recorded, once."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from tests.ingest.sessions.databases import CHANGED, folder_of, run
from tests.ingest.sessions.ledger import Ledger

pytestmark = pytest.mark.store(tags=["machine", "project"])

COUNTS = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheCreationTokens", "thinkingTokens")


@pytest.fixture
def ledger(analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setenv("DROID_SESSIONS_DIR", str(tmp_path / "droid"))
    return Ledger(analytics, tmp_path, ("droid",))


def settings(ledger: Ledger, *counts: int, at: int = CHANGED, name: str = "s1", **more: Any) -> Path:
    """Write a session's settings as Droid does, with totals of input, output, read, written and thoughts."""
    path = ledger.folder / f"droid/-srv-shop/{name}.settings.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    usage = dict(zip(COUNTS, counts, strict=False))
    path.write_text(json.dumps({"model": "claude-opus-4-5", "tokenUsage": usage, **more}))
    os.utime(path, (at, at))
    return path


def sent(ledger: Ledger) -> dict[str, tuple[int, int]]:
    """Return what was sent and given back, by id."""
    return {id: (data.get("input_tokens", 0), data.get("output_tokens", 0)) for id, data in ledger.calls().items()}


def test_each_look_records_what_came_since(ledger: Ledger) -> None:
    settings(ledger, 100, 10)
    ledger.read()
    settings(ledger, 150, 30, 1000, at=CHANGED + 3600)
    ledger.read()
    assert sent(ledger) == {"s1:100:10:0:0:0": (100, 10), "s1:150:30:1000:0:0": (1050, 20)}
    assert [event.occurred_at.hour for event in ledger.events()] == [11, 12]


def test_what_was_recorded_before_is_known_when_all_else_is_lost(ledger: Ledger) -> None:
    settings(ledger, 100, 10)
    ledger.read()
    ledger.lose_state()
    settings(ledger, 150, 30, at=CHANGED + 3600)
    ledger.read()
    assert sent(ledger) == {"s1:100:10:0:0:0": (100, 10), "s1:150:30:0:0:0": (50, 20)}
    ledger.lose_state()
    assert ledger.read().events == 0


@pytest.mark.store(privacy={"rules": {"attributes.*": "drop"}}, tags=["machine", "project"])
def test_what_was_recorded_is_known_though_the_policy_leaves_out_all_attributes(ledger: Ledger) -> None:
    settings(ledger, 100, 10)
    ledger.read()
    ledger.lose_state()
    settings(ledger, 150, 30, at=CHANGED + 3600)
    ledger.read()
    assert sent(ledger) == {"s1:100:10:0:0:0": (100, 10), "s1:150:30:0:0:0": (50, 20)}


def test_a_copy_of_a_session_adds_nothing(ledger: Ledger) -> None:
    path = settings(ledger, 100, 10)
    copy = path.parent.parent / "backup" / path.name
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())
    assert ledger.read().events == 1


def test_a_total_below_what_was_recorded_is_counted_and_adds_nothing(ledger: Ledger) -> None:
    settings(ledger, 100, 10)
    ledger.read()
    settings(ledger, 90, 10, at=CHANGED + 60)
    assert ledger.read().skipped == {"total below what was recorded of it": 1}
    settings(ledger, 110, 10, at=CHANGED + 120)
    ledger.read()
    assert sent(ledger) == {"s1:100:10:0:0:0": (100, 10), "s1:110:10:0:0:0": (10, 0)}


def test_a_session_that_used_nothing_tells_nothing(ledger: Ledger) -> None:
    settings(ledger, 0, 0)
    settings(ledger, name="s2")
    report = ledger.read()
    assert (report.events, dict(report.skipped), report.problems) == (0, {}, {})


@pytest.mark.parametrize(
    ("told", "model"),
    [
        ("claude-opus-4-5-20251101", "claude-opus-4-5-20251101"),
        ("gpt-5.1-codex", "gpt-5.1-codex"),
        ("custom:GLM-4.6-[Z.AI-Coding-Plan]-0", "glm-4.6"),
        ("custom:Claude-Sonnet-4.5 [Proxy]", "claude-sonnet-4.5"),
    ],
)
def test_a_model_is_named_as_its_maker_names_it(ledger: Ledger, told: str, model: str) -> None:
    settings(ledger, 1, 1, model=told)
    ledger.read()
    assert ledger.call()["model"] == model


def test_a_model_that_nothing_tells_is_unknown(ledger: Ledger) -> None:
    settings(ledger, 1, 1, model=None)
    ledger.read()
    assert ledger.call().get("model") is None


# ── Goose ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def goose(analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Ledger, Path]:
    folder = folder_of("goose", "totals", tmp_path)
    monkeypatch.setenv("GOOSE_PATH_ROOT", str(folder))
    return Ledger(analytics, tmp_path, ("goose",)), folder / "data/sessions/sessions.db"


COUNTED = "20260430_1@1777539600:1300:200:0:0:50"


def test_totals_of_goose_grow(goose: tuple[Ledger, Path]) -> None:
    ledger, database = goose
    ledger.read()
    run(
        database,
        "UPDATE sessions SET accumulated_total_tokens = 1750, accumulated_input_tokens = 1500 WHERE id LIKE '%_1'",
    )
    ledger.read()
    assert sent(ledger) == {COUNTED: (1300, 200), "20260430_1@1777539600:1500:250:0:0:100": (200, 50)}


def test_when_goose_begins_a_ledger_what_is_carried_forward_is_known(goose: tuple[Ledger, Path]) -> None:
    ledger, database = goose
    ledger.read()
    run(
        database,
        """
        ALTER TABLE sessions ADD COLUMN accumulated_cache_read_tokens INTEGER;
        ALTER TABLE sessions ADD COLUMN accumulated_cache_write_tokens INTEGER;
        ALTER TABLE sessions ADD COLUMN parent_session_id TEXT;
        CREATE TABLE usage_ledger (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT, created_timestamp INTEGER,
          model TEXT, input_tokens INTEGER, output_tokens INTEGER, total_tokens INTEGER, cache_read_tokens INTEGER,
          cache_write_tokens INTEGER, cost REAL, cost_source TEXT, is_compaction INTEGER DEFAULT 0);
        INSERT INTO usage_ledger VALUES (1, '20260430_1', 1777636825, NULL, 1300, 150, 1500, 0, 0, NULL,
          'carried_forward', 0);
        INSERT INTO usage_ledger VALUES (2, '20260430_1', 1777636825, 'gemini-2.5-pro', 70, 7, 77, 60, 0, NULL, NULL,
          0);
        UPDATE sessions SET accumulated_total_tokens = 1577, accumulated_input_tokens = 1370,
          accumulated_output_tokens = 157, accumulated_cache_read_tokens = 60 WHERE id = '20260430_1';
        """,
    )
    ledger.read()
    assert sent(ledger) == {COUNTED: (1300, 200), "20260430_1:2:1777636825": (70, 7)}


def test_sessions_of_one_name_on_two_machines_are_two(goose: tuple[Ledger, Path]) -> None:
    ledger, database = goose
    ledger.read()
    run(database, "UPDATE sessions SET created_at = '2026-04-30 09:30:00' WHERE id = '20260430_1'")
    ledger.read()
    assert sent(ledger) == {COUNTED: (1300, 200), COUNTED.replace("1777539600", "1777541400"): (1300, 200)}


def test_only_new_rows_of_a_ledger_are_read(
    analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of("goose", "ledger", tmp_path)
    monkeypatch.setenv("GOOSE_PATH_ROOT", str(folder))
    ledger = Ledger(analytics, tmp_path, ("goose",))
    assert ledger.read().calls == 3
    with closing(sqlite3.connect(folder / "data/sessions/sessions.db")) as goose, goose:
        goose.execute(
            "INSERT INTO usage_ledger (session_id, created_timestamp, model, input_tokens, output_tokens, total_tokens)"
            " VALUES ('20260430_1', 1777636900, 'claude-sonnet-4-5', 9, 1, 10)"
        )
        goose.execute(
            "UPDATE sessions SET accumulated_total_tokens = 1650, accumulated_input_tokens = 1509,"
            " accumulated_output_tokens = 141"
        )
    report = ledger.read()
    assert (report.calls, dict(report.skipped)) == (1, {})
