"""What frameworks told of calls to the stand-in provider, as recorded: read as what the provider answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics_es.ingest.files import OTLP, rows
from tests.byte_search import holders
from tests.emitters import ANSWER, SECRET
from tests.frameworks import PERSON
from tests.stores import opened, recorded

RECORDED = sorted((Path(__file__).parents[2] / "data" / "otlp" / "frameworks").glob("*.jsonl"))
COUNTS = ("input_tokens", "cache_read_tokens", "cache_creation_tokens", "output_tokens", "reasoning_tokens")
# What the stand-in answers, as `tests.emitters` has it; the input of Anthropic's is there without what was cached.
OPENAI = ("openai", "gpt-4o-mini-2024-07-18", 20, 8, 0, 5, 2)
ANTHROPIC = ("anthropic", "claude-sonnet-4-5-20250929", 45, 30, 5, 4, 0)
FAILED = ("openai", "overloaded", 0, 0, 0, 0, 0)


def without(answer: tuple[Any, ...], *counts: str) -> tuple[Any, ...]:
    """Return an answer as an emitter tells it that leaves some counts out."""
    return tuple(0 if name in counts else value for name, value in zip(("", "", *COUNTS), answer, strict=True))


CALLS = {
    "langfuse": [OPENAI],
    "langsmith": [OPENAI, ANTHROPIC],
    "litellm": [OPENAI, ANTHROPIC],
    "logfire": [OPENAI, OPENAI, FAILED, ANTHROPIC],
    # A streamed answer is told without its thoughts; OpenLIT and Strands tell of none.
    "openllmetry": [OPENAI, without(OPENAI, "reasoning_tokens"), FAILED],
    "openlit": [*[without(OPENAI, "reasoning_tokens")] * 2, FAILED, ANTHROPIC],
    "pydantic-ai": [OPENAI, ANTHROPIC],
    "strands": [("openai", "gpt-4o-mini", *without(OPENAI, "reasoning_tokens")[2:])],
}
TELLS_NO_PROVIDER = {"langfuse", "strands"}
# By the prices that each brought along when it was recorded.
COSTS = {"litellm": [5.4e-06, 0.00011775], "pydantic-ai": [5.4e-06, 0.00011775]}
OTHERS = {
    "langfuse": ["tool.call.completed", "task.completed"],
    "langsmith": ["tool.call.completed"],
    "pydantic-ai": ["task.completed", "task.completed"],
    "strands": ["task.completed"],
}


def of(path: Path) -> str:
    return path.stem.rpartition("-")[0]


def events(path: Path) -> list[dict[str, Any]]:
    return [dict(row.event) for row in rows(path, format=OTLP) if row.event]


def calls(path: Path) -> list[dict[str, Any]]:
    return [event["data"] for event in events(path) if event["event_type"].startswith("provider.call.")]


def test_all_that_were_recorded_are_tested() -> None:
    assert sorted(map(of, RECORDED)) == sorted(CALLS)


@pytest.mark.parametrize("path", RECORDED, ids=of)
def test_calls_are_told_as_the_provider_answered_them(path: Path) -> None:
    told = [(call.get("provider"), call["model"], *(call.get(count) or 0 for count in COUNTS)) for call in calls(path)]
    nobody = of(path) in TELLS_NO_PROVIDER
    assert told == [(None, *answer[1:]) if nobody else answer for answer in CALLS[of(path)]]
    assert not any("analytics_es.contradiction" in call["attributes"] for call in calls(path))


@pytest.mark.parametrize("path", RECORDED, ids=of)
def test_what_was_asked_for_stays_an_attribute_where_it_is_told(path: Path) -> None:
    asked_for = {call["attributes"].get("gen_ai.request.model") for call in calls(path)}
    assert asked_for <= {None, "gpt-4o-mini", "openai/gpt-4o-mini", "claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"}


@pytest.mark.parametrize("path", RECORDED, ids=of)
def test_costs_are_those_that_the_framework_reckons(path: Path) -> None:
    assert [call.get("cost") for call in calls(path)] == COSTS.get(of(path), [None] * len(calls(path)))


def test_a_streamed_call_of_logfire_is_told_by_its_log_with_its_duration() -> None:
    path = next(path for path in RECORDED if of(path) == "logfire")
    assert calls(path)[1]["duration_ms"] == 1190.391534


@pytest.mark.parametrize("path", RECORDED, ids=of)
def test_all_else_is_a_step_of_work_or_ignored(path: Path) -> None:
    others = [event["event_type"] for event in events(path) if not event["event_type"].startswith("provider.")]
    assert others == OTHERS.get(of(path), [])


@pytest.mark.parametrize("recording", RECORDED, ids=of)
def test_nothing_that_was_said_and_nobody_is_stored(recording: Path, path: Path) -> None:
    with opened(path) as analytics:
        assert analytics.record_events(events(recording)).unwrap().recorded == len(events(recording))
        assert recorded(analytics)

    assert SECRET in recording.read_text()
    assert holders(path.parent, [SECRET, ANSWER, PERSON]) == {}
