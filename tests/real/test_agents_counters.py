"""Sessions that others publish as fixtures, with the figures that their own reader takes from them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from tests.ingest.sessions.ledger import Ledger

# agentmeasure (MIT) brings sessions of Codex, and a reader whose counters are cumulative: the last one is the sum.
others: Any = pytest.importorskip(
    "am_healthcheck.codex", reason="compares with the reader of agentmeasure: pip install agentmeasure==0.8.0"
)
FIXTURES = sorted((Path(others.__file__).parent / "fixtures").glob("codex-*.jsonl"))
PARTS = {
    "input_tokens": "input_tokens",
    "cache_read_tokens": "cached_input",
    "output_tokens": "output_tokens",
    "reasoning_tokens": "reasoning_output",
}


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_calls_add_up_to_the_last_counter_that_another_reader_finds(
    analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    session = tmp_path / "codex/sessions/2026/09/04/rollout-2026-09-04T10-00-00-x.jsonl"
    session.parent.mkdir(parents=True)
    shutil.copy(path, session)
    ledger = Ledger(analytics, tmp_path, ("codex",))

    ledger.read()

    counters = [counter for found in others.parse_files([str(path)]) for counter in found.tokens[-1:]]
    calls = ledger.calls().values()
    ours = {name: sum(call.get(name, 0) for call in calls) for name in PARTS}
    assert ours == {name: sum(getattr(counter, their) for counter in counters) for name, their in PARTS.items()}
