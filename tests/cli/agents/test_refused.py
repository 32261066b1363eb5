"""Events that the log refuses are counted, all of them, and the first is told."""

from __future__ import annotations

from collections import Counter

from analytics_es.cli.tables.agents_read import reading
from analytics_es.ingest.sessions.report import REFUSED, TOLD, AgentReport
from analytics_es.presentation import Line
from analytics_es.types import Refusal


def test_more_are_counted_than_are_told_of() -> None:
    refusals = [Refusal(index=number, code="bad_field", message="input_tokens is wrong") for number in range(TOLD)]
    skipped = Counter({f"{REFUSED}: bad_field": 2_000, f"{REFUSED}: bad_text": 5, "no time": 7})
    report = AgentReport(agent="codex", homes=["/h"], files=1, skipped=skipped, refusals=refusals)

    lines = [block.text for block in reading([report], str.title) if isinstance(block, Line)]

    assert lines == ["Codex: refused: 2,005 events, the first: input_tokens is wrong", ""]
