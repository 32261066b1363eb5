"""Traps that readers of sessions fall into, as files of a few lines, and what is right: by day, calls, tokens, cost."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from tests.ingest.sessions.ledger import Ledger

pytestmark = pytest.mark.store(tags=["machine", "project"])  # as a ledger has them

CASES = Path(__file__).parent / "cases"
EXPECTED: dict[str, dict[str, dict[str, Any]]] = json.loads((CASES / "expected.json").read_text())
AGENTS = {
    "claude": ("claude-code", "CLAUDE_CONFIG_DIR"),
    "codex": ("codex", "CODEX_HOME"),
    "gemini": ("gemini-cli", "GEMINI_DATA_DIR"),
}


def read(analytics: AnalyticsService, case: str, folder: Path, patch: pytest.MonkeyPatch) -> Ledger:
    """Read the files of a case into a ledger."""
    agent, variable = AGENTS[case.partition("/")[0]]
    patch.setenv(variable, str(CASES / case))
    ledger = Ledger(analytics, folder, (agent,))
    ledger.read()
    analytics.catch_up()
    return ledger


@pytest.mark.parametrize("case", EXPECTED)
def test_the_ledger_has_what_is_right(
    case: str, analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days: dict[str, dict[str, Any]] = defaultdict(lambda: defaultdict(int))
    for event in read(analytics, case, tmp_path, monkeypatch).events():
        day = days[event.occurred_at.date().isoformat()]
        day["calls"] += 1
        day["total_tokens"] += event.data.get("input_tokens", 0) + event.data.get("output_tokens", 0)
        for name, count in event.data.items():
            if name.endswith("_tokens"):
                day[name] += count

    expected = {
        day: {name: right for name, right in told.items() if name not in ("cost_usd", "note")}
        for day, told in EXPECTED[case].items()
    }
    assert {day: {name: told[name] for name in expected.get(day, {})} for day, told in days.items()} == expected


@pytest.mark.parametrize("case", [case for case, days in EXPECTED.items() if "cost_usd" in str(days)])
def test_it_costs_what_is_right_or_nobody_knows_what(
    case: str, analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(analytics, case, tmp_path, monkeypatch)
    ((day, right),) = EXPECTED[case].items()

    (row,) = analytics.get_cost_breakdown(TimePeriod.day(day)).unwrap().rows

    assert row.cost == (None if right["cost_usd"] is None else Decimal(right["cost_usd"]))


def test_the_standard_price_is_never_that_of_fast_answers(
    analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(analytics, "claude/fast", tmp_path, monkeypatch)

    (row,) = analytics.get_cost_breakdown(TimePeriod.day("2026-05-01")).unwrap().rows

    assert row.cost is None
