"""The agents that keep databases and totals: what is read of folders as they write them, against figures by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from tests.ingest.sessions.databases import FIXTURES, folder_of
from tests.ingest.sessions.ledger import Ledger, tokens_of

pytestmark = pytest.mark.store(tags=["machine", "project"])

VARIABLES = {
    "opencode": "OPENCODE_DATA_DIR",
    "kilo": "KILO_DATA_DIR",
    "goose": "GOOSE_PATH_ROOT",
    "droid": "DROID_SESSIONS_DIR",
    "amp": "AMP_DATA_DIR",
}
SECRET = "nobody is to read"
Json = dict[str, Any]


def expected(agent: str) -> dict[str, Json]:
    cases: dict[str, Json] = json.loads((FIXTURES / agent / "figures.json").read_text())
    return cases


CASES = [(agent, case) for agent in VARIABLES for case in expected(agent)]
ALL = ("provider.call.completed", "provider.call.failed", "tool.call.completed", "tool.call.failed")


def told(ledger: Ledger) -> dict[str, Json]:
    """Return all that was recorded, by id and by the names of the expectations."""
    events: dict[str, Json] = {}
    for event in ledger.events(*ALL):
        data = dict(event.data)
        events[event.id] = {
            "at": event.occurred_at.isoformat(),
            "type": event.type,
            **data,
            **tokens_of(data),
            **data["attributes"],
        }
    return events


@pytest.mark.parametrize(("agent", "case"), CASES)
def test_what_a_folder_tells_is_recorded_once(
    analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agent: str, case: str
) -> None:
    monkeypatch.setenv(VARIABLES[agent], str(folder_of(agent, case, tmp_path)))
    ledger, events = Ledger(analytics, tmp_path, (agent,)), expected(agent)[case]
    skipped = events.pop("skipped")
    report = ledger.read()
    recorded = told(ledger)
    assert {id: {name: recorded.get(id, {}).get(name) for name in event} for id, event in events.items()} == events
    assert set(recorded) == set(events)
    for id, event in recorded.items():  # nothing more is counted than what is expected
        counts = {name for name in event if name in ("input", "output", "reasoning", "cache_read", "cache_creation")}
        assert counts <= set(events[id]), id
    assert (dict(report.skipped), report.problems, report.unknown) == (skipped, {}, {})
    ledger.lose_state()
    assert ledger.read().events == 0


@pytest.mark.parametrize(("agent", "case"), CASES)
def test_nothing_that_was_said_and_no_path_is_stored(
    analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agent: str, case: str
) -> None:
    monkeypatch.setenv(VARIABLES[agent], str(folder_of(agent, case, tmp_path)))
    ledger = Ledger(analytics, tmp_path, (agent,))
    ledger.read()
    stored = str([dict(event.data) for event in ledger.events(*ALL)])
    state = b"".join(path.read_bytes() for path in tmp_path.glob("state.db*"))
    assert SECRET not in stored
    assert "secret-customer" not in stored
    assert SECRET.encode() not in state
    assert b"/srv/secret-customer" not in state
