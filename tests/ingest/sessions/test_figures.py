"""What is there before differs where its figures do: not where another machine, or the other way, told them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics_es.ingest.sessions import recording
from analytics_es.ingest.sessions.figures import differing
from analytics_es.testing import tool_call
from tests.ingest.sessions.ledger import Ledger, write
from tests.stores import opened

USED = {"input_tokens": 103, "output_tokens": 7, "cache_read_tokens": 100, "model": "claude-sonnet-4-5"}


@pytest.mark.parametrize(
    ("change", "differ"),
    [
        ({}, []),
        ({"user_id": "bob", "attributes": {"machine": "desk"}, "duration_ms": 9}, []),
        ({"output_tokens": 8}, ["output_tokens"]),
        ({"output_tokens": None}, ["output_tokens"]),
        ({"cache_creation_tokens": 0}, []),
        ({"cache_creation_tokens": 5}, ["cache_creation_tokens"]),
        ({"cost": "0.1", "reasoning_tokens": 3, "service_tier": "standard"}, []),  # that one way alone tells
        ({"model": "claude-opus-4-6"}, ["model"]),
        ({"model": None}, []),
    ],
)
def test_only_figures_that_both_tell_differ_and_counts_that_are_not_told_are_none(
    change: dict[str, Any], differ: list[str]
) -> None:
    assert [*differing(USED, {**USED, **change})] == differ


def test_a_cost_differs_where_both_tell_it() -> None:
    assert differing({**USED, "cost": "0.10"}, {**USED, "cost": "0.2"}) == {"cost": ["0.10", "0.2"]}


def line(number: int) -> dict[str, Any]:
    usage = {"input_tokens": 3, "output_tokens": 7, "cache_read_input_tokens": 100}
    message = {"id": f"m{number}", "model": "claude-sonnet-4-5", "stop_reason": "end_turn", "usage": usage}
    about = {"timestamp": "2026-05-01T10:00:00Z", "sessionId": "s", "requestId": f"r{number}"}
    return {"type": "assistant", **about, "message": message}


def test_what_is_far_apart_in_the_log_is_compared_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "BATCH", 3)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "home"))
    write(tmp_path / "home" / "projects" / "p" / "s.jsonl", map(line, range(1, 5)))
    with opened() as analytics:
        for number, output in ((1, 7), (2, 8), (3, 7), (4, 9)):
            call = {**USED, "output_tokens": output, "provider": "anthropic", "attributes": {"service.name": "x"}}
            about = {"source": "claude-code", "id": f"r{number}", "occurred_at": "2026-05-01T10:00:02Z"}
            analytics.record_event("provider.call.completed", call, **about).unwrap()
            analytics.record_events([tool_call() for _ in range(10)]).unwrap()

        report = Ledger(analytics, tmp_path, ("claude-code",)).read()

    assert report.skipped == {"there before": 2, "there before, with other figures": 2}
