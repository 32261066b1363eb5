"""The made-up platform: the same seed tells the same story, and every event of it could be real."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import islice
from time import process_time
from typing import Any

import pytest

from analytics_es.cli.demo_week import jobs_for, platform_events
from analytics_es.errors import NaiveTime

MONDAY = datetime(2025, 3, 3, tzinfo=UTC)
SLACK = timedelta(hours=6)

TYPES = {
    *("budget.allocated", "budget.spent"),
    *("conversation.started", "conversation.message.added", "conversation.ended"),
    *("job.started", "job.completed", "job.failed", "job.cancelled"),
    *("task.started", "task.completed", "task.failed"),
    *("tool.call.completed", "tool.call.failed"),
    *("provider.call.completed", "provider.call.failed"),
}
STATUSES = {"completed": "ok", "ended": "ok", "failed": "error", "cancelled": "cancelled"}

TEXTS = {
    *("user_id", "tenant_id", "conversation_id", "job_id", "task_id", "agent_id", "budget_id"),
    *("status", "error_type", "provider", "model", "operation", "tool", "job_type", "task_type", "currency"),
}
COUNTS = {
    *("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens", "messages"),
}
DURATIONS = {"duration_ms", "time_to_first_chunk_ms"}
MONEY = {"cost", "amount"}
WHO = {"user_id", "tenant_id", "conversation_id", "agent_id"}
REQUIRED = {
    "budget": {"tenant_id", "budget_id", "amount", "currency"},
    "conversation": WHO | {"attributes"},
    "job": WHO | {"job_id", "job_type"},
    "task": WHO | {"job_id", "task_id", "task_type"},
    "tool": WHO | {"job_id", "task_id", "tool"},
    "provider": WHO | {"job_id", "task_id", "provider", "model", "operation", "input_tokens", "output_tokens"},
}


@pytest.fixture(scope="module")
def week() -> list[dict[str, Any]]:
    return list(platform_events(start=MONDAY))


def problems(event: dict[str, Any]) -> list[str]:
    """Say what is wrong with an event: nothing, if it is well formed."""
    if set(event) != {"event_type", "data", "occurred_at", "id", "source"}:
        return ["keys"]
    kind, data = event["event_type"], event["data"]
    family, verb = kind.split(".")[0], kind.split(".")[-1]
    tokens = defaultdict(int, {name: value for name, value in data.items() if name in COUNTS})
    rules = {
        "type": kind in TYPES,
        "source": event["source"] == "demo",
        "id": re.fullmatch(r"\S{1,24}", event["id"]) is not None,
        "time": event["occurred_at"].tzinfo is UTC,
        "required": data.keys() >= REQUIRED[family],
        "status": data.get("status") == STATUSES.get(verb),
        "error_type": ("error_type" in data) == (verb == "failed"),
        "duration": ("duration_ms" in data) == (verb in STATUSES),
        "first chunk": data.get("time_to_first_chunk_ms", 0) <= data.get("duration_ms", 0),
        "cached": tokens["cache_read_tokens"] + tokens["cache_creation_tokens"] <= tokens["input_tokens"],
        "reasoning": tokens["reasoning_tokens"] <= tokens["output_tokens"],
        "currency": ("currency" in data) == bool(MONEY & data.keys()),
        "one euro tenant": data.get("currency") in (None, "EUR" if data["tenant_id"] == "elm" else "USD"),
    }
    return [rule for rule, kept in rules.items() if not kept] + [
        f"{name}={value!r}" for name, value in data.items() if not is_valid(name, value)
    ]


def is_valid(name: str, value: Any) -> bool:
    if name in TEXTS:
        return type(value) is str and value != ""
    if name in COUNTS:
        return type(value) is int and value >= 0
    if name in DURATIONS:
        return type(value) in (int, float) and math.isfinite(value) and value >= 0 and round(value, 3) == value
    if name in MONEY:
        return type(value) is Decimal and value >= 0 and round(value, 9) == value
    return name == "attributes" and all(type(value[key]) in (str, int, float, bool) for key in value)


def times(events: list[dict[str, Any]]) -> list[datetime]:
    return [event["occurred_at"] for event in events]


def totals(events: list[dict[str, Any]], kind: str, field: str) -> dict[str, Decimal]:
    """Add up the money of one type of event by tenant."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for event in events:
        if event["event_type"].startswith(kind):
            sums[event["data"]["tenant_id"]] += event["data"].get(field, 0)
    return sums


def test_the_same_seed_tells_the_same_story(week: list[dict[str, Any]]) -> None:
    assert week == list(platform_events(start=MONDAY, seed=1))


def test_another_seed_tells_another_story(week: list[dict[str, Any]]) -> None:
    other = list(platform_events(start=MONDAY, seed=2))

    assert not {event["id"] for event in week} & {event["id"] for event in other}
    assert times(week[:1_000]) != times(other[:1_000])


def test_every_event_is_well_formed(week: list[dict[str, Any]]) -> None:
    malformed = [(event, wrong) for event in week if (wrong := problems(event))]

    assert not malformed


def test_every_type_occurs_and_every_id_is_unique(week: list[dict[str, Any]]) -> None:
    assert {event["event_type"] for event in week} == TYPES
    assert len(week) == len({event["id"] for event in week})


def test_events_come_in_the_order_of_time_within_the_days_asked_for(week: list[dict[str, Any]]) -> None:
    assert times(week) == sorted(times(week))
    assert week[0]["occurred_at"] == MONDAY
    assert MONDAY + timedelta(days=6) < week[-1]["occurred_at"] < MONDAY + timedelta(days=7) + SLACK


def test_all_jobs_are_told_and_whatever_starts_comes_to_its_end(week: list[dict[str, Any]]) -> None:
    count = Counter(event["event_type"] for event in week)

    assert count["job.started"] == 600
    assert count["job.started"] == count["job.completed"] + count["job.failed"] + count["job.cancelled"]
    assert count["task.started"] == count["task.completed"] + count["task.failed"]
    assert count["conversation.started"] == count["conversation.ended"]


def test_budgets_are_spent_to_the_billionth_on_what_calls_cost(week: list[dict[str, Any]]) -> None:
    assert totals(week, "provider.", "cost") == totals(week, "budget.spent", "amount")
    assert totals(week, "budget.allocated", "amount").keys() == totals(week, "budget.spent", "amount").keys()


def test_calls_of_the_own_model_never_say_what_they_cost(week: list[dict[str, Any]]) -> None:
    calls = [event["data"] for event in week if event["event_type"].startswith("provider.")]

    assert {call["provider"] for call in calls if "cost" not in call} == {"selfhosted"}
    assert not any("cost" in call for call in calls if call["provider"] == "selfhosted")


def test_tokens_are_as_large_as_in_the_trace_they_are_taken_from() -> None:
    events = platform_events(start=MONDAY, jobs=1_000)
    tokens = sorted(e["data"]["input_tokens"] for e in events if e["event_type"] == "provider.call.completed")

    assert tokens[len(tokens) // 2] == pytest.approx(1_469, rel=0.05)
    assert tokens[len(tokens) * 9 // 10] == pytest.approx(5_194, rel=0.07)


def test_nights_and_weekends_are_quieter() -> None:
    begun = [e["occurred_at"] for e in platform_events(start=MONDAY, jobs=1_500) if e["event_type"] == "job.started"]
    hours, days = Counter(time.hour // 6 for time in begun), Counter(time.weekday() for time in begun)

    assert hours[2] > 1.3 * hours[0]
    assert min(days[day] for day in range(5)) > 1.5 * max(days[5], days[6])


@pytest.mark.parametrize("share", [0.02, 0.2])
def test_as_many_are_delivered_twice_as_asked_for(week: list[dict[str, Any]], share: float) -> None:
    events = list(platform_events(start=MONDAY, duplicates=share))
    once = {event["id"]: event for event in events}

    assert len(events) - len(week) == pytest.approx(share * len(week), rel=0.15)
    assert week == list(once.values())
    assert all(event == once[event["id"]] for event in events)


@pytest.mark.parametrize("share", [0.02, 0.2])
def test_as_many_are_delivered_late_as_asked_for(week: list[dict[str, Any]], share: float) -> None:
    events, newest, overtaken = list(platform_events(start=MONDAY, late=share)), MONDAY, 0
    for event in events:
        overtaken += event["occurred_at"] < newest
        newest = max(newest, event["occurred_at"])

    assert 0.5 * share < overtaken / len(events) <= 1.15 * share
    assert {event["id"]: event for event in week} == {event["id"]: event for event in events}


def test_the_number_of_jobs_for_a_number_of_events_is_right_within_5_percent() -> None:
    told = sum(1 for _ in platform_events(start=MONDAY, jobs=jobs_for(60_000)))

    assert told == pytest.approx(60_000, rel=0.05)
    assert jobs_for(0) == 1


def test_a_huge_stretch_starts_at_once() -> None:
    begun = process_time()
    events = list(islice(platform_events(start=MONDAY, jobs=10_000_000, duplicates=0.01, late=0.01), 2_000))

    assert len(events) == 2_000
    assert process_time() - begun < 10  # all of it would take minutes


@pytest.mark.parametrize("jobs", [0, 1])
@pytest.mark.parametrize("days", [0.01, 1])
def test_small_stretches_are_told_too(jobs: int, days: float) -> None:
    events = list(platform_events(start=MONDAY, jobs=jobs, days=days))

    assert jobs == sum(event["event_type"] == "job.started" for event in events)
    assert all(time < MONDAY + timedelta(days=days) + SLACK for time in times(events))


def test_any_time_zone_will_do_but_none_will_not() -> None:
    tokyo = MONDAY.astimezone(timezone(timedelta(hours=9)))

    assert list(platform_events(start=MONDAY, jobs=5)) == list(platform_events(start=tokyo, jobs=5))
    with pytest.raises(NaiveTime):
        next(platform_events(start=MONDAY.replace(tzinfo=None)))
