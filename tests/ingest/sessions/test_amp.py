"""Amp's threads: of which event of its ledger a message tells the cache, and what tells events apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from tests.ingest.sessions.ledger import Json, Ledger

pytestmark = pytest.mark.store(tags=["machine", "project"])  # as a ledger has them

CACHE = {"cacheCreationInputTokens": 300, "cacheReadInputTokens": 4000}


@pytest.fixture
def ledger(analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setenv("AMP_DATA_DIR", str(tmp_path / "amp"))
    return Ledger(analytics, tmp_path, ("amp",))


def event(taken: int, given: int, minute: int = 0, **told: Any) -> Json:
    at = f"2026-05-01T10:{minute:02}:00Z"
    return {"timestamp": at, "model": "claude-sonnet-4-5", "tokens": {"input": taken, "output": given}, **told}


def answer(taken: int = 10, given: int = 20, **told: Any) -> Json:
    usage = {"model": "claude-sonnet-4-5", "inputTokens": taken, "outputTokens": given, **CACHE, **told}
    return {"role": "assistant", "messageId": 1, "usage": usage}


def write_thread(ledger: Ledger, *messages: Json, **told: Any) -> None:
    path = ledger.folder / "amp/threads/T-1.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"id": "T-1", "created": 1_777_629_600_000, "messages": list(messages), **told}))


def test_events_without_an_id_are_told_apart_by_what_they_tell(ledger: Ledger) -> None:
    write_thread(ledger, usageLedger={"events": [event(7, 8), event(9, 9, 1), event(9, 9, 1)]})

    ledger.read()

    assert [tokens["input"] for tokens in ledger.tokens().values()] == [7, 9]


def test_of_several_events_of_a_message_the_one_with_its_counts_has_its_cache(ledger: Ledger) -> None:
    events = [event(5, 6, id="e1", toMessageId=1), event(10, 20, 1, id="e2", toMessageId=1)]
    write_thread(ledger, answer(), usageLedger={"events": events})

    ledger.read()

    assert ledger.tokens() == {
        "T-1:e1": {"input": 5, "output": 6},
        "T-1:1": {"input": 4310, "output": 20, "cache_read": 4000, "cache_creation": 300},
    }


def test_a_message_of_several_events_that_is_exported_later_adds_nothing(ledger: Ledger) -> None:
    events = [event(5, 6, id="e1", toMessageId=1), event(10, 20, 1, id="e2", toMessageId=1)]
    write_thread(ledger, answer(), usageLedger={"events": events})
    ledger.read()
    write_thread(ledger, answer(timestamp="2026-05-01T10:01:00Z"))

    assert ledger.read().events == 0
